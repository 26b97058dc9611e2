import Foundation
import MDTestSupport
import Testing

/// `faultline report`, `faultline draw` and `output: {report: true}` as users start them.
extension CommandLineTests {
  @Suite("Reports and pictures, the commands")
  struct ReportTests {
    /// Chromium where there is one: in `.build/chromium`, or installed.
    static let browser: String? = {
      let own = Launcher.repository.appendingPathComponent(".build/chromium/chromium").path
      if FileManager.default.isExecutableFile(atPath: own) { return own }
      return ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"].first { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
          FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
      }
    }()

    static let kinds: [(name: String, deck: String)] = [
      (
        "measured",
        TestDecks.copper(
          size: "[4, 3, 3]", stages: "  - minimize: {force_tolerance: 0.01}\n" + TestDecks.nve,
          output: "  report: true\n  trajectories: [{file: frames.extxyz, every: 10}]\n",
          extra: "analysis: {measure: [{rdf: {cutoff: 5, every: 5}}, {transport: {every: 2}}], averages: {columns: [temperature, pressure]}}")
      ),
      (
        "pulled",
        TestDecks.copper(
          size: "[3, 3, 3]",
          stages: "  - dynamics: {steps: 100, timestep: 2 fs, thermostat: {langevin: {temperature: 300, damping: 0.1}}, deform: {axis: z, rate: 1e11 /s}}",
          output: "  report: true\n")
      ),
      (
        "searched",
        """
        structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: equilibrium, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 12}}
        potential: [{eam: {parameters: zhou2004}}]
        search: {stop: {unchanged: 4, trials: 8}}
        output: {directory: run, report: true}
        """
      ),
      (
        "crystal",
        """
        structure: {lattice: {type: fcc, constant: equilibrium, species: [Cu]}}
        potential: [{eam: {parameters: zhou2004}}]
        tasks: [{elastic: {}}, {equation_of_state: {}}]
        output: {directory: run, report: true}
        """
      ),
      (
        "scanned",
        TestDecks.copper(
          size: "[3, 3, 3]", stages: TestDecks.nve, output: "  report: true\n", extra: "scan: {velocities.temperature: [100, 200, 300]}")
      ),
    ]

    /// All numbers of a JSON file, by their values.
    private func numbers(_ value: Any) -> [Double] {
      switch value {
      case let list as [Any]: list.flatMap(numbers)
      case let members as [String: Any]: members.values.flatMap(numbers)
      case let number as NSNumber: [number.doubleValue]
      default: []
      }
    }

    private func embedded(_ html: String) throws -> [[String: Any]] {
      let start = try #require(html.range(of: "id=\"report-numbers\">")), end = try #require(html.range(of: "</script>"))
      return try #require(try JSONSerialization.jsonObject(with: Data(html[start.upperBound..<end.lowerBound].utf8)) as? [[String: Any]])
    }

