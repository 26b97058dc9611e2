/// Four atoms or four pairs abreast, one a lane.
typealias Lanes = SIMD4<Double>
