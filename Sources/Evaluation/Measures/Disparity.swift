// How differently a score treats groups: demographic parity, equalised odds, conditional parity, calibration.
// Rows are selected at a given rate, the task's real one, so that a constant score cannot look fair.

import Basics
import Glibc

package struct Disparity {
    /// What one group of at least 30 rows meets.
    package struct Group {
        package let group: Int
        package let rows: Int
        /// Share of rows with label 1, of selected rows, and the mean of the score as a probability.
        package let base, selected, score: Double
        /// Share selected among rows of label 1 and of label 0; nil below 10 such rows.
        package let truePositive, falsePositive: Double?
        /// Expected calibration error in 10 equal cells of probability (Naeini et al. 2015, section 2).
        package let calibration: Double
    }
    package let groups: [Group]
    /// Largest minus least share selected (demographic parity; Dwork et al. 2012): 0 best.
    package var parity: Double { worstParity?.value ?? 0 }
    /// The larger of the spreads of true and of false positive rates (equalised odds; Hardt et al. 2016,
    /// arXiv:1610.02413): 0 best.
    package var odds: Double { worstOdds?.value ?? 0 }
    /// Both with intervals; nil with fewer than two groups.
    package let worstParity, worstOdds: WorstDifference?
    /// Conditional demographic parity: the largest difference of shares selected among rows of one admissible part,
    /// mean over parts by their rows (Kamiran et al. 2013; PreFair, VLDB 2023): 0 best. nil without such parts.
    package let conditional: WorstDifference?
    /// Largest minus least calibration error of a group, and the largest: 0 best.
    package let calibrationSpread, calibrationWorst: Double

    static let leastRows = 30, leastLabels = 10

    /// - Parameters:
    ///   - margins, labels: log-odds and labels of the rows.
    ///   - members: their groups, below `groups`.
    ///   - parts: of each row the part within which groups may be compared; nil: no conditional parity.
    package init(margins: Buffer<Float>, labels: Buffer<UInt8>, members: Buffer<Int32>, groups: Int,
                 parts: Buffer<Int32>? = nil) throws {
        let n = margins.count
        var positives = 0
        for i in 0..<n { positives += Int(labels.base[i]) }
        let chosen = try select(margins, count: positives)
        struct Sums {
            var rows = 0.0, ones = 0.0, chosen = 0.0, chosenOnes = 0.0, score = 0.0
            var cells = [SIMD2<Double>](repeating: .zero, count: 10)
        }
        var sums = [Sums](repeating: Sums(), count: groups)
        for i in 0..<n {
            let g = Int(members.base[i]), y = Double(labels.base[i]), p = Double(1 / (1 + expf(-margins.base[i])))
            let s = Double(chosen.base[i])
            sums[g].rows += 1
            sums[g].ones += y
            sums[g].chosen += s
            sums[g].chosenOnes += s * y
            sums[g].score += p
            sums[g].cells[min(9, Int(p * 10))] += SIMD2(p, y)
        }
        self.groups = sums.enumerated().compactMap { g, s in
            guard Int(s.rows) >= Disparity.leastRows else { return nil }
            let zeros = s.rows - s.ones
            return Group(group: g, rows: Int(s.rows), base: s.ones / s.rows, selected: s.chosen / s.rows,
                         score: s.score / s.rows, truePositive: Int(s.ones) >= Disparity.leastLabels
                         ? s.chosenOnes / s.ones : nil, falsePositive: Int(zeros) >= Disparity.leastLabels
                         ? (s.chosen - s.chosenOnes) / zeros : nil,
                         calibration: s.cells.reduce(0) { $0 + ($1.x - $1.y).magnitude } / s.rows)
        }
        let large = sums.indices.filter { Int(sums[$0].rows) >= Disparity.leastRows }
        func rates(least: Int, _ rows: (Sums) -> Double, _ selected: (Sums) -> Double) -> [WorstDifference.Rate] {
            large.compactMap { g in
                let n = Int(rows(sums[g]))
                return n < least ? nil : .init(group: g, rows: n, selected: Int(selected(sums[g])))
            }
        }
        worstParity = .largest([rates(least: 1, \.rows, \.chosen)])
        worstOdds = .largest([rates(least: Disparity.leastLabels, \.ones, \.chosenOnes),
                              rates(least: Disparity.leastLabels, { $0.rows - $0.ones },
                                    { $0.chosen - $0.chosenOnes })])
        conditional = parts.flatMap { Self.conditional(chosen, $0, members, groups: groups) }
        let errors = self.groups.map(\.calibration)
        calibrationWorst = errors.max() ?? 0
        calibrationSpread = calibrationWorst - (errors.min() ?? 0)
    }

    /// Groups count within a part from 30 rows on.
    private static func conditional(_ chosen: Buffer<UInt8>, _ parts: Buffer<Int32>, _ members: Buffer<Int32>,
                                    groups: Int) -> WorstDifference? {
        var counts: [Int32: [SIMD2<Int>]] = [:]
        for i in 0..<parts.count {
            counts[parts.base[i], default: [SIMD2<Int>](repeating: .zero, count: groups)][Int(members.base[i])]
                &+= SIMD2(1, Int(chosen.base[i]))
        }
        return .mean(counts.sorted { $0.key < $1.key }.map { _, own in
            own.indices.compactMap { g in
                own[g].x < leastRows ? nil : .init(group: g, rows: own[g].x, selected: own[g].y)
            }
        })
    }
}
