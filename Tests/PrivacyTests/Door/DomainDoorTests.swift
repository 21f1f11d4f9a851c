// A domain bought from the budget: charged before it is drawn, one row moves it by C, noise is what it should be, and a
// text that one row alone holds shows as rarely as was paid for.

import Basics
import Glibc
import XCTest
@testable import Privacy

final class DomainDoorTests: XCTestCase {
    private func ledger(rowsPerPerson: Int = 0, selection: Double = 1e-6) throws -> Ledger {
        try Ledger(budget: XCTUnwrap(Budget(epsilon: 50, delta: 1e-5, order: 8, selection: selection,
            rowsPerPerson: rowsPerPerson)))
    }

    private func add(_ door: DomainDoor, _ text: String, _ column: Int) throws {
        var text = text
        try text.withUTF8 { try door.add(level: $0, column: column) }
    }

    private func filled(_ rows: [(bin: Int, text: String)]) throws -> DomainDoor {
        let door = try DomainDoor([.bins(5), .levels])
        for row in rows {
            door.add(bin: row.bin, column: 0)
            try add(door, row.text, 1)
            try door.endRow()
        }
        return door
    }

    private func release(_ door: DomainDoor, sigma: Double = 2, selection: Double = 1e-6, seed: UInt64? = nil,
        _ ledger: inout Ledger) throws -> DomainDoor.Released {
        try door.release(name: "domain", ledger: &ledger, noiseMultiplier: sigma, selection: selection,
            random: seed.map { SecureRandom(testSeed: $0) } ?? SecureRandom()) {
            _ in
        }
    }

    func testThresholdOfTheContract() {
        XCTAssertEqual(DomainDoor.threshold(standardDeviation: 10, delta: 1e-7, rows: 1), 53)
        for (standardDeviation, delta, k) in [(0.5, 1e-9, 1), (3, 1e-6, 1), (40, 1e-8, 4), (1000, 1e-3, 10)] {
            let t = DomainDoor.threshold(standardDeviation: standardDeviation, delta: delta, rows: k)
            func risk(_ t: Int) -> Double {
                Double(k) * 0.5 * erfc(Double(t - k) / (standardDeviation * 2.0.squareRoot()))
            }
            XCTAssertLessThanOrEqual(risk(t), delta)
            XCTAssertGreaterThan(risk(t - 1), delta)
        }
    }

    /// The exact tail of the discrete Gaussian is at most what the threshold was computed with; shown from τ on instead
    /// of above it, it is not.
    func testExactTails() {
        for standardDeviation in [0.7, 2.0, 10.0] {
            let delta = 1e-4, t = DomainDoor.threshold(standardDeviation: standardDeviation, delta: delta, rows: 1)
            let variance2 = 2 * standardDeviation * standardDeviation
            let total = (-2000...2000).reduce(0.0) { $0 + exp(-Double($1 * $1) / variance2) }
            func tail(_ m: Int) -> Double { (m...2000).reduce(0.0) { $0 + exp(-Double($1 * $1) / variance2) } / total }
            XCTAssertLessThanOrEqual(tail(t), delta)                           // 1 + noise > τ
            for m in 1...30 {
                XCTAssertLessThanOrEqual(tail(m),
                    0.5 * erfc(Double(m - 1) / (standardDeviation * 2.0.squareRoot())) * (1 + 1e-12))
            }
        }
    }

