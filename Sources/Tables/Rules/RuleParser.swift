// Reads one rule of a schema's "flip:rules". Strict, like the rest of the schema: what is not understood is refused.

import Basics

struct RuleParser {
    let fields: [Field]
    let reader: ValueReader
    let places: [String: Int]

    private static let kinds = ["order", "sum", "product", "ratio", "age", "equal", "forbid", "allow", "then",
                                "exactly_one", "at_most_one", "depends", "missing_together", "missing_unless"]

    func rule(_ json: JSON, place: Int) throws -> Rule {
        guard let object = json.asObject else {
            throw Failure(.schema, "schema, rule \(place + 1): must be an object")
        }
        let name = object["name"]?.asString ?? "rule \(place + 1)"
        let r = JSONReader(object, context: "schema, rule \(quoted(name))", code: .schema)
        _ = try r.optionalString("name")
        guard !name.isEmpty, name.utf8.count <= 200 else { throw r.failure("name", "must be a short text") }
        let given = Self.kinds.filter { object[$0] != nil }
        guard given.count == 1, let kind = given.first else {
            throw Failure(.schema, "\(r.context): must have exactly one of "
                + Self.kinds.map(quoted).joined(separator: ", "))
        }
        let condition = try r.optionalObject("if").map { try tests($0) } ?? []
        let body = try body(kind, r)
        try r.finish()
        return Rule(name: name, condition: condition, body: body)
    }

    private func body(_ kind: String, _ r: JSONReader) throws -> Rule.Body {
        switch kind {
        case "order": return try order(r)
        case "sum", "product", "ratio", "age", "equal": return try computed(kind, r)
        case "forbid", "allow": return try combinations(kind, r)
        case "then":
            let tests = try tests(r.object(kind))
            guard !tests.isEmpty else { throw r.failure(kind, "must name at least one column") }
            return .then(tests)
        case "exactly_one", "at_most_one": return try flags(kind, r)
        case "depends": return try depends(r)
        case "missing_together":
            let columns = try columns(kind, r, atLeast: 2)
            return .missingTogether(columns)
        default:
            let (target, inside) = try pair(kind, r)
            guard !fields[target].required else { throw r.failure(kind, "\(quoted(fields[target].name)) is required") }
            return .missingUnless(target, try tests(JSONReader(inside, context: "\(r.context), \(quoted(kind))",
                                                               code: .schema)))
        }
    }

    // MARK: kinds

    private func order(_ r: JSONReader) throws -> Rule.Body {
        let columns = try columns("order", r, atLeast: 2)
        let types = Set(columns.map { fields[$0].type == .integer ? .number : fields[$0].type })
        guard types.count == 1, let type = types.first, type == .number || type == .date || type == .datetime else {
            throw r.failure("order", "must name columns of one kind: numbers, dates or datetimes")
        }
        try columns.forEach { try checkExact($0, "order", r) }
        let strict = try r.optionalBool("strict") ?? false, unit = type == .datetime ? 1e6 : 1
        var minimum = 0.0, maximum = Double.infinity
        if let gap = try r.optionalObject("gap") {
            minimum = try gap.optionalDouble("minimum") ?? 0
            maximum = try gap.optionalDouble("maximum") ?? .infinity
            try gap.finish()
            guard minimum <= maximum else { throw r.failure("gap", "minimum is above maximum") }
        }
        return .order(columns, strict: strict, minimum: minimum * unit, maximum: maximum * unit)
    }

    private func computed(_ kind: String, _ r: JSONReader) throws -> Rule.Body {
        if kind == "sum", try r.value(kind).asArray != nil {
            let parts = try columns(kind, r, atLeast: 1)
            try parts.forEach { try checkNumber($0, kind, r) }
            return .parts(parts, total: try r.double("equals"))
        }
        let (target, inside) = try pair(kind, r)
        guard let names = inside.asArray?.map(\.asString) ?? inside.asString.map({ [$0] }) else {
            throw r.failure(kind, "must be the computed column with a list of columns")
        }
        let inputs = try names.map { try place($0 ?? "", kind, r) }
        guard !inputs.isEmpty, !inputs.contains(target) else {
            throw r.failure(kind, "\(quoted(fields[target].name)) must be computed from other columns")
        }
        let scale = kind == "product" || kind == "ratio" ? try r.optionalDouble("scale") ?? 1 : 1
        if kind == "equal" {
            let own = fields[target], other = fields[inputs[0]]
            let alike = own.kind == other.kind
                || own.type == other.type && own.levels == nil && other.levels == nil
            guard inputs.count == 1, alike else { throw r.failure(kind, "must name two columns of one kind") }
            return .derived(target, .equal(inputs[0]))
        }
        try checkNumber(target, kind, r)
        if kind == "age" {
            guard inputs.count == 2, inputs.allSatisfy({ [.date, .datetime].contains(fields[$0].type) && fields[$0]
                .levels == nil }) else { throw r.failure(kind, "must name two dates, the earlier one first") }
            try inputs.forEach { try checkExact($0, kind, r) }
            return .derived(target, .years(inputs[0], inputs[1]))
        }
        try inputs.forEach { try checkNumber($0, kind, r) }
        switch kind {
        case "sum": return .derived(target, .sum(inputs))
        case "product": return .derived(target, .product(inputs, scale: scale))
        default:
            guard inputs.count >= 2 else { throw r.failure(kind, "must name at least two columns") }
            return .derived(target, .ratio(inputs, scale: scale))
        }
    }

