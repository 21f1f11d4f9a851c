// What a cell must be: one of some values, or a number between bounds; as rules and conditions write it.

import Basics

/// A test of one cell. Cells are doubles as `Column.double` gives them: level index, 0 or 1, the number, days,
/// microseconds; NaN is missing.
package enum ValueTest: Equatable, Sendable {
    /// NaN is not among the values. Reasons, places in `Field.reasons`, count beside `missing`, which holds for any of
    /// them.
    case values(Set<Double>, missing: Bool, reasons: Set<Int> = [])
    /// Bounds are inside. A missing cell is never inside.
    case range(Double, Double)

    @inline(__always) package func holds(_ x: Double) -> Bool {
        switch self {
        case .values(let v, let missing, let reasons):
            guard x.isNaN else { return v.contains(x) }
            return missing || MissingReason.of(x).map(reasons.contains) ?? false
        case .range(let lo, let hi): return x >= lo && x <= hi
        }
    }

    /// Whether a missing cell was named.
    var namesMissing: Bool { if case .values(_, true, _) = self { true } else { false } }
}

/// A test of the cells of one column.
package struct ColumnTest: Equatable, Sendable {
    /// Place in the schema.
    package let column: Int
    package let test: ValueTest

    package init(column: Int, test: ValueTest) { (self.column, self.test) = (column, test) }

    /// Reads {column: value | [values] | {"minimum": x, "maximum": y}} as one test for each column.
    /// - Parameters:
    ///   - r: the object; the caller has made it with the code of its failures.
    ///   - index: the place of a column, nil where there is none of that name.
    /// - Throws: what `r` throws, naming the column and the rule that is broken.
    package static func list(_ r: JSONReader, _ reader: ValueReader, index: (String) -> Int?) throws -> [ColumnTest] {
        let tests = try r.keys.map { name in
            guard let j = index(name) else { throw r.failure(name, "not in the schema") }
            return ColumnTest(column: j, test: try ValueTest(r, name, reader, column: j))
        }
        try r.finish()
        return tests
    }
}

extension ValueTest {
    /// The test that stands at `name` of `r`.
    init(_ r: JSONReader, _ name: String, _ reader: ValueReader, column j: Int) throws {
        let given = try r.value(name), field = reader.fields[j]
        func value(_ x: JSON) throws -> Double {
            guard let v = reader.value(x, column: j) else { throw r.failure(name, "not a value of this column") }
            return v
        }
        if given.asObject != nil {
            if field.levels != nil { throw r.failure(name, "has no order: name its values") }
            let o = try r.object(name)
            let lo = try o.optional("minimum").map(value) ?? -.infinity, hi = try o.optional("maximum").map(value)
                ?? .infinity
            try o.finish()
            guard lo <= hi else { throw r.failure(name, "minimum is above maximum") }
            self = .range(lo, hi)
            return
        }
        let list = given.asArray ?? [given]
        guard !list.isEmpty else { throw r.failure(name, "the list of values is empty") }
        var values = Set<Double>(), missing = false, reasons = Set<Int>()
        for x in list {
            if x == .null {
                guard !field.required || !field.reasons.isEmpty else { throw r.failure(name, "is never missing") }
                missing = true
            } else {
                let v = try value(x)
                if let reason = MissingReason.of(v) { reasons.insert(reason) }
                else if v.isNaN { missing = true } else { values.insert(v) }
            }
        }
        self = .values(values, missing: missing, reasons: reasons)
    }
}

/// Reads single values as configurations, conditions and rules write them.
package final class ValueReader {
    package let fields: [Field]
    private let probes: [Column]
    /// Made when a text of the column is first read.
    private var parsers: [Int: CellParser] = [:]
    private let missingValues: [String]

    /// - Throws: `.noMemory`.
    package init(fields: [Field], missingValues: [String]) throws {
        (self.fields, self.missingValues) = (fields, missingValues)
        probes = try fields.map { try Column($0, capacity: 1) }
    }

    package convenience init(_ schema: Schema) throws {
        try self.init(fields: schema.fields, missingValues: schema.missingValues)
    }

    /// As `Column.double` gives it, NaN for missing; nil when it is not a value of the column.
    package func value(_ x: JSON, column j: Int) -> Double? {
        let field = fields[j], cell = probes[j]
        if let text = x.asString {
            guard let parser = parser(j) else { return nil }
            var value = Double.nan
            let verdict = withText(text) { parser.parse($0, $1, &value) }
            guard verdict >= missingOffset else { return nil }
            cell.put(0, verdict, value)
        } else if let b = x.asBool, case .boolean = field.kind {
            return b ? 1 : 0
        } else if let v = x.asDouble, cell.domain.tag != .levels {
            guard cell.store(0, v) >= missingOffset else { return nil }
        } else {
            return nil
        }
        return cell.double(0)
    }

    private func parser(_ j: Int) -> CellParser? {
        if let made = parsers[j] { return made }
        parsers[j] = try? CellParser(fields[j], missingValues: missingValues)
        return parsers[j]
    }

    /// The column that says what an offset stands for.
    package func column(_ j: Int) -> Column { probes[j] }
}
