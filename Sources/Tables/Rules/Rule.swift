// One rule between columns of a row, as a schema declares it under "flip:rules". Public, like the schema.
//
// A rule is judged on complete cells: where one of the cells that it compares is missing it holds, unless it is a rule
// about missing cells or names null itself. docs/RULES.md has an example of every kind.

import Basics

package struct Rule: Equatable, Sendable {
    package enum Body: Equatable, Sendable {
        /// Each column's value is at most the next one's (below it where `strict`). Of two neighbours the difference
        /// lies between `minimum` and `maximum`, in days for dates, microseconds for datetimes.
        case order([Int], strict: Bool, minimum: Double, maximum: Double)
        /// A column that is computed from others.
        case derived(Int, Formula)
        /// Columns that add up to a constant.
        case parts([Int], total: Double)
        /// No row meets all tests of one of the lists.
        case forbid([[ColumnTest]])
        /// Every row meets all tests of one of the lists.
        case allow([[ColumnTest]])
        /// The columns hold one of these tuples of values (as `Rule.key` gives them), or, where not `allowed`, none.
        case tuples([Int], Set<[UInt64]>, allowed: Bool)
        /// Every row (that meets `condition`) meets all tests.
        case then([ColumnTest])
        /// Of these tests exactly one holds, or at most one.
        case flags([ColumnTest], exactly: Bool)
        /// The second column's value decides the first one's, for the values in the table.
        case depends(Int, on: Int, table: [Double: Double])
        /// All are missing, or none is.
        case missingTogether([Int])
        /// The column is missing unless all tests hold.
        case missingUnless(Int, [ColumnTest])
    }

    /// How a column is computed from others.
    package enum Formula: Equatable, Sendable {
        case sum([Int])
        case product([Int], scale: Double)
        /// The first divided by all others.
        case ratio([Int], scale: Double)
        /// Whole years from the first to the second.
        case years(Int, Int)
        case equal(Int)

        package var inputs: [Int] {
            switch self {
            case .sum(let c), .product(let c, _), .ratio(let c, _): c
            case .years(let a, let b): [a, b]
            case .equal(let a): [a]
            }
        }
    }

    package let name: String
    /// When the rule is to hold: all of these; empty: always.
    package let condition: [ColumnTest]
    package let body: Body

    package init(name: String, condition: [ColumnTest] = [], body: Body) {
        (self.name, self.condition, self.body) = (name, condition, body)
    }

    /// Places of the columns that the rule looks at, each once, those of the condition last.
    package var columns: [Int] {
        let own: [Int] = switch body {
        case .order(let c, _, _, _), .parts(let c, _), .missingTogether(let c), .tuples(let c, _, _): c
        case .derived(let target, let formula): [target] + formula.inputs
        case .forbid(let lists), .allow(let lists): lists.flatMap { $0.map(\.column) }
        case .then(let tests), .flags(let tests, _): tests.map(\.column)
        case .depends(let target, let source, _): [target, source]
        case .missingUnless(let target, let tests): [target] + tests.map(\.column)
        }
        var seen = Set<Int>()
        return (own + condition.map(\.column)).filter { seen.insert($0).inserted }
    }

    /// Name and columns, for messages.
    func title(_ fields: [Field]) -> String {
        "rule \(quoted(name)) (\(columns.map { fields[$0].name }.joined(separator: ", ")))"
    }
}

extension Schema {
    /// The member of a schema that holds its rules.
    package static let rulesKey = "flip:rules"

    /// What a ledger says of a training under such a schema.
    package var rulesAssumption: String? {
        rules.isEmpty ? nil : "the rules between columns are public: "
            + rules.map { quoted($0.name) }.joined(separator: ", ")
    }
}
