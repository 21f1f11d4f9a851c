// Every column taken as a task with two classes, and how well groups can be told apart.
// A classifier learns from the synthetic table and is tested on real rows set aside. The protected columns are neither
// task nor feature.

import Basics
import Compute

/// One column as a question with the answers yes and no.
package struct Task {
    package let column: Int
    /// The level that is "yes"; nil for a number above `threshold`.
    package let level: Int?
    package let threshold: Double

    /// The target's "yes" is `positive`, or the last of its levels in the order of their texts; another column's is its
    /// most frequent level; a number's is to be above the median. Levels and median are the real table's.
    package init(_ real: Frame, column: Int, isTarget: Bool, positive: String? = nil) throws {
        self.column = column
        let series = real.columns[column]
        guard let levels = series.levels else {
            let (sorted, n) = try sortedValues(series.values!)
            (level, threshold) = (nil, n > 0 ? quantile(sorted, n, 0.5) : 0)
            return
        }
        threshold = 0
        func before(_ a: Int, _ b: Int) -> Bool {
            Array(levels[a].utf8).lexicographicallyPrecedes(Array(levels[b].utf8))
        }
        if isTarget {
            if let positive {
                guard let k = levels.firstIndex(of: positive) else {
                    throw Failure(.argument, "positive: the target has no such level")
                }
                level = k
            } else {
                level = levels.indices.max(by: before)
            }
        } else {
            var counts = [Int](repeating: 0, count: levels.count + 1)
            for k in series.codes! { counts[Int(k)] += 1 }
            level = levels.indices.max { counts[$0] != counts[$1] ? counts[$0] < counts[$1] : before($1, $0) }
        }
    }

    /// Label 1 for yes, 0 for no and for missing.
    package func labels(_ frame: Frame) throws -> Buffer<UInt8> {
        let out = try Buffer<UInt8>(count: frame.rows, for: "an evaluation"), series = frame.columns[column]
        if let level {
            for i in 0..<frame.rows { out.base[i] = Int(series.codes!.base[i]) == level ? 1 : 0 }
        } else {
            for i in 0..<frame.rows { out.base[i] = series.values!.base[i] > threshold ? 1 : 0 }
        }
        return out
    }
}

package struct TaskResult {
    package let task: Task
    package let isTarget: Bool
    /// Share of "yes" among the rows set aside.
    package let base: Double
    /// Nil when the rows set aside hold one answer only.
    package let auc: Double?
    package let disparity: Disparity
}

/// Models to fit, and what becomes of them. Each is one thread's work, so the results do not depend on their number.
struct ModelRuns {
    let synthetic: Buffer<UInt8>, test: Buffer<UInt8>
    let syntheticRows: Int, testRows: Int
    let binning: Binning
    let threads: Int

    init(synthetic: Frame, test: Frame, threads: Int) throws {
        binning = try Binning(synthetic)
        self.synthetic = try binning.apply(synthetic)
        self.test = try binning.apply(test)
        (syntheticRows, testRows) = (synthetic.rows, test.rows)
        self.threads = threads
    }

    /// A model of `labels`, learned from `learn` of the synthetic rows.
    struct Run {
        let labels: Buffer<UInt8>
        let learn: Range<Int>
        let leaveOut: Set<Int>
        /// Rows that are scored afterwards: of the test table, or of the synthetic one.
        let onTest: Bool
        let score: Range<Int>
        /// Log-odds of label 1.
        let margins: Buffer<Float>

        init(labels: Buffer<UInt8>, learn: Range<Int>, leaveOut: Set<Int>, onTest: Bool, score: Range<Int>) throws {
            (self.labels, self.learn, self.leaveOut, self.onTest, self.score) = (labels, learn, leaveOut, onTest, score)
            margins = try Buffer(count: score.count, for: "an evaluation")
        }
    }

    /// Fills the margins of every run.
    func carryOut(_ runs: [Run]) throws {
        guard !runs.isEmpty else { return }
        let workers = max(1, min(threads, runs.count))
        let scratch = try (0..<workers).map { _ in try TreeScratch(rows: syntheticRows, binning: binning) }
        let models = try (0..<workers).map { _ in try BoostedTrees(columns: binning.columns.count) }
        Workers.run(threads: workers, chunks: runs.count) { k, worker in
            let run = runs[k]
            models[worker].fit(synthetic, run.labels, rows: run.learn, binning: binning, leaveOut: run.leaveOut,
                               scratch[worker])
            models[worker].predict(run.onTest ? test : synthetic, rows: run.score, run.margins)
        }
    }
}

