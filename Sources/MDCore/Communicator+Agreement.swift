extension Communicator {
  /// Runs `body` on every rank; if it fails on any, every rank throws the same error: that of the lowest rank that
  /// failed. Collective, so for set-up and output, not for the inside of a step.
  package func agree<T>(_ body: () throws -> T) throws -> T {
    var result: T?
    var failure: FaultlineError?
    do {
      result = try body()
    } catch let error as FaultlineError {
      failure = error
    } catch {
      failure = FaultlineError(.run, "\(error)")
    }
    let first = minimum(failure == nil ? size : rank)
    if first == size { return result! }
    var packed: [UInt8] = []
    if rank == first, let failure {
      packed = [failure.kind == .input ? 0 : 1, failure.isCollective ? 1 : 0] + Array(failure.description.utf8)
    }
    packed = broadcast(packed, from: first)
    let kind: FaultlineError.Kind = packed[0] == 0 ? .input : .run
    let text = String(decoding: packed.dropFirst(2), as: UTF8.self)
    throw FaultlineError(kind, text, isCollective: true)
  }

  /// A value that rank 0 alone computes, as bytes, on every rank.
  package func fromRoot(_ body: () throws -> [UInt8]) throws -> [UInt8] {
    let bytes = try agree { isRoot ? try body() : [] }
    return broadcast(bytes, from: 0)
  }
}

extension Communicator {
  /// The smallest of the ranks' numbers, nil if no rank has one.
  package func lowest(_ value: Int64?) -> Int64? {
    let least = minimum(value.map { Int($0) } ?? .max)
    return least == .max ? nil : Int64(least)
  }
}
