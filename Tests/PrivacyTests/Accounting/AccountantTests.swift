// An accountant over the releases of a ledger: a named group, any group, and persons whose rows lie in several groups.

import Glibc
@testable import Privacy
import XCTest

final class AccountantTests: XCTestCase {
    /// Group a is drawn more often, group b has less noise; the rates and noises cross in the second release.
    private let releases: [Ledger.Release] = [
        .init(name: "counts", groups: [.init(group: "a", samplingRate: 1, noiseMultiplier: 20),
            .init(group: "b", samplingRate: 1, noiseMultiplier: 20)]),
        .init(name: "steps", count: 100,
            groups: [.init(group: "a", samplingRate: 0.2, noiseMultiplier: 6),
                .init(group: "b", samplingRate: 0.05, noiseMultiplier: 2)]),
        .init(name: "choice", count: 2, rho: 0.001),
    ]

    private func accountant(_ kind: Accountant.Kind = .renyi, rows: Int = 1, group: Int?,
        _ releases: [Ledger.Release]? = nil) throws -> Accountant {
        var a = Accountant(kind)
        for r in releases ?? self.releases { try a.compose(r, group: group) }
        a.rows = rows
        return a
    }

    func testAnyGroupIsTheOneThatPaysMost() throws {
        for kind in Accountant.Kind.allCases {
            for delta in [1e-3, 1e-6] {
                let each = try (0..<2).map { try accountant(kind, group: $0).epsilon(delta: delta) }
                XCTAssertEqual(try accountant(kind, group: nil).epsilon(delta: delta), each.max())
            }
            let each = try (0..<2).map { try accountant(kind, group: $0).delta(epsilon: 1) }
            XCTAssertEqual(try accountant(kind, group: nil).delta(epsilon: 1), each.max())
        }
        XCTAssertEqual(try accountant(group: nil).divergence(order: 8),
            try (0..<2).map { try accountant(group: $0).divergence(order: 8) }.max())
    }

    /// A person with a row in each group: the divergence of the exact mixture is never above the bound, and is above
    /// what either group alone would pay.
    func testPersonsWithRowsInSeveralGroups() throws {
        let (qa, qb, na, nb, order) = (0.2, 0.05, 6.0, 2.0, 8)
        // One row of a, moves 1/6 of the noise; one of b, moves 1/2; aligned. The pair of N(0, 1) and the mixture over
        // who is drawn.
        func exact(reverse: Bool) -> Double {
            let parts = [(log(1 - qa) + log(1 - qb), 0.0), (log(qa) + log(1 - qb), 1 / na),
                (log(1 - qa) + log(qb), 1 / nb), (log(qa) + log(qb), 1 / na + 1 / nb)]
            let a = Double(order), n = 40_000, h = 60.0 / Double(n)
            var sum = 0.0
            for i in 0...n {
                let x = -30 + Double(i) * h, terms = parts.map { $0.0 + $0.1 * x - 0.5 * $0.1 * $0.1 },
                    top = terms.max() ?? 0
                let ratio = top + log(terms.reduce(0) { $0 + exp($1 - top) })
                sum += h * exp((reverse ? 1 - a : a) * ratio - 0.5 * x * x) / (2 * Double.pi).squareRoot()
            }
            return log(sum) / (a - 1)
        }
        let step = [Ledger.Release(name: "steps", groups: releases[1].groups)]
        let bound = try accountant(rows: 2, group: nil, step).divergence(order: order)
        for reverse in [false, true] { XCTAssertLessThan(exact(reverse: reverse), bound) }
        // The largest rate and the least noise, as the ledger of persons has it.
        var ledger = try Ledger(budget: XCTUnwrap(Budget(epsilon: 50, delta: 1e-5, order: order, rowsPerPerson: 2)),
            groups: ["a", "b"])
        for r in step { try ledger.charge(r) }
        XCTAssertEqual(bound, ledger.spent(group: 0), accuracy: 1e-10 * bound)
        // Mutant: the group that pays most for one row, with all rows of the person in it.
        let mutant = try (0..<2).map { try accountant(group: $0, step) }.max {
            $0.divergence(order: order) < $1.divergence(order: order)
        }
        var rows = try XCTUnwrap(mutant)
        rows.rows = 2
        XCTAssertLessThan(rows.divergence(order: order), bound)
        // Set before the releases come or after them: the same.
        for group in [nil, 0, 1] as [Int?] {
            var before = Accountant(rows: 2)
            for r in step { try before.compose(r, group: group) }
            XCTAssertEqual(before.divergence(order: order), bound)
        }
    }

    func testBadGroups() throws {
        for g in [-1, 2] { XCTAssertThrowsError(try accountant(group: g)) }
        var a = try accountant(group: nil)
        XCTAssertThrowsError(try a.compose(.init(name: "other", groups: []), group: nil))
        XCTAssertThrowsError(try a.compose(.init(name: "other",
            groups: [.init(group: "a", samplingRate: 1, noiseMultiplier: 1)]), group: nil))
        XCTAssertThrowsError(try a.compose(.init(name: "other",
            groups: ["a", "b"].map { .init(group: $0, samplingRate: -1, noiseMultiplier: 1) }), group: nil))
        // No noise at all: nothing is promised.
        try a.compose(.init(name: "bare",
            groups: ["a", "b"].map { .init(group: $0, samplingRate: 1, noiseMultiplier: $0 == "b" ? 0 : 1) }),
                group: nil)
        XCTAssertEqual(try a.epsilon(delta: 1e-5), .infinity)
    }
}
