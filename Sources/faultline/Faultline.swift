import ArgumentParser

@main
struct Faultline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faultline", abstract: "Distributed molecular dynamics.")
}
