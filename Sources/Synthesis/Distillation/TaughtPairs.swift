// What networks that teach tell a pair model: all pairs of columns, or in a wide table those that depend on each other
// the most among their rows. Their rows are free, so this choice is no release.

import Basics
import Compute
import Projection

extension FairTask {
    /// Columns up to which all pairs have a factor; beyond, so many pairs for each column.
    private static let mostColumns = 64, pairsAColumn = 4, rows = 1 << 13

    /// - Parameter rows: of the teachers.
    init(_ rows: DrawnRows, plan: Plan, statistics: Statistics, threads: Int) throws {
        let own = statistics.seen(by: plan), levels = own.modelledLevels, T = levels.count
        let all = (0..<T).flatMap { a in (a + 1..<max(T, a + 1)).map { [a, $0] } }
        self.init(shares: own.modelled.map(\.binShare), pairs: T <= Self.mostColumns ? all
            : try Self.strongest(Self.pairsAColumn * T, of: all, rows, levels, threads: threads),
                  noise: plan.countStandardDeviation)
    }

    /// The pairs whose cells' shares are farthest from the products of their columns' shares.
    static func strongest(_ count: Int, of pairs: [[Int]], _ rows: DrawnRows, _ levels: [Int],
                                  threads: Int) throws -> [[Int]] {
        let n = min(Self.rows, rows.count), most = levels.max() ?? 1
        let score = try Buffer<Double>(count: pairs.count, for: "pairs of columns"),
            spaces = try (0..<max(1, threads)).map { _ in
                (cells: try Buffer<Int32>(count: most * most, for: "pairs of columns"),
                 sums: try Buffer<Int32>(count: 2 * most, for: "pairs of columns"))
            }
        Workers.run(threads: threads, chunks: pairs.count) { k, worker in
            let (cells, sums) = spaces[worker], a = pairs[k][0], b = pairs[k][1], A = levels[a], B = levels[b]
            for i in 0..<A * B { cells[i] = 0 }
            for i in 0..<2 * most { sums[i] = 0 }
            for i in 0..<n {
                let u = Int(rows.codes[a * rows.count + i]), v = Int(rows.codes[b * rows.count + i])
                cells[u * B + v] += 1
                sums[u] += 1
                sums[most + v] += 1
            }
            var distance = 0.0
            for u in 0..<A {
                for v in 0..<B {
                    distance += abs(Double(cells[u * B + v]) - Double(sums[u]) * Double(sums[most + v]) / Double(n))
                }
            }
            score[k] = distance
        }
        let chosen = pairs.indices.sorted { (score[$0], $1) > (score[$1], $0) }.prefix(count)
        return chosen.sorted().map { pairs[$0] }
    }
}

extension FairFit {
    /// - rows: of the teachers. plan: with distillation. statistics: of any view.
    init(teaching rows: DrawnRows, plan: Plan, statistics: Statistics, threads: Int) throws {
        try self.init(FairTask(rows, plan: plan, statistics: statistics, threads: threads), rows, plan: plan,
                      statistics: statistics, threads: threads)
    }
}

extension DrawnRows {
    /// What the tilt of students meets: of columns alone what was released, of pairs what these rows hold, each with
    /// the standard deviation of so many rows.
    func tiltTargets(plan: Plan, statistics: Statistics) throws -> [NoisyMarginal] {
        let heads = plan.heads
        return try plan.tiltColumns(plan.marginalRequests(pairs: plan.allPairs)).map { c in
            guard c.count > 1 else {
                return try NoisyMarginal(column: c[0], shares: statistics.encoders[c[0]].binShare,
                                         total: statistics.rows, standardDeviation: plan.countStandardDeviation)
            }
            let levels = c.map { statistics.levels[$0] }, cells = levels.reduce(1, *)
            let out = try Buffer<Double>(count: cells, for: "a marginal"), one = statistics.rows / Double(count)
            count(c.compactMap { heads[$0] }, levels: levels) { out[$0] += one }
            return NoisyMarginal(columns: c, values: out,
                                 standardDeviation: one * (Double(count) / Double(cells)).squareRoot())
        }
    }
}
