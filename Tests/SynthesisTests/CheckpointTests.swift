import XCTest
@testable import Synthesis
import Basics
import Glibc
import Privacy
import Tables

final class CheckpointTests: XCTestCase {
    private var folder = ""

    override func setUp() {
        var template = Array("/tmp/flip-checkpoint-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) } ?? ""
        XCTAssertNotEqual(folder, "")
    }

    override func tearDown() {
        for f in ["a.h5", "b.h5"] { unlink("\(folder)/\(f)") }
        rmdir(folder)
    }

    func testAModelReadBackSamplesTheSameRows() throws {
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 400))
        try model.save("\(folder)/a.h5")
        let back = try Model.load("\(folder)/a.h5")
        XCTAssertEqual(back.ledger, model.ledger)
        XCTAssertEqual(back.json, model.json)
        XCTAssertEqual(Fixture.cells(try back.sample(count: 500, seed: 4)), Fixture.cells(try model.sample(count: 500, seed: 4)))
        let bytes = try back.bytes(), again = try model.bytes()
        XCTAssertEqual(bytes.count, again.count)
        XCTAssertEqual(memcmp(bytes.base, again.base, bytes.count), 0)
        XCTAssertEqual(try Model.load(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)).ledger, model.ledger)
        XCTAssertThrowsError(try Trainer.resume("\(folder)/a.h5", table: Fixture.table(rows: 5))) { XCTAssertEqual(($0 as? Failure)?.code, .format) }
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
            XCTAssertEqual(r.ledger, t.ledger)
            while !r.isFinished { try r.step(maxSteps: 4, maxSeconds: 1e9) }
            XCTAssertEqual(r.ledger.releases.map(\.count), whole.releases.map(\.count))
            XCTAssertLessThanOrEqual(r.ledger.epsilon, plan.epsilon)
            XCTAssertEqual(try r.finish().sample(count: 20, seed: 1).rows, 20)
        }
    }

    /// The file a crash leaves behind has been charged for everything that may have been drawn since, and the run that continues it
    /// does that many steps fewer.
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
        for (group, spent) in t.ledger.groups.map({ ($0, t.ledger.rdp($0, at: 8)) }) { XCTAssertGreaterThanOrEqual(r.ledger.rdp(group, at: 8), spent) }
        while !r.isFinished { try r.step(maxSteps: 100, maxSeconds: 1e9) }
        XCTAssertEqual(r.ledger.releases.map(\.count), [1, 6, 5])
        XCTAssertLessThanOrEqual(r.ledger.epsilon, plan.epsilon)
    }

    func testALostFirstReleaseIsNotMadeAgain() throws {
        let table = try Fixture.table(rows: 300)
        let t = try Trainer(plan: Fixture.plan(), table: table)
        try t.checkpoint("\(folder)/a.h5")
        try t.chargeAhead()                                // dies between charge and release
        XCTAssertThrowsError(try Trainer.resume("\(folder)/a.h5", table: table)) { XCTAssertEqual(($0 as? Failure)?.code, .budget) }
    }

    func testFilesHoldNoRowCountAndNoTestKey() throws {
        // Two tables of different sizes give files of the same layout when what is released is the same.
        let plan = try Fixture.plan(#""rows": {"declared": 300}, "test_seed": 9"#)
        func size(_ rows: Int) throws -> Int {
            let t = try Trainer(plan: plan, table: Fixture.table(rows: rows))
            try t.step(maxSteps: 3, maxSeconds: 1e9)
            try t.checkpoint("\(folder)/b.h5")
            var s = stat()
            XCTAssertEqual(stat("\(folder)/b.h5", &s), 0)
            return Int(s.st_size)
        }
        XCTAssertEqual(Double(try size(300)), Double(try size(299)), accuracy: 4096)
    }

    func testAFullDiskLeavesTheOldFile() throws {
        let model = try Fixture.train(Fixture.plan(), Fixture.table(rows: 50))
        XCTAssertThrowsError(try model.save("\(folder)/no/such/folder.h5")) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
        XCTAssertThrowsError(try model.save("/dev/full/x.h5")) { XCTAssertEqual(($0 as? Failure)?.code, .io) }
    }
}
