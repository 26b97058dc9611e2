/// A high-dimensional neural network potential (Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007)) as its files
/// describe it, in Å and eV whatever the units of the files:
///
/// E = Σᵢ Eᵢ, Eᵢ = offset + network(x), xₖ = (Gₖ − shiftₖ)·factorₖ + offsetₖ
///
/// with the symmetry functions G of atom i, its element's network and scaling.
public struct HDNNPModel: Sendable {
  /// In order of atomic number, which is the order of the element indices everywhere below.
  public var elements: [HDNNPElement]
  /// What a potential of the third or fourth generation has besides; nil in the second.
  public var electrostatics: HDNNPElectrostatics?

  public init(elements: [HDNNPElement], electrostatics: HDNNPElectrostatics? = nil) {
    self.elements = elements
    self.electrostatics = electrostatics
  }

  /// The longest cutoff of all functions, Å.
  public var cutoff: Double { elements.flatMap(\.functions).map(\.cutoff).max() ?? 0 }

  /// The model with the functions that charges or electronegativities have of their own after those of the energies.
  package var withAllFunctions: HDNNPModel {
    var all = self
    for (index, charges) in (electrostatics?.elements ?? []).enumerated() {
      all.elements[index].functions += charges.functions
      all.elements[index].scaling += charges.scaling
    }
    return all
  }
}

/// The electrostatics of a potential with charges.
/// - Generation 4 (Ko et al., Nat. Commun. 12, 398 (2021)): charges of Gaussian shape that minimise ½ qᵀ(K + J)q + χᵀq
///   under Σq = Q, with K their Coulomb interaction, J the elements' hardness and χ from networks; see
///   `ChargedHDNNPPotential`.
/// - Generation 3 (Artrith, Morawietz, Behler, Phys. Rev. B 83, 153101 (2011)): point charges straight from networks;
///   see `ChargeNetworkPotential`.
public struct HDNNPElectrostatics: Sendable {
  public enum Charges: Sendable, Hashable {
    /// Generation 4.
    case equilibrated
    /// Generation 3: shifted, all by the same, to the total that is wanted,
    case shifted
    /// or scaled to it, by one factor for the positive and one for the negative ones (`enforce_totcharge 1`).
    case scaled
  }
  public var charges: Charges
  /// One an element, in the order of `HDNNPModel.elements`.
  public var elements: [Element]
  /// e²/4πε as the potential has it, over `Units.coulomb`.
  public var coulombFactor: Double
  /// The energy leaves out what is closer; the charges do not. nil: only each charge's energy with itself is left out.
  public var screening: ScreeningFunction?

  public struct Element: Sendable {
    /// χ, eV/e, or in generation 3 the charge, e, of the scaled functions.
    public var electronegativity: FeedForwardNetwork
    /// Its functions; none if it reads those of the energy.
    public var functions: [SymmetryFunction] = []
    public var scaling: [FunctionScaling] = []
    /// Range of the charges in training, e.
    public var range: ClosedRange<Double>?
    /// J, eV/e²; 0 in generation 3.
    public var hardness: Double
    /// σ of the charge e^(−r²/2σ²), Å; 0 in generation 3.
    public var width: Double

    public init(electronegativity: FeedForwardNetwork, hardness: Double = 0, width: Double = 0) {
      self.electronegativity = electronegativity
      self.hardness = hardness
      self.width = width
    }
  }

  public init(
    _ charges: Charges = .equilibrated, elements: [Element], coulombFactor: Double = 1,
    screening: ScreeningFunction? = nil
  ) {
    self.charges = charges
    self.elements = elements
    self.coulombFactor = coulombFactor
    self.screening = screening
  }
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
  /// Inputs: the scaled functions, and in the fourth generation after them the charge (e) as it is; output: eV.
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