    func testWhatLeaves() throws {
        let rows = (0..<5000).map {
            (bin: $0 % 4 == 0 ? 1 : 3, text: $0 < 3000 ? "often" : $0 < 4990 ? "seldom" : "rare\($0)")
        }
        var l = try ledger()
        let r = try release(filled(rows), &l)
        XCTAssertEqual(r.standardDeviation, 2 * 3.0.squareRoot(), accuracy: 1e-12)
        XCTAssertEqual(r.rows, 5000, accuracy: 8 * r.standardDeviation)
        XCTAssertEqual(r.levels[1].map(\.text), ["often", "seldom"])
        XCTAssertEqual(r.levels[1][0].count, 3000, accuracy: 8 * r.standardDeviation)
        XCTAssertEqual(r.bins[0].count, 5)
        for (b, want) in zip(r.bins[0], [0, 1250, 0, 3750, 0] as [Double]) {
            XCTAssertEqual(b, want, accuracy: 8 * r.standardDeviation)
        }
        XCTAssertEqual(r.bins[1].count, 0)
        XCTAssertEqual(l.releases.map(\.name), ["domain", "domain, levels"])
        XCTAssertEqual(l.selection, 1e-6, accuracy: 1e-18)
        XCTAssertEqual(l.spent(group: 0), 8 / (2 * 4.0), accuracy: 1e-12)
    }

    /// Charge, disk, then noise; whatever fails on the way leaves the charge and gives nothing.
    func testChargeBeforeDraw() throws {
        struct Full: Error {}
        var l = try ledger(), order: [String] = []
        let door = try filled([(0, "a")])
        XCTAssertThrowsError(try door.release(name: "domain", ledger: &l, noiseMultiplier: 2, selection: 1e-6,
            random: SecureRandom(source: { order.append("entropy"); return getentropy($0, $1) })) {
            XCTAssertEqual($0.releases.count, 2)
            order.append("disk")
            throw Full()
        })
        XCTAssertEqual(order, ["entropy", "disk"])                             // the key, before the release
        XCTAssertEqual(l.releases.count, 2)
        XCTAssertThrowsError(try release(door, &l)) { XCTAssertEqual(($0 as? Failure)?.code, .state) }
        var poor = try Ledger(budget: XCTUnwrap(Budget(epsilon: 3, delta: 1e-5, order: 8, selection: 1e-6)))
        XCTAssertThrowsError(try release(filled([(0, "a")]), sigma: 0.5, &poor)) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
        XCTAssertThrowsError(try release(filled([(0, "a")]), sigma: 5, selection: 2e-6, &poor)) {
            XCTAssertEqual(($0 as? Failure)?.code, .budget)
        }
        XCTAssertThrowsError(try release(filled([(0, "a")]), selection: 0, &l)) {
            XCTAssertEqual(($0 as? Failure)?.code, .argument)
        }
        for bad in [0, -1, .nan, .infinity] as [Double] {
            XCTAssertThrowsError(try release(filled([(0, "a")]), sigma: bad, &l))
        }
        XCTAssertThrowsError(try DomainDoor([]))
        XCTAssertThrowsError(try DomainDoor([.bins(0)]))
    }

    /// Brute force: with the same noise, one row more moves each grid by one cell, the texts by one count, the row
    /// count by one: by C together. A second count of the same row adds nothing; a mutant that counts it is caught.
    func testOneRowMovesItByItsSensitivity() throws {
        let rows = (0..<400).map { (bin: $0 % 5, text: "t\($0 % 3)") }
        func move(_ more: (DomainDoor) throws -> Void) throws -> Double {
            var a = try ledger(), b = try ledger()
            let before = try release(filled(rows), seed: 5, &a), door = try filled(rows)
            try more(door)
            let after = try release(door, seed: 5, &b)
            var square = pow(after.rows - before.rows, 2)
            for (x, y) in zip(before.bins[0], after.bins[0]) { square += (x - y) * (x - y) }
            let texts = Dictionary(uniqueKeysWithValues: before.levels[1].map { ($0.text, $0.count) })
            for t in after.levels[1] { square += pow(t.count - (texts[t.text] ?? 0), 2) }
            return square.squareRoot()
        }
        XCTAssertEqual(try move { d in
            d.add(bin: 2, column: 0)
            d.add(bin: 3, column: 0)
            try self.add(d, "t1", 1)
            try self.add(d, "t2", 1)
            d.add(bin: 99, column: 0)
            d.add(bin: 1, column: 1)
            d.add(bin: 1, column: 9)
            try d.endRow()
        }, 3.0.squareRoot(), accuracy: 1e-9)
        XCTAssertEqual(try move { try $0.endRow() }, 1, accuracy: 1e-9)
        XCTAssertGreaterThan(try move { d in                                    // a mutant that counts one row as two
            for _ in 0..<2 {
                d.add(bin: 2, column: 0)
                try self.add(d, "t1", 1)
                try d.endRow()
            }
        }, 3.4)
    }

