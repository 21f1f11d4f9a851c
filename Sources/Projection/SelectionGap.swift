// How differently a column's conditional selects rows of different groups, with its gradient.
// A question of a column asks for some of its levels. Its score is the logarithm of the odds that the conditional gives
// the answer yes, and rows are selected whose score is above the threshold that selects as many as answer yes. The
// selection is soft, so that it has a gradient:
//
//     c_i = σ((score_i − threshold) / h),       h = sharpness · standard deviation of the score
//     gap = Σ_s w_s Σ_g ω_g (m_sg − m̄_s)²       m_sg: mean of c over the rows of group g in stratum s
//
// With one stratum this is demographic parity. With the rows' own answers as strata it is equalised odds (Hardt et al.
// 2016, arXiv:1610.02413), and with the parts of admissible columns conditional parity (PreFair: Pujol et al. 2023,
// VLDB 16). The squared difference is the product of the differences in two halves of the rows, so that it is not too
// large on average where groups are small.

import Basics
import Glibc

/// Which rows are compared with each other.
package enum FairnessNotion: String, CaseIterable, Sendable { case parity, odds }

/// A question with yes and no of one column.
struct GapQuestion: Sendable {
    /// Levels that mean yes, and their share.
    let yes: [Bool], share: Double
    /// Of its gap: 1 where half of the rows answer yes, less where few do or nearly all. To move the log odds of an
    /// answer by a little costs likelihood in proportion to its variance r (1 − r), so that at equal weights the
    /// prediction of rare answers would be given up for little.
    var weight: Double { 2 * max(share * (1 - share), 0).squareRoot() }

    /// Questions of a column: of an ordered one up to `most` thresholds, of others each level; none that is rarer than
    /// `least` or more frequent than 1 − `least`.
    static func all(shares: [Double], ordered: Bool, most: Int = 5, least: Double = 0.02) -> [GapQuestion] {
        let K = shares.count
        guard K > 1 else { return [] }
        func question(_ yes: [Bool]) -> GapQuestion {
            GapQuestion(yes: yes, share: zip(yes, shares).reduce(0) { $0 + ($1.0 ? $1.1 : 0) })
        }
        let some = ordered ? (1..<K).map { k in question((0..<K).map { $0 >= k }) }
            : (K == 2 ? [1] : Array(0..<K)).map { k in question((0..<K).map { $0 == k }) }
        let told = some.filter { $0.share > least && $0.share < 1 - least }
        guard ordered ? told.count > most : told.count > 2 * most else { return told }
        let n = ordered ? most : 2 * most
        guard ordered else { return Array(told.sorted { $0.share > $1.share }.prefix(n)) }
        return (0..<n).map { told[Int((Double($0) * Double(told.count - 1) / Double(n - 1)).rounded())] }
    }
}

/// Rows on which gaps are measured: [rows] each.
struct GapRows {
    let group: [Int], weight: [Double], half: [Int]
    /// Parts of the admissible columns; all 0 where there are none.
    var stratum: [Int]
    let strata: Int
}

/// One worker's memory for gaps of one question.
final class SelectionGap {
    static let sharpness = 0.2
    private static let least = 1e-6
    private let groups: Int, weights: [Double]
    /// Chance of yes of each row, which the caller writes; within `least` of 0 and 1 after a call.
    let chance: Buffer<Double>
    private let score, soft: Buffer<Double>
    private var sum: [Double] = [], size: [Double] = []

    /// - weights: ω of each group; of 0: it takes no part.
    init(weights: [Double], rows: Int) throws {
        (groups, self.weights) = (weights.count, weights)
        chance = try Buffer(count: rows, for: "gaps between groups")
        score = try Buffer(count: rows, for: "gaps between groups")
        soft = try Buffer(count: rows, for: "gaps between groups")
    }

