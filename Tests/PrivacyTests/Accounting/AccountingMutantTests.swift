// P1, P2, P3: accountants that are wrong in one thing, and the comparison that each of them fails. The comparisons
// themselves are those of RenyiDivergenceTests and RenyiAccountantTests.

import Glibc
@testable import Privacy
import XCTest

final class AccountingMutantTests: XCTestCase {
    private typealias Price = (_ q: Double, _ sigma: Double, _ order: Int) -> Double

    /// What cannot be priced, and what must then not come out.
    private func failsClosed(_ price: Price) -> Bool {
        let bad: [(Double, Double, Int)] = [(0.1, 0, 2), (0.1, -1, 2), (0.1, .nan, 2), (.nan, 1, 2), (1.1, 1, 2),
            (0.1, 1, 1), (0.1, 1, 5000), (0.1, 1e-300, 2)]
        let small: [(Double, Double, Int)] = [(1e-300, 1, 2), (1e-9, 1e6, 2), (0.5, 1e150, 64), (1e-9, 1e6, 1024)]
        return bad.allSatisfy { price($0, $1, $2) == .infinity } && small.allSatisfy { price($0, $1, $2) > 0 }
    }

    func testZeroForWhatCannotBePricedIsSeen() {
        XCTAssertTrue(failsClosed(rdpSubsampledGaussian))
        // The value 0 where a sum does not converge or an argument is odd; a difference of logarithms that cancels.
        XCTAssertFalse(failsClosed { let r = rdpSubsampledGaussian(q: $0, sigma: $1, order: $2); return r.isFinite ? r
            : 0 })
        XCTAssertFalse(failsClosed { q, s, a in
            guard q >= 0, q <= 1, s > 0, (2...1024).contains(a), !(1 / (s * s)).isInfinite else { return .infinity }
            var sum = 0.0
            for k in 0...a {
                let c = lgamma(Double(a + 1)) - lgamma(Double(k + 1)) - lgamma(Double(a - k + 1))
                let gain = Double(k * k - k) / (2 * s * s)
                sum += exp(c + Double(a - k) * log1p(-q) + Double(k) * log(q) + gain)
            }
            return log(sum) / Double(a - 1)
        })
    }

    /// Lines of the 60-digit fixtures that a price is below.
    private func below(_ price: Price) throws -> Int {
        try fixtures("M").filter { price($0[0], $0[1], Int($0[2])) < $0[3] }.count
    }

    func testRoundingToNearestIsSeen() throws {
        XCTAssertEqual(try below(rdpSubsampledGaussian), 0)
        // The same sum as doubles give it, without the margin for their error: as often below the exact value as above
        // it.
        XCTAssertGreaterThan(try below { q, s, a in
            guard q < 1 else { return Double(a) / (2 * s * s) }
            var sum = 0.0
            for k in 2...a {
                let c = lgamma(Double(a + 1)) - lgamma(Double(k + 1)) - lgamma(Double(a - k + 1))
                let gain = Double(k * k - k) / (2 * s * s)
                guard gain < 500 else { return .infinity }
                sum += exp(c + Double(a - k) * log1p(-q) + Double(k) * log(q)) * expm1(gain)
            }
            return log1p(sum) / Double(a - 1)
        }, 10)
    }

    /// ε is rounded up: the δ of the ε of a δ is never above that δ. A conversion that rounds to nearest, or down, is
    /// above it at times.
    func testConversionRoundsUp() {
        func violations(_ epsilon: (Double, Int, Double) -> Double) -> Int {
            var n = 0
            for i in 1...400 {
                let r = 0.003 * Double(i), order = 2 + i % 60, delta = 1e-5 * Double(1 + i % 7), a = Double(order),
                    e = epsilon(r, order, delta)
                guard e > 0 else { continue }
                // log δ at e, in twice the digits: the two large terms are split off.
                let need = r + log1p(-1 / a) - (log(delta) + log(a)) / (a - 1)
                if e < need { n += 1 }
            }
            return n
        }
        XCTAssertEqual(violations { RenyiAccountant.epsilon(rdp: $0, order: $1, delta: $2) }, 0)
        XCTAssertGreaterThan(violations { RenyiAccountant.epsilon(rdp: $0, order: $1, delta: $2) * (1 - 1e-12) }, 300)
    }
}
