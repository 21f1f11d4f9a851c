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
