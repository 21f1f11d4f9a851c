// How near synthetic rows are to the rows that were learned from, compared with rows set aside.
// Three measures: the distance to the closest record, the ratio of the two nearest, and membership inference by
// distance. The distance is Euclidean between encoded rows. A level that differs costs the weights of both levels, so
// one-hot columns are never written out.

import Basics
import Compute

/// Encoded rows, ready for distances.
final class PointSet: @unchecked Sendable {
    let rows: Int
    private let numbers: Buffer<Float>              // [rows][P]
    private let codes: Buffer<Int32>                // [rows][m]: where the weight of the level stands
    private let weights: [Float]                    // 1 / variance of every level of every column
    private let width: Int, columns: Int

    /// Rows `order[0 ..< count]`.
    init(_ frame: Frame, _ encoding: Encoding, _ order: Buffer<Int32>, count: Int) throws {
        let m = frame.columns.count, p = frame.columns.filter { $0.values != nil }.count
        (rows, width, columns) = (count, p, m)
        numbers = try Buffer(count: count * p, for: "an evaluation")
        codes = try Buffer(count: count * m, for: "an evaluation")
        var all: [Float] = []
        var numerical = 0
        for c in 0..<m {
            let column = encoding.columns[c], start = all.count
            all += column.standardDeviations.map { Float(1 / ($0 * $0)) }
            if let values = frame.columns[c].values {
                all.append(0)                       // present
                for i in 0..<count {
                    let x = values.base[Int(order.base[i])]
                    numbers.base[i * p + numerical] = x.isNaN ? 0 : Float((x - column.mean) / column.standardDeviation)
                    codes.base[i * m + c] = Int32(start + (x.isNaN ? 0 : 1))
                }
                numerical += 1
            } else {
                for i in 0..<count {
                    codes.base[i * m + c] = Int32(start) + frame.columns[c].codes!.base[Int(order.base[i])]
                }
            }
        }
        weights = all
    }

    /// Distances from each of these rows to its nearest and second nearest row of `other`, infinite where there is
    /// none.
    func nearest(in other: PointSet, threads: Int) throws -> Buffer<SIMD2<Float>> {
        let out = try Buffer<SIMD2<Float>>(count: rows, for: "an evaluation"), block = 32
        Workers.run(threads: threads, chunks: (rows + block - 1) / block) { chunk, _ in
            for i in chunk * block ..< min(rows, (chunk + 1) * block) { out.base[i] = nearest(i, other) }
        }
        return out
    }

    private func nearest(_ i: Int, _ other: PointSet) -> SIMD2<Float> {
        let codes = codes.base + i * columns, numbers = numbers.base + i * width
        var first = Float.infinity, second = Float.infinity
        weights.withUnsafeBufferPointer { weights in
            for j in 0..<other.rows {
                let theirCodes = other.codes.base + j * columns, theirNumbers = other.numbers.base + j * width
                var d: Float = 0
                for c in 0..<columns where codes[c] != theirCodes[c] {
                    d += weights[Int(codes[c])] + weights[Int(theirCodes[c])]
                }
                if d >= second { continue }
                for k in 0..<width {
                    let e = numbers[k] - theirNumbers[k]
                    d += e * e
                }
                if d < first { (first, second) = (d, first) } else if d < second { second = d }
            }
        }
        return SIMD2(first.squareRoot(), second.squareRoot())
    }
}

package struct Closeness {
    /// Share of synthetic rows nearer to the rows learned from than to as many that were set aside, ties counting half:
    /// 0.5 best, more is memorising (Platzer and Reutterer 2021, arXiv:2104.00635).
    package let share: Double
    /// Median distance of a synthetic row to the closest of either.
    package let closestTrain, closestHoldout: Double
    /// Mean ratio of the distances to the nearest and the second nearest of either, in [0, 1]; 1 where both are 0 (Zhao
    /// et al. 2021, CTAB-GAN, arXiv:2102.08369). Learned-from well below set-aside is memorising.
    package let ratioTrain, ratioHoldout: Double
    /// How well rows learned from are told from rows set aside by their distance to the closest synthetic row: area
    /// under the ROC curve, 0.5 best (Chen et al. 2020, GAN-Leaks, arXiv:1909.03935, the full black box attack).
    package let membership: Double

    static let references = 4000, queries = 2000, generated = 20_000

    /// Weights and standard deviations are those of `train`. Of larger tables a fixed public choice of rows is looked
    /// at.
    package init(train: Frame, holdout: Frame, synthetic: Frame, threads: Int) throws {
        let encoding = Encoding(train), m = min(train.rows, holdout.rows, Closeness.references)
        let trainOrder = try publicOrder(train.rows, seed: 0x7472)
        let holdoutOrder = try publicOrder(holdout.rows, seed: 0x686f)
        let syntheticOrder = try publicOrder(synthetic.rows, seed: 0x7379)
        let a = try PointSet(train, encoding, trainOrder, count: m)
        let b = try PointSet(holdout, encoding, holdoutOrder, count: m)
        let queries = try PointSet(synthetic, encoding, syntheticOrder, count: min(synthetic.rows, Closeness.queries))
        let toTrain = try queries.nearest(in: a, threads: threads)
        let toHoldout = try queries.nearest(in: b, threads: threads)
        var nearer = 0.0
        for i in 0..<queries.rows {
            nearer += toTrain.base[i].x < toHoldout.base[i].x ? 1 : toTrain.base[i].x == toHoldout.base[i].x ? 0.5 : 0
        }
        share = nearer / Double(queries.rows)
        closestTrain = try Closeness.median(toTrain)
        closestHoldout = try Closeness.median(toHoldout)
        ratioTrain = Closeness.ratio(toTrain)
        ratioHoldout = Closeness.ratio(toHoldout)

        let all = try PointSet(synthetic, encoding, syntheticOrder, count: min(synthetic.rows, Closeness.generated))
        let n = min(m, Closeness.queries)
        let members = try PointSet(train, encoding, trainOrder, count: n).nearest(in: all, threads: threads)
        let others = try PointSet(holdout, encoding, holdoutOrder, count: n).nearest(in: all, threads: threads)
        let scores = try Buffer<Float>(count: 2 * n, for: "an evaluation")
        let labels = try Buffer<UInt8>(count: 2 * n, for: "an evaluation")
        for i in 0..<n {
            (scores.base[i], labels.base[i]) = (-members.base[i].x, 1)
            scores.base[n + i] = -others.base[i].x
        }
        membership = try areaUnderROC(scores, labels) ?? .nan
    }

    private static func median(_ x: Buffer<SIMD2<Float>>) throws -> Double {
        let first = try Buffer<Double>(count: x.count, for: "an evaluation")
        for i in 0..<x.count { first.base[i] = Double(x.base[i].x) }
        let (sorted, n) = try sortedValues(first)
        return quantile(sorted, n, 0.5)
    }

    private static func ratio(_ x: Buffer<SIMD2<Float>>) -> Double {
        x.reduce(0) { $0 + ($1.y.isFinite ? $1.y > 0 ? Double($1.x / $1.y) : 1 : .nan) } / Double(x.count)
    }
}
