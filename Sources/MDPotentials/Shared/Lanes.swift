import CLanes

/// Four atoms or four pairs abreast, one a lane.
typealias Lanes = SIMD4<Double>

/// a/b as one instruction.
@inline(__always)
func quotient(_ a: Lanes, _ b: Lanes) -> Lanes { clanes_divide(a, b) }

@inline(__always)
func reciprocal(_ x: Lanes) -> Lanes { clanes_divide(Lanes(repeating: 1), x) }
