// Operations on four or eight doubles that Swift's SIMD4 and SIMD8 have only lane by lane, so that it is left to the
// optimiser whether they become one instruction again. Compiler builtins, for any processor.
#ifndef CLANES_H
#define CLANES_H

// Four doubles: one register of AVX2.
typedef double clanes __attribute__((ext_vector_type(4)));
// Eight doubles: one register of AVX-512, or two of AVX2.
typedef double clanes8 __attribute__((ext_vector_type(8)));

// As many doubles as one register holds: how many atoms kernels take abreast. Decided here because C knows what -march
// means and Swift does not. FAULTLINE_LANES=4 or 8 in the environment of `swift build` (-DFAULTLINE_LANES with CMake)
// overrides it, for tests.
#ifndef FAULTLINE_LANES
#ifdef __AVX512F__
#define FAULTLINE_LANES 8
#else
#define FAULTLINE_LANES 4
#endif
#endif
#if FAULTLINE_LANES != 4 && FAULTLINE_LANES != 8
#error "FAULTLINE_LANES must be 4 or 8"
#endif
typedef double clanes_of_atoms __attribute__((ext_vector_type(FAULTLINE_LANES)));
typedef int clanes_of_indices __attribute__((ext_vector_type(FAULTLINE_LANES)));
// Twice as many singles: one register, too.
typedef float clanes_of_singles __attribute__((ext_vector_type(2 * FAULTLINE_LANES)));
typedef float clanes_of_half_singles __attribute__((ext_vector_type(FAULTLINE_LANES)));

#define CLANES static inline __attribute__((always_inline))

/// a·b + c, rounded once.
CLANES clanes lanes_fma(clanes a, clanes b, clanes c) { return __builtin_elementwise_fma(a, b, c); }

/// c − a·b, rounded once.
CLANES clanes lanes_fnma(clanes a, clanes b, clanes c) { return __builtin_elementwise_fma(-a, b, c); }

CLANES clanes lanes_sqrt(clanes a) { return __builtin_elementwise_sqrt(a); }

CLANES clanes lanes_max(clanes a, clanes b) { return __builtin_elementwise_max(a, b); }

CLANES clanes lanes_min(clanes a, clanes b) { return __builtin_elementwise_min(a, b); }

/// 1 if any lane of a equals that of b, else 0.
CLANES long lanes_any_equal(clanes a, clanes b) { return __builtin_reduce_or(a == b) != 0; }

/// One bit a lane, the first lowest: whether it is negative.
CLANES unsigned lanes_negative_bits(clanes a) {
  typedef _Bool flags __attribute__((ext_vector_type(4)));
  flags negative = __builtin_convertvector(a < 0.0, flags);
  return (unsigned)__builtin_bit_cast(unsigned char, negative) & 15u;
}

/// a[0] b[0] a[2] b[2], a[1] b[1] a[3] b[3], and the halves of two: of these a transposition of four by four is made.
CLANES clanes lanes_interleave_even(clanes a, clanes b) { return __builtin_shufflevector(a, b, 0, 4, 2, 6); }
CLANES clanes lanes_interleave_odd(clanes a, clanes b) { return __builtin_shufflevector(a, b, 1, 5, 3, 7); }
CLANES clanes lanes_low_halves(clanes a, clanes b) { return __builtin_shufflevector(a, b, 0, 1, 4, 5); }
CLANES clanes lanes_high_halves(clanes a, clanes b) { return __builtin_shufflevector(a, b, 2, 3, 6, 7); }

CLANES double lanes_sum(clanes a) {
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1);
  return a[0] + a[1];
}

/// a/b as one instruction: Swift's SIMD4 divides lane by lane, and in large functions the optimiser does not put all of
/// them together again.
CLANES clanes clanes_divide(clanes a, clanes b) {
  return a / b;
}

CLANES clanes8 lanes8_fma(clanes8 a, clanes8 b, clanes8 c) { return __builtin_elementwise_fma(a, b, c); }
CLANES clanes8 lanes8_fnma(clanes8 a, clanes8 b, clanes8 c) { return __builtin_elementwise_fma(-a, b, c); }
CLANES clanes8 lanes8_sqrt(clanes8 a) { return __builtin_elementwise_sqrt(a); }
CLANES clanes8 lanes8_divide(clanes8 a, clanes8 b) { return a / b; }

/// Of these a transposition of eight by eight is made: neighbours, pairs of neighbours, halves.
CLANES clanes8 lanes8_interleave_even(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
}
CLANES clanes8 lanes8_interleave_odd(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
}
CLANES clanes8 lanes8_even_pairs(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
}
CLANES clanes8 lanes8_odd_pairs(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}
CLANES clanes8 lanes8_low_halves(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
}
CLANES clanes8 lanes8_high_halves(clanes8 a, clanes8 b) {
  return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}

CLANES double lanes8_sum(clanes8 a) {
  return lanes_sum(__builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7));
}

CLANES clanes_of_singles singles_fma(clanes_of_singles a, clanes_of_singles b, clanes_of_singles c) {
  return __builtin_elementwise_fma(a, b, c);
}
CLANES clanes_of_singles singles_fnma(clanes_of_singles a, clanes_of_singles b, clanes_of_singles c) {
  return __builtin_elementwise_fma(-a, b, c);
}
CLANES clanes_of_singles singles_sqrt(clanes_of_singles a) { return __builtin_elementwise_sqrt(a); }
CLANES clanes_of_singles singles_divide(clanes_of_singles a, clanes_of_singles b) { return a / b; }

/// Doubles rounded to the halves of a register of singles, and back.
CLANES clanes_of_singles singles_of_halves(clanes_of_atoms low, clanes_of_atoms high) {
  clanes_of_singles both;
  both.lo = __builtin_convertvector(low, clanes_of_half_singles);
  both.hi = __builtin_convertvector(high, clanes_of_half_singles);
  return both;
}
CLANES clanes_of_atoms singles_low_half(clanes_of_singles a) { return __builtin_convertvector(a.lo, clanes_of_atoms); }
CLANES clanes_of_atoms singles_high_half(clanes_of_singles a) { return __builtin_convertvector(a.hi, clanes_of_atoms); }

#endif
