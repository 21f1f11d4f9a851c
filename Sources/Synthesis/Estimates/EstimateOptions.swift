// What a host may ask of a model's released values: one table that reads, prints and describes it.

import Basics

package struct EstimateOptions {
    package enum Kind: String, CaseIterable { case mean, share, quantile, cells, linear, logistic }
    package enum Contrast: String, CaseIterable { case none, difference, ratio }

    package var kind = Kind.mean
    /// The column that the question is about; of a regression, what is explained.
    package var column: String?
    /// A level of the column; nil: every level.
    package var level: String?
    /// Which quantile, in (0, 1).
    package var quantile = 0.5
    /// The column whose levels are the groups.
    package var by: String?
    /// The second column of a table of cells.
    package var with: String?
    package var predictors: [String] = []
    package var contrast = Contrast.none
    /// The group that others are compared with; nil: the largest.
    package var reference: String?
    package var confidence = 0.95

    package init() {}

    /// - Throws: `.argument` naming the key.
    package init(_ json: JSON) throws { try Self.table.read(json, context: "estimate", into: &self) }

    package static var table: OptionTable<EstimateOptions> {
        OptionTable([
            .choice("what", \.kind, help: "mean, share of each level, quantile, cells of two columns, coefficients of "
                + "least squares or of a logistic regression"),
            .text("column", \.column, range: "a column", help: "what is asked about; in a regression what is "
                + "explained"),
            .text("level", \.level, range: "a level of the column", help: "share: of this level alone; logistic: what "
                + "counts as yes, otherwise the last level"),
            .real("quantile", \.quantile, 0.001...0.999, unit: "probability", help: "quantile: which one"),
            .text("by", \.by, range: "a column with levels", help: "mean, share, quantile: in each group of rows"),
            .text("with", \.with, range: "a column", help: "cells: the second column"),
            .texts("predictors", \.predictors, range: "[columns]", help: "linear, logistic: what explains"),
            .choice("contrast", \.contrast, help: "with \"by\": every group less, or over, the reference"),
            .text("reference", \.reference, range: "a group", help: "of contrasts; absent: the largest group"),
            .real("confidence", \.confidence, 0.5...0.9999, unit: "probability", help: "of the intervals"),
        ])
    }
}
