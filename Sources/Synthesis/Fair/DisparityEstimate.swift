// The estimate of what alignment did, in model files, and in what a model says of itself.

import Basics
import Glibc
import Projection
import Storage

/// What alignment did to the table. All figures are of what is selected among rows before alignment, whose groups are
/// as they were released.
package struct DisparityEstimate: Sendable, Equatable {
    static let group = "disparity"
    /// `fairness.strength`, or what `fairness.reduce` needed.
    package let strength: Double
    /// By conditionals as they were released, and by those that fair rows are drawn from.
    package let before: PairModelFigures, after: PairModelFigures
    /// By conditionals that were learned from generated rows; nil: not measured yet, or in an older file.
    package var generated: PairModelFigures?

    /// Each set of figures by its name.
    private var sets: [(name: String, figures: PairModelFigures)] {
        [("before", before), ("after", after)] + (generated.map { [("generated", $0)] } ?? [])
    }

    private var numbers: [(name: String, value: Double)] {
        var out = [(name: "strength", value: strength)]
        for (name, f) in sets {
            out += [(name, f.disparity), ("\(name)_error", f.disparityDeviation)]
            out += [("auc_\(name)", f.auc), ("auc_\(name)_error", f.aucDeviation)]
        }
        return out + [("columns", Double(after.tasks))]
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
        func figures(_ name: String) throws -> PairModelFigures {
            try PairModelFigures(disparity: number(name), disparityDeviation: number(name + "_error"),
                                 auc: number("auc_" + name), aucDeviation: number("auc_" + name + "_error"),
                                 tasks: columns)
        }
        return try DisparityEstimate(strength: number("strength", FairnessSettings.maxStrength),
                                     before: figures("before"), after: figures("after"),
                                     generated: g.hasAttribute("generated") ? figures("generated") : nil)
    }

    /// In words: generated rows that miss the reduction, by more than three standard deviations.
    /// - reduce: what was asked for; nil: nothing.
    func warnings(_ reduce: Double?) -> [String] {
        guard let reduce, let generated else { return [] }
        let wanted = (1 - reduce) * before.disparity, own = (1 - reduce) * before.disparityDeviation
        let error = (pow(generated.disparityDeviation, 2) + pow(own, 2)).squareRoot()
        guard generated.disparity > wanted + 3 * error else { return [] }
        return ["the reduction that was asked for is missed: generated rows lead to a disparity of about "
            + "\(short(generated.disparity, 2)), where \(short(before.disparity, 2)) was to fall to "
            + "\(short(wanted, 2))"]
    }

    var json: JSON { .members(numbers.map { ($0.name, .number($0.value)) }) }
}
