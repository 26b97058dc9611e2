import Foundation
import MDCore
import MDIO

/// Small Codable values from rank 0 to all.
enum Broadcast {
  /// Collective; what other ranks give is not looked at.
  static func value<T: Codable>(_ value: T?, _ communicator: any Communicator) throws -> T? {
    let bytes = try communicator.fromRoot {
      try value.map { [UInt8](try JSONEncoder.ofAnyNumber.encode([$0])) } ?? []
    }
    return bytes.isEmpty ? nil : try JSONDecoder.ofAnyNumber.decode([T].self, from: Data(bytes))[0]
  }
}
