// A relaxed table: rows whose every column is a probability distribution, fitted to released marginals.
// It is the table of relaxed adaptive projection (arXiv 2103.06641v2, sections 3 and 4), a mixture of products: a row
// of the table is a component, and a drawn row takes a component and one bin of each of its distributions. Everything
// here sees released values only.
//
//     let table = try RelaxedTable.fit(levels: [2, 9, 24], marginals: released, total: rows, options: options)
//     table.probabilities[r * table.width + first bin of a column + bin]
//
// How it is fitted is in RelaxedFit.swift.

import Basics

package struct ProjectionOptions: Sendable {
    /// Components, rounded up to a multiple of 16: 1 … 2²⁰.
    package var rows = 1500
    /// Steps of Adam at most, and its learning rate at the start, which decays by a cosine to a fiftieth.
    package var steps = 800
    package var learningRate = 0.1
    /// Standard deviation of the starting logits around the logarithm of the one-way shares.
    package var spread = 1.0
    /// The fit stops when its weighted squared error is this share of what the noise alone is expected to give; 0:
    /// never.
    package var noiseFloor = 1.0
    /// Public seed of the starting logits.
    package var seed: UInt64 = 0
    package var threads = 1
    package init() {}
}

package final class RelaxedTable: Sendable {
    /// Levels of each column.
    package let levels: [Int]
    /// Components.
    package let rows: Int
    /// Levels of all columns.
    package var width: Int { levels.reduce(0, +) }
    /// [rows][width]; each column's part of a row sums to 1.
    package let probabilities: Buffer<Float>
    /// Steps that were done, and the last error over what the noise alone is expected to give (0 when there is no
    /// noise).
    package let steps: Int
    package let floorRatio: Double

    init(levels: [Int], rows: Int, probabilities: Buffer<Float>, steps: Int, floorRatio: Double) {
        (self.levels, self.rows, self.probabilities, self.steps, self.floorRatio) =
            (levels, rows, probabilities, steps, floorRatio)
    }

    /// Bytes a fit has at once.
    package static func memory(levels: [Int], cells: Int, options: ProjectionOptions) -> Int {
        let D = levels.reduce(0, +), N = (options.rows + 15) / 16 * 16
        return 4 * (5 * N * D + 3 * cells) + N * (levels.max() ?? 0) * 8
    }

    /// - Parameters:
    ///   - levels: of each column, at least 1.
    ///   - marginals: what the table is to meet; each weighs by the inverse variance of its noise.
    ///   - total: rows that the counts are shares of, above 0.
    ///   - shares: one-way shares that the logits start from; nil: uniform.
    ///   - start: a table of the same levels and rows to start from instead. The fit then takes as many steps as that
    ///     one took, whatever the noise: it ends as far from the noise as that one did, and not where it started.
    ///   - stop: asked before every step; true ends with `.cancelled`.
    /// - Throws: `.argument`, `.noMemory`, `.cancelled`. The result is the same bits for any number of threads.
    package static func fit(levels: [Int], marginals: [NoisyMarginal], total: Double, shares: [[Double]]? = nil,
                            start: RelaxedTable? = nil, options: ProjectionOptions, stop: () -> Bool = { false }) throws
        -> RelaxedTable {
        guard !levels.isEmpty, levels.allSatisfy({ $0 >= 1 }), total > 0, total.isFinite,
              (1...1 << 20).contains(options.rows), options.steps >= 0, options.learningRate > 0, options.threads >= 1,
              shares.map({ $0.map(\.count) == levels }) ?? true else {
            throw Failure(.argument, "projection: an option is out of range")
        }
        var options = options
        if let start { (options.steps, options.noiseFloor) = (start.steps, 0) }
        let fit = try RelaxedFit(LevelLayout(levels), marginals, total: total, shares: shares, from: start, options)
        return try fit.run(stop)
    }
}
