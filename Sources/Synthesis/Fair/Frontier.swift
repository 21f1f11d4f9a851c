// What strengths of alignment cost and gain: usefulness against disparity, from released values alone.

import Basics
import Compute
import Projection

/// One strength of alignment.
package struct FrontierPoint: Sendable {
    package let strength: Double, figures: PairModelFigures

    package var json: JSON {
        .members([("strength", .number(strength)), ("disparity", .number(figures.disparity)),
                  ("disparity_error", .number(figures.disparityDeviation)), ("auc", .number(figures.auc)),
                  ("auc_error", .number(figures.aucDeviation)), ("columns", .int(Int64(figures.tasks)))])
    }
}

/// Options of `Model.frontier`.
package struct FrontierOptions: Sendable {
    package var strengths = [0, 0.25, 0.5, 1, 2, 4], threads = 0
    /// nil: those of the model.
    package var protected: [String]?
    package init() {}

    /// - Throws: `.argument` for keys that there are not.
    package init(_ json: JSON) throws {
        let r = try JSONReader(json == .null ? .object(JSONObject()) : json, context: "frontier")
        if r.has("strengths") { strengths = try r.doubles("strengths") }
        protected = try r.optionalStrings("protected")
        threads = try r.optionalInt("threads", in: 0...1024) ?? threads
        try r.finish()
    }
}

extension Model {
    /// What strengths of alignment cost and gain, from the releases alone: of each strength the mean over columns of
    /// the disparity that a task of the column would see, and of the area under the ROC curve of its conditional.
    /// - Parameters:
    ///   - strengths: each from 0 to 100, 1 to 64 of them; 0 is the table as it was released.
    ///   - protected: columns; nil: those of the model.
    /// - Throws: `.unsupported` for a model without tables of several columns, without protected columns, or whose
    ///   releases do not tell the groups; `.argument`; `.cancelled`.
    package func frontier(_ strengths: [Double], protected: [String]? = nil, threads: Int = 0,
                          stop: () -> Bool = { false }) throws -> [FrontierPoint] {
        let columns = protected ?? plan.protected
        let teacher = teacher
        guard marginals != nil || teacher != nil, !columns.isEmpty else {
            throw Failure(.unsupported, "frontier: it is for a model of the preset \"best\", or of \"published\" whose "
                + "networks see every column, and protected columns")
        }
        guard (1...64).contains(strengths.count), strengths.allSatisfy({ (0...100).contains($0) }) else {
            throw Failure(.argument, "strengths: 1 to 64 numbers from 0 to 100")
        }
        var plan = plan, statistics = statistics
        if plan.conditionals == 0 || columns != plan.protected {
            plan = try plan.refitted(.members([("protected", .array(columns.map { .string($0) })),
                                               ("fairness", .members([("strength", .number(1))]))]))
            statistics = try Statistics(plan: plan, counts: statistics.counts,
                                        groupCounts: statistics.releasedGroupCounts)
        }
        let workers = threads > 0 ? threads : Workers.available
        let fits = try fairFit(plan, statistics, teacher, threads: workers, stop: stop)
        return try strengths.map { strength in
            let f = try fits.fit(strength, stop: stop).figures()
            guard let f else {
                throw Failure(.unsupported, "frontier: no two groups are large enough beside the noise to be told "
                    + "apart")
            }
            return FrontierPoint(strength: strength, figures: f)
        }
    }

    private func fairFit(_ plan: Plan, _ statistics: Statistics, _ teacher: Teacher?, threads: Int,
                         stop: () -> Bool) throws -> FairFit {
        if let teacher {
            let source = try teacher.rows(plan, statistics, threads: threads, stop: stop)
            return try FairFit(teaching: source, plan: plan, statistics: statistics, threads: threads)
        }
        guard let marginals else { throw StageRun.lost }
        let table = try marginals.relaxedTable(marginals.targets(plan: plan, statistics: statistics), plan: plan,
                                               statistics: statistics, threads: threads, stop: stop)
        let rows = try ProjectedRows(table, plan: plan, repair: 0)
        return try FairFit(marginals.fairTask(rows, plan: plan, statistics: statistics), rows, plan: plan,
                           statistics: statistics, threads: threads)
    }

    /// `frontier` as hosts get it.
    package func frontier(_ options: FrontierOptions, stop: () -> Bool = { false }) throws -> JSON {
        let points = try frontier(options.strengths, protected: options.protected, threads: options.threads, stop: stop)
        return .members([("notion", .string(plan.settings.fairness.notion.rawValue)),
                         ("protected", .array((options.protected ?? plan.protected).map { .string($0) })),
                         ("points", .array(points.map(\.json)))])
    }
}