    @Test("without a trajectory the picture is of the newest checkpoint, with its grains") func checkpoint() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 12}}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{minimize: {max_steps: 2}}]
        output: {directory: run, report: true}
        """)
      #expect(try launcher.run("run", "deck.yaml").code == 0)
      let html = try launcher.read("run/report.html")
      #expect(html.contains("the structure, coloured by grain") && html.contains("the checkpoint of step 2"))
    }

    @Test("a run of every kind writes its page; each number on it is one of run.json or results.json", arguments: kinds.map(\.name))
    func kind(_ name: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let deck = try #require(Self.kinds.first { $0.name == name }?.deck)
      try launcher.write("deck.yaml", deck)
      let run = try launcher.run(ranks: name == "measured" ? 2 : nil, "run", "deck.yaml")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output.contains("report: run/report.html"))
      let html = try launcher.read("run/report.html")
      let folders = name == "scanned" ? ["run/point-001", "run/point-002", "run/point-003"] : ["run"]
      let known = try folders.flatMap { folder in
        try ["run.json", "results.json"].filter { FileManager.default.fileExists(atPath: launcher.path("\(folder)/\($0)")) }
          .flatMap { numbers(try launcher.json("\(folder)/\($0)")) }
      }
      let shown = try embedded(html)
      #expect(shown.count > 5)
      for number in shown {
        guard let value = number["value"] as? Double, let source = number["source"] as? String, !source.contains("10⁶") else { continue }
        #expect(known.contains(value), "\(source): \(value)")
      }
      let expected = ["measured": "<h3>rdf</h3>", "pulled": "Stress against strain", "searched": "States, the lowest first", "crystal": "C11", "scanned": "<h3>Against temperature</h3>"]
      #expect(html.contains(try #require(expected[name])))
      #expect(html.contains("<h3>In time</h3>") == (name == "measured"))
      #expect(html.contains("zhou2004") && html.contains("daw1984") && html.contains("flyvbjerg1989") == (name == "measured"))
      // There is a picture of the structure, and no way out of the page.
      #expect(html.contains("href=\"data:image/png;base64,"))
      #expect(!html.contains("http://") && !html.contains("https://"))
    }

    @Test(
      "opened in a browser, wide and narrow, nothing is wider than the window and nothing complains",
      .enabled(if: browser != nil, "there is no Chromium"), arguments: kinds.map(\.name))
    func opened(_ name: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", try #require(Self.kinds.first { $0.name == name }?.deck))
      #expect(try launcher.run("run", "deck.yaml").code == 0)
      let browser = try #require(Self.browser)
      // The page measures itself once it is there; the copy alone has this.
      let html = try launcher.read("run/report.html")
      let probe = "<script>document.title='wide '+(document.documentElement.scrollWidth-window.innerWidth)</script></body>"
      try launcher.write("page.html", html.replacingOccurrences(of: "</body>", with: probe))
      for width in [1280, 500] {
        let result = try launcher.start(command: [
          browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--user-data-dir=\(launcher.path("profile"))",
          "--window-size=\(width),900", "--virtual-time-budget=2000", "--dump-dom", "file://\(launcher.path("page.html"))",
        ]).wait()
        #expect(!result.errors.contains("CONSOLE"), "\(result.errors.suffix(400))")
        let title = try #require(result.output.range(of: "<title>wide "))
        let beyond = Int(result.output[title.upperBound...].prefix { $0 != "<" }) ?? 9999
        #expect(beyond <= 0, "\(name): \(beyond) points beyond a window of \(width)")
      }
    }

    @Test("printed, a page has all that is folded up", .enabled(if: browser != nil, "there is no Chromium"))
    func printed() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", try #require(Self.kinds.first { $0.name == "scanned" }?.deck))
      #expect(try launcher.run("run", "deck.yaml").code == 0)
      let result = try launcher.start(command: [
        try #require(Self.browser), "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(launcher.path("profile"))",
        "--no-pdf-header-footer", "--print-to-pdf=\(launcher.path("page.pdf"))", "file://\(launcher.path("run/report.html"))",
      ]).wait()
      let pdf = try Data(contentsOf: URL(fileURLWithPath: launcher.path("page.pdf")))
      // Three runs in full are more than their comparison.
      let pages = String(decoding: pdf, as: UTF8.self).components(separatedBy: "/Type /Page\n").count - 1
      #expect(result.code == 0 && pdf.prefix(4) == Data("%PDF".utf8) && pages >= 8, "\(pages) pages")
    }

    static let python = Launcher.repository.appendingPathComponent(".build/venv/bin/python").path

    @Test(
      "a film is read by Pillow: its frames are those of the numbered pictures",
      .enabled(if: FileManager.default.fileExists(atPath: python), "no .build/venv: scripts/check-trajectories --set-up makes it"))
    func film() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "a.xyz",
        (0..<5).map { k in
          "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:energies:R:1\nAr \(1 + k) 1 1 \(k)\nKr 5 5 5 \(k + 1)\n"
        }.joined())
      let options = ["draw", "a.xyz", "--colour", "energies", "--size", "200", "--every", "2"]
      let film = try launcher.start(options + ["--film", "film.png", "--rate", "5"]).wait()
      #expect(film.code == 0 && film.output.contains("film.png: 3 frames") && film.output.contains("energies from 0 (violet) to 5 eV"), "\(film.output) \(film.errors)")
      #expect(try launcher.start(options + ["--film", "frames"]).wait().code == 0)
      try launcher.write(
        "look.py",
        """
        from PIL import Image, ImageChops
        film = Image.open("film.png")
        print("frames", film.n_frames, "loop", film.info.get("loop"))
        for k in range(film.n_frames):
            film.seek(k)
            one = Image.open(f"frames/frame-{2 * k:06d}.png").convert("RGBA")
            print(k, film.info["duration"], ImageChops.difference(film.convert("RGBA"), one).getbbox())
        print("moved", ImageChops.difference(Image.open("frames/frame-000000.png").convert("RGB"), Image.open("frames/frame-000004.png").convert("RGB")).getbbox() is not None)
        """)
      let seen = try launcher.start(command: ["bash", "-c", "cd \(launcher.path(".")) && \(Self.python) look.py"]).wait()
      #expect(seen.output == "frames 3 loop 0\n0 200.0 None\n1 200.0 None\n2 200.0 None\nmoved True\n", "\(seen.output) \(seen.errors)")
      for (arguments, code, words) in [
        (["draw", "a.xyz", "--film", "f.png", "--every", "5"], 65, "needs two at least"), (["draw", "a.xyz", "--film", "f", "--rate", "5"], 64, "--rate"),
        (["draw", "a.xyz", "--every", "2"], 64, "--film"), (["draw", "a.xyz", "--film", "f.png", "-o", "g.png"], 64, "--output"),
        (["draw", "a.cif", "--film", "f.png"], 65, "no frames that follow"), (["draw", "a.xyz", "--film", "f.png", "--rate", "0"], 64, "1 to 100"),
      ] as [([String], Int32, String)] {
        let result = try launcher.start(arguments).wait()
        #expect(result.code == code && result.errors.contains(words), "\(arguments): \(result.code) \(result.errors)")
      }
    }

    @Test("a run that fails has its page, which says so; so has one made later")
    func failed() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(size: "[3, 3, 3]", stages: "  - dynamics: {steps: 300, timestep: 50 fs}", output: "  report: true\n")
          .replacingOccurrences(of: "600 K", with: "60000 K"))
      let run = try launcher.run("run", "deck.yaml")
      #expect(run.code == 70, "\(run.output) \(run.errors)")
      let html = try launcher.read("run/report.html")
      #expect(html.contains("<b>This run failed</b>"))
      let again = try launcher.run("report", "run", "--output", "again.html")
      #expect(again.code == 0)
      #expect(try launcher.read("again.html").contains("<b>This run failed</b>"))
    }

    @Test("pictures of frames; mistakes have one voice and the code of bad input")
    func draw() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "a.xyz",
        (0..<3).map { k in
          "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:energies:R:1\nAr 1 1 1 \(k)\nKr 5 5 5 \(k + 1)\n"
        }.joined())
      let drawn = try launcher.run("draw", "a.xyz", "--colour", "energies", "--frame", "1", "--size", "300")
      #expect(drawn.code == 0 && drawn.output.contains("energies from 1 (violet) to 2 eV (yellow)"), "\(drawn.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: launcher.path("picture.png"))).prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
      let last = try launcher.run("draw", "a.xyz", "--colour", "energies", "--view", "x")
      #expect(last.output.contains("energies from 2 (violet) to 3 eV"))
      #expect(try launcher.run("draw", "a.xyz", "-o", "a.svg").code == 0)
      // Displacements since the first frame, or another; the file's own atoms, by ids.
      try launcher.write(
        "b.xyz",
        (0..<3).map { k in
          "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:id:I:1 time=\(k)\nAr \(1 + k) 1 1 1\nAr 5 5 5 2\n"
        }.joined())
      for (more, words) in [([], "to 2 Å (yellow)"), (["--reference", "1"], "to 1 Å (yellow)"), (["--film", "b.png", "--reference", "2"], "to 2 Å (yellow)")] {
        let moved = try launcher.start(["draw", "b.xyz", "--colour", "displacement"] + more).wait()
        #expect(moved.code == 0 && moved.output.contains("displacement from 0 (violet) \(words)"), "\(moved.output) \(moved.errors)")
      }
      // The line below: the time of the frame, and nothing without it.
      func picture(_ arguments: String...) throws -> Data {
        #expect(try launcher.start(["draw", "b.xyz", "--colour", "structure", "-o", "c.png"] + arguments).wait().code == 0)
        return try Data(contentsOf: URL(fileURLWithPath: launcher.path("c.png")))
      }
      func height(_ png: Data) -> Int { png[20..<24].reduce(0) { $0 << 8 | Int($1) } }
      let (with, without) = (try picture(), try picture("--no-caption"))
      #expect(height(with) == height(without) + 24)
      try launcher.write("best.extxyz", try launcher.read("a.xyz"))
      #expect(try launcher.run("draw", "best.extxyz", "--colour", "energies").output.contains("energies from 0 (violet) to 1 eV"))
      let svg = try launcher.read("a.svg")
      #expect(svg.contains(">Kr</text>") && svg.contains(" Å</text>"))
      for (arguments, code, words) in [
        (["draw", "none.xyz"], 65, "none.xyz"), (["draw", "a.xyz", "--colour", "charge"], 65, "there are: element"),
        (["draw", "a.xyz", "--frame", "7"], 65, "no frame numbered 7"), (["draw", "a.xyz", "--slice", "x=20:30"], 65, "no atom is in the slice"),
        (["draw", "a.xyz", "--slice", "x=3"], 64, "slice"), (["draw", "a.xyz", "-o", "a.gif"], 64, ".png or .svg"),
        (["draw", "a.xyz", "--reference", "1"], 64, "--reference"), (["draw", "a.xyz", "--colour", "stress"], 65, "virials"),
        (["report", "nowhere"], 65, "is no run directory"), (["draw", "a.xyz", "-o", "no/where.png"], 70, "no/where.png"),
      ] as [([String], Int32, String)] {
        let result = try launcher.start(arguments).wait()
        #expect(result.code == code && result.errors.contains(words), "\(arguments): \(result.code) \(result.errors)")
        #expect(result.errors.components(separatedBy: "rror:").count == 2, "\(result.errors)")
      }
    }
  }
}
