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
    /// Rows by their group.
    let byGroup: [[Int32]]
    let groupShares: GroupShares?
    private let columns: Int

    /// - Parameter shares: of the groups; nil: as many as there are rows of each.
    init(count: Int, codes: Buffer<UInt16>, byGroup: [[Int32]], shares: GroupShares? = nil, plan: Plan) {
        (self.count, self.codes, self.byGroup, columns) = (count, codes, byGroup, plan.modelled.count)
        groupShares = shares ?? GroupShares(byGroup.map { Double($0.count) }, plan: plan)
    }

    /// Generated rows, by their groups where a grouping is given.
    /// - bins: of all columns, [columns][count].
    convenience init(of bins: Buffer<UInt16>, count n: Int, groups: Grouping? = nil, plan: Plan) throws {
        let codes = try Buffer<UInt16>(count: plan.modelled.count * n, for: "generated rows")
        for (t, j) in plan.modelled.enumerated() { (codes.base + t * n).update(from: bins.base + j * n, count: n) }
        var byGroup = [[Int32]](repeating: [], count: groups?.count ?? 1)
        for i in 0..<n { byGroup[groups?.group { Int(bins[$0 * n + i]) } ?? 0].append(Int32(i)) }
        self.init(count: n, codes: codes, byGroup: byGroup, plan: plan)
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
        let own = byGroup[g], i = own.isEmpty ? place(u) : Int(own[min(Int(u * Double(own.count)), own.count - 1)])
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
