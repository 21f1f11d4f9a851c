// Private selection of pairs of columns by the exponential mechanism: scores and draws.
// Sees counts that the door made, no row; only the places of the chosen pairs leave the door, no score does.

import Basics
import Glibc

/// What an independent pair would look like, from released one-way tables: the reference that a pair's true table is
/// compared with.
///
/// # Guarantee
/// With the reference r fixed, a function of released values alone, the score
///
///     s(x) = Σ_c |x_c − r_c| − penalty
///
/// of a table of counts x moves by at most 1 when one row is added or removed: that changes one count by 1, and |·| is
/// 1-Lipschitz. It is so in the arithmetic as well: r and the penalty are whole multiples of 2⁻¹⁶, and so is every sum.
/// Falsifier: SelectionTests (brute force over neighbours; a mutant that takes r from the counts themselves moves
/// further).
struct PairReference {
    /// One row in whole steps of the score.
    static let row: Int64 = 1 << 16
    /// Shares of the two columns' codes; the row total that is spread over them, in steps, 1 … 2⁴⁰ rows.
    private let first: Buffer<Double>, second: Buffer<Double>
    private let total: Double
    /// In steps; at most 2⁶⁰.
    private let penalty: Int64

    /// - Parameters:
    ///   - first, second: `shares` of released one-way tables.
    ///   - total: released row count.
    ///   - standardDeviation: of the noise, in rows, that a cell of the pair's table would get. The penalty is what
    ///     such noise alone would put between two tables, cells · standardDeviation · √(2/π), as in AIM (McKenna et al.
    ///     2022, arXiv 2201.12677).
    init(_ first: Buffer<Double>, _ second: Buffer<Double>, total: Double, standardDeviation: Double) {
        (self.first, self.second) = (first, second)
        self.total = (total >= 1 ? min(total, 0x1p40) : 1) * Double(Self.row)
        let cells = Double(first.count) * Double(second.count)
        penalty = Int64(min(cells * standardDeviation * (2 / Double.pi).squareRoot() * Double(Self.row),
            0x1p60).rounded())
    }

    /// A released one-way table as shares, each ≥ 0 with sum 1; what is below zero or not a number counts as nothing.
    /// x: at least one number.
    /// - Throws: `.noMemory`.
    static func shares(_ x: Buffer<Double>) throws -> Buffer<Double> {
        let shares = try Buffer<Double>(count: x.count, for: "shares of a column")
        var sum = 0.0
        for c in 0..<x.count {
            // Bounded, so that no sum overflows.
            shares.base[c] = x.base[c] > 0 ? min(x.base[c], 0x1p60) : 0
            sum += shares.base[c]
        }
        for c in 0..<x.count { shares.base[c] = sum > 0 ? shares.base[c] / sum : 1 / Double(x.count) }
        return shares
    }

    /// In steps of 2⁻¹⁶ rows: at most 2⁵⁷, at least −2⁶⁰. x: [first, second], of fewer than 2⁴⁰ rows together.
    func score(_ x: CellCounts) -> Int64 {
        var sum: Int64 = 0, c = 0
        for a in 0..<first.count {
            let row = first.base[a] * total
            for b in 0..<second.count {
                sum += abs(x[c] * Self.row - Int64((row * second.base[b]).rounded()))
                c += 1
            }
        }
        return sum - penalty
    }
}

/// k draws of the exponential mechanism, each among what is left.
///
/// # Guarantee
/// Each draw takes candidate i with probability proportional to exp(ε₀ s_i / 2). One row moves every s_i by at most 1,
/// so log-probabilities move within a range of ε₀ and the draw is ε₀²/8-zCDP (Cesar and Rogers 2021, arXiv 2004.07223;
/// bounded range: Durfee and Rogers 2019, arXiv 1905.04273); k of them are ρ-zCDP with ρ = k ε₀²/8. They are
/// distributed as the k largest of s_i + Gumbel(2/ε₀) (1905.04273, lemma 4.2).
///
/// Drawn without floating point: a candidate is proposed uniformly and accepted with probability exp(−ε₀ (s_max −
/// s_i)/2), which whole numbers decide exactly (`bernoulliExp`), where Gumbel noise would have the gaps and ends of its
/// logarithms. Falsifier: SelectionTests.
struct PeeledSelection {
    /// ε₀/2 in units of 2⁻⁴⁰, rounded down; below 2⁴⁶.
    let rate: UInt64

    /// - Parameters:
    ///   - rho: of all draws together, above 0, at most 1000.
    ///   - count: draws, at least 1.
    /// - Throws: `.argument` when out of range or so small that the draws would be uniform.
    init(rho: Double, count: Int) throws {
        guard rho > 0, rho <= 1000, count >= 1 else {
            throw Failure(.argument, "selection: rho must be above 0 and at most 1000")
        }
        let half = (2 * rho / Double(count)).nextDown.squareRoot().nextDown
        guard half >= 0x1p-40 else { throw Failure(.argument, "selection: rho is too small") }
        rate = UInt64(half * 0x1p40)
    }

    /// The place of one draw among `left`, n ≥ 1 numbers of candidates; nil when `isCancelled`.
    /// Takes n proposals on average, or fewer.
    /// - Parameter scores: in steps of `PairReference`, from −2⁶¹ to 2⁶¹.
    func draw(_ scores: UnsafePointer<Int64>, among left: UnsafePointer<UInt32>, _ n: Int, _ random: RandomStream,
        isCancelled: () -> Bool) -> Int? {
        var best = scores[Int(left[0])]
        for i in 1..<max(n, 1) { best = max(best, scores[Int(left[i])]) }
        let unit = UInt128(PairReference.row) << 40
        while !isCancelled() {
            let i = Int(random.below(UInt64(n)))
            // Below 2⁶² · 2⁴⁶.
            if bernoulliExp(UInt128(best - scores[Int(left[i])]) * UInt128(rate), unit, random) { return i }
        }
        return nil
    }
}

/// Bytes that `Door.selectPairs` has at once. It does not depend on the rows.
/// - Throws: `.argument` when the selection is refused as well.
package func selectionMemory(candidates: [(Int, Int)], codes: [ColumnCodes], memory: Int, threads: Int) throws -> Int {
    let layout = try MarginalLayout(candidates.map { [$0.0, $0.1] }, codes, threads: threads, memory: memory,
        exactly: true)
    let shares = layout.columns.reduce(0) { $0 + codes[$1].count * MemoryLayout<Double>.stride }
    return layout.bytes + shares + candidates.count * (MemoryLayout<Int64>.stride + MemoryLayout<UInt32>.stride)
}
