import Foundation

/// A work to cite, and what of a run asks for it.
package struct Citation: Sendable {
  /// What a run has used.
  package enum Use: Sendable, Equatable {
    /// A family of potentials, as run.json names it.
    case potential(String)
    /// A name or key anywhere in the deck; with a value, one that begins so.
    case key(String, is: String? = nil)
    /// Part of the name of one of the potentials' files.
    case file(String)
  }

  package var key: String
  /// `article` or `book`.
  package var kind = "article"
  package var authors: String
  package var title: String
  package var journal: String
  package var volume = ""
  package var pages = ""
  package var year: Int
  package var doi = ""
  /// What it is cited for, in words.
  package var why: String
  package var uses: [Use]

  /// As BibTeX, in letters that any version of it reads.
  package var bibtex: String {
    let rows = [
      ("author", authors), ("title", "{\(title)}"), (kind == "book" ? "publisher" : "journal", journal), ("volume", volume), ("pages", pages),
      ("year", "\(year)"), ("doi", doi),
    ].filter { !$0.1.isEmpty }
    return "@\(kind){\(key),\n" + rows.map { "  \($0.0) = {\($0.1)}" }.joined(separator: ",\n") + "\n}\n"
  }

  /// "Thompson et al. 2015".
  package var short: String {
    let names = authors.components(separatedBy: " and ").map { String($0.prefix { $0 != "," }) }
    let plain = names.map(Self.plain)
    return (plain.count > 2 ? "\(plain[0]) et al." : plain.joined(separator: " and ")) + " \(year)"
  }

  private static func plain(_ name: String) -> String {
    [("{\\'a}", "á"), ("{\\'e}", "é"), ("{\\\"o}", "ö"), ("{\\o}", "ø")].reduce(name) { $0.replacing($1.0, with: $1.1) }
  }

  /// The program itself (CITATION.cff).
  package static func program(version: String?) -> String {
    "@software{faultline,\n  author = {{The Faultline developers}},\n  title = {{Faultline: distributed molecular dynamics in Swift}}"
      + (version.map { ",\n  version = {\($0)}" } ?? "") + "\n}\n"
  }
}

extension Citation {
  /// Works of what this run has used, in the order of the table.
  static func used(by folder: RunFolder) -> [Citation] {
    let potentials = Set(folder.run["potentials"].list.compactMap(\.text).map { String($0.prefix { $0 != " " && $0 != ":" }) })
    let deck = folder.deck.flatMap { DeckValues($0.text, settings: folder.run["settings"].list.compactMap(\.text)) }
    let places = (deck?.texts ?? [:]).map { (steps: Set($0.key.split(separator: ".").map(String.init)), last: $0.key, value: $0.value) }
    // Names alone may be items of a list, too.
    func has(_ name: String, _ value: String?) -> Bool {
      places.contains { place in
        if let value { return place.last.hasSuffix(".\(name)") && place.value.hasPrefix(value) }
        return place.steps.contains(name) || place.value == name
      }
    }
    return all.filter { citation in
      citation.uses.contains { use in
        switch use {
        case .potential(let name): potentials.contains(name)
        case .key(let name, let value): has(name, value)
        case .file(let part): places.contains { $0.steps.contains("potential") && $0.value.contains(part) }
        }
      }
    }
  }

  package static let all: [Citation] = potentials + longRange + dynamics + analysis + crystals

