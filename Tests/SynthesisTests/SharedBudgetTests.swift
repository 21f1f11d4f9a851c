import XCTest
@testable import Synthesis
import Basics
@testable import Budgets
import Glibc
@testable import Privacy
import Storage
import Tables

final class SharedBudgetTests: XCTestCase {
    private var folder = ""
    private var file: String { "\(folder)/b.budget" }

    override func setUp() {
        folder = Fixture.makeFolder()
        XCTAssertNotEqual(folder, "")
    }

    override func tearDown() { Fixture.remove(folder: folder) }

    private func make(_ epsilon: Double = 4) throws -> SharedBudget {
        try .create(file, SharedBudget.terms(epsilon: epsilon, delta: 1e-5))
    }

    private func plan(_ b: SharedBudget, epsilon: Double,
                      _ more: String = #""test_seed": 11, "checkpoint_block": 4"#) throws -> Plan {
        try Plan(schema: Fixture.schema(), protected: ["sex"], epsilon: epsilon, delta: 1e-5, preset: "published",
                 config: JSON.parse("{\(Fixture.quick), \(more)}"), under: b.terms)
    }

    private func refused(_ code: FailureCode, line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) {
            XCTAssertEqual(($0 as? Failure)?.code, code, "\($0)", line: line)
        }
    }

    private func copy(_ from: String, _ to: String) throws {
        let (bytes, count) = try readFile(from)
        try withExtendedLifetime(bytes) {
            try AtomicFile.write(UnsafeRawBufferPointer(start: bytes.base, count: count), to: to)
        }
    }

    func testTrainingsShareAndTheLastIsRefused() throws {
        let b = try make(), table = try Fixture.table(rows: 300)
        let p = try plan(b, epsilon: b.account().epsilon(share: 0.45))
        XCTAssertEqual(p.budget.order, b.terms.order)
        for name in ["one", "two"] {
            let t = try Trainer(plan: p, table: table, shared: b, name: name)
            XCTAssertEqual(try b.account().runs.last?.isOpen, true)
            while !t.isFinished { try t.step(maxSteps: 3, maxSeconds: 1e9) }
            let model = try t.finish()
            XCTAssertEqual(try b.account().runs.last?.ledger, model.ledger)
            XCTAssertTrue(model.ledger.assumptions.contains { $0.contains("shared budget") })
            let bytes = try model.bytes()
            XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).ledger,
                           model.ledger)
        }
        refused(.budget) { _ = try Trainer(plan: p, table: table, shared: b) }
        let account = try SharedBudget.open(file).account()
        XCTAssertEqual(account.runs.map(\.name), ["one", "two"])
        XCTAssertEqual(account.runs.map(\.isOpen), [false, false])
        XCTAssertLessThanOrEqual(account.spent, 4)
        XCTAssertGreaterThan(account.spent, 3)
        try b.charge(.init(name: "mean age", groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 40)]))
        refused(.budget) {
            try b.charge(.init(name: "mean age", groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 0.5)]))
        }
        XCTAssertEqual(try checkFile(file)["kind"], .string("flip-budget"))
        XCTAssertEqual(try checkFile(file)["usable"], .bool(true))
    }

    /// Before every draw the budget on the disk holds at least what the door's ledger does; what a training dropped
    /// early did not use comes back.
    /// Two trainings of the preset best, a mechanism of the host's own: each with less noise than the Rényi filter asks
    /// for, and together within ε by an exact composition.
    func testGaussianReleasesAddExactly() throws {
        let b = try SharedBudget.create(file, SharedBudget.terms(epsilon: 3, delta: 1e-5, filter: .gaussian))
        let loose = try SharedBudget.terms(epsilon: 3, delta: 1e-5)
        let small = #"""
        "test_seed": 11, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "batch": 64,
        "steps": 3}, "diffusion": {"hidden": 8, "layers": 1, "noise_levels": 2, "batch": 32, "steps": 2,
        "sampler_steps": 2},
        "projection": {"rows": 32, "steps": 10}, "rake": {"pool": 1000, "steps": 3}
        """#
        func best(_ terms: Budget, share: Double, preset: String = "best", _ more: String = "") throws -> Plan {
            try Plan(schema: Fixture.schema(), protected: ["sex"],
                     epsilon: Account(budget: terms).epsilon(share: share), delta: 1e-5, preset: preset,
                     config: JSON.parse(preset == "best" ? "{\(small)\(more)}" : "{\(Fixture.quick)}"), under: terms)
        }
        let plan = try best(b.terms, share: 0.45), table = try Fixture.table(rows: 300)
        XCTAssertLessThan(plan.marginalNoise, 0.97 * (try best(loose, share: 0.45)).marginalNoise)
        XCTAssertEqual(plan.accountant, .gaussian)
        XCTAssertEqual(try Plan(json: plan.json).json.text, plan.json.text)
        for name in ["one", "two"] {
            let t = try Trainer(plan: plan, table: table, shared: b, name: name)
            while !t.isFinished { try t.step(maxSteps: 3, maxSeconds: 1e9) }
            let model = try t.finish(), bytes = try model.bytes()
            XCTAssertEqual(model.ledger.accountant, .gaussian)
            XCTAssertTrue(model.ledger.releases.allSatisfy { $0.sensitivity != nil })
            XCTAssertEqual(model.ledger.maxSpent, plan.budget.ceiling, accuracy: 1e-5 * plan.budget.ceiling)
            XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).ledger,
                           model.ledger)
            XCTAssertEqual(try model.refit(JSON.parse(#"{"seed": 4}"#)).ledger.epsilon, model.ledger.epsilon)
        }
        try b.charge(.init(name: "own", event: JSON.parse(#"{"noise_multiplier": 6}"#)))
        let account = try b.account(), all = account.runs.flatMap(\.ledger.releases)
        let whole = try ExactComposition(all.map {
            ($0.exactMechanism(group: 0, rows: 1), $0.count)
        }, rows: 1).epsilon(delta: 1e-5)
        XCTAssertLessThanOrEqual(whole, account.spent * (1 + 1e-6))
        XCTAssertLessThanOrEqual(account.spent, 3)
        XCTAssertGreaterThan(account.spent, 2.5)
        refused(.budget) { _ = try Trainer(plan: plan, table: table, shared: b) }
        refused(.argument) { _ = try best(b.terms, share: 0.1, preset: "published") }
        refused(.argument) { _ = try best(b.terms, share: 0.1, #", "finetuning": {"steps": 3}"#) }
        refused(.argument) { _ = try best(b.terms, share: 0.1, #", "marginals": {"pairs": "selected"}"#) }
    }

    func testChargesAreOnTheDiskAheadOfDraws() throws {
        let b = try make(), table = try Fixture.table(rows: 200), p = try plan(b, epsilon: 3)
        do {
            let t = try Trainer(plan: p, table: table, shared: b)
            let charge = t.door.durable
            var draws = 0
            t.door.durable = { ledger in
                try charge?(ledger)
                let known = try SharedBudget.open(self.file).account().runs[0].ledger
                XCTAssertGreaterThanOrEqual(known.maxSpent, ledger.maxSpent)
                draws += 1
            }
            try t.step(maxSteps: 4, maxSeconds: 1e9)
            XCTAssertEqual(draws, 4)
            XCTAssertEqual(try b.account().committed, p.budget.ceiling, accuracy: 1e-9)
        }
        let run = try b.account().runs[0]
        XCTAssertFalse(run.isOpen)
        XCTAssertEqual(run.ledger.releases.map(\.count), [1, 3])
    }

    func testNothingIsDrawnWhenTheBudgetCannotBeTold() throws {
        let b = try make(), t = try Trainer(plan: plan(b, epsilon: 3), table: Fixture.table(rows: 200), shared: b)
        try copy(file, "\(folder)/old")
        unlink(file)
        refused(.io) { try t.step(maxSteps: 1, maxSeconds: 1) }
        XCTAssertNil(t.statistics)
        XCTAssertEqual(t.ledger.releases.map(\.name), ["histograms"])       // charged, and lost
        try copy("\(folder)/old", file)
    }

    /// A killed run stays open with all it was promised; ended by hand it keeps what it was charged for, blocks ahead
    /// included.
    func testAKilledRun() throws {
        let b = try make(), p = try plan(b, epsilon: 3), table = try Fixture.table(rows: 200)
        let t = try Trainer(plan: p, table: table, shared: b)
        // bound: dropping it ends nothing, as a kill would
        try t.checkpoint("\(folder)/a.h5")
        try t.step(maxSteps: 3, maxSeconds: 1e9)
        refused(.budget) { _ = try Trainer(plan: p, table: table, shared: b) }
        let id = try XCTUnwrap(b.account().runs.first?.id)
        try b.settle(run: id)
        XCTAssertEqual(try b.account().runs[0].ledger.releases.map(\.count), [1, 4])
        refused(.state) { while !t.isFinished { try t.step(maxSteps: 1, maxSeconds: 1e9) } }
        XCTAssertNoThrow(try Trainer(plan: p, table: table, shared: b))
    }

    /// A checkpoint that cannot be written takes no charge back: what is drawn afterwards is on the disk before it is
    /// drawn, killed or not.
    func testAFailedCheckpointLeavesNothingUncharged() throws {
        let b = try make(), p = try plan(b, epsilon: 3), table = try Fixture.table(rows: 200)
        let t = try Trainer(plan: p, table: table, shared: b)
        try t.checkpoint("\(folder)/a.h5")
        try t.step(maxSteps: 3, maxSeconds: 1e9)
        refused(.io) { try t.checkpoint("\(self.folder)/no/such/folder/b.h5") }
        let charge = t.door.durable
        t.door.durable = { ledger in
            try charge?(ledger)
            XCTAssertGreaterThanOrEqual(try SharedBudget.open(self.file).account().runs[0].ledger.maxSpent,
                                        ledger.maxSpent)
        }
        try t.step(maxSteps: 3, maxSeconds: 1e9)
        let id = try XCTUnwrap(b.account().runs.first?.id)
        try b.settle(run: id)                                                // killed here
        XCTAssertGreaterThanOrEqual(try b.account().runs[0].ledger.maxSpent, t.ledger.maxSpent)
    }

    func testResuming() throws {
        let b = try make(), p = try plan(b, epsilon: 3, #""checkpoint_block": 4"#),
            table = try Fixture.table(rows: 200), path = "\(folder)/a.h5"
        do {
            let t = try Trainer(plan: p, table: table, shared: b)
            try t.checkpoint(path)
            try t.step(maxSteps: 3, maxSeconds: 1e9)
            try t.checkpoint(path)
        }
        XCTAssertEqual(try b.account().runs[0].ledger.releases.map(\.count), [1, 2])
        try copy(path, "\(folder)/copy.h5")
        refused(.state) { _ = try Trainer.resume(path, table: table) }
        let other = try SharedBudget.create("\(folder)/c.h5", b.terms)
        defer { unlink("\(folder)/c.h5.lock") }
        refused(.state) { _ = try Trainer.resume(path, table: table, shared: other) }
        let r = try Trainer.resume(path, table: table, shared: b)
        refused(.state) { _ = try Trainer.resume("\(folder)/copy.h5", table: table, shared: b) }     // another branch
        try r.step(maxSteps: 2, maxSeconds: 1e9)
        let again = try Trainer.resume(path, table: table, shared: b)        // r died here
        refused(.state) { while !r.isFinished { try r.step(maxSteps: 1, maxSeconds: 1e9) } }
        while !again.isFinished { try again.step(maxSteps: 5, maxSeconds: 1e9) }
        let model = try again.finish()
        XCTAssertEqual(try b.account().runs.map(\.ledger.releases), [model.ledger.releases])
        XCTAssertEqual(try b.account().runs.map(\.isOpen), [false])
        // ended: it may still be finished
        XCTAssertEqual(try Trainer.resume(path, table: table, shared: b).ledger.releases, model.ledger.releases)
        let alone = try Trainer(plan: Fixture.plan(), table: table)
        try alone.checkpoint("\(folder)/copy.h5")
        refused(.state) { _ = try Trainer.resume("\(folder)/copy.h5", table: table, shared: b) }
    }

    func testFiles() throws {
        let b = try make()
        refused(.state) { _ = try make() }
        XCTAssertEqual(try SharedBudget.open(file).terms, b.terms)
        refused(.format) { _ = try Model.load(file) }
        let (bytes, count) = try readFile(file)
        for (at, length) in [(0, count / 2), (0, count - 1), (0, 0)] {
            try AtomicFile.write(UnsafeRawBufferPointer(start: bytes.base + at, count: length), to: "\(folder)/old")
            refused(.format) { _ = try SharedBudget.open("\(folder)/old") }
        }
        for at in stride(from: 0, to: count, by: 37) {
            bytes[at] ^= 4
            try AtomicFile.write(UnsafeRawBufferPointer(start: bytes.base, count: count), to: "\(folder)/old")
            refused(.format) { _ = try SharedBudget.open("\(folder)/old") }
            bytes[at] ^= 4
        }
        refused(.io) { _ = try SharedBudget.open("\(folder)/none") }
        symlink(file, "\(folder)/link")
        try SharedBudget.open("\(folder)/link").charge(.init(name: "own", rho: 0.01))
        XCTAssertEqual(try b.account().runs.count, 1)
        for bad in [(0, 1e-5, nil, 0, 0), (1, 0, nil, 0, 0), (1, 1, nil, 0, 0), (1, 1e-5, 1, 0, 0),
                    (1, 1e-5, nil, 1e-5, 0), (1, 1e-5, nil, 0, 1025)] as [(Double, Double, Int?, Double, Int)] {
            refused(.argument) {
                _ = try SharedBudget.terms(epsilon: bad.0, delta: bad.1, order: bad.2, selection: bad.3,
                                           rowsPerPerson: bad.4)
            }
        }
        refused(.budget) { _ = try SharedBudget.terms(epsilon: 0.1, delta: 1e-9, order: 2) }
    }

    /// A file that is put back as it was, or replaced by another budget, is noticed by whoever saw it before.
    func testAResetIsNoticed() throws {
        let b = try make()
        try copy(file, "\(folder)/old")
        try b.charge(.init(name: "own", rho: 0.01))
        try copy("\(folder)/old", file)
        refused(.state) { try b.charge(.init(name: "own", rho: 0.01)) }
        refused(.state) { _ = try b.account() }
        unlink(file)
        _ = try make()
        refused(.state) { _ = try b.account() }
        // a mutant that forgets is what a new handle sees: the file has no secret
        XCTAssertEqual(try SharedBudget.open(file).account().runs.count, 0)
    }

    func testAHeldLockIsAnErrorAndNoHang() throws {
        let b = try make(), lock = try FileLock(for: file)
        refused(.io) { _ = try FileLock(for: file, seconds: 0.05) }
        withExtendedLifetime(lock) {}
        _ = b
    }

    /// Two processes race for what only some of them can have. With the lock the budget is never overspent and nothing
    /// is lost; a mutant that reads, waits and writes without it loses charges.
    func testTwoProcessesRace() throws {
        for locked in [true, false] {
            unlink(file)
            let b = try make(2)
            // Each charge takes a twentieth: of 2 · 15 exactly 20 fit.
            let rho = b.terms.ceiling / Double(b.terms.order) / 20 * (1 - 1e-9)
            let admitted = try race(processes: 2, tries: 15, rho: rho, locked: locked)
            let account = try SharedBudget.open(file).account(), held = account.runs.reduce(0) {
                $0 + $1.ledger.releases.reduce(0) { $0 + $1.count }
            }
            XCTAssertLessThanOrEqual(account.committed, b.terms.ceiling)
            if locked {
                XCTAssertEqual(admitted, 20)
                XCTAssertEqual(held, 20)
            } else {
                XCTAssertLessThan(held, admitted, "the mutant must lose charges")
            }
        }
    }

    /// Runs this test's child in processes of their own; returns how many charges they were granted.
    private func race(processes: Int, tries: Int, rho: Double, locked: Bool) throws -> Int {
        var children: [pid_t] = []
        for k in 0..<processes {
            // The child is this test runner with another test to run: exec, so that no state of the parent's threads is
            // used.
            let words = [CommandLine.arguments[0], "SynthesisTests.SharedBudgetTests/testRacer"]
            let env = ["FLIP_RACE=\(file)", "FLIP_RACE_TRIES=\(tries)", "FLIP_RACE_RHO=\(rho)",
                       "FLIP_RACE_LOCKED=\(locked)", "FLIP_RACE_OUT=\(folder)/out\(k)",
                       "PATH=\(getenv("PATH").map { String(cString: $0) } ?? "")",
                           "LD_LIBRARY_PATH=\(getenv("LD_LIBRARY_PATH").map { String(cString: $0) } ?? "")"]
            var pid = pid_t()
            var a: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil],
                e: [UnsafeMutablePointer<CChar>?] = env.map { strdup($0) } + [nil]
            defer { for p in a + e { free(p) } }
            XCTAssertEqual(posix_spawn(&pid, words[0], nil, nil, &a, &e), 0)
            children.append(pid)
        }
        var granted = 0
        for (k, pid) in children.enumerated() {
            var status: Int32 = 0
            XCTAssertEqual(waitpid(pid, &status, 0), pid)
            XCTAssertEqual(status, 0)
            let (bytes, count) = try readFile("\(folder)/out\(k)")
            granted += Int(String(decoding: (0..<count).map { bytes[$0] }, as: UTF8.self)) ?? -1000
            unlink("\(folder)/out\(k)")
        }
        return granted
    }

    /// Not a test of its own: what a racing process does.
    func testRacer() throws {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        guard let path = value("FLIP_RACE"), let out = value("FLIP_RACE_OUT"),
            let tries = value("FLIP_RACE_TRIES").flatMap({ Int($0) }),
              let rho = value("FLIP_RACE_RHO").flatMap({ Double($0) }) else { return }
        let b = try SharedBudget.open(path), release = Ledger.Release(name: "own", rho: rho)
        var granted = 0
        for _ in 0..<tries {
            do {
                if value("FLIP_RACE_LOCKED") == "true" {
                    try b.charge(release)
                } else {
                    try b.replace {
                        try $0.charge(release, id: "own")
                        usleep(20_000)
                    }
                }
                granted += 1
            } catch let f as Failure where f.code == .budget {
            // the mutant was found out
            } catch let f as Failure where value("FLIP_RACE_LOCKED") != "true" && f.code == .state { break }
        }
        try AtomicFile.write("\(granted)", to: out)
    }
}
