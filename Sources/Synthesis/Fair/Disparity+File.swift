// The estimate of what alignment did, as it lies in model files and in what a model says of itself.

import Basics
import Projection
import Storage

extension DisparityEstimate {
    static let group = "disparity"

    private var numbers: [(name: String, value: Double)] {
        [("strength", strength), ("before", before.disparity), ("before_error", before.disparityDeviation),
         ("after", after.disparity), ("after_error", after.disparityDeviation), ("auc_before", before.auc),
         ("auc_before_error", before.aucDeviation), ("auc_after", after.auc), ("auc_after_error", after.aucDeviation),
         ("columns", Double(after.tasks))]
    }

    func write(to root: GroupWriter) throws {
        try root.group(Self.group) { g in for n in numbers { try g.attribute(n.name, n.value) } }
    }

    /// - Throws: `.format` for numbers that no fit gives.
    static func read(from root: GroupReader) throws -> DisparityEstimate {
        let g = try root.group(group)
        func number(_ name: String, _ most: Double = 1) throws -> Double {
            let x = try g.attributeDouble(name)
            guard (0...most).contains(x) else { throw Failure(.format, "disparity: \(name) is out of range") }
            return x
        }
        let columns = Int(try number("columns", 1e6))
        return try DisparityEstimate(
            strength: number("strength", FairnessSettings.maxStrength),
            before: PairModelFigures(disparity: number("before"), disparityDeviation: number("before_error"),
                                     auc: number("auc_before"), aucDeviation: number("auc_before_error"),
                                     tasks: columns),
            after: PairModelFigures(disparity: number("after"), disparityDeviation: number("after_error"),
                                    auc: number("auc_after"), aucDeviation: number("auc_after_error"),
                                    tasks: columns))
    }

    var json: JSON { .members(numbers.map { ($0.name, .number($0.value)) }) }
}

extension FrontierPoint {
    package var json: JSON {
        .members([("strength", .number(strength)), ("disparity", .number(figures.disparity)),
                  ("disparity_error", .number(figures.disparityDeviation)), ("auc", .number(figures.auc)),
                  ("auc_error", .number(figures.aucDeviation)), ("columns", .int(Int64(figures.tasks)))])
    }
}

/// Options of `Model.frontier`.
package struct FrontierOptions: Sendable {
    package var strengths = [0, 0.25, 0.5, 1, 2, 4], threads = 0
    package init() {}

    /// - Throws: `.argument` for keys that there are not.
    package init(_ json: JSON) throws {
        let r = try JSONReader(json == .null ? .object(JSONObject()) : json, context: "frontier")
        if let own = try r.optionalArray("strengths") {
            strengths = try own.map {
                guard let x = $0.asDouble else { throw Failure(.argument, "frontier, strengths: must be numbers") }
                return x
            }
        }
        if r.has("threads") { threads = try r.int("threads", in: 0...1024) }
        try r.finish()
    }
}

extension Model {
    /// `frontier` as hosts get it.
    package func frontier(_ options: FrontierOptions, stop: () -> Bool = { false }) throws -> JSON {
        let points = try frontier(options.strengths, threads: options.threads, stop: stop)
        return .members([("notion", .string(plan.settings.fairness.notion == .odds ? "odds" : "parity")),
                         ("protected", .array(plan.protected.map { .string($0) })),
                         ("points", .array(points.map(\.json)))])
    }
}
