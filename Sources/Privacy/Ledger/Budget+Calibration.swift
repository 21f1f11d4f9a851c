// Solves the noise of a plan from its budget, and picks the order that needs least of it.
// The first release has its noise from its share of R*, everything later from one common factor s; α* is the order that
// needs the least noise for guessed rates. Arithmetic on plans and released values: nothing here sees a row.

import Basics
import Glibc

extension Budget {
    /// Releases that come after the first: `count` Poisson-sampled Gaussian sums of rate `rate` whose noise multiplier
    /// is s · `weight`.
    package struct Event: Sendable, Equatable {
        /// In [0, 1].
        package var rate: Double
        /// Above 0; 1 for the release that the others are measured against.
        package var weight: Double
        package var count: Int
        package init(rate: Double, weight: Double = 1, count: Int) {
            (self.rate, self.weight, self.count) = (rate, weight, count)
        }
    }

    /// Noise multipliers above this are not offered: a plan that needs more has no use for its rows.
    package static let maxNoise = 1e6
    /// Sums are taken in another order than here when releases are charged one by one; this share of the ceiling stays
    /// free for it.
    static let slack = 1e-10

    /// Least noise multiplier at which `count` releases of one rate cost at most `within` at `order`; nil when there is
    /// none up to `maxNoise`.
    package static func leastNoise(rate: Double, count: Int, order: Int, within: Double, rows: Int = 1) -> Double? {
        leastFactor([Event(rate: rate, count: count)], order: order, rows: rows, within: within)
    }

    /// Noise multiplier of a first release that samples everybody (rate 1) and may use `share` of R*; fixed in the
    /// plan. α* k²/(2σ²) ≤ share · R* for k rows a person.
    /// - Parameter sensitivity: of discrete noise, where the price depends on it.
    /// - Throws: `.argument` when `share` is not inside (0, 1], `.budget` when the noise would be above `maxNoise`.
    package func firstNoise(share: Double, count: Int = 1, sensitivity: Double? = nil) throws -> Double {
        guard share > 0, share <= 1, count >= 1 else {
            throw Failure(.argument, "share of the first release: must be above 0 and at most 1")
        }
        guard let s = Self.leastNoise(rate: 1, count: count, order: order, within: share * ceiling,
            rows: multiplicity) else {
            throw Self.unreachable
        }
        guard filter == .gaussian, let sensitivity else { return s }
        guard let factor = leastFactor([(s, sensitivity, count)], within: share * ceiling) else {
            throw Self.unreachable
        }
        return s * factor
    }

    /// The least factor ≥ 1, nearly, on the noise of releases of all rows with which they cost at most `within`; nil
    /// where discrete noise is too coarse or too wide for any.
    package func leastFactor(_ releases: [(noise: Double, sensitivity: Double?, count: Int)], within: Double)
        -> Double? {
        var factor = 1.0
        for _ in 0..<100 {
            let cost = releases.reduce(0) {
                $0 + Double($1.count) * self.cost(rate: 1, noise: $1.noise * factor, sensitivity: $1.sensitivity)
            } * (1 + 0x1p-52 * Double(releases.count + 1))
            if cost <= within { return factor }
            factor *= cost.isFinite ? (cost / within).squareRoot() * (1 + 1e-12) : 1.5
            guard factor < Self.maxNoise else { return nil }
        }
        return nil
    }

    /// ρ of a zCDP release that may use `share` of R*: k² ρ α* ≤ share · R* for k rows a person.
    /// - Throws: `.argument` when `share` is not inside (0, 1].
    package func rho(share: Double) throws -> Double {
        guard share > 0, share <= 1 else {
            throw Failure(.argument, "share of a release: must be above 0 and at most 1")
        }
        return share * ceiling / Double(order * multiplicity * multiplicity) * (1 - Self.slack)
    }

    /// One group: the least s with spent + Σ count · D(rate, s · weight) ≤ R*, within 1e-9 of it.
    package func calibrate(_ events: [Event], spent: Double) throws -> Double { try calibrate([(events, spent)]) }

