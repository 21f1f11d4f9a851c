import XCTest
@testable import Synthesis
import Basics
import Glibc
import Privacy
import Tables

final class CheckpointTests: XCTestCase {
    private var folder = ""

    override func setUp() {
        folder = Fixture.makeFolder()
        XCTAssertNotEqual(folder, "")
    }

    override func tearDown() { Fixture.remove(folder: folder) }

    func testAModelReadBackSamplesTheSameRows() throws {
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 400))
        try model.save("\(folder)/a.h5")
        let back = try Model.load("\(folder)/a.h5")
        XCTAssertEqual(back.ledger, model.ledger)
        XCTAssertEqual(back.json, model.json)
        XCTAssertEqual(Fixture.cells(try back.sample(count: 500, seed: 4)),
                       Fixture.cells(try model.sample(count: 500, seed: 4)))
        let bytes = try back.bytes(), again = try model.bytes()
        XCTAssertEqual(bytes.count, again.count)
        XCTAssertEqual(memcmp(bytes.base, again.base, bytes.count), 0)
        XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).ledger,
                       model.ledger)
        XCTAssertThrowsError(try Trainer.resume("\(folder)/a.h5", table: Fixture.table(rows: 5))) {
            XCTAssertEqual(($0 as? Failure)?.code, .format)
        }
    }

    /// A clean stop at every step: the resumed run ends with the ledger of an undisturbed one.
    func testCleanStopsCostNothing() throws {
        let table = try Fixture.table(rows: 300), plan = try Fixture.plan()
        let whole = try Fixture.train(plan, table).ledger
        for stop in 0...plan.totalSteps {
            let t = try Trainer(plan: plan, table: table)
            if stop > 0 { try t.step(maxSteps: stop, maxSeconds: 1e9) }
            try t.checkpoint("\(folder)/a.h5")
            let r = try Trainer.resume("\(folder)/a.h5", table: table)
            XCTAssertEqual(r.progress.step, stop)
            XCTAssertEqual(r.ledger.releases, t.ledger.releases)
            while !r.isFinished { try r.step(maxSteps: 4, maxSeconds: 1e9) }
            XCTAssertEqual(r.ledger.releases.map(\.count), whole.releases.map(\.count))
            XCTAssertLessThanOrEqual(r.ledger.epsilon, plan.epsilon)
            XCTAssertEqual(try r.finish().sample(count: 20, seed: 1).rows, 20)
        }
    }

    /// The file a crash leaves behind has been charged for everything that may have been drawn since, and the run that
    /// continues it does that many steps fewer.
    func testACrashStaysCharged() throws {
        let table = try Fixture.table(rows: 300)
        let plan = try Fixture.plan(#""test_seed": 2, "checkpoint_block": 4"#)
        let t = try Trainer(plan: plan, table: table)
        try t.step(maxSteps: 2, maxSeconds: 1e9)          // histograms and one step of the autoencoder
        try t.checkpoint("\(folder)/a.h5")
        try t.step(maxSteps: 3, maxSeconds: 1e9)          // … and here the process dies
        let r = try Trainer.resume("\(folder)/a.h5", table: table)
        XCTAssertEqual(r.progress.step, 6)
        XCTAssertEqual(r.ledger.releases.map(\.count), [1, 5])
        for (group, spent) in t.ledger.groups.map({ ($0, t.ledger.rdp($0, at: 8)) }) {
            XCTAssertGreaterThanOrEqual(r.ledger.rdp(group, at: 8), spent)
        }
        while !r.isFinished { try r.step(maxSteps: 100, maxSeconds: 1e9) }
        XCTAssertEqual(r.ledger.releases.map(\.count), [1, 6, 5])
        XCTAssertLessThanOrEqual(r.ledger.epsilon, plan.epsilon)
    }

    /// A build that began a new ledger when it goes on: its file is refused, and so is one whose ledger was cut.
    func testAResetLedgerIsRefused() throws {
        let plan = try Fixture.plan(), table = try Fixture.table(rows: 100),
            honest = try Trainer(plan: plan, table: table)
        try honest.step(maxSteps: 4, maxSeconds: 1e9)
        func stored(_ releases: [Ledger.Release]) throws {
            var ledger = try Ledger(epsilon: plan.epsilon, delta: plan.delta, order: plan.budget.order,
                                    groups: honest.ledger.groups, assumptions: plan.assumptions)
            for r in releases { try ledger.charge(r) }
            let t = try Trainer(plan: plan, rows: .table(table), ledger: ledger, random: SecureRandom(testSeed: 1),
                                runID: "run")
            try t.begin(with: XCTUnwrap(honest.statistics))
            t.done = 4
            try t.checkpoint("\(folder)/b.h5")
        }
        let own = honest.ledger.releases
        for cut in [[], [own[0]], [own[1]], [own[0], own[1].times(own[1].count - 1)]] {
            try stored(cut)
            XCTAssertThrowsError(try Trainer.resume("\(folder)/b.h5", table: table)) {
                XCTAssertEqual(($0 as? Failure)?.code, .format)
            }
        }
        try stored(own)
        XCTAssertNoThrow(try Trainer.resume("\(folder)/b.h5", table: table))
    }

    /// Killed between charge and result: the file was charged before the draw, and has not seen what came of it.
    func testALostFirstReleaseIsNotMadeAgain() throws {
        let table = try Fixture.table(rows: 300), path = "\(folder)/a.h5"
        let t = try Trainer(plan: Fixture.plan(), table: table)
        try t.checkpoint(path)
        let charge = t.door.durable
        t.door.durable = { ledger in
            try charge?(ledger)
            try copyFile(path, "\(self.folder)/killed.h5")
        }
        try t.step(maxSteps: 1, maxSeconds: 1)
        XCTAssertThrowsError(try Trainer.resume("\(folder)/killed.h5", table: table)) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
    }

    /// Killed after a release that cannot be made again: the bound file holds its result before the next step, and
    /// nothing that was paid for is lost.
    func testReleasesAreInTheFileBeforeTheNextStep() throws {
        let table = try Fixture.table(rows: 300), path = "\(folder)/a.h5"
        let config = #"{"autoencoder": {"steps": 3, "batch": 60}, "diffusion": {"steps": 2, "batch": 60}, "#
            + #""projection": {"rows": 30, "steps": 10}, "#
            + #""marginals": {"pairs": "selected", "count": 4}, "rake": {"pool": 1000}, "test_seed": 5}"#
        let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 4, delta: 1e-5, preset: "best",
                            config: JSON.parse(config))
        for killedAfter in 1...3 {
            unlink(path)
            let t = try Trainer(plan: plan, table: table)
            try t.checkpoint(path)
            try t.step(maxSteps: killedAfter, maxSeconds: 1e9)
            let r = try Trainer.resume(path, table: table)
            XCTAssertEqual(r.progress.step, killedAfter)
            XCTAssertEqual(r.ledger.releases, t.ledger.releases)
            while !r.isFinished { try r.step(maxSteps: 100, maxSeconds: 1e9) }
            XCTAssertEqual(try r.finish().ledger.releases.map(\.name), ["histograms", "selection", "marginals"])
        }
    }

    /// A bound file goes on serving after the last release: what is free is done again, nothing that was paid for is
    /// lost.
    func testARunThatEndedIsResumedToItsEnd() throws {
        let table = try Fixture.table(rows: 300)
        let t = try Trainer(plan: Fixture.plan(), table: table)
        try t.checkpoint("\(folder)/a.h5")
        while !t.isFinished { try t.step(maxSteps: 1, maxSeconds: 1) }
        let r = try Trainer.resume("\(folder)/a.h5", table: table)
        while !r.isFinished { try r.step(maxSteps: 100, maxSeconds: 1e9) }
        XCTAssertEqual(try r.finish().ledger.releases, t.ledger.releases)
        try t.checkpoint("\(folder)/a.h5")
        XCTAssertTrue(try Trainer.resume("\(folder)/a.h5", table: table).isFinished)
    }

    /// For the same released values, tables that differ in a row and in their size leave the same bytes behind.
    func testFilesDependOnReleasedValuesAlone() throws {
        let plan = try Fixture.plan()
        let released = try Fixture.train(plan, Fixture.table(rows: 100)).statistics
        func file(_ table: Table) throws -> [UInt8] {
            let ledger = try Ledger(epsilon: plan.epsilon, delta: plan.delta, order: plan.budget.order,
                                    groups: plan.groups, assumptions: plan.assumptions)
            let t = try Trainer(plan: plan, rows: .table(table), ledger: ledger, random: SecureRandom(testSeed: 1),
                                runID: "run")
            try t.begin(with: released)
            try t.checkpoint("\(folder)/b.h5")
            let (bytes, count) = try readFile("\(folder)/b.h5", limit: 1 << 30)
            return Array(bytes[0..<count])
        }
        let one = try file(Fixture.table(rows: 300))
        for other in [try Fixture.table(rows: 299), try Fixture.table(rows: 1), try Fixture.table(rows: 300, seed: 8)] {
            XCTAssertEqual(one, try file(other))
        }
    }

    func testALedgerThatIsNotThePlansIsRefused() throws {
        let plan = try Fixture.plan(#""test_seed": 11, "fairness": {"strength": 0}"#),
            model = try Fixture.train(plan, Fixture.table(rows: 200))
        func refused(_ releases: [Ledger.Release], _ assumptions: [String], line: UInt = #line) throws {
            var l = try Ledger(epsilon: 2, delta: 1e-5, order: plan.budget.order, groups: plan.groups,
                               assumptions: assumptions)
            for r in releases { try l.charge(r) }
            let edited = Model(plan: plan, ledger: l, statistics: model.statistics, autoencoder: model.autoencoder,
                               denoiser: model.denoiser)
            try edited.save("\(folder)/a.h5")
            XCTAssertThrowsError(try Model.load("\(folder)/a.h5"), line: line) {
                XCTAssertEqual(($0 as? Failure)?.code, .format, line: line)
            }
        }
        let own = model.ledger.releases
        try refused([], plan.assumptions)
        try refused(Array(own.dropLast()), plan.assumptions)
        try refused(own, [])                               // the seeded noise of this model is not owned up to
        let g = own[1].groups[0]
        try refused([own[0], .init(name: own[1].name, count: own[1].count,
                                   groups: [.init(group: g.group, samplingRate: g.samplingRate,
                                                  noiseMultiplier: g.noiseMultiplier * 2)]), own[2]], plan.assumptions)
        let more = Ledger.Release(name: "more", groups: [.init(group: g.group, samplingRate: 0, noiseMultiplier: 1)])
        try refused(own + [more], plan.assumptions)
    }

    func testAFullDiskLeavesTheOldFile() throws {
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 50))
        XCTAssertThrowsError(try model.save("\(folder)/no/such/folder.h5")) {
            XCTAssertEqual(($0 as? Failure)?.code, .io)
        }
        XCTAssertThrowsError(try model.save("/dev/full/x.h5")) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
    }
}

private func copyFile(_ from: String, _ to: String) throws {
    let bytes = try readFile(from)
    try AtomicFile.write(UnsafeRawBufferPointer(start: bytes.bytes.base, count: bytes.count), to: to)
}
