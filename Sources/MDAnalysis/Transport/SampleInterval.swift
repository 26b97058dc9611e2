/// How far apart samples of a time correlation are, which is the same all along: where one comes early or late, as where
/// stages meet, windows begin anew.
struct SampleInterval {
  enum Look { case first, regular, irregular }

  /// ps; nil before the second sample.
  var interval: Double?
  var lastTime: Double?

  mutating func take(at time: Double) -> Look {
    defer { lastTime = time }
    guard let lastTime else { return .first }
    let passed = time - lastTime
    guard let interval else {
      if passed > 0 { interval = passed }
      return .regular
    }
    return abs(passed - interval) > 1e-6 * interval ? .irregular : .regular
  }
}
