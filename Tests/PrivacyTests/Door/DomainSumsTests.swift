// P20, for a domain: sums of grids and texts of rows elsewhere. One row moves each column by one in one place; the
// release is that of a door that read the rows; what is lost, doubled, damaged or too much is refused before a charge;
// texts are wiped.

import Basics
@testable import Privacy
import XCTest

final class DomainSumsTests: XCTestCase {
    private let dice = SecureRandom(testSeed: 8).stream(.direct, 1)
    private func below(_ n: Int) -> Int { Int(dice.below(UInt64(n))) }
    private let columns: [DomainDoor.Column] = [.bins(5), .levels, .bins(7), .levels]

    private typealias Row = (bins: [Int], texts: [String])
    private func rows(_ n: Int) -> [Row] {
        (0..<n).map { _ in ([below(5), below(7)], ["t\(below(4))", ["", "caf\u{E9}", "x"][below(3)]]) }
    }
    private func remoteDoor() throws -> DomainDoor {
        try DomainDoor(columns, elsewhere: ["a", "b", "c", "d", "e"], open: ["a", "b", "c", "e"])
    }
    private func ledger() throws -> Ledger {
        try Ledger(budget: XCTUnwrap(Budget(epsilon: 50, delta: 1e-5, order: 8, selection: 1e-6)))
    }
    private func add(_ row: Row, bin: (Int, Int) -> Void, text: (UnsafeBufferPointer<UInt8>, Int) throws -> Void)
        throws {
        for (k, b) in row.bins.enumerated() { bin(b, 2 * k) }
        for (k, t) in row.texts.enumerated() {
            var t = t
            try t.withUTF8 { try text($0, 2 * k + 1) }
        }
    }
    private func sums(_ request: CountRequest, _ tag: AskTag, _ part: Int, _ rows: [Row]) throws -> Sums {
        let s = try Sums(request, tag, columns: 5)
        try s.beginPart(part)
        for row in rows {
            for t in row.texts {
                var t = t
                try t.withUTF8 { try s.digest($0) }
            }
            try add(row, bin: s.add(bin:column:), text: s.add(level:column:))
            try s.endRow()
        }
        s.endPart()
        return s
    }
    private func bytes(_ s: Sums) throws -> [UInt8] {
        var out = [UInt8](repeating: 0, count: try s.exportSize(0, of: 1))
        out.withUnsafeMutableBytes { s.export(0, of: 1, to: $0.baseAddress!) }
        return out
    }
    private func total(_ request: CountRequest, _ tag: AskTag, _ parts: [Sums]) throws -> Sums {
        let all = try Sums(request, tag, columns: 5)
        for p in parts { try bytes(p).withUnsafeBytes { try all.merge($0) } }
        return all
    }
    private func release(_ door: DomainDoor, _ l: inout Ledger) throws -> DomainDoor.Released {
        try door.release(name: "domain", ledger: &l, noiseMultiplier: 2, selection: 1e-6,
                         random: SecureRandom(testSeed: 5)) { _ in }
    }
    private func words(_ r: DomainDoor.Released) -> [String] {
        [String(r.rows)] + r.bins.map { "\($0)" } + r.levels.map { "\($0)" }
    }
    /// Every count there is, by name.
    private func counts(_ s: Sums) -> [String: Int64] {
        var out = ["rows": Int64(s.rows)]
        for j in columns.indices {
            for (c, n) in s.grid(j).enumerated() { out["\(j), \(c)"] = n }
            if let t = s.texts[j] { for i in 0..<t.count { out["\(j), \(t.text(i))"] = t.counts[i] } }
        }
        for (j, n) in s.problems.enumerated() { out["problem \(j)"] = Int64(n) }
        for k in 0..<s.layout.parts { out["part \(k)"] = Int64(s.times(part: k, slice: 0)) }
        return out
    }

