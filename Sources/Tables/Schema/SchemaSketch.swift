// A schema with gaps: names and types are public, and some bounds or levels are still to be released under a budget.
// What is released fills the gaps (Budgets/PrivateDomain.swift). The schema that comes of it marks every such column:
// numbers outside its bounds are clamped, and texts that are no level are the last one, for all others.

import Basics

package struct SchemaSketch: Sendable {
    package enum Need: Sendable, Equatable {
        case nothing
        case bounds(PowerGrid)
        case levels
    }
    package let names: [String]
    package let types: [FieldType]
    package let needs: [Need]
    /// Every text that means "missing" in some column.
    package let missingValues: [String]
    private let schemaMissing: [String]
    private let object: JSONObject
    private let fields: [JSONObject]
    /// For each field the texts that mean "missing" in it, and how its cells are written.
    private var missing: [[String]], forms: [TextForm]

    /// A Table Schema in which a string may lack its enum, and a number, integer, date or datetime its minimum, maximum
    /// or both.
    /// - Throws: `.schema`, `.unsupported` as for a schema.
    package init(json text: String) throws {
        let json: JSON
        do {
            json = try JSON.parse(text)
        } catch let f as Failure where f.code == .format {
            throw Failure(.schema, "schema: \(f.message)")
        }
        guard let object = json.asObject, let list = object["fields"]?.asArray else {
            throw Failure(.schema, "schema: \"fields\" is required, as a list")
        }
        var names: [String] = [], types: [FieldType] = [], needs: [Need] = [], fields: [JSONObject] = []
        for (i, item) in list.enumerated() {
            guard let field = item.asObject, let name = field["name"]?.asString else {
                throw Failure(.schema, "schema, field \(i + 1): must be an object with a name")
            }
            guard let word = (field["type"] ?? "string").asString,
                  let type = word == "year" ? .integer : FieldType(rawValue: word) else {
                let types = FieldType.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
                throw Failure(.schema, "schema, field \(quoted(name)): \"type\" must be one of \(types)")
            }
            guard field["constraints"] == nil || field["constraints"]?.asObject != nil else {
                throw Failure(.schema, "schema, field \(quoted(name)), \"constraints\": must be an object")
            }
            let c = field["constraints"]?.asObject ?? JSONObject()
            let hasLevels = c["enum"] != nil || field["categories"] != nil
            switch type {
            case .boolean: needs.append(.nothing)
            case .string: needs.append(hasLevels ? .nothing : .levels)
            default:
                let isOpen = !hasLevels && (c["minimum"] == nil || c["maximum"] == nil)
                needs.append(isOpen ? .bounds(PowerGrid(type)) : .nothing)
            }
            names.append(name)
            types.append(type)
            fields.append(field)
        }
        (self.names, self.types, self.needs, self.fields, self.object) = (names, types, needs, fields, object)
        schemaMissing = try MissingTexts(JSONReader(object, context: "schema", code: .schema))?.texts ?? [""]
        let own = try fields.flatMap { try MissingTexts(JSONReader($0, context: "schema", code: .schema))?.texts ?? [] }
        missingValues = schemaMissing + Set(own).subtracting(schemaMissing).sorted()
        (missing, forms) = ([], [])
        // With anything in the gaps it must be a schema, before rows are read and paid for.
        let checked = try provisional()
        for rule in checked.rules.all {
            guard let open = rule.columns.first(where: { needs[$0] != .nothing }) else { continue }
            throw Failure(.schema, "schema, rule \(quoted(rule.name)): column \(quoted(names[open])) must have "
                + "declared levels or bounds")
        }
        let texts = checked.fields.map { $0.missingValues(checked.missingValues) }
        (missing, forms) = (texts, checked.fields.map(\.form))
    }

    /// A schema with anything in the gaps.
    private func provisional() throws -> Schema {
        try schema(levels: { _ in ["other"] }, cells: { j in
            guard case .bounds(let grid) = needs[j] else { return (0, 0) }
            return (grid.cell(0 as Int64), grid.count - 1)
        }, marks: JSONObject())
    }

    /// What a cell breaks of what is declared or of its type, as a rule in words; nil where nothing. What is to be
    /// released has no bounds or levels yet.
    package func checker() throws -> (_ text: UnsafeBufferPointer<UInt8>?, _ column: Int) -> String? {
        let checked = try provisional(),
            parsers = try checked.fields.map { try CellParser($0, missingValues: schemaMissing) }
        return { text, j in
            guard let text, let p = text.baseAddress else { return nil }
            var value = 0.0
            let verdict = parsers[j].parse(p, text.count, &value)
            return verdict < missingOffset ? BadCell(rawValue: verdict)?.rule(checked.fields[j]) : nil
        }
    }

    /// The schema with its gaps filled.
    /// - Parameters:
    ///   - levels: of a column of texts, the last one for all others. cells: first and last of a column's grid.
    ///   - marks: members for the schema itself.
    package func schema(levels: (Int) -> [String], cells: (Int) -> (Int, Int), marks: JSONObject) throws -> Schema {
        var out = object
        for member in marks.members { out[member.key] = member.value }
        out["fields"] = .array(try fields.indices.map { j in
            var field = fields[j], c = field["constraints"]?.asObject ?? JSONObject()
            switch needs[j] {
            case .nothing: return .object(field)
            case .levels: c["enum"] = .array(levels(j).map(JSON.string))
            case .bounds(let grid):
                let (first, last) = cells(j)
                try Self.fill(&c, types[j], step: field[Field.stepKey] ?? c["multipleOf"], grid, first, last)
            }
            field["constraints"] = .object(c)
            field[Field.estimatedKey] = true
            return .object(field)
        })
        return try Schema(.object(out))
    }

    /// Bounds that are there stay; one that is released is moved so that it is not on their wrong side.
    private static func fill(_ c: inout JSONObject, _ type: FieldType, step: JSON?, _ grid: PowerGrid, _ first: Int,
                             _ last: Int) throws {
        if type == .number {
            var low = grid.bounds(first).low, high = grid.bounds(last).high
            if let x = c["minimum"]?.asDouble { high = max(high, x) }
            if let x = c["maximum"]?.asDouble { low = min(low, x) }
            if let step = step?.asDouble, step > 0, step.isFinite {
                // A multiple lies between, and no more of them than a grid holds.
                (low, high) = (min(max(low, -0x1p51 * step), 0x1p51 * step),
                               min(max(high, -0x1p51 * step), 0x1p51 * step))
                (low, high) = (min(low, (c["maximum"]?.asDouble ?? high) - step),
                               max(high, (c["minimum"]?.asDouble ?? low) + step))
            }
            if c["minimum"] == nil { c["minimum"] = .number(low) }
            if c["maximum"] == nil { c["maximum"] = .number(high) }
            return
        }
        let all = type == .date ? dayRange : type == .datetime ? microsecondRange : Int64.min...Int64.max
        func whole(_ key: String) -> Int64? {
            guard let json = c[key] else { return nil }
            guard let text = json.asString else { return json.asInt64 }
            return withText(text) { type == .date ? parseDate($0, $1) : parseDatetime($0, $1) }
        }
        func inside(_ x: Int64) -> Int64 { min(max(x, all.lowerBound), all.upperBound) }
        var low = inside(grid.wholeBounds(first).low), high = inside(grid.wholeBounds(last).high)
        if let x = whole("minimum") { high = max(high, x) }
        if let x = whole("maximum") { low = min(low, x) }
        if type == .integer, let step = step?.asInt64, step > 1, step < 1 << 59 {
            (low, high) = (min(low, (whole("maximum") ?? high) - step), max(high, (whole("minimum") ?? low) + step))
        }
        func json(_ x: Int64) -> JSON {
            type == .date ? .string(dateText(x)) : type == .datetime ? .string(datetimeText(x)) : .int(x)
        }
        if c["minimum"] == nil { c["minimum"] = json(low) }
        if c["maximum"] == nil { c["maximum"] = json(high) }
    }

    /// The grid cell of a text; nil when it is no value of column j's type.
    package func cell(_ text: UnsafeBufferPointer<UInt8>, _ j: Int, _ grid: PowerGrid) -> Int? {
        guard let p = text.baseAddress else { return nil }
        if let pattern = forms[j].pattern {
            let (start, end) = trimmed(p, text.count)
            let unit = types[j] == .date ? microsecondsPerDay : 1
            return pattern.parse(p + start, end - start).map { grid.cell(floorDiv($0, unit)) }
        }
        return forms[j].number.withPlain(p, text.count) {
            plainCell(UnsafeBufferPointer(start: $0, count: $1), j, grid)
        }
    }

    /// The grid cell of a text without decimal and group signs of its own.
    private func plainCell(_ text: UnsafeBufferPointer<UInt8>, _ j: Int, _ grid: PowerGrid) -> Int? {
        guard let p = text.baseAddress else { return nil }
        switch types[j] {
        case .number: return parseDecimal(p, text.count).flatMap { $0.isNaN ? nil : grid.cell($0) }
        case .date, .datetime:
            let (start, end) = trimmed(p, text.count)
            let read = types[j] == .date ? parseDate : parseDatetime
            return read(p + start, end - start).map(grid.cell)
        default:
            switch parseInteger(p, text.count) {
            case .value(let v): return grid.cell(v)
            case .beyond(let negative): return negative ? 0 : grid.count - 1
            case .not: return nil
            }
        }
    }

    /// A text that means "missing" in column j, if there is one.
    func missingText(_ j: Int) -> String? { missing[j].first }

    /// The same for columns whose cells were numbers, dates or truth values and are now written plainly, whatever the
    /// schema says of their texts.
    package func plain(_ areTyped: [Bool]) throws -> SchemaSketch {
        guard areTyped.contains(true) else { return self }
        var out = object
        out["fields"] = .array(fields.indices.map { j in
            guard areTyped[j] else { return .object(fields[j]) }
            let own = ["decimalChar", "groupChar", "bareNumber", "format", "trueValues", "falseValues"]
            return .object(fields[j].filter { !own.contains($0) })
        })
        return try SchemaSketch(json: JSON.object(out).text)
    }

    /// What it was read from.
    package var json: JSON { .object(object) }

    /// Whether a text means "missing" in column j.
    package func isMissing(_ text: UnsafeBufferPointer<UInt8>, column j: Int) -> Bool {
        missing[j].contains { $0.utf8.elementsEqual(text) }
    }
}