    /// - Parameters:
    ///   - answer: whether the row's own level is a yes; asked for equalised odds only.
    ///   - slope: called with each row and the derivative of the gap by its chance.
    /// - Returns: the gap.
    func gap(_ rows: GapRows, share: Double, notion: FairnessNotion, answer: (Int) -> Bool,
             slope: (Int, Double) -> Void) -> Double {
        guard let (threshold, deviation, total) = rank(rows, share: share) else { return 0 }
        let n = rows.group.count
        let h = Self.sharpness * deviation, strata = rows.strata * (notion == .odds ? 2 : 1), cells = strata * groups
        func cell(_ i: Int) -> Int {
            let s = notion == .odds ? 2 * rows.stratum[i] + (answer(i) ? 1 : 0) : rows.stratum[i]
            return rows.half[i] * cells + s * groups + rows.group[i]
        }
        sum = [Double](repeating: 0, count: 2 * cells)
        size = sum
        var share = [Double](repeating: 0, count: strata)
        for i in 0..<n {
            let c = 1 / (1 + exp((threshold - score[i]) / h)), k = cell(i)
            soft[i] = c
            sum[k] += c
            size[k] += 1
            share[k % cells / groups] += rows.weight[i]
        }
        // By a row's soft selection: the derivative of the gap, the same for all rows of a cell.
        var gap = 0.0, by = [Double](repeating: 0, count: 2 * cells)
        for s in 0..<strata {
            let told = (0..<groups).filter { g in
                weights[g] > 0 && [0, 1].allSatisfy { size[$0 * cells + s * groups + g] >= 8 }
            }
            guard told.count > 1 else { continue }
            let d = (0..<2).map { half in
                let m = told.map { sum[half * cells + s * groups + $0] / size[half * cells + s * groups + $0] }
                let middle = m.reduce(0, +) / Double(m.count)
                return m.map { $0 - middle }
            }
            let w = share[s] / total
            for (i, g) in told.enumerated() { gap += w * weights[g] * d[0][i] * d[1][i] }
            for half in 0..<2 {
                let other = zip(told, d[1 - half]).map { weights[$0] * $1 }
                let middle = other.reduce(0, +) / Double(other.count)
                for (i, g) in told.enumerated() {
                    let k = half * cells + s * groups + g
                    by[k] = w * (other[i] - middle) / size[k]
                }
            }
        }
        for i in 0..<n {
            let b = by[cell(i)], p = chance[i]
            if b != 0 { slope(i, b * soft[i] * (1 - soft[i]) / (h * p * (1 - p))) }
        }
        return gap
    }

    /// Rows whose chance of yes is among the highest, as many as answer yes by `share`.
    func selection(_ rows: GapRows, share: Double) -> (Int) -> Bool {
        guard let (threshold, _, _) = rank(rows, share: share) else { return { _ in false } }
        let score = score
        return { score[$0] > threshold }
    }

    /// Of the rows' scores the one above which rows of the weight `share` lie, and their standard deviation; and the
    /// weight of all rows. nil: all scores are alike.
    func rank(_ rows: GapRows, share: Double) -> (threshold: Double, deviation: Double, total: Double)? {
        let n = rows.group.count
        var total = 0.0, mean = 0.0, square = 0.0
        for i in 0..<n {
            let p = min(max(chance[i], Self.least), 1 - Self.least), s = log(p / (1 - p)), w = rows.weight[i]
            (chance[i], score[i]) = (p, s)
            total += w
            mean += w * s
            square += w * s * s
        }
        mean /= total
        let deviation = max(square / total - mean * mean, 0).squareRoot()
        guard deviation > 1e-6 else { return nil }
        var low = mean - 6 * deviation, high = mean + 6 * deviation
        for _ in 0..<12 {
            let middle = (low + high) / 2
            var above = 0.0
            for i in 0..<n { above += score[i] > middle ? rows.weight[i] : 0 }
            if above > share * total { low = middle } else { high = middle }
        }
        return ((low + high) / 2, deviation, total)
    }

    /// Area under the ROC curve of the scores of the last `selection`, by the rows' weights.
    func area(_ rows: GapRows, _ answer: (Int) -> Bool) -> Double {
        let order = rows.group.indices.sorted { score[$0] < score[$1] }
        var below = 0.0, sum = 0.0, yes = 0.0, at = 0
        while at < order.count {
            // Equal scores count half.
            var end = at, no = 0.0, own = 0.0
            while end < order.count, score[order[end]] == score[order[at]] {
                if answer(order[end]) { own += rows.weight[order[end]] } else { no += rows.weight[order[end]] }
                end += 1
            }
            sum += own * (below + no / 2)
            below += no
            yes += own
            at = end
        }
        return yes > 0 && below > 0 ? sum / (yes * below) : 0.5
    }

    /// The largest difference of hard selection between two groups that take part, over strata by their share; nil: no
    /// two groups can be told.
    func spread(_ rows: GapRows, selected: (Int) -> Bool, stratum: (Int) -> Int, strata: Int) -> Double? {
        var yes = [Double](repeating: 0, count: strata * groups), all = yes
        var share = [Double](repeating: 0, count: strata)
        for i in rows.group.indices {
            let s = stratum(i), k = s * groups + rows.group[i]
            all[k] += 1
            if selected(i) { yes[k] += 1 }
            share[s] += rows.weight[i]
        }
        var sum = 0.0, told = 0.0
        for s in 0..<strata {
            let m = (0..<groups).filter { weights[$0] > 0 && all[s * groups + $0] >= 16 }
                .map { yes[s * groups + $0] / all[s * groups + $0] }
            guard m.count > 1, let high = m.max(), let low = m.min() else { continue }
            sum += share[s] * (high - low)
            told += share[s]
        }
        return told > 0 ? sum / told : nil
    }
}
