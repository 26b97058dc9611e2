/// A place in an input file, counted from 1.
public struct SourceLocation: Equatable, Sendable, CustomStringConvertible {
  public var file: String
  public var line: Int?
  public var column: Int?

  public init(file: String, line: Int? = nil, column: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String {
    [file, line.map(String.init), column.map(String.init)].compactMap { $0 }.joined(separator: ":")
  }
}

/// Everything that can go wrong for a reason the user should read.
public struct FaultlineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Whose fault it is; the program's exit code follows from it.
  public enum Kind: Sendable, Equatable {
    /// The deck or a file it names; found before the first step. Exit code 65.
    case input
    /// Trouble during a run: NaN, lost atom, full disk. Exit code 70.
    case run
  }

  public var kind: Kind
  /// What is wrong, in one sentence without a full stop.
  public var message: String
  /// What is allowed, or what to try.
  public var hint: String?
  /// Where, if it stands in a file.
  public var location: SourceLocation?
  /// True when every rank throws this same error; false when only this rank met it.
  public var isCollective: Bool

  /// `isCollective` is for errors that every rank throws alike, from the same data; without it the rank that met the
  /// error names itself and ends the others.
  public init(
    _ kind: Kind, _ message: String, hint: String? = nil, at location: SourceLocation? = nil,
    isCollective: Bool = false
  ) {
    self.kind = kind
    self.message = message
    self.hint = hint
    self.location = location
    self.isCollective = isCollective
  }

  /// `file:line:column: message; hint`.
  public var description: String {
    (location.map { "\($0): " } ?? "") + message + (hint.map { "; \($0)" } ?? "")
  }
}
