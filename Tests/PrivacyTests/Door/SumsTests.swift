// P20: sums of rows elsewhere. One row moves one word of each table by one wherever it is dealt; what was lost, came
// twice, is stale, damaged or of other rows is refused before anything is charged; words are wiped.

import Basics
@testable import Privacy
import XCTest

final class SumsTests: XCTestCase {
    private let dice = SecureRandom(testSeed: 5).stream(.direct, 1)
    private func below(_ n: Int) -> Int { Int(dice.below(UInt64(n))) }
    private let cellCounts = [4, 300, 3], groups = ["a", "b"]

    private typealias Row = (cells: [Int], group: Int)
    private func rows(_ n: Int) -> [Row] { (0..<n).map { _ in (cellCounts.map(below), below(2)) } }
    private func table(_ rows: [Row]) throws -> PrivateTable {
        let t = try PrivateTable(rows: rows.count, cellCounts: cellCounts, groups: groups)
        for j in cellCounts.indices {
            try t.fill(column: j) { for (i, r) in rows.enumerated() { $0[i] = UInt16(r.cells[j]) } }
        }
        try t.fillGroups { for (i, r) in rows.enumerated() { $0[i] = Int32(r.group) } }
        return t
    }
    private func remoteDoor(_ random: SecureRandom? = nil) throws -> Door {
        let ledger = try Ledger(epsilon: 1e16, delta: 1e-5, order: 2, groups: groups)
        return try Door(elsewhere: cellCounts, columns: ["x", "y", "z"], budget: ledger.budget, ledger: ledger,
                        random: random ?? SecureRandom())
    }
    private func histograms() -> [HistogramRequest] {
        [.init(column: 1, divisor: 50, body: 290, weight: 2), .init(column: 1, body: 290), .init(column: 2, body: 3)]
    }
    private func request() throws -> CountRequest {
        try CountRequest(histograms: histograms(), cellCounts: cellCounts, groups: 2)
    }
    private func pairs() throws -> CountRequest {
        try CountRequest(tables: [[0, 1], [2, 0]], codes: cellCounts.map(ColumnCodes.init(cells:)))
    }
    /// Sums of one part.
    private func sums(_ request: CountRequest, _ tag: AskTag, _ part: Int, _ rows: [Row], problems: [Int] = [0, 0, 0])
        throws -> Sums {
        let s = try Sums(request, tag, columns: 3)
        try s.beginPart(part)
        try s.add(table(rows), problems: problems)
        s.endPart()
        return s
    }
    private func bytes(_ s: Sums, _ k: Int = 0, of n: Int = 1) throws -> [UInt8] {
        var out = [UInt8](repeating: 0, count: try s.exportSize(k, of: n))
        out.withUnsafeMutableBytes { s.export(k, of: n, to: $0.baseAddress!) }
        return out
    }
    private func total(_ request: CountRequest, _ tag: AskTag, _ parts: [Sums]) throws -> Sums {
        let all = try Sums(request, tag, columns: 3)
        for p in parts { try bytes(p).withUnsafeBytes { try all.merge($0) } }
        return all
    }
    private func words(_ s: Sums) throws -> [UInt64] { Array(try s.withWords()) }

    // MARK: the digest

    /// The first vectors of the reference implementation: key 00 … 0f, messages of 0, 1 and 15 ascending bytes.
    func testSipHashVectors() {
        let key = SIMD2<UInt64>(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908), message = (0..<16).map { UInt8($0) }
        func hash(_ n: Int) -> [UInt8] {
            let h = message.withUnsafeBytes { sipHash(key, $0.baseAddress!, n) }
            return withUnsafeBytes(of: h) { Array($0) }
        }
        XCTAssertEqual(hash(0), [0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55,
                                 0x02, 0x93])
        XCTAssertEqual(hash(1), [0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22,
                                 0xfc, 0x45])
    }

    // MARK: neighbours

    /// Where a vector moved, and by how much.
    private func moves(_ a: [UInt64], _ b: [UInt64]) -> [(place: Int, by: UInt64)] {
        a.indices.filter { a[$0] != b[$0] }.map { ($0, b[$0] &- a[$0]) }
    }

