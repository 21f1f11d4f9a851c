// All measures of one pair of tables. NOT PRIVATE: computed from real rows without noise.
// The figures belong to whoever may see the rows, and a choice made by them is a choice made by looking at the rows.
// They enter no model file and no ledger.

import Basics
import Compute
import Tables

package struct Report {
    package static let notPrivate =
        "NOT PRIVATE: computed from real rows without noise; do not publish as if it were covered by a model's epsilon"

    let names: [String]
    let kinds: [[String]?]
    package let options: ReportOptions
    package let rows: (real: Int, synthetic: Int, holdout: Int)
    /// False when the rows set aside were split off the real table.
    package let holdoutGiven: Bool
    package let groupNames: [String]
    package let groupCounts: [[Int]]                // real, set aside, synthetic
    package let fidelity: Fidelity
    /// Means and quantiles of the numerical columns that have values in both tables.
    package let locations: [Location]
    package let tasks: [TaskResult]
    package let probes: [Probe]
    /// Nil with too many coordinates.
    let propensity: Propensity?
    /// Of encoded rows; nil with fewer than two groups or too many coordinates.
    package let similarity, realSimilarity: Similarity?
    /// Nil without a hold-out of its own: a generator that has seen all rows is as near to one half as to the other.
    package let closeness: Closeness?

    static let splitSeed: UInt64 = 0x666c_6970, leastRows = 10, maxCoordinates = 512, similarityRows = 10_000

    /// - Parameter holdout: real rows that nothing was learned from; nil: a third of the real table, by a fixed public
    ///   shuffle.
    /// - Throws: `.schema` for tables of other columns, `.state` for incomplete ones, `.argument` for an unknown column
    ///   or too few rows.
    package init(real: Table, synthetic: Table, holdout: Table?, options: ReportOptions) throws {
        let schema = real.schema
        guard synthetic.schema.hasSameColumns(as: schema) else {
            throw Failure(.schema, "synthetic: its schema is not that of the real table")
        }
        if let holdout, !holdout.schema.hasSameColumns(as: schema) {
            throw Failure(.schema, "holdout: its schema is not that of the real table")
        }
        guard min(real.rows, synthetic.rows, holdout?.rows ?? .max) >= Report.leastRows else {
            throw Failure(.argument, "an evaluation needs at least \(Report.leastRows) rows in every table")
        }
        let protected = try options.protected.map { try schema.place(of: $0) }
        guard Set(protected).count == protected.count else {
            throw Failure(.argument, "protected: a column is named twice")
        }
        let target = try options.target.map { try schema.place(of: $0) }
        if let target, protected.contains(target) { throw Failure(.argument, "target: must not be a protected column") }
        if options.positive != nil, target.flatMap({ schema.fields[$0].levels }) == nil {
            throw Failure(.argument, "positive: needs a target with levels")
        }
        let admissible = try options.admissible.map { try schema.place(of: $0) }
        guard Set(admissible).count == admissible.count, !admissible.contains(where: protected.contains) else {
            throw Failure(.argument, "admissible: a column is named twice, or is protected")
        }
        if let target, admissible.contains(target) {
            throw Failure(.argument, "admissible: must not be the target")
        }
        guard admissible.isEmpty || !protected.isEmpty else {
            throw Failure(.argument, "admissible: needs protected columns")
        }
        for (name, cuts) in options.edges {
            let place = try schema.place(of: name)
            guard (protected + admissible).contains(place), schema.fields[place].levels == nil else {
                throw Failure(.argument, "edges, \(quoted(name)): is no numerical protected or admissible column")
            }
            guard !cuts.isEmpty, cuts.count <= 1000, zip(cuts, cuts.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw Failure(.argument, "edges, \(quoted(name)): must be 1 to 1000 ascending numbers")
            }
        }
        let threads = options.threads > 0 ? options.threads : Workers.available
        self.options = options
        names = schema.fields.map(\.name)
        kinds = schema.fields.map(\.levels)

        let whole = try Frame(real), made = try Frame(synthetic)
        let learned: Frame, test: Frame
        if let holdout {
            (learned, test) = (whole, try Frame(holdout))
        } else {
            let order = try publicOrder(whole.rows, seed: Report.splitSeed), cut = whole.rows - whole.rows / 3
            (learned, test) = (try whole.rows(order, 0..<cut), try whole.rows(order, cut..<whole.rows))
        }
        holdoutGiven = holdout != nil
        rows = (real.rows, synthetic.rows, test.rows)

        let groups = try Groups([whole, test, made], columns: protected, edges: options.edges)
        groupNames = groups.names
        groupCounts = (0..<3).map(groups.counts)
        let parts = admissible.isEmpty ? nil : try Groups([whole, test, made], columns: admissible,
                                                          edges: options.edges)
        fidelity = try Fidelity(real: whole, synthetic: made, threads: threads)
        locations = try Location.all(real: whole, synthetic: made)
        propensity = try Propensity(real: whole, synthetic: made)
        if options.classifiers {
            let runs = try ModelRuns(synthetic: made, test: test, threads: threads)
            tasks = try taskTable(real: learned, test: test, synthetic: made, runs: runs, protected: protected,
                                  target: target, positive: options.positive, groups: groups, parts: parts,
                                  admissible: admissible, testTable: 1)
            probes = protected.isEmpty ? [] : try Evaluation.probes(synthetic: made, test: test, runs: runs,
                protected: protected, groups: groups, syntheticTable: 2, testTable: 1)
        } else {
            (tasks, probes) = ([], [])
            if let target { _ = try Task(learned, column: target, isTarget: true, positive: options.positive) }
        }
        let encoding = Encoding(whole), leaveOut = Set(protected)
        if groups.names.count > 1, (1...Report.maxCoordinates).contains(encoding.width(leaveOut: leaveOut)) {
            let ours = try Report.similarity(whole, encoding, leaveOut, groups, 0, bandwidth: nil, threads)
            realSimilarity = ours
            similarity = try Report.similarity(made, encoding, leaveOut, groups, 2, bandwidth: ours.bandwidth, threads)
        } else {
            (similarity, realSimilarity) = (nil, nil)
        }
        closeness = holdout == nil ? nil : try Closeness(train: whole, holdout: test, synthetic: made, threads: threads)
    }

    private static func similarity(_ frame: Frame, _ encoding: Encoding, _ leaveOut: Set<Int>, _ groups: Groups,
                                   _ table: Int, bandwidth: Double?, _ threads: Int) throws -> Similarity {
        let order = try publicOrder(frame.rows, seed: 0x636b), n = min(frame.rows, similarityRows)
        let z = try encoding.points(frame, order, 0..<n, leaveOut: leaveOut)
        let members = try Buffer<Int32>(count: n, for: "an evaluation")
        for i in 0..<n { members.base[i] = groups.members[table].base[Int(order.base[i])] }
        return try Similarity(z, width: encoding.width(leaveOut: leaveOut), groups: members,
                              groupCount: groups.names.count, bandwidth: bandwidth, threads: threads)
    }

    // MARK: - means

    var target: TaskResult? { tasks.first { $0.isTarget } }

    /// The mean over tasks, or over probes; nil without any.
    static func mean(_ x: [Double?]) -> Double? {
        let there = x.compactMap { $0 }
        return there.isEmpty ? nil : there.reduce(0, +) / Double(there.count)
    }
}