  private static let potentials: [Citation] = [
    Citation(
      key: "thompson2015", authors: "Thompson, A. P. and Swiler, L. P. and Trott, C. R. and Foiles, S. M. and Tucker, G. J.",
      title: "Spectral neighbor analysis method for automated generation of quantum-accurate interatomic potentials",
      journal: "J. Comput. Phys.", volume: "285", pages: "316--330", year: 2015, doi: "10.1016/j.jcp.2014.12.018", why: "SNAP", uses: [.potential("snap")]),
    Citation(
      key: "zuo2020",
      authors: "Zuo, Y. and Chen, C. and Li, X. and Deng, Z. and Chen, Y. and Behler, J. and Cs{\\'a}nyi, G. and Shapeev, A. V. and Thompson, A. P. and Wood, M. A. and Ong, S. P.",
      title: "Performance and cost assessment of machine learning interatomic potentials", journal: "J. Phys. Chem. A", volume: "124",
      pages: "731--745", year: 2020, doi: "10.1021/acs.jpca.9b08723", why: "this potential's file", uses: [.file("Zuo_JPCA2020")]),
    Citation(
      key: "behler2007", authors: "Behler, J. and Parrinello, M.",
      title: "Generalized neural-network representation of high-dimensional potential-energy surfaces", journal: "Phys. Rev. Lett.", volume: "98",
      pages: "146401", year: 2007, doi: "10.1103/PhysRevLett.98.146401", why: "HDNNP", uses: [.potential("hdnnp")]),
    Citation(
      key: "shapeev2016", authors: "Shapeev, A. V.", title: "Moment tensor potentials: a class of systematically improvable interatomic potentials",
      journal: "Multiscale Model. Simul.", volume: "14", pages: "1153--1173", year: 2016, doi: "10.1137/15M1054183", why: "MTP", uses: [.potential("mtp")]),
    Citation(
      key: "fan2021", authors: "Fan, Z. and Zeng, Z. and Zhang, C. and Wang, Y. and Song, K. and Dong, H. and Chen, Y. and Ala-Nissila, T.",
      title: "Neuroevolution machine learning potentials: combining high accuracy and low cost in atomistic simulations and application to heat transport",
      journal: "Phys. Rev. B", volume: "104", pages: "104309", year: 2021, doi: "10.1103/PhysRevB.104.104309", why: "NEP", uses: [.potential("nep")]),
    Citation(
      key: "drautz2019", authors: "Drautz, R.", title: "Atomic cluster expansion for accurate and transferable interatomic potentials",
      journal: "Phys. Rev. B", volume: "99", pages: "014104", year: 2019, doi: "10.1103/PhysRevB.99.014104", why: "ACE", uses: [.potential("ace")]),
    Citation(
      key: "daw1984", authors: "Daw, M. S. and Baskes, M. I.",
      title: "Embedded-atom method: derivation and application to impurities, surfaces, and other defects in metals", journal: "Phys. Rev. B",
      volume: "29", pages: "6443--6453", year: 1984, doi: "10.1103/PhysRevB.29.6443", why: "EAM", uses: [.potential("eam")]),
    Citation(
      key: "zhou2004", authors: "Zhou, X. W. and Johnson, R. A. and Wadley, H. N. G.",
      title: "Misfit-energy-increasing dislocations in vapor-deposited {CoFe/NiFe} multilayers", journal: "Phys. Rev. B", volume: "69",
      pages: "144113", year: 2004, doi: "10.1103/PhysRevB.69.144113", why: "the parameters of this EAM", uses: [.key("parameters", is: "zhou2004")]),
    Citation(
      key: "rappe1991", authors: "Rapp{\\'e}, A. K. and Goddard, W. A.", title: "Charge equilibration for molecular dynamics simulations",
      journal: "J. Phys. Chem.", volume: "95", pages: "3358--3363", year: 1991, doi: "10.1021/j100161a070", why: "charges that equilibrate", uses: [.potential("qeq")]),
  ]

  private static let longRange: [Citation] = [
    Citation(
      key: "hockney1988", kind: "book", authors: "Hockney, R. W. and Eastwood, J. W.", title: "Computer Simulation Using Particles",
      journal: "Adam Hilger", year: 1988, why: "the particle mesh (PPPM)", uses: [.key("method", is: "pppm")]),
    Citation(
      key: "ewald1921", authors: "Ewald, P. P.", title: "Die Berechnung optischer und elektrostatischer Gitterpotentiale", journal: "Ann. Phys.",
      volume: "369", pages: "253--287", year: 1921, doi: "10.1002/andp.19213690304", why: "Ewald's sum", uses: [.key("method", is: "ewald")]),
  ]

  private static let dynamics: [Citation] = [
    Citation(
      key: "martyna1992", authors: "Martyna, G. J. and Klein, M. L. and Tuckerman, M.",
      title: "{Nos\\'e}--{Hoover} chains: the canonical ensemble via continuous dynamics", journal: "J. Chem. Phys.", volume: "97", pages: "2635--2643",
      year: 1992, doi: "10.1063/1.463940", why: "the thermostat", uses: [.key("nose_hoover")]),
    Citation(
      key: "leimkuhler2013", authors: "Leimkuhler, B. and Matthews, C.", title: "Rational construction of stochastic numerical methods for molecular sampling",
      journal: "Appl. Math. Res. Express", volume: "2013", pages: "34--56", year: 2013, doi: "10.1093/amrx/abs010", why: "Langevin dynamics (BAOAB)",
      uses: [.key("langevin")]),
    Citation(
      key: "bussi2007", authors: "Bussi, G. and Donadio, D. and Parrinello, M.", title: "Canonical sampling through velocity rescaling",
      journal: "J. Chem. Phys.", volume: "126", pages: "014101", year: 2007, doi: "10.1063/1.2408420", why: "velocity rescaling", uses: [.key("rescale")]),
    Citation(
      key: "martyna1994", authors: "Martyna, G. J. and Tobias, D. J. and Klein, M. L.", title: "Constant pressure molecular dynamics algorithms",
      journal: "J. Chem. Phys.", volume: "101", pages: "4177--4189", year: 1994, doi: "10.1063/1.467468", why: "the barostat (MTK)", uses: [.key("mtk")]),
    Citation(
      key: "guenole2020",
      authors: "Gu{\\'e}nol{\\'e}, J. and N{\\\"o}hring, W. G. and Vaid, A. and Houll{\\'e}, F. and Xie, Z. and Prakash, A. and Bitzek, E.",
      title: "Assessment and optimization of the fast inertial relaxation engine ({FIRE}) for energy minimization in atomistic simulations and its implementation in {LAMMPS}",
      journal: "Comput. Mater. Sci.", volume: "175", pages: "109584", year: 2020, doi: "10.1016/j.commatsci.2020.109584", why: "FIRE", uses: [.key("method", is: "fire")]),
    Citation(
      key: "nocedal1980", authors: "Nocedal, J.", title: "Updating quasi-{Newton} matrices with limited storage", journal: "Math. Comp.", volume: "35",
      pages: "773--782", year: 1980, doi: "10.1090/S0025-5718-1980-0572855-7", why: "relaxation (L-BFGS)", uses: [.key("minimize"), .key("search"), .key("tasks")]),
  ]

