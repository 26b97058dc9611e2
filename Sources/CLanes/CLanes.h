// Division of four numbers as one instruction. Swift's SIMD `/` divides lane by lane, and in large functions the optimiser
// does not put all of them together again.
#ifndef FAULTLINE_CLANES_H
#define FAULTLINE_CLANES_H

typedef double clanes_double4 __attribute__((ext_vector_type(4)));

static inline __attribute__((always_inline)) clanes_double4 clanes_divide(clanes_double4 a, clanes_double4 b) {
  return a / b;
}

#endif
