/// Tables of numbers as runs write them.
public enum CSVTable {
  /// Names of columns without their units: "temperature [K]" is "temperature".
  public static func names(_ text: String) -> [String] {
    text.prefix { $0 != "\n" }.split(separator: ",").map { heading in
      heading.firstRange(of: " [").map { String(heading[..<$0.lowerBound]) } ?? String(heading)
    }
  }

  /// Rows by these names.
  public static func rows(_ text: String) -> [[String: Double]] {
    let names = names(text)
    return text.split(separator: "\n").dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(names, line.split(separator: ",").map { Double($0) ?? .nan }))
    }
  }
}
