// What several runs share: whatever they do, and in whatever order, the sum at α* never exceeds R*. Accounts that
// forget are caught.

import Basics
import XCTest
@testable import Privacy

final class AccountTests: XCTestCase {
    private func terms(_ epsilon: Double = 3, selection: Double = 0, rowsPerPerson: Int = 0) throws -> Budget {
        try XCTUnwrap(Budget(epsilon: epsilon, delta: 1e-5, order: 12, selection: selection,
            rowsPerPerson: rowsPerPerson))
    }

    private func ledger(_ b: Budget, _ epsilon: Double, groups: [String] = ["all"]) throws -> Ledger {
        try Ledger(budget: XCTUnwrap(b.part(epsilon: epsilon)), groups: groups)
    }

    private func run(_ id: String, _ ledger: Ledger, open: Bool = true) -> Account.Run {
        .init(id: id, token: "t" + id, name: id, kind: .training, isOpen: open, ledger: ledger)
    }

    private func refused(_ code: FailureCode, line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) { XCTAssertEqual(($0 as? Failure)?.code, code, line: line) }
    }

    /// Random runs, charges, ends and refusals: what was drawn is never above R*, the worst group of each run counted,
    /// and no refusal changes anything.
    func testNoOrderOfEventsOverspends() throws {
        for seed in 0..<40 as Range<UInt64> {
            var random = CounterRandom(seed), account = Account(budget: try terms())
            for k in 0..<30 {
                let before = account
                do {
                    switch random.next() % 4 {
                    case 0:
                        var l = try ledger(account.budget, 1.5 + 1.6 * random.uniform(), groups: ["a", "b"])
                        try account.begin(run("\(k)", l))
                        for _ in 0..<3 {
                            let q = random.uniform()
                            try l.charge(.init(name: "r", groups: [.init(group: "a", samplingRate: q,
                                noiseMultiplier: 5), .init(group: "b", samplingRate: 1 - q, noiseMultiplier: 7)]))
                            try account.record("\(k)", token: "t\(k)", l)
                        }
                    case 1:
                        try account.charge(.init(name: "own",
                            groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 20
                                + 10 * random.uniform())]), id: "own\(k)")
                    case 2:
                        try account.charge(.init(name: "choice\(k)", rho: 0.02 * random.uniform() + 1e-6), id: "c\(k)")
                    default: try account.settle("\(Int(random.next() % 30))")
                    }
                } catch let f as Failure {
                    XCTAssertTrue([.budget, .argument].contains(f.code), f.message)
                    // a run's own ceiling
                    if account.runs.count == before.runs.count, f.code == .budget, account != before {
                        XCTAssertTrue(account.runs.last?.isOpen ?? false)
                    }
                }
                let drawn = account.runs.reduce(0) { sum, run in
                    sum + (run.ledger.groups.map { run.ledger.rdp($0, at: 12) }.max() ?? 0)
                }
                XCTAssertLessThanOrEqual(drawn, account.budget.ceiling)
                XCTAssertLessThanOrEqual(account.spent, 3)
            }
            XCTAssertEqual(try Account(json: JSON.parse(account.json.text)), account)
        }
    }

    /// A row is in one group of each run, so the sum of the runs' worst groups bounds every row's sum; ε of runs added
    /// is no bound on the whole the other way round.
    func testSumOfWorstGroupsBoundsEveryRow() throws {
        var account = Account(budget: try terms(30))
        for (id, sigma) in [("x", [3.0, 9.0]), ("y", [8.0, 4.0])] {
            var l = try ledger(account.budget, 8, groups: ["a", "b"])
            try l.charge(.init(name: "r", groups: zip(["a", "b"],
                sigma).map { .init(group: $0, samplingRate: 1, noiseMultiplier: $1) }))
            try account.begin(run(id, l, open: false))
        }
        for a in ["a", "b"] {
            for b in ["a", "b"] {
                let row = account.runs[0].ledger.rdp(a, at: 12) + account.runs[1].ledger.rdp(b, at: 12)
                XCTAssertLessThanOrEqual(row, account.committed)
            }
        }
        XCTAssertEqual(account.committed, 12 / (2 * 9.0) + 12 / (2 * 16.0), accuracy: 1e-9)
    }

    func testPartsFillTheCeilingAndNoMore() throws {
        for parts in [1, 2, 3, 7] {
            var account = Account(budget: try terms())
            let e = account.epsilon(share: 1 / Double(parts))
            for k in 0..<parts { try account.begin(run("\(k)", ledger(account.budget, e))) }
            XCTAssertEqual(account.committed, account.budget.ceiling, accuracy: 1e-9)
            refused(.budget) { try account.begin(run("more", ledger(account.budget, 2))) }
        }
        var account = Account(budget: try terms())
        XCTAssertEqual(account.spent, 0)
        XCTAssertEqual(account.remaining, 3, accuracy: 1e-9)
        try account.begin(run("a", ledger(account.budget, 2)))
        let left = account.remaining
        refused(.budget) { try account.begin(run("b", ledger(account.budget, left + 1e-6))) }
        try account.begin(run("b", ledger(account.budget, left)))
        XCTAssertEqual(account.remaining, 0)
        XCTAssertEqual(account.spent, 3, accuracy: 1e-6)
    }

    func testAnOpenRunCountsWithItsPromiseAndAnEndedOneWithItsCharges() throws {
        var account = Account(budget: try terms()), l = try ledger(account.budget, 2.5)
        try account.begin(run("a", l))
        XCTAssertEqual(account.committed, l.budget.ceiling, accuracy: 1e-12)
        try l.charge(.init(name: "r", groups: [.init(group: "all", samplingRate: 1, noiseMultiplier: 10)]))
        try account.record("a", token: "ta", l)
        try account.settle("a")
        XCTAssertEqual(account.committed, 12 / 200.0, accuracy: 1e-9)
        refused(.state) { try account.record("a", token: "ta", l) }
        try account.settle("a")
        refused(.argument) { try account.settle("b") }
        refused(.argument) { try account.begin(run("a", l)) }
        refused(.argument) { try account.begin(run("c", Ledger(epsilon: 2, delta: 1e-5, order: 13))) }
        refused(.argument) { try account.begin(run("c", Ledger(epsilon: 2, delta: 1e-6, order: 12))) }
    }

    /// Two branches of one checkpoint would spend twice what one run shows.
    func testOneBranchOfACheckpointGoesOn() throws {
        var account = Account(budget: try terms()), l = try ledger(account.budget, 2)
        func step(_ l: inout Ledger, _ n: Int = 1) throws {
            try l.charge(.init(name: "r", count: n,
                groups: [.init(group: "all", samplingRate: 0.1, noiseMultiplier: 4)]))
        }
        try step(&l, 5)
        let early = l
        try account.begin(run("a", l))
        try step(&l)
        try account.record("a", token: "ta", l)
        refused(.state) { _ = try account.adopt("a", token: "ta", as: "new", early) }
        refused(.state) { _ = try account.adopt("a", token: "other", as: "new", l) }
        XCTAssertTrue(try account.adopt("a", token: "ta", as: "new", l))
        refused(.state) { _ = try account.adopt("a", token: "ta", as: "newer", l) }
        refused(.state) { try account.record("a", token: "ta", l) }
        try account.record("a", token: "new", l)
        try account.settle("a")
        XCTAssertFalse(try account.adopt("a", token: "new", as: "last", l))
    }

    func testThePartOfDeltaForSelectionsIsKept() throws {
        let b = try terms(selection: 4e-6)
        XCTAssertLessThan(b.ceiling, try terms().ceiling)
        XCTAssertLessThanOrEqual(b.epsilon(spent: b.ceiling), 3)
        var account = Account(budget: b)
        try account.charge(.init(name: "levels", selection: 3e-6), id: "1")
        refused(.budget) { try account.charge(.init(name: "levels", selection: 2e-6), id: "2") }
        refused(.budget) { try account.charge(.init(name: "other", selection: 2e-6), id: "2") }
        XCTAssertEqual(account.selection, 3e-6, accuracy: 1e-15)
        var none = Account(budget: try terms())
        refused(.budget) { try none.charge(.init(name: "levels", selection: 1e-9), id: "1") }
        XCTAssertEqual(try Account(json: JSON.parse(account.json.text)), account)
    }

    func testEditedTextIsRefused() throws {
        var account = Account(budget: try terms())
        try account.begin(run("a", ledger(account.budget, 2)))
        let text = account.json.text
        for (from, to) in [("\"open\":true", "\"open\":1"), ("\"kind\":\"training\"", "\"kind\":\"free\""),
            ("\"order\":12", "\"order\":13"), ("\"id\"", "\"idd\""),
                           ("\"epsilon\":3", "\"epsilon\":1.9"), ("\"selection_delta\":0", "\"selection_delta\":1"),
                               ("\"runs\"", "\"run\"")] {
            var edited = text
            // the first alone
            if let range = text.firstRange(of: from) { edited.replaceSubrange(range, with: to) }
            XCTAssertNotEqual(edited, text, from)
            XCTAssertThrowsError(try Account(json: JSON.parse(edited)), from) {
                XCTAssertEqual(($0 as? Failure)?.code, .format)
            }
        }
    }

    /// Mutants: an account that counts open runs with their charges alone, one that counts a run with its mean group.
    func testMutantsOverspend() throws {
        let b = try terms()
        // Open runs counted with their charges: two promised 2.9 each are both admitted, and both spend it.
        let open = try (0..<2).map { _ in try ledger(b, 2.9) }
        XCTAssertLessThanOrEqual(open.reduce(0) { $0 + $1.maxSpent }, b.ceiling)
        XCTAssertGreaterThan(open.reduce(0) { $0 + $1.budget.ceiling }, b.ceiling)
        var account = Account(budget: b)
        try account.begin(run("0", open[0]))
        refused(.budget) { try account.begin(run("1", open[1])) }
    }
}

struct CounterRandom {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
