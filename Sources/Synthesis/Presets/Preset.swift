// A preset: defaults, a list of stages, and how it divides a budget. Everything else about a training follows from its
// stages.

import Basics

package protocol Preset: Sendable {
    /// As configurations, plans and files name it.
    var name: String { get }
    /// Options of a configuration that leaves everything out.
    var defaults: Settings { get }
    /// Those for a table of so many columns.
    func defaults(columns: Int) -> Settings
    /// Sections of the configuration that mean something to this preset beside those of every preset.
    var sections: Set<String> { get }
    /// Settles what of the options depends on others. - config: as it was given.
    /// - Throws: `.argument` for options that exclude each other.
    func resolve(_ settings: inout Settings, config: JSON) throws
    /// The stages in order; the first is `HistogramRelease`.
    var stages: [any Stage] { get }
    /// The noise that each release gets of a budget at its order. The plan takes the order with the least `leastNoise`.
    /// - Returns: nil when this order cannot meet the budget.
    func divide(_ split: BudgetSplit, for question: BudgetQuestion) throws -> BudgetSplit?
}

extension Preset {
    package func defaults(columns: Int) -> Settings { defaults }
    package func resolve(_ settings: inout Settings, config: JSON) throws {}
}