/// The task-agnostic table: the target first, then every other column that is not protected and whose answer is neither
/// rare nor common, 5 % to 95 % "yes" among the real rows.
/// - Parameter parts: joint levels of the `admissible` columns, within which groups may differ.
func taskTable(real: Frame, test: Frame, synthetic: Frame, runs: ModelRuns, protected: [Int], target: Int?,
               positive: String?, groups: Groups, parts: Groups? = nil, admissible: [Int] = [],
               testTable: Int) throws -> [TaskResult] {
    var tasks: [Task] = []
    for column in [target].compactMap({ $0 }) + real.columns.indices.filter({ $0 != target
        && !protected.contains($0) }) {
        let task = try Task(real, column: column, isTarget: column == target, positive: positive)
        let share = Double(try task.labels(real).reduce(0) { $0 + Int($1) }) / Double(real.rows)
        if column == target || (share >= 0.05 && share <= 0.95) { tasks.append(task) }
    }
    let made = try tasks.map { task in
        try ModelRuns.Run(labels: task.labels(synthetic), learn: 0..<synthetic.rows,
                          leaveOut: Set(protected + [task.column]), onTest: true, score: 0..<test.rows)
    }
    try runs.carryOut(made)
    return try zip(tasks, made).map { task, run in
        let labels = try task.labels(test)
        let disparity = try Disparity(margins: run.margins, labels: labels, members: groups.members[testTable],
                                      groups: groups.names.count,
                                      parts: admissible.contains(task.column) ? nil : parts?.members[testTable])
        return TaskResult(task: task, isTarget: task.column == target,
                          base: Double(labels.reduce(0) { $0 + Int($1) }) / Double(test.rows),
                          auc: try areaUnderROC(run.margins, labels), disparity: disparity)
    }
}

/// How well a group is told from the columns that are not protected: the area under the ROC curve, 0.5 best.
package struct Probe {
    package let group: Int
    /// Learned from the first half of the synthetic rows, tested on the second; nil below 11 rows of the group in
    /// either half.
    package let synthetic: Double?
    /// Learned from all synthetic rows, tested on the real rows set aside.
    package let real: Double?
}

/// Probes of every group with at least 30 of the rows set aside.
func probes(synthetic: Frame, test: Frame, runs: ModelRuns, protected: [Int], groups: Groups, syntheticTable: Int,
            testTable: Int) throws -> [Probe] {
    let counts = groups.counts(testTable), half = synthetic.rows / 2
    func labels(_ table: Int, _ group: Int) throws -> Buffer<UInt8> {
        let members = groups.members[table], out = try Buffer<UInt8>(count: members.count, for: "an evaluation")
        for i in 0..<members.count { out.base[i] = Int(members.base[i]) == group ? 1 : 0 }
        return out
    }
    let probed = groups.names.indices.filter { counts[$0] >= Disparity.leastRows }
    var out: [Probe] = []
    for group in probed {                               // two models at a time: memory stays small with many groups
        let mine = try labels(syntheticTable, group), theirs = try labels(testTable, group)
        let whole = try ModelRuns.Run(labels: mine, learn: 0..<synthetic.rows, leaveOut: Set(protected), onTest: true,
                                      score: 0..<test.rows)
        let enough = mine[0..<half].reduce(0) { $0 + Int($1) } > 10 && mine[half...].reduce(0) { $0 + Int($1) } > 10
        let halved = try ModelRuns.Run(labels: mine, learn: 0..<half, leaveOut: Set(protected), onTest: false,
                                       score: half..<synthetic.rows)
        try runs.carryOut(enough ? [whole, halved] : [whole])
        out.append(Probe(group: group, synthetic: enough ? try areaUnderROC(halved.margins, mine, first: half) : nil,
                         real: try areaUnderROC(whole.margins, theirs)))
    }
    return out
}
