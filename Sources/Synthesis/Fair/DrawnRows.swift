// Rows that were drawn once, of the columns that networks see, and by the group that each was drawn for: rows of
// networks that teach, or fair rows that networks and tilt learn in place of those.

import Basics
import Compute
import Projection

final class DrawnRows: FreeRows {
    static let purpose: UInt32 = 0x70726f6a
    let count: Int
    /// [columns that networks see][count].
    let codes: Buffer<UInt16>
    let groupShares: GroupShares?
    /// Rows, those of one group after those of another, and where each group's begin. No array of the language: where
    /// memory is short one of so many rows would take the host down.
    private let byGroup: Buffer<Int32>, starts: [Int]
    private let columns: Int

    /// - Parameters:
    ///   - groups: how many there are. group: of each row.
    ///   - shares: of the groups; nil: as many as there are rows of each.
    /// - Throws: `.noMemory`.
    init(count: Int, codes: Buffer<UInt16>, groups: Int, shares: GroupShares? = nil, plan: Plan,
         group: (Int) -> Int) throws {
        (self.count, self.codes, columns) = (count, codes, plan.modelled.count)
        var sizes = [Int](repeating: 0, count: groups)
        for i in 0..<count { sizes[group(i)] += 1 }
        var next = sizes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        starts = next
        byGroup = try Buffer(count: count, for: "rows by their groups")
        for i in 0..<count {
            let g = group(i)
            byGroup[next[g]] = Int32(i)
            next[g] += 1
        }
        groupShares = shares ?? GroupShares(sizes.map { Double($0) }, plan: plan)
    }

    /// Generated rows, by their groups where a grouping is given.
    /// - bins: of all columns, [columns][count].
    convenience init(of bins: Buffer<UInt16>, count n: Int, groups: Grouping? = nil, plan: Plan) throws {
        let codes = try Buffer<UInt16>(count: plan.modelled.count * n, for: "generated rows")
        for (t, j) in plan.modelled.enumerated() { (codes.base + t * n).update(from: bins.base + j * n, count: n) }
        try self.init(count: n, codes: codes, groups: groups?.count ?? 1, plan: plan) { i in
            groups?.group { Int(bins[$0 * n + i]) } ?? 0
        }
    }

    /// A row's place. u: uniform in [0, 1).
    func place(_ u: Double) -> Int { min(Int(u * Double(count)), count - 1) }

    /// Hands the codes of row i to `body`, column by column.
    @inline(__always)
    func copy(_ i: Int, _ body: (_ column: Int, UInt16) -> Void) {
        for t in 0..<columns { body(t, codes[t * count + i]) }
    }

    /// One of the rows of the group, or any where there is none. Its second draw is the row itself.
    @discardableResult
    func draw(seed: UInt64, row k: UInt64, group wanted: Int?, codes: UnsafeMutablePointer<UInt16>,
              targets: UnsafeMutablePointer<UInt16>?, stride: Int) -> Int {
        var stream = CounterStream(seed: seed, row: k, purpose: Self.purpose)
        let group = groupShares?.group(stream.uniformDouble()) ?? 0, g = wanted ?? group, u = stream.uniformDouble()
        let from = starts[g], own = starts[g + 1] - from
        let i = own == 0 ? place(u) : Int(byGroup[from + min(Int(u * Double(own)), own - 1)])
        copy(i) { t, code in
            codes[t * stride] = code
            targets?[t * stride] = code
        }
        return g
    }

    /// Counts of the cells of some columns, each by its place among those that networks see, for rows of weight 1.
    func count(_ columns: [Int], levels: [Int], _ body: (_ cell: Int) -> Void) {
        for i in 0..<count {
            body(zip(columns, levels).reduce(0) { $0 * $1.1 + Int(codes[$1.0 * count + i]) })
        }
    }
}

/// Fair rows, and what they were made for.
struct FairRows {
    let rows: DrawnRows
    /// Nil: no reduction was asked for, or no two groups can be told.
    let estimate: DisparityEstimate?
}