  private static let analysis: [Citation] = [
    Citation(
      key: "flyvbjerg1989", authors: "Flyvbjerg, H. and Petersen, H. G.", title: "Error estimates on averages of correlated data",
      journal: "J. Chem. Phys.", volume: "91", pages: "461--466", year: 1989, doi: "10.1063/1.457480", why: "errors of averages", uses: [.key("averages")]),
    Citation(
      key: "dubbeldam2009", authors: "Dubbeldam, D. and Ford, D. C. and Ellis, D. E. and Snurr, R. Q.",
      title: "A new perspective on the order-n algorithm for computing correlation functions", journal: "Mol. Simul.", volume: "35", pages: "1084--1097",
      year: 2009, doi: "10.1080/08927020902818039", why: "displacements over many lags", uses: [.key("transport")]),
    Citation(
      key: "larsen2016", authors: "Larsen, P. M. and Schmidt, S. and Schi{\\o}tz, J.",
      title: "Robust structural identification via polyhedral template matching", journal: "Modelling Simul. Mater. Sci. Eng.", volume: "24", pages: "055007",
      year: 2016, doi: "10.1088/0965-0393/24/5/055007", why: "template matching", uses: [.key("templates")]),
    Citation(
      key: "stukowski2012", authors: "Stukowski, A.", title: "Structure identification methods for atomistic simulations of crystalline materials",
      journal: "Modelling Simul. Mater. Sci. Eng.", volume: "20", pages: "045021", year: 2012, doi: "10.1088/0965-0393/20/4/045021",
      why: "common neighbours", uses: [.key("cna")]),
    Citation(
      key: "kelchner1998", authors: "Kelchner, C. L. and Plimpton, S. J. and Hamilton, J. C.",
      title: "Dislocation nucleation and defect structure during surface indentation", journal: "Phys. Rev. B", volume: "58", pages: "11085--11088",
      year: 1998, doi: "10.1103/PhysRevB.58.11085", why: "the centrosymmetry parameter", uses: [.key("centrosymmetry")]),
    Citation(
      key: "lechner2008", authors: "Lechner, W. and Dellago, C.", title: "Accurate determination of crystal structures based on averaged local bond order parameters",
      journal: "J. Chem. Phys.", volume: "129", pages: "114707", year: 2008, doi: "10.1063/1.2977970", why: "bond order parameters", uses: [.key("steinhardt")]),
  ]

  private static let crystals: [Citation] = [
    Citation(
      key: "stroh1958", authors: "Stroh, A. N.", title: "Dislocations and cracks in anisotropic elasticity", journal: "Philos. Mag.", volume: "3",
      pages: "625--646", year: 1958, doi: "10.1080/14786435808565804", why: "the field of the crack", uses: [.key("crack")]),
    Citation(
      key: "zur1984", authors: "Zur, A. and McGill, T. C.", title: "Lattice match: an application to heteroepitaxy", journal: "J. Appl. Phys.", volume: "55",
      pages: "378--386", year: 1984, doi: "10.1063/1.333084", why: "matches of planes", uses: [.key("interface")]),
    Citation(
      key: "birch1947", authors: "Birch, F.", title: "Finite elastic strain of cubic crystals", journal: "Phys. Rev.", volume: "71", pages: "809--824",
      year: 1947, doi: "10.1103/PhysRev.71.809", why: "the equation of state", uses: [.key("equation_of_state")]),
    Citation(
      key: "rose1981", authors: "Rose, J. H. and Ferrante, J. and Smith, J. R.", title: "Universal binding energy curves for metals and bimetallic interfaces",
      journal: "Phys. Rev. Lett.", volume: "47", pages: "675--678", year: 1981, doi: "10.1103/PhysRevLett.47.675", why: "the cohesive law", uses: [.key("separation")]),
  ]
}
