import MDCore

/// One rank without threads, for loops of many repeats.
final class SoloCommunicator: Communicator {
  let rank = 0
  let size = 1

  func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int, into receive: UnsafeMutableRawBufferPointer, from source: Int,
    tag: Int
  ) -> Int {
    receive.copyMemory(from: send)
    return send.count
  }
  func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {}
  func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int { 0 }
  func isWaiting(from source: Int, tag: Int) -> Bool { false }
  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {}
  func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {}
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
  func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) { all.copyMemory(from: mine) }
  func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    receive.copyMemory(from: send)
  }
  func barrier() {}
  func split(color: Int?, key: Int) -> (any Communicator)? { color == nil ? nil : self }
  func abort(_ code: Int32) -> Never { fatalError("\(code)") }
}