    func testOneRowMovesOneCellOfEachTable() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 3)
        for _ in 0..<20 {
            let deal = (0..<3).map { _ in rows(below(40)) }, one = rows(1), part = below(3)
            let before = try total(request, tag, deal.enumerated().map { try sums(request, tag, $0, $1) })
            let after = try total(request, tag, deal.enumerated().map { k, own in
                try sums(request, tag, k, k == part ? own + one : own)
            })
            let l = before.layout, moved = moves(try words(before), try words(after))
                .filter { !(l.digest..<l.digest + 2).contains($0.place) }
            // The row count, the group, and a cell of each of two columns; no part, no problem.
            XCTAssertEqual(moved.map(\.by), [1, 1, 1, 1])
            XCTAssertTrue(moved.allSatisfy { $0.place >= l.rows && !(l.problems..<l.groupCounts).contains($0.place) })
        }
    }

    /// Mutant: a worker that counts a row in two parts moves twice as far.
    func testARowInTwoPartsIsSeen() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 2), one = rows(1)
        let before = try total(request, tag, [sums(request, tag, 0, []), sums(request, tag, 1, [])])
        let after = try total(request, tag, [sums(request, tag, 0, one), sums(request, tag, 1, one)])
        XCTAssertEqual(moves(try words(before), try words(after)).first { $0.place == before.layout.rows }?.by, 2)
    }

    // MARK: the same as with a table

    /// Noise of a seed, so that equal means equal words.
    private func releases(_ door: Door, _ answer: (Door, CountRequest) throws -> Void) throws -> [[Double]] {
        let codes = try pairs().codes
        try answer(door, request())
        let (counts, groups) = try door.releaseHistograms(name: "h", requests: histograms(), noiseMultiplier: 3)
        door.dismissAnswer()
        try answer(door, pairs())
        let tables = try door.releaseMarginals(name: "m", requests: [.init(columns: [0, 1]), .init(columns: [2, 0])],
                                               codes: codes, noiseMultiplier: 3, threads: 2)
        door.dismissAnswer()
        try answer(door, pairs())
        let oneWay = try cellCounts.map { n in
            let b = try Buffer<Double>(count: n)
            for c in 0..<n { b[c] = Double(c % 5) }
            return b
        }
        let chosen = try door.selectPairs(name: "s", candidates: [(0, 1), (2, 0)], codes: codes, oneWay: oneWay,
                                          total: 50, standardDeviation: 3, count: 1, rho: 0.1, threads: 2)
        door.dismissAnswer()
        var out: [[Double]] = counts.map { Array($0) }
        out.append(groups)
        for t in tables { out.append(Array(t)) }
        out.append(chosen.map { Double($0) })
        return out
    }

    private func local(_ all: [Row], _ random: SecureRandom) throws -> Door {
        let ledger = try Ledger(epsilon: 1e16, delta: 1e-5, order: 2, groups: groups)
        return try Door(table: table(all), budget: ledger.budget, ledger: ledger, random: random)
    }

    func testAnyDealingGivesWhatATableGives() throws {
        let all = rows(5000)
        let here = try releases(local(all, SecureRandom(testSeed: 4))) { _, _ in }
        for parts in [1, 2, 7] {
            let there = try releases(remoteDoor(SecureRandom(testSeed: 4))) { door, request in
                let tag = try door.ask(request, parts: parts)
                let deal = (0..<parts).map { _ in self.below(1 << 20) }
                try door.accept(self.total(request, tag, (0..<parts).map { k in
                    try self.sums(request, tag, k, all.enumerated().filter { ($0.offset * 31 + deal[0]) % parts == k }
                        .map(\.element))
                }.reversed()), strict: true)
            }
            XCTAssertEqual(here, there, "\(parts)")
        }
    }

    /// With the counts taken away behind the checks, two tables that have nothing in common give the same releases.
    func testNothingGetsPastTheDoor() throws {
        func shut(_ n: Int, forgets: Bool) throws -> [[Double]] {
            let door = try remoteDoor(SecureRandom(testSeed: 4)), all = rows(n)
            if forgets { door.forgetRows() }
            return try releases(door) { door, request in
                let tag = try door.ask(request, parts: 1)
                try door.accept(self.sums(request, tag, 0, all), strict: true)
            }
        }
        XCTAssertEqual(try shut(50, forgets: true), try shut(90, forgets: true))
        XCTAssertNotEqual(try shut(50, forgets: false), try shut(90, forgets: false))
    }

    // MARK: what is refused

    /// A door after an ask in three parts, and what became of an answer to it.
    private func refusal(_ play: (Door, CountRequest, AskTag, [[Row]]) throws -> Sums) throws -> FailureCode? {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 3)
        let deal = (0..<3).map { _ in rows(30) }
        defer { XCTAssertTrue(door.ledger.releases.isEmpty) }
        do { try door.accept(play(door, request, tag, deal), strict: true) } catch let f as Failure {
            // Refused: a release has nothing to draw from, and nothing is charged.
            XCTAssertThrowsError(try door.releaseHistograms(name: "h", requests: histograms(), noiseMultiplier: 3))
            XCTAssertFalse(f.message.contains("30"), f.message)
            // The ask stays open.
            if f.code == .state { try door.accept(all(request, tag, deal, [0, 1, 2]), strict: true) }
            return f.code
        }
        return nil
    }
    private func all(_ request: CountRequest, _ tag: AskTag, _ deal: [[Row]], _ which: [Int]) throws -> Sums {
        try total(request, tag, which.map { try sums(request, tag, $0, deal[$0]) })
    }

    func testLostTwiceAndBothAreRefused() throws {
        XCTAssertNil(try refusal { try self.all($1, $2, $3, [2, 0, 1]) })
        XCTAssertEqual(try refusal { try self.all($1, $2, $3, [0, 1]) }, .state)
        XCTAssertEqual(try refusal { try self.all($1, $2, $3, [0, 1, 2, 1]) }, .state)
        XCTAssertEqual(try refusal { try self.all($1, $2, $3, [0, 1, 1]) }, .state)
        XCTAssertEqual(try refusal { _, request, tag, _ in
            try self.all(request, tag, [[], [], []], [0, 1, 2])
        }, .schema)
    }

    func testForeignStaleAndUsedSumsAreRefused() throws {
        XCTAssertEqual(try refusal { _, request, _, deal in
            let other = try self.remoteDoor(), tag = try other.ask(request, parts: 3)
            return try self.all(request, tag, deal, [0, 1, 2])
        }, .argument)
        XCTAssertEqual(try refusal { door, request, tag, deal in
            _ = try door.ask(request, parts: 3)
            return try self.all(request, tag, deal, [0, 1, 2])
        }, .argument)
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 1)
        let s = try sums(request, tag, 0, rows(9))
        try door.accept(s, strict: true)
        XCTAssertThrowsError(try door.accept(s, strict: true))                       // one ask, one answer
        // Exported sums of another ask are not merged.
        let next = try Sums(request, door.ask(request, parts: 1), columns: 3)
        XCTAssertThrowsError(try bytes(s).withUnsafeBytes { try next.merge($0) }) {
            XCTAssertEqual(($0 as? Failure)?.code, .argument)
        }
    }

    func testProblemsAreRefusedWhileNothingIsCharged() throws {
        let door = try remoteDoor(), request = try request(), own = rows(20)
        func answer(strict: Bool) throws {
            let tag = try door.ask(request, parts: 1)
            try door.accept(sums(request, tag, 0, own, problems: [0, 2, 0]), strict: strict)
        }
        XCTAssertThrowsError(try answer(strict: true)) {
            XCTAssertEqual(($0 as? Failure)?.message,
                           "cells break the schema, in column \"y\": 2; check the rows to see which rules")
        }
        XCTAssertNoThrow(try answer(strict: false))
    }

    /// Rows that are dealt anew between two readings show, and so does one row in the place of another.
    func testOtherRowsThanBeforeAreRefused() throws {
        let own = rows(60)
        func second(_ change: ([Row]) -> [Row]) throws {
            let door = try remoteDoor(), request = try request()
            for round in [own, change(own)] {
                let tag = try door.ask(request, parts: 2)
                try door.accept(total(request, tag, [sums(request, tag, 0, Array(round[..<20])),
                                                     sums(request, tag, 1, Array(round[20...]))]), strict: true)
                door.dismissAnswer()
            }
        }
        XCTAssertNoThrow(try second { $0 })
        XCTAssertNoThrow(try second { $0.reversed() })                               // the order is nobody's matter
        XCTAssertThrowsError(try second { Array($0.dropFirst()) })
        XCTAssertThrowsError(try second { [$0[1]] + $0.dropFirst() + [] })           // one lost, one twice
    }

    func testDamagedBytesAreRefused() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 2)
        let good = try bytes(sums(request, tag, 1, rows(50)))
        for i in stride(from: 0, to: good.count, by: 7) {
            var bad = good
            bad[i] ^= 1 << UInt8(below(8))
            let into = try Sums(request, tag, columns: 3), before = try words(into)
            XCTAssertThrowsError(try bad.withUnsafeBytes { try into.merge($0) })
            XCTAssertEqual(try words(into), before)
        }
        for n in [0, 1, 39, 40, 56, good.count - 8, good.count - 1] {
            let into = try Sums(request, tag, columns: 3)
            XCTAssertThrowsError(try good[..<n].withUnsafeBytes { try into.merge($0) })
        }
    }

    /// A wide ask goes in slices, each with the parts in it: one that is lost, or comes twice, shows.
    func testSlices() throws {
        let m = 60, codes = try (0..<m).map { _ in try ColumnCodes(cells: 60) }
        let wide = CountRequest(tables: (0..<m).flatMap { a in (a + 1..<m).map { [a, $0] } }, codes: codes)
        let ledger = try Ledger(epsilon: 1e16, delta: 1e-5, order: 2, groups: ["all"])
        let door = try Door(elsewhere: codes.map(\.count), columns: (0..<m).map { "c\($0)" }, budget: ledger.budget,
                            ledger: ledger, random: SecureRandom())
        let tag = try door.ask(wide, parts: 2)
        let parts = try (0..<2).map { part -> Sums in
            let t = try PrivateTable(rows: 3, cellCounts: codes.map(\.count), groups: ["all"])
            for j in 0..<m { try t.fill(column: j) { for i in 0..<3 { $0[i] = UInt16((i + j + part) % 60) } } }
            let s = try Sums(wide, tag, columns: m)
            try s.beginPart(part)
            try s.add(t, problems: [Int](repeating: 0, count: m))
            s.endPart()
            return s
        }
        let n = parts[0].layout.slices
        XCTAssertGreaterThan(n, 1)
        func answer(_ which: [(part: Int, slice: Int)]) throws -> Sums {
            let all = try Sums(wide, tag, columns: m)
            for w in which { try bytes(parts[w.part], w.slice, of: n).withUnsafeBytes { try all.merge($0) } }
            return all
        }
        let every = (0..<n).flatMap { k in [(1, k), (0, k)] }
        XCTAssertThrowsError(try door.accept(answer(Array(every.dropLast())), strict: true))
        XCTAssertThrowsError(try door.accept(answer(every + [every[0]]), strict: true))
        // One part's slice in the place of the other's.
        XCTAssertThrowsError(try door.accept(answer([(1, 0), (1, 0)] + every.dropFirst(2)), strict: true))
        XCTAssertEqual(try words(answer(every)), try words(answer(every.reversed())))
        XCTAssertNoThrow(try door.accept(answer(every), strict: true))
    }

    func testAPartIsAddedOnceAndAsAWhole() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 2)
        let s = try sums(request, tag, 1, rows(4))
        XCTAssertThrowsError(try s.beginPart(1))
        XCTAssertThrowsError(try s.beginPart(2))
        try s.beginPart(0)
        XCTAssertThrowsError(try s.exportSize(0, of: 1))                             // half of a part is in it
        XCTAssertThrowsError(try door.accept(s, strict: true))
    }

    // MARK: wiped

    func testWordsAreWiped() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 1)
        let s = try sums(request, tag, 0, rows(40))
        XCTAssertFalse(s.isWiped)
        try door.accept(s, strict: true)
        _ = try door.releaseHistograms(name: "h", requests: histograms(), noiseMultiplier: 3)
        door.dismissAnswer()
        XCTAssertTrue(s.isWiped)
        XCTAssertThrowsError(try s.withWords())
        XCTAssertThrowsError(try s.exportSize(0, of: 1))
    }

    /// The charge is made before the noise, and stays when what follows fails.
    func testChargeBeforeDraw() throws {
        let door = try remoteDoor(), request = try request(), tag = try door.ask(request, parts: 1)
        try door.accept(sums(request, tag, 0, rows(40)), strict: true)
        door.durable = { _ in throw Failure(.io, "fault") }
        XCTAssertThrowsError(try door.releaseHistograms(name: "h", requests: histograms(), noiseMultiplier: 3))
        XCTAssertEqual(door.ledger.releases.count, 1)
    }

    /// Mutants of the checks: each lets through what the door refuses, and the falsifiers above would see it.
    func testMutantsOfTheChecksAreSeen() throws {
        let request = try request(), door = try remoteDoor(), tag = try door.ask(request, parts: 3)
        let deal = (0..<3).map { _ in rows(30) }, lostAndTwice = try all(request, tag, deal, [0, 1, 1])
        // Parts not checked: the tables still add up to the rows, so nothing else would see it.
        XCTAssertTrue(lostAndTwice.addsUp)
        XCTAssertEqual(lostAndTwice.rows, 90)
        for which in [[0, 1], [0, 1, 2, 1], [1, 1]] {
            XCTAssertTrue(try all(request, tag, deal, which).addsUp)
        }
        // An ask's id not checked: an answer to the ask before it, or to that of another training, has every part once
        // and adds up; the one before has even the same digest.
        let stale = try all(request, tag, deal, [0, 1, 2])
        let fresh = try all(request, door.ask(request, parts: 3), deal, [0, 1, 2])
        XCTAssertEqual(try words(stale), try words(fresh))
        let foreign = try all(request, remoteDoor().ask(request, parts: 3), deal, [0, 1, 2])
        XCTAssertTrue(foreign.addsUp)
        XCTAssertEqual(foreign.rows, fresh.rows)
        XCTAssertNotEqual(foreign.digest, fresh.digest)
        // A digest of the row count alone: one row in the place of another passes.
        var other = deal[0]
        other[0] = (other[1].cells, other[1].group)
        XCTAssertEqual(try table(deal[0]).rows, try table(other).rows)
        XCTAssertNotEqual(try table(deal[0]).digest(tag.digestKey), try table(other).digest(tag.digestKey))
    }
}