    /// An object of tests, a list of them, or, beside "columns", lists of values.
    private func combinations(_ kind: String, _ r: JSONReader) throws -> Rule.Body {
        let given = try r.value(kind), isAllowed = kind == "allow"
        if r.has("columns") {
            let columns = try columns("columns", r, atLeast: 1)
            var known = Set<[UInt64]>()
            for row in try r.array(kind) {
                guard let values = row.asArray, values.count == columns.count else {
                    throw r.failure(kind, "must be lists with a value for each of \"columns\"")
                }
                known.insert(try zip(columns, values).map { j, v in
                    if v == .null, !fields[j].required { return Rule.missingKey }
                    guard let x = reader.value(v, column: j) else {
                        throw r.failure(kind, "not a value of \(quoted(fields[j].name))")
                    }
                    return Rule.key(x)
                })
            }
            guard !known.isEmpty else { throw r.failure(kind, "the list is empty") }
            return .tuples(columns, known, allowed: isAllowed)
        }
        let lists = try (given.asArray ?? [given]).map { item in
            let found = try tests(JSONReader(item, context: "\(r.context), \(quoted(kind))", code: .schema))
            guard !found.isEmpty else { throw r.failure(kind, "must name at least one column") }
            return found
        }
        guard !lists.isEmpty else { throw r.failure(kind, "the list is empty") }
        return isAllowed ? .allow(lists) : .forbid(lists)
    }

    /// Words that a set flag is written with, where the rule does not say.
    private static let setTexts: [JSON] = ["Yes", "yes", "Y", "y", "True", "true", "1"]

    private func flags(_ kind: String, _ r: JSONReader) throws -> Rule.Body {
        let columns = try columns(kind, r, atLeast: 2), given = r.optional("set")
        let tests = try columns.map { j -> ColumnTest in
            let usual = fields[j].type == .string ? Self.setTexts : [.int(1), .bool(true)]
            let words: [JSON] = given.map { [$0] } ?? usual
            guard let value = words.lazy.compactMap({ reader.value($0, column: j) }).first(where: { !$0.isNaN }) else {
                throw r.failure(kind, "\(quoted(fields[j].name)) has no value that means set: name it as \"set\"")
            }
            return ColumnTest(column: j, test: .values([value], missing: false))
        }
        return .flags(tests, exactly: kind == "exactly_one")
    }

    private func depends(_ r: JSONReader) throws -> Rule.Body {
        let (target, inside) = try pair("depends", r)
        let named = inside.asString ?? (inside.asArray?.count == 1 ? inside.asArray?.first?.asString : nil)
        let source = try place(named ?? "", "depends", r)
        guard source != target else { throw r.failure("depends", "must name two columns") }
        let object = try r.object("table")
        var table: [Double: Double] = [:]
        for key in object.keys {
            guard let from = reader.value(.string(key), column: source), !from.isNaN else {
                throw object.failure(key, "not a value of \(quoted(fields[source].name))")
            }
            guard let to = reader.value(try object.value(key), column: target), !to.isNaN else {
                throw object.failure(key, "must be a value of \(quoted(fields[target].name))")
            }
            table[from] = to
        }
        guard !table.isEmpty else { throw r.failure("table", "is empty") }
        return .depends(target, on: source, table: table)
    }

    // MARK: parts

    private func tests(_ r: JSONReader) throws -> [ColumnTest] {
        try ColumnTest.list(r, reader) { places[$0] }
    }

    private func place(_ name: String, _ key: String, _ r: JSONReader) throws -> Int {
        guard let j = places[name] else { throw r.failure(key, "\(quoted(name)) is not in the schema") }
        return j
    }

    private func columns(_ key: String, _ r: JSONReader, atLeast least: Int) throws -> [Int] {
        let found = try r.strings(key).map { try place($0, key, r) }
        guard found.count >= least, Set(found).count == found.count else {
            throw r.failure(key, "must name at least \(least) different columns")
        }
        return found
    }

    /// {column: something}.
    private func pair(_ key: String, _ r: JSONReader) throws -> (Int, JSON) {
        guard let members = try r.value(key).asObject?.members, members.count == 1 else {
            throw r.failure(key, "must be an object with one column")
        }
        return (try place(members[0].key, key, r), members[0].value)
    }

    private func checkNumber(_ j: Int, _ key: String, _ r: JSONReader) throws {
        let field = fields[j], isNumber = [.integer, .number].contains(field.type) && field.levels == nil
        guard isNumber || field.type == .boolean else { throw r.failure(key, "\(quoted(field.name)) is no number") }
        try checkExact(j, key, r)
    }

    /// Differences are taken as doubles, which are exact below 2⁵³.
    private func checkExact(_ j: Int, _ key: String, _ r: JSONReader) throws {
        let (low, high) = reader.column(j).bounds, field = fields[j]
        guard field.levels == nil || field.type == .boolean else {
            throw r.failure(key, "\(quoted(field.name)) has levels and no order")
        }
        guard max(abs(low), abs(high)) < 0x1p53 else {
            throw r.failure(key, "\(quoted(field.name)) has bounds beyond 2^53")
        }
    }
}
