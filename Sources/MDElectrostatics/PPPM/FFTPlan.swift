import CFFTW
import Foundation
import MDCore

/// How FFTW chooses its algorithm.
package enum FFTPlanning: Sendable {
  /// By FFTW's own reckoning: the same choice, and so the same bits, in each run.
  case estimated
  /// By timing: up to a third faster transforms, but the last bits of results may differ from run to run. What was
  /// found is kept for all later plans of the process.
  case measured

  fileprivate var flags: UInt32 { self == .estimated ? FFTW_ESTIMATE : FFTW_MEASURE }
}

/// One dimension of a transform or of a loop over transforms: length and strides (in elements of either side).
struct FFTDimension {
  var count: Int
  var input: Int
  var output: Int

  fileprivate var plain: fftw_iodim64 { fftw_iodim64(n: count, is: input, os: output) }
  fileprivate var reversed: fftw_iodim64 { fftw_iodim64(n: count, is: output, os: input) }
}

/// FFTW's planner is not made for several threads; ranks may be threads.
private let planner = NSLock()

/// A pair of plans for one multidimensional transform, forward and back, without normalisation. Complex numbers are
/// pairs of doubles.
final class FFTPlan {
  private let forwardPlan: fftw_plan
  private let backwardPlan: fftw_plan

  /// Real to complex and back; the last dimension is halved, strides of the spectrum count complex numbers.
  /// Going back destroys the spectrum.
  init(
    real: UnsafeMutablePointer<Double>, spectrum: UnsafeMutablePointer<Double>, _ dimensions: [FFTDimension],
    loops: [FFTDimension], planning: FFTPlanning
  ) {
    let complex = Self.complex(spectrum)
    let (d, l) = (dimensions.map(\.plain), loops.map(\.plain))
    let (e, m) = (dimensions.map(\.reversed), loops.map(\.reversed))
    (forwardPlan, backwardPlan) = planner.withLock {
      (
        Self.check(
          fftw_plan_guru64_dft_r2c(Int32(d.count), d, Int32(l.count), l, real, complex, planning.flags)),
        Self.check(
          fftw_plan_guru64_dft_c2r(Int32(e.count), e, Int32(m.count), m, complex, real, planning.flags))
      )
    }
  }

  /// Complex to complex in place.
  init(
    inPlace data: UnsafeMutablePointer<Double>, _ dimensions: [FFTDimension], loops: [FFTDimension],
    planning: FFTPlanning
  ) {
    let complex = Self.complex(data)
    let (d, l) = (dimensions.map(\.plain), loops.map(\.plain))
    func make(_ sign: Int32) -> fftw_plan {
      Self.check(
        fftw_plan_guru64_dft(Int32(d.count), d, Int32(l.count), l, complex, complex, sign, planning.flags))
    }
    (forwardPlan, backwardPlan) = planner.withLock { (make(FFTW_FORWARD), make(FFTW_BACKWARD)) }
  }

  private static func complex(_ p: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<fftw_complex> {
    UnsafeMutableRawPointer(p).assumingMemoryBound(to: fftw_complex.self)
  }

  private static func check(_ plan: fftw_plan?) -> fftw_plan {
    guard let plan else { preconditionFailure("FFTW has no plan for this transform") }
    return plan
  }

  deinit {
    planner.withLock {
      fftw_destroy_plan(forwardPlan)
      fftw_destroy_plan(backwardPlan)
    }
  }

  func forward() { fftw_execute(forwardPlan) }
  func backward() { fftw_execute(backwardPlan) }
}