    /// Several groups with one noise (`uniform`): the least s that keeps every group within R*.
    /// - Throws: `.budget` when a group has nothing left or would need more than `maxNoise`; `.argument` for rates,
    ///   weights or counts out of range.
    package func calibrate(_ groups: [(events: [Event], spent: Double)]) throws -> Double {
        guard let most = try calibrateEach(groups).max() else { throw Failure(.argument, "calibration: no group") }
        return most
    }

    /// Several groups with a factor each (`equalised`: C_g = ν / s_g, so that all end at the same ε).
    ///
    /// Rows of one person may be of any groups: with several rows a person all groups are calibrated for the highest
    /// rates (see `Ledger.Release.divergence`). The groups' events must then stand in one order.
    package func calibrateEach(_ groups: [(events: [Event], spent: Double)]) throws -> [Double] {
        let groups = multiplicity == 1 ? groups : worst(groups)
        var solved: [(events: [Event], spent: Double, s: Double)] = []     // groups at the cap share their rates
        return try groups.map { events, spent in
            if let known = solved.first(where: { $0.events == events && $0.spent == spent }) { return known.s }
            for e in events where !(e.rate >= 0 && e.rate <= 1 && e.weight > 0 && e.weight.isFinite && e.count >= 0) {
                throw Failure(.argument, "calibration: a rate, weight or count is out of range")
            }
            guard spent >= 0,
                let s = Self.leastFactor(events, order: order, rows: multiplicity, within: ceiling - spent,
                    slack: ceiling * Self.slack) else {
                throw Self.unreachable
            }
            solved.append((events, spent, s))
            return s
        }
    }

    /// Every group with the highest rate of each event.
    private func worst(_ groups: [(events: [Event], spent: Double)]) -> [(events: [Event], spent: Double)] {
        groups.map { events, spent in
            (events.indices.map { i in
                var e = events[i]
                for other in groups where other.events.indices.contains(i) {
                    e.rate = max(e.rate, other.events[i].rate)
                }
                return e
            }, groups.reduce(spent) { max($0, $1.spent) })
        }
    }

    package static let unreachable = Failure(.budget, "this plan cannot meet its epsilon at this delta: "
        + "ask for fewer steps, lower rates, or a larger epsilon or delta")

    /// The budget at the order that needs the least noise on the releases after the first.
    /// - Parameters:
    ///   - groups: releases of each group at guessed rates. A wrong guess costs noise, never privacy.
    ///   - firstShare: part of R* that the first release takes, in [0, 1).
    /// - Returns: nil when no order can meet ε.
    package static func bestOrder(for groups: [[Event]], epsilon: Double, delta: Double, firstShare: Double = 0,
        selection: Double = 0, rowsPerPerson: Int = 0) -> Budget? {
        guard firstShare >= 0, firstShare < 1 else { return nil }
        var best: (budget: Budget, s: Double)?
        for order in orders {
            guard let b = Budget(epsilon: epsilon, delta: delta, order: order, selection: selection,
                rowsPerPerson: rowsPerPerson),
                  let s = try? b.calibrate(groups.map { ($0, firstShare * b.ceiling) }) else { continue }
            if s < best?.s ?? .infinity { best = (b, s) }
        }
        return best?.budget
    }

    /// Least s by bisection; the returned end is the one that was seen to fit.
    private static func leastFactor(_ events: [Event], order: Int, rows: Int, within: Double, slack: Double? = nil)
        -> Double? {
        let target = within - (slack ?? within * Self.slack)
        guard target > 0, target.isFinite else { return nil }
        let live = events.filter { $0.rate > 0 && $0.count > 0 }
        // Nothing is drawn: any noise will do.
        guard let least = live.map(\.weight).min(), let most = live.map(\.weight).max() else { return 1 }
        func cost(_ s: Double) -> Double {
            live.reduce(0) {
                $0 + Double($1.count) * rdpSubsampledGaussian(q: $1.rate, sigma: s * $1.weight, order: order,
                    rows: rows)
            }
        }
        var hi = maxNoise / least
        guard cost(hi) <= target else { return nil }
        var lo = 1e-3 / most
        if cost(lo) <= target { return lo }
        while hi / lo > 1 + 1e-13 {
            let mid = (lo * hi).squareRoot()
            if mid <= lo || mid >= hi { break }
            if cost(mid) <= target { hi = mid } else { lo = mid }
        }
        return hi
    }
}
