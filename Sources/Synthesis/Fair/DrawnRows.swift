// Rows that networks and tilt learn in place of those of the relaxed table, and what they were made for.

import Basics
import Projection

/// Drawn rows of the columns that networks see.
struct DrawnRows: Sendable {
    let count: Int
    /// [columns that networks see][count].
    let codes: Buffer<UInt16>
    /// Rows by the group of the row that each was drawn from.
    let byGroup: [[Int32]]
    let estimate: DisparityEstimate?
}

/// What alignment did to the table: figures of the conditionals as they were released, and of those that rows are drawn
/// from.
package struct DisparityEstimate: Sendable, Equatable {
    /// `fairness.strength`, or what `fairness.reduce` needed.
    package let strength: Double
    package let before: PairModelFigures, after: PairModelFigures
}
