/// A high-dimensional neural network potential (Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007)) as its files
/// describe it, in Å and eV whatever the units of the files:
///
/// E = Σᵢ Eᵢ, Eᵢ = offset + network(x), xₖ = (Gₖ − shiftₖ)·factorₖ + offsetₖ
///
/// with the symmetry functions G of atom i, its element's network and scaling.
public struct HDNNPModel: Sendable {
  /// In order of atomic number, which is the order of the element indices everywhere below.
  public var elements: [HDNNPElement]

  public init(elements: [HDNNPElement]) {
    self.elements = elements
  }

  /// The longest cutoff of all functions, Å.
  public var cutoff: Double { elements.flatMap(\.functions).map(\.cutoff).max() ?? 0 }
}

/// What the model says about atoms of one element.
public struct HDNNPElement: Sendable {
  public var symbol: String
  public var atomicNumber: Int
  /// Energy of the atom besides the network's, eV: `atom_energy` and `mean_energy`.
  public var offset: Double
  /// In the order of scaling.data and of the network's inputs.
  public var functions: [SymmetryFunction]
  /// One a function.
  public var scaling: [FunctionScaling]
  /// Inputs: the scaled functions (and after them whatever a later generation adds, such as the charge); output: eV.
  public var network: FeedForwardNetwork

  public init(
    symbol: String, atomicNumber: Int, offset: Double, functions: [SymmetryFunction], scaling: [FunctionScaling],
    network: FeedForwardNetwork
  ) {
    self.symbol = symbol
    self.atomicNumber = atomicNumber
    self.offset = offset
    self.functions = functions
    self.scaling = scaling
    self.network = network
  }
}

/// How a symmetry function becomes an input, x = (G − shift)·factor + offset, and the range of G in training.
public struct FunctionScaling: Sendable, Hashable {
  public var shift: Double
  public var factor: Double
  public var offset: Double
  /// Of the unscaled G over the training set; ±∞ where the files do not say.
  public var minimum: Double
  public var maximum: Double

  public init(
    shift: Double = 0, factor: Double = 1, offset: Double = 0, minimum: Double = -.infinity,
    maximum: Double = .infinity
  ) {
    self.shift = shift
    self.factor = factor
    self.offset = offset
    self.minimum = minimum
    self.maximum = maximum
  }

  public static let none = FunctionScaling()
}
