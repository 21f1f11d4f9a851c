// Options of fairness that are not plain numbers or words: how strong it is, which distribution the protected columns
// are drawn from, where numerical ones are cut, and what the user guesses about the groups.

import Basics
import Projection
import Tables

package struct FairnessSettings: Sendable, Equatable {
    /// Whether protected columns stay out of the networks (above 0), and how much the terms of alignment weigh.
    /// nil: 1 where a column is protected, 0 otherwise. A plan's settings hold the number.
    package var strength: Double?
    /// "balanced", "proportional", or nil: the default. A plan's settings hold the word.
    package var sampling: String?
    package var calibration = "uniform"
    /// q_max; 0: four times batch over rows.
    package var cap = 0.0
    package var poolBelow = 0
    package var reweight = false
    /// Which rows are compared, and columns that may differ between groups.
    package var notion = FairnessNotion.parity
    package var admissible: [String] = []
    /// How much of the estimated disparity is to go, in place of a strength.
    package var reduce: Double?
    package var draw = Draw.released
    /// Edges of numerical protected columns, as the configuration has them.
    package var cuts: [String: [JSON]] = [:]
    /// Guessed shares of groups by name, used to choose α* and to print expected noise only; none: all alike.
    package var shares: [String: Double] = [:]

    /// What protected columns that no network sees are drawn from at sampling.
    package enum Draw: Sendable, Equatable {
        case released                       // the noisy counts of the groups
        case uniform                        // all groups alike
        case joint([String: Double])        // shares of groups by name
        case columns([String: [String: Double]])  // shares of the parts of columns, drawn independently
    }

    static let maxStrength = 100.0
    package static let defaultStrength = 1.0
    package static let defaultSampling = "proportional"
}

extension FairnessSettings {
    mutating func readOwn(_ o: JSONReader) throws {
        if let v = o.optional("strength"), v != .null { strength = try o.double("strength", in: 0...Self.maxStrength) }
        if let v = o.optional("sampling"), v != .null {
            sampling = try o.choice("sampling", of: ["balanced", "proportional"])
        }
        if let v = o.optional("notion"), v != .null {
            let word = try o.choice("notion", of: FairnessNotion.allCases.map(\.rawValue))
            notion = FairnessNotion(rawValue: word) ?? .parity
        }
        admissible = try o.optionalStrings("admissible") ?? []
        if let v = o.optional("reduce"), v != .null { reduce = try o.double("reduce", in: 0.01...0.99) }
        if let c = try o.optionalObject("cuts") {
            for column in c.keys {
                cuts[column] = try c.array(column)
            }
        }
        if let r = try o.optionalObject("shares") {
            for name in r.keys { shares[name] = try r.double(name, in: 0...1) }
        }
        if let v = o.optional("draw") { draw = try Self.readDraw(v, o) }
    }

    private static func readDraw(_ v: JSON, _ o: JSONReader) throws -> Draw {
        if v.asString != nil {
            return try o.choice("draw", of: ["released", "uniform"]) == "released" ? .released : .uniform
        }
        let r = try o.object("draw")
        guard !r.keys.isEmpty else { throw o.failure("draw", "names no share") }
        func shares(_ r: JSONReader) throws -> [String: Double] {
            var out: [String: Double] = [:]
            for name in r.keys { out[name] = try r.double(name, in: 0...1) }
            guard abs(out.values.reduce(0, +) - 1) <= 1e-6 else {
                throw Failure(.argument, "\(r.context): shares must add up to 1")
            }
            return out
        }
        guard try r.value(r.keys[0]).asObject != nil else { return .joint(try shares(r)) }
        var columns: [String: [String: Double]] = [:]
        for name in r.keys { columns[name] = try shares(r.object(name)) }
        return .columns(columns)
    }

    var ownMembers: [(String, JSON)] {
        func object(_ d: [String: Double]) -> JSON {
            .members(d.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value)) })
        }
        let drawn: JSON = switch draw {
        case .released: .string("released")
        case .uniform: .string("uniform")
        case .joint(let shares): object(shares)
        case .columns(let columns): .members(columns.sorted { $0.key < $1.key }.map { ($0.key, object($0.value)) })
        }
        return [("strength", strength.map { .number($0) } ?? .null),
                ("notion", .string(notion.rawValue)),
                ("admissible", .array(admissible.map { .string($0) })),
                ("reduce", reduce.map { .number($0) } ?? .null),
                ("sampling", sampling.map { .string($0) } ?? .null), ("draw", drawn),
                ("cuts", .members(cuts.sorted { $0.key < $1.key }.map { ($0.key, .array($0.value)) })),
                    ("shares", object(shares))]
    }

    /// For hosts, beside the options of the table.
    static var described: [(key: String, value: JSON, range: String, help: String)] {
        [("strength", .null, "null | 0 to \(maxStrength)",
          "0: protected columns are ordinary columns; above 0 no network sees them that rows are generated from, and "
              + "this factor is on every term of alignment; null: \(short(defaultStrength)), 0 where no column is "
              + "protected"),
         ("notion", .string("parity"), "parity | odds",
          "which rows of the groups are compared; parity: all; odds: those with the same answer"),
         ("admissible", .array([]), "[names]",
          "columns that may differ between groups: others are compared within their parts only"),
         ("reduce", .null, "null | 0.01 to 0.99",
          "how much of the estimated mean disparity over columns is to go, in place of a strength"),
         ("sampling", .null, "null | balanced | proportional",
          "balanced: every group has the same expected share of a batch; proportional: every row the same rate; "
              + "null: \(defaultSampling)"),
         ("draw", .string("released"), "released | uniform | {group: share} | {column: {level: share}}",
          "what protected columns are drawn from when no network sees them"),
         ("cuts", .members([]), "{column: [edges]}",
          "edges of numerical protected columns, ascending; an edge belongs to the upper part"),
         ("shares", .members([]), "{group: share}",
          "guessed shares of groups: a wrong guess costs noise, never privacy; none: all alike")]
    }
}

extension FairnessSettings {
    /// Settles what depends on the protected columns, so that what is printed says what is done.
    /// - Throws: `.argument` for wishes that need a protected column.
    mutating func resolve(protected: [String]) throws {
        if protected.isEmpty {
            guard strength ?? 0 == 0 else {
                throw Failure(.argument, "config, fairness strength: above 0 needs a protected column")
            }
            guard sampling != "balanced" else {
                throw Failure(.argument, "config, fairness sampling: balanced needs a protected column")
            }
            strength = 0
        }
        guard reduce == nil || strength == nil || strength == 1 else {
            throw Failure(.argument, "config, fairness: give either strength or reduce")
        }
        strength = strength ?? Self.defaultStrength
        sampling = sampling ?? Self.defaultSampling
    }
}
