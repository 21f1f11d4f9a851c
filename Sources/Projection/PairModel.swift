// A joint distribution of columns that is a product of factors of pairs (a pairwise Markov random field):
//
//     Q(x)  ∝  exp(Σ_t b_t[x_t] + Σ_{s<t} θ_st[x_s, x_t])            hence
//     Q(x_t | all others)  ∝  exp(b_t[x_t] + Σ_s θ_st[x_s, x_t])
//
// It is the distribution of maximum entropy with given tables of pairs. Every column's conditional given all others is
// logistic, and all conditionals are those of one joint distribution: what is asked of the conditionals is kept by rows
// that are drawn from it. Released values only.

import Basics
import Compute
import Glibc

package final class PairModel: Sendable {
    /// Levels of each column.
    package let levels: [Int]
    /// Pairs with a factor, a < b.
    let pairs: [(a: Int, b: Int)]
    let bins: LevelLayout
    /// Columns that share a factor with column t, and where the rows of that factor begin: of level 0 of the other.
    let partners: [[(column: Int, start: Int)]]
    /// Each factor twice, so that both columns have rows to add: [levels of the other][padded levels of t].
    let theta: Buffer<Float>
    /// [Σ levels].
    let bias: Buffer<Float>

    /// A model of independent columns.
    /// - Parameters:
    ///   - shares: of each column's levels.
    ///   - pairs: of columns that get a factor; each once, in any order.
    /// - Throws: `.argument`, `.noMemory`.
    package init(shares: [[Double]], pairs: [[Int]]) throws {
        let levels = shares.map(\.count)
        guard !levels.isEmpty, levels.allSatisfy({ $0 >= 1 }), Set(pairs.map { $0.sorted() }).count == pairs.count,
              pairs.allSatisfy({ Set($0).count == 2 && $0.allSatisfy(levels.indices.contains) }) else {
            throw Failure(.argument, "pair model: an option is out of range")
        }
        self.levels = levels
        bins = LevelLayout(levels)
        self.pairs = pairs.map { (min($0[0], $0[1]), max($0[0], $0[1])) }
        var partners = levels.map { _ in [(column: Int, start: Int)]() }, at = 0
        for p in self.pairs {
            for (t, other) in [(p.b, p.a), (p.a, p.b)] {
                partners[t].append((other, at))
                at += levels[other] * Kernels.paddedRow(levels[t])
            }
        }
        guard at <= Int(Int32.max) else { throw Failure(.argument, "pair model: too many cells") }
        self.partners = partners
        theta = try Buffer(count: at, for: "a model of pairs")
        bias = try Buffer(count: bins.total, for: "a model of pairs")
        for (t, p) in shares.enumerated() {
            for (u, x) in p.enumerated() { bias[bins.first[t] + u] = Float(log(max(x, 0) + 1e-5)) }
        }
    }

    /// Bytes of one, and of its fit.
    package static func memory(levels: [Int], pairs: Int) -> Int {
        let widest = levels.sorted().suffix(2).reduce(1) { $0 * Kernels.paddedRow($1) }
        let all = levels.reduce(0, +), some = pairs * widest, dense = 2 * all * (all + 16 * levels.count)
        return 4 * 3 * min(2 * some, dense)
    }

    /// Where the rows begin that each lane adds to column t. - Returns: how many there are.
    @inline(__always)
    func starts(of t: Int, _ labels: UnsafePointer<Int32>, into out: UnsafeMutablePointer<Int32>, lanes W: Int) -> Int {
        let width = Int32(Kernels.paddedRow(levels[t]))
        for (i, p) in partners[t].enumerated() {
            let x = labels + p.column * W, to = out + i * W
            for l in 0..<W { to[l] = Int32(p.start) &+ x[l] &* width }
        }
        return partners[t].count
    }

    /// Logits of column t given the others, in lanes.
    /// - Parameters:
    ///   - labels: [columns] vectors; that of t is not read.
    ///   - x: [levels of t] vectors, written.
    /// - Returns: how many rows were added; where they begin stands in `memory.starts`.
    @discardableResult
    func logits(of t: Int, _ labels: UnsafePointer<Int32>, into x: UnsafeMutablePointer<Float>,
                _ memory: RowPickMemory) -> Int {
        let W = memory.kernels.lanes, b = bias.base + bins.first[t]
        for u in 0..<levels[t] { for l in 0..<W { x[u * W + l] = b[u] } }
        let count = starts(of: t, labels, into: memory.starts.base, lanes: W)
        memory.kernels.addRows(theta.base, starts: memory.starts.base, count: count, to: x, memory: memory.rows.base,
                               levels: levels[t])
        return count
    }

    /// Writes the factor of pair k, row-major over its columns in order, into both of its places.
    func setFactor(_ k: Int, _ value: (_ cell: Int) -> Float) {
        let (a, b) = pairs[k], A = levels[a], B = levels[b], (toB, toA) = places(k)
        let wide = Kernels.paddedRow(B), tall = Kernels.paddedRow(A)
        for u in 0..<A {
            for v in 0..<B {
                let x = value(u * B + v)
                theta[toB + u * wide + v] = x
                theta[toA + v * tall + u] = x
            }
        }
    }

    /// Where pair k lies for its second column, and for its first.
    func places(_ k: Int) -> (toSecond: Int, toFirst: Int) {
        let (a, b) = pairs[k]
        let first = partners[b].first { $0.column == a }?.start ?? 0
        return (first, first + levels[a] * Kernels.paddedRow(levels[b]))
    }
}

extension RowPickMemory {
    convenience init(_ model: PairModel, _ kernels: Kernels) throws {
        try self.init(picks: model.levels.count, widest: model.levels.max() ?? 1, kernels: kernels)
    }
}
