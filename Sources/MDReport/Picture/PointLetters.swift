/// Letters of five by eight points, as character displays have them: pictures of points have no other text.
enum PointLetters {
  /// Points from letter to letter, and the height of one.
  static let advance = 6
  static let height = 8

  /// Of the characters from 32 to 126 five columns each, the lowest bit at the top.
  private static let columns: [UInt8] = {
    let digits = Array(table.utf8)
    func value(_ c: UInt8) -> UInt8 { c < 58 ? c - 48 : c - 55 }
    return stride(from: 0, to: digits.count, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
  }()

  private static let table =
    "000000000000005F00000007000700147F147F14242A7F2A12231308646236495522500005030000001C2241000041221C0014083E081408083E0808"
    + "00503000000808080808006060000020100804023E5149453E00427F400042615149462141454B311814127F1027454545393C4A4949300171090503"
    + "3649494936064949291E003636000000563600000814224100141414141400412214080201510906324979413E7E1111117E7F494949363E41414122"
    + "7F4141221C7F494949417F090909013E4149497A7F0808087F00417F41002040413F017F081422417F404040407F020C027F7F0408107F3E4141413E"
    + "7F090909063E4151215E7F09192946464949493101017F01013F4040403F1F2040201F3F4038403F631408146307087008076151494543007F414100"
    + "02040810200041417F0004020102044040404040000102040020545454787F484444383844444420384444487F3854545418087E09010218A4A4A47C"
    + "7F0804047800447D40004080847D007F1028440000417F40007C041804787C080404783844444438FC2424241818242418FC7C080404084854545420"
    + "043F4440203C4040207C1C2040201C3C4030403C44281028441CA0A0A07C4464544C44000836410000007F000000413608000804081008"

  /// What is not in the table but stands in names and units.
  private static let others: [Character: [UInt8]] = [
    "Å": [0x78, 0x14, 0x15, 0x14, 0x78], "²": [0x00, 0x19, 0x15, 0x12, 0x00], "−": [0x08, 0x08, 0x08, 0x08, 0x08], "…": [0x40, 0x00, 0x40, 0x00, 0x40],
  ]

  /// The columns of a letter; a box for one that there is none of.
  static func columns(of letter: Character) -> ArraySlice<UInt8> {
    if let other = others[letter] { return other[...] }
    guard let code = letter.asciiValue, (32...126).contains(code) else { return [0x7F, 0x41, 0x41, 0x41, 0x7F] }
    let first = 5 * Int(code - 32)
    return columns[first..<(first + 5)]
  }
}
