/// Four atoms or four pairs abreast: one 256-bit register.
typealias Lanes = SIMD4<Double>