    /// A text of one row shows about as often as its tail says, far more often without the threshold; one of many rows
    /// always. The number of those below leaves no trace: neighbours differ in nothing else.
    func testOneRowsTextShowsAsRarelyAsPaidFor() throws {
        let runs = 3000, selection = 0.01
        var shown = 0
        for _ in 0..<runs {
            var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: 50, delta: 0.1, order: 8, selection: selection)))
            let r = try release(filled((0..<80).map { (0, $0 == 0 ? "mine" : "all") }), sigma: 1, selection: selection,
                &l)
            if r.levels[1].contains(where: { $0.text == "mine" }) { shown += 1 }
            XCTAssertTrue(r.levels[1].contains { $0.text == "all" })
        }
        XCTAssertLessThan(Double(shown), 0.01 * Double(runs) + 4 * (0.01 * Double(runs)).squareRoot())
        // The mutant: hardly a threshold. The same count finds it.
        var loose = 0
        for _ in 0..<300 {
            var l = try Ledger(budget: XCTUnwrap(Budget(epsilon: 50, delta: 0.9, order: 8, selection: 0.49)))
            if try release(filled((0..<80).map { (0, $0 == 0 ? "mine" : "all") }), sigma: 1, selection: 0.49,
                &l).levels[1].contains(where: { $0.text == "mine" }) {
                loose += 1
            }
        }
        XCTAssertGreaterThan(Double(loose), 0.01 * 300 + 4 * (0.01 * 300.0).squareRoot())
    }

    func testManyTexts() throws {
        let door = try DomainDoor([.levels])
        for i in 0..<20_000 {
            for k in 0..<(i % 7 == 0 ? 60 : 1) {
                _ = k
                try add(door, "text number \(i)", 0)
                try door.endRow()
            }
        }
        try add(door, String(repeating: "x", count: 201), 0)
        try door.endRow()
        try add(door, "", 0)
        try door.endRow()
        var l = try ledger()
        let r = try release(door, sigma: 2, &l), found = Set(r.levels[0].map(\.text))
        XCTAssertGreaterThan(found.count, 2850)
        XCTAssertTrue(found.allSatisfy { text in Int(text.dropFirst(12)).map { $0 % 7 == 0 } ?? false })
        XCTAssertTrue(door.isEmpty)                                             // wiped
    }

    /// Two texts that are the same to a reader stand in an order that counts and bytes alone decide, not in that of
    /// their rows.
    func testTextsThatLookAlike() throws {
        let composed = "caf\u{E9}", apart = "cafe\u{301}"
        for first in [composed, apart] {
            var orders = Set<[[UInt8]]>()
            for _ in 0..<60 {
                var l = try ledger()
                let rows = (0..<400).map { (bin: 0, text: ($0 % 2 == 0) == (first == composed) ? composed : apart) }
                let r = try release(filled(rows), &l), found = r.levels[1]
                XCTAssertEqual(found.count, 2)
                if found[0].count == found[1].count { orders.insert(found.map { Array($0.text.utf8) }) }
            }
            XCTAssertTrue(orders.isSubset(of: [[Array(apart.utf8), Array(composed.utf8)]]), "\(orders.count)")
        }
    }

    func testPersonsRaiseTheThreshold() throws {
        let one = DomainDoor.threshold(standardDeviation: 10, delta: 1e-7, rows: 1),
            three = DomainDoor.threshold(standardDeviation: 10, delta: 1e-7, rows: 3)
        XCTAssertGreaterThanOrEqual(three, one + 2)
        var l = try ledger(rowsPerPerson: 3)
        _ = try release(filled([(0, "a")]), sigma: 6, &l)
        XCTAssertEqual(l.spent(group: 0), 8 * 9 / (2 * 36.0), accuracy: 1e-12)
    }
}
