// What a released table says beyond the table of probabilities that was fitted to all of them. The fitted table shares
// information between tables, and so has less noise than any of them, but it ends where its differences look like noise
// as a whole. A difference that many neighbouring cells have in common can stand out all the same.

import Basics

extension NoisyMarginal {
    /// The fitted counts, moved towards the released ones where these stand out of their noise: from blocks of many
    /// cells to single ones (TiltScales), a difference D of a block with noise s moves by D (1 − (c s/D)²), c the
    /// threshold, and not at all below c s (non-negative garrote: Breiman 1995).
    /// - Parameters: fitted: of the same columns. levels, ordered: of all columns. threshold: at least 0.
    /// - Returns: counts whose standard deviation is taken as a quarter of the released one.
    /// - Throws: `.noMemory`.
    package func shrunk(to fitted: NoisyMarginal, levels: [Int], ordered: [Bool],
                        threshold: Double) throws -> NoisyMarginal {
        let n = values.count, out = try Buffer<Double>(count: n, for: "a marginal"),
            left = try Buffer<Double>(count: n, for: "a marginal")
        for i in 0..<n { (out[i], left[i]) = (fitted.values[i], values[i] - fitted.values[i]) }
        let scales = try TiltScales(levels: columns.map { levels[$0] }, ordered: columns.map { ordered[$0] }, first: 0)
        for scale in scales.scales.reversed() {
            var sum = [Double](repeating: 0, count: scale.count), mass = sum
            for i in 0..<n {
                let j = scale.block(i)
                sum[j] += left[i]
                mass[j] += max(fitted.values[i], 0)
            }
            for i in 0..<n {
                let j = scale.block(i), limit = threshold * standardDeviation * scale.size(j).squareRoot()
                guard abs(sum[j]) > limit else { continue }
                // A block's difference lies where its rows are.
                let own = mass[j] > 0 ? max(fitted.values[i], 0) / mass[j] : 1 / scale.size(j)
                let move = sum[j] * (1 - limit * limit / (sum[j] * sum[j])) * own
                out[i] += move
                left[i] -= move
            }
        }
        return NoisyMarginal(columns: columns, values: out, standardDeviation: standardDeviation / 4)
    }
}
