// A table as the measures see it: levels as whole numbers, everything else as doubles.
// Made from real rows and from synthetic ones. Nothing in this module is private: it reads rows as they are, adds no
// noise and charges no ledger. Its figures never enter a model file.

import Basics
import Tables

package final class Frame {
    /// One column: either `codes` (a level index, `levels.count` for missing) or `values` (NaN for missing, whose
    /// payload may say why).
    package struct Series {
        package let name: String
        /// Declared levels; nil for numbers, dates and times.
        package let levels: [String]?
        package let codes: Buffer<Int32>?
        package let values: Buffer<Double>?
        /// How many reasons for missing values there are (Tables, MissingReason.swift).
        package let reasons: Int
        /// Codes that can occur, missing included; 0 for numbers.
        package var codeCount: Int { levels.map { $0.count + 1 } ?? 0 }

        package init(name: String, levels: [String], codes: Buffer<Int32>) {
            (self.name, self.levels, self.codes, values, reasons) = (name, levels, codes, nil, 0)
        }
        package init(name: String, values: Buffer<Double>, reasons: Int = 0) {
            (self.name, levels, codes, self.values, self.reasons) = (name, nil, nil, values, reasons)
        }

        /// The code or the value, as a double.
        func number(_ row: Int) -> Double { codes.map { Double($0[row]) } ?? values![row] }
    }

    package let rows: Int
    package let columns: [Series]

    package init(rows: Int, columns: [Series]) { (self.rows, self.columns) = (rows, columns) }

    /// - Throws: `.state` for a table that is not complete, `.noMemory`.
    package convenience init(_ table: Table) throws {
        try table.requireComplete()
        self.init(rows: table.rows, columns: try table.columns.map { column in
            if let levels = column.field.levels {
                let codes = try Buffer<Int32>(count: table.rows, for: "an evaluation")
                for row in 0..<table.rows {
                    let k = column.offset(row)
                    codes.base[row] = Int32(truncatingIfNeeded: k < 0 ? Int64(levels.count) : k)
                }
                return Series(name: column.field.name, levels: levels, codes: codes)
            }
            let values = try Buffer<Double>(count: table.rows, for: "an evaluation")
            for row in 0..<table.rows { values.base[row] = column.double(row) }
            return Series(name: column.field.name, values: values, reasons: column.field.reasons.count)
        })
    }

    /// The rows `order[range]`, in that order.
    package func rows(_ order: Buffer<Int32>, _ range: Range<Int>) throws -> Frame {
        Frame(rows: range.count, columns: try columns.map { column in
            if let codes = column.codes {
                let out = try Buffer<Int32>(count: range.count, for: "an evaluation")
                for (i, k) in range.enumerated() { out.base[i] = codes.base[Int(order.base[k])] }
                return Series(name: column.name, levels: column.levels!, codes: out)
            }
            let out = try Buffer<Double>(count: range.count, for: "an evaluation")
            for (i, k) in range.enumerated() { out.base[i] = column.values!.base[Int(order.base[k])] }
            return Series(name: column.name, values: out, reasons: column.reasons)
        })
    }
}