    /// Brute force: one row more moves each column by one in one place, and the rows; no part, no problem; wherever it
    /// is dealt.
    func testOneRowMovesEachColumnByOne() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 3)
        for _ in 0..<20 {
            let deal = (0..<3).map { _ in rows(below(40)) }, one = rows(1), part = below(3)
            func all(_ more: [Row]) throws -> [String: Int64] {
                counts(try total(request, tag, deal.enumerated().map { k, own in
                    try sums(request, tag, k, k == part ? own + more : own)
                }))
            }
            let before = try all([]), after = try all(one)
            let moved = Set(before.keys).union(after.keys).filter { before[$0] ?? 0 != after[$0] ?? 0 }
            XCTAssertEqual(moved.map { (after[$0] ?? 0) - (before[$0] ?? 0) }, moved.map { _ in 1 })
            XCTAssertEqual(moved.count, 5)
            XCTAssertFalse(moved.contains { $0.hasPrefix("part") || $0.hasPrefix("problem") })
        }
        // Mutants: a worker that counts a row in two parts; one that counts a cell of a row twice.
        let one = rows(1), twice = try total(request, tag, [sums(request, tag, 0, one), sums(request, tag, 1, one),
                                                            sums(request, tag, 2, [])])
        XCTAssertEqual(counts(twice)["rows"], 2)
        let s = try Sums(request, tag, columns: 5)
        try s.beginPart(0)
        for row in [one[0], one[0]] { try add(row, bin: s.add(bin:column:), text: s.add(level:column:)) }
        try s.endRow()
        s.endPart()
        XCTAssertEqual(counts(s).filter { $0.value > 1 }.count, 0)
    }

    func testAnyDealingGivesWhatOneReaderGives() throws {
        let all = rows(3000)
        let here = try DomainDoor(columns)
        for row in all {
            try add(row, bin: here.add(bin:column:), text: here.add(level:column:))
            try here.endRow()
        }
        var l = try ledger()
        let want = words(try release(here, &l)), price = l.spent(group: 0)
        for parts in [1, 2, 7] {
            let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: parts)
            try door.accept(total(request, tag, (0..<parts).map { k in
                try sums(request, tag, k, all.enumerated().filter { $0.offset * 31 % parts == k }.map(\.element))
            }.reversed()), strict: true)
            var l = try ledger()
            XCTAssertEqual(words(try release(door, &l)), want, "\(parts)")
            XCTAssertEqual(l.spent(group: 0), price)
        }
    }

    /// With the counts taken away behind the checks, two tables that have nothing in common give the same release.
    func testNothingGetsPastTheDoor() throws {
        func shut(_ n: Int, forgets: Bool) throws -> [String] {
            let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 1)
            if forgets { door.forgetRows() }
            try door.accept(sums(request, tag, 0, rows(n)), strict: true)
            var l = try ledger()
            return words(try release(door, &l))
        }
        XCTAssertEqual(try shut(500, forgets: true), try shut(900, forgets: true))
        XCTAssertNotEqual(try shut(500, forgets: false), try shut(900, forgets: false))
    }

    // MARK: what is refused

    func testLostTwiceForeignAndNoneAreRefused() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 3)
        let deal = (0..<3).map { _ in rows(30) }
        func answer(_ which: [Int], _ deal: [[Row]]) throws {
            try door.accept(total(request, tag, which.map { try sums(request, tag, $0, deal[$0]) }), strict: true)
        }
        func refused(_ code: FailureCode, line: UInt = #line, _ body: () throws -> Void) {
            XCTAssertThrowsError(try body(), line: line) { XCTAssertEqual(($0 as? Failure)?.code, code, line: line) }
            var l = try! ledger()                                               // nothing to release, nothing charged
            XCTAssertThrowsError(try release(door, &l), line: line)
            XCTAssertEqual(l.spent(group: 0), 0, line: line)
        }
        refused(.state) { try answer([0, 1], deal) }
        refused(.state) { try answer([0, 1, 2, 1], deal) }
        refused(.state) { try answer([0, 1, 1], deal) }
        refused(.schema) { try answer([0, 1, 2], [[], [], []]) }
        let other = try remoteDoor(), (foreign, _) = try other.ask(rollCall: false, parts: 3)
        refused(.argument) { try door.accept(sums(request, foreign, 0, deal[0]), strict: true) }
        let problem = try total(request, tag, (0..<3).map { try sums(request, tag, $0, deal[$0]) })
        try problem.withOpenPart { problem.addProblem(column: 3) }
        refused(.schema) { try door.accept(problem, strict: true) }
        try answer([2, 0, 1], deal)                                             // the ask was open all the time
    }

    /// A roll call knows the rows: others are refused before anything is charged.
    func testARollCallKnowsTheRows() throws {
        func second(_ change: ([Row]) -> [Row]) throws {
            let door = try remoteDoor(), own = rows(60)
            for (rollCall, now) in [(true, own), (false, change(own))] {
                let (tag, request) = try door.ask(rollCall: rollCall, parts: 2)
                try door.accept(total(request, tag, [sums(request, tag, 0, Array(now[..<20])),
                                                     sums(request, tag, 1, Array(now[20...]))]), strict: true)
                if rollCall { door.dismissAnswer() }
            }
        }
        XCTAssertNoThrow(try second { $0 })
        XCTAssertNoThrow(try second { $0.reversed() })
        XCTAssertThrowsError(try second { Array($0.dropFirst()) })
        XCTAssertThrowsError(try second { [($0[0].bins, ["other", "x"])] + $0.dropFirst() })
    }

    /// A column of too many texts says so wherever it was counted, and holds none.
    func testTooManyTextsAreRefused() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 2)
        let full = try sums(request, tag, 1, rows(9))
        full.texts[3]?.overflow()
        let both = try total(request, tag, [full, sums(request, tag, 0, rows(20))])
        XCTAssertEqual(both.texts[3]?.count, 0)
        XCTAssertThrowsError(try door.accept(both, strict: false)) {
            XCTAssertTrue(($0 as? Failure)?.message.contains("\"e\"") == true, "\($0)")
        }
        XCTAssertThrowsError(try both.withWords())                              // texts are no words
    }

    func testDamagedBytesAreRefused() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 2)
        let good = try bytes(sums(request, tag, 1, rows(50)))
        func refused(_ bad: [UInt8], line: UInt = #line) throws {
            let into = try Sums(request, tag, columns: 5), before = counts(into)
            XCTAssertThrowsError(try bad.withUnsafeBytes { try into.merge($0) }, line: line)
            XCTAssertEqual(counts(into), before, line: line)
        }
        for i in stride(from: 0, to: good.count, by: 3) {
            var bad = good
            bad[i] ^= 1 << UInt8(below(8))
            try refused(bad)
        }
        for n in [0, 1, 40, 56, good.count - 17, good.count - 1] { try refused(Array(good[..<n])) }
        // Whoever knows the key may sign what is no list of texts: too long, no UTF-8, cut, more than there are.
        func signed(_ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
            var out = Array(good.dropLast(16))
            change(&out)
            let check = out.withUnsafeBytes { sipHash(tag.checkKey, $0.baseAddress!, $0.count) }
            withUnsafeBytes(of: check) { out += $0 }
            return out
        }
        let s = try Sums(request, tag, columns: 5)
        XCTAssertNoThrow(try signed { _ in }.withUnsafeBytes { try s.merge($0) })
        let texts = 40 + 8 * s.layout.words
        for change: (inout [UInt8]) -> Void in [
            { $0[texts + 16] = 255 }, { $0[texts + 17] = 0xff }, { $0.removeLast() }, { $0.append(0) },
            { $0[texts] = 200 }, { $0[texts + 7] = 1 }, { $0.removeSubrange(texts...) }] {
            try refused(signed(change))
        }
    }

    func testTextsAreWiped() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 1)
        let s = try sums(request, tag, 0, rows(300))
        XCTAssertFalse(s.isWiped)
        try door.accept(s, strict: true)
        var l = try ledger()
        _ = try release(door, &l)
        XCTAssertTrue(s.isWiped)
        XCTAssertThrowsError(try s.exportSize(0, of: 1))
        XCTAssertThrowsError(try door.ask(rollCall: false, parts: 1))           // released once
    }

    /// The charge is made before the noise, and stays when what follows fails.
    func testChargeBeforeDraw() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 1)
        try door.accept(sums(request, tag, 0, rows(40)), strict: true)
        var l = try ledger()
        XCTAssertThrowsError(try door.release(name: "domain", ledger: &l, noiseMultiplier: 2, selection: 1e-6,
                                              random: SecureRandom()) { _ in throw Failure(.io, "fault") })
        XCTAssertGreaterThan(l.spent(group: 0), 0)
        XCTAssertThrowsError(try door.ask(rollCall: false, parts: 1))
    }

    /// Mutants of the checks: parts not counted, texts in the order they were met.
    func testMutantsAreSeen() throws {
        let door = try remoteDoor(), (tag, request) = try door.ask(rollCall: false, parts: 3)
        let deal = (0..<3).map { _ in rows(30) }
        // Parts not checked: nothing else would see a part that is lost, or there twice.
        for which in [[0, 1], [0, 1, 1], [0, 1, 2, 2]] {
            XCTAssertTrue(try total(request, tag, which.map { try sums(request, tag, $0, deal[$0]) }).addsUp)
        }
        // Noise in the order in which texts were met: two dealings of the same rows would differ.
        func met(_ order: [Int]) throws -> [String] {
            let s = try total(request, tag, order.map { try sums(request, tag, $0, deal[$0]) })
            return try withExtendedLifetime(s) {
                let t = try XCTUnwrap(s.texts[1])
                return (0..<t.count).map(t.text)
            }
        }
        func sorted(_ order: [Int]) throws -> [String] {
            let s = try total(request, tag, order.map { try sums(request, tag, $0, deal[$0]) })
            return try withExtendedLifetime(s) {
                let t = try XCTUnwrap(s.texts[1])
                return try t.sorted().map { t.text(Int($0)) }
            }
        }
        let all = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]]
        XCTAssertGreaterThan(Set(try all.map(met)).count, 1)
        XCTAssertEqual(Set(try all.map(sorted)), [["t0", "t1", "t2", "t3"]])
    }
}

extension Sums {
    /// For a test that adds to the words of parts which are whole.
    fileprivate func withOpenPart(_ body: () throws -> Void) rethrows {
        openPart = 0
        defer { openPart = nil }
        try body()
    }
}
