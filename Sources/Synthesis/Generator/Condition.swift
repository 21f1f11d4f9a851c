// What a host may ask of sampled rows: {"sex": "Female", "age": {"minimum": 30, "maximum": 40}, "ward": ["a", null]}.
// Rows that meet it have the generator's own distribution given the condition, and are as free as any.

import Basics
import Tables

package struct Condition: Equatable, Sendable {
    /// One test for each column that is named.
    package let tests: [ColumnTest]

    /// - Parameter json: for each column a value (null: missing), a list of values, or minimum and maximum of a column
    ///   with an order. A reason of missing values is named by its text.
    /// - Throws: `.argument` naming the column and the rule that is broken.
    package init(_ json: JSON, schema: Schema) throws {
        tests = try ColumnTest.list(JSONReader(json, context: "where"), ValueReader(schema),
                                    index: schema.index(of:))
    }

    /// The given cells of a row as a condition.
    init(tests: [ColumnTest]) { self.tests = tests }
}
