// From the JSON text of a Frictionless Table Schema to a Schema. Strict: an unknown key is an error that names it, and so is everything of
// the standard that is not carried out here (keys, patterns, lengths): a rule that is read but not kept would be a false promise.

import Basics

extension Schema {
    /// - Throws: `.schema` naming field, key and rule; `.unsupported` for parts of the standard that are not carried out.
    package init(json text: String) throws {
        do {
            try self.init(try JSON.parse(text))
        } catch let failure as Failure where failure.code == .format {
            throw Failure(.schema, "schema: \(failure.message)")
        }
    }

    package init(_ json: JSON) throws {
        let r = try JSONReader(json, context: "schema", code: .schema)
        for key in ["primaryKey", "foreignKeys", "uniqueKeys", "fieldsMatch"] where r.has(key) {
            throw Failure(.unsupported, "schema: \(quoted(key)) is not supported")
        }
        let metadata = try readMetadata(r, ["$schema", "name", "title", "description", Schema.domainKey, Schema.purchaseKey])
        let isBought = metadata[Schema.domainKey] == .string(Schema.boughtPrivately)
        guard isBought == (metadata[Schema.purchaseKey] != nil) else { throw r.failure(Schema.purchaseKey, "stands with \(quoted(Schema.domainKey)): \(quoted(Schema.boughtPrivately)) and only there") }
        if let domain = metadata[Schema.domainKey], domain != .string(Schema.assumePublic), !isBought {
            throw r.failure(Schema.domainKey, "must be \(quoted(Schema.assumePublic)), or left out when levels and bounds are public by themselves")
        }
        let fields = try r.array("fields")
        guard fields.count <= Schema.maximumFields else { throw Failure(.schema, "schema: more than \(Schema.maximumFields) fields") }
        let missing = try r.optionalStrings("missingValues") ?? [""]
        try r.finish()
        if isBought {
            let p = try JSONReader(r.value(Schema.purchaseKey), context: "schema, \(quoted(Schema.purchaseKey))", code: .schema)
            _ = try (p.string("budget"), p.string("run"), p.double("rows"))
            try p.finish()
        }
        try self.init(fields: fields.enumerated().map { try Field($0.element, place: $0.offset) }, missingValues: missing, metadata: metadata)
    }
}

private func readMetadata(_ r: JSONReader, _ keys: [String]) throws -> JSONObject {
    var out = JSONObject()
    for key in keys { if let value = r.optional(key) { out[key] = value } }
    return out
}

extension Field {
    fileprivate init(_ json: JSON, place: Int) throws {
        guard let object = json.asObject else { throw Failure(.schema, "schema, field \(place + 1): must be an object") }
        guard let name = object["name"]?.asString else { throw Failure(.schema, "schema, field \(place + 1): \"name\" is required, as a string") }
        let context = "schema, field \(quoted(name))"
        let r = JSONReader(object, context: context, code: .schema)
        _ = r.optional("name")
        let type = try Field.type(r)
        if let format = try r.optionalString("format"), format != "default" {
            throw Failure(.unsupported, "\(context): only the format \"default\" is supported")
        }
        let metadata = try readMetadata(r, ["title", "description", "rdfType", "example", Field.boughtKey])
        guard metadata[Field.boughtKey] == nil || metadata[Field.boughtKey] == .bool(true) else { throw r.failure(Field.boughtKey, "must be true, or left out") }
        for key in ["missingValues", "decimalChar", "groupChar", "bareNumber", "categories", "categoriesOrdered"] where r.has(key) {
            throw Failure(.unsupported, "\(context): \(quoted(key)) is not supported")
        }
        var trueValues = Field.defaultTrue, falseValues = Field.defaultFalse
        if type == .boolean {
            trueValues = try r.optionalStrings("trueValues") ?? trueValues
            falseValues = try r.optionalStrings("falseValues") ?? falseValues
        }
        let c = try r.optionalObject("constraints") ?? JSONReader(JSONObject(), context: "\(context), \"constraints\"", code: .schema)
        try r.finish()
        for key in ["unique", "pattern", "minLength", "maxLength", "exclusiveMinimum", "exclusiveMaximum", "jsonSchema"] where c.has(key) {
            throw Failure(.unsupported, "\(context): the constraint \(quoted(key)) is not supported")
        }
        let required = try c.optionalBool("required") ?? false
        let kind = try Field.kind(type, c)
        try c.finish()
        self.init(name: name, kind: kind, required: required, type: type, trueValues: trueValues, falseValues: falseValues, metadata: metadata)
    }

    private static func type(_ r: JSONReader) throws -> FieldType {
        let word = try r.string("type")
        if let type = FieldType(rawValue: word) { return type }
        let known = FieldType.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
        let others = ["any", "array", "duration", "geojson", "geopoint", "list", "object", "time", "year", "yearmonth"]
        throw Failure(others.contains(word) ? .unsupported : .schema,
                      "\(r.context): the type \(quoted(word)) is not supported, only \(known)")
    }

    private static func kind(_ type: FieldType, _ c: JSONReader) throws -> Kind {
        if c.has("enum") {
            guard type != .boolean else { throw Failure(.unsupported, "\(c.context): \"enum\" is not supported for a boolean") }
            for key in ["minimum", "maximum", "multipleOf"] where c.has(key) {
                throw c.failure(key, "stands beside \"enum\", which is the whole domain by itself")
            }
            return .categorical(levels: try c.array("enum").map { try level($0, type, c) })
        }
        switch type {
        case .string:
            throw Failure(.schema, "\(c.context): a string column needs \"enum\", the public list of its levels")
        case .boolean:
            return .boolean
        case .integer:
            return .integer(minimum: try integer(c, "minimum"), maximum: try integer(c, "maximum"),
                            step: c.has("multipleOf") ? try integer(c, "multipleOf") : 1)
        case .number:
            return .number(minimum: try bound(c, "minimum") { try c.double($0) }, maximum: try bound(c, "maximum") { try c.double($0) },
                           step: try c.optionalDouble("multipleOf"))
        case .date:
            return .date(minimum: try date(c, "minimum"), maximum: try date(c, "maximum"))
        case .datetime:
            return .datetime(minimum: try moment(c, "minimum"), maximum: try moment(c, "maximum"), step: try seconds(c))
        }
    }

    /// A level's text: as it is for strings, otherwise the usual text of the value.
    private static func level(_ json: JSON, _ type: FieldType, _ c: JSONReader) throws -> String {
        let wrong = c.failure("enum", "a level is not \(type == .integer ? "an" : "a") \(type.rawValue)")
        switch (type, json) {
        case (.string, .string(let s)): return s
        case (.integer, .string(let s)):
            guard let i = Int64(s) else { throw wrong }
            return String(i)
        case (.integer, _):
            guard let i = json.asInt64 else { throw wrong }
            return String(i)
        case (.number, .string(let s)):
            guard let x = withText(s, { parseDecimal($0, $1) }), x.isFinite else { throw wrong }
            return numberText(x + 0.0)
        case (.number, _):
            guard let x = json.asDouble else { throw wrong }
            return numberText(x + 0.0)
        case (.date, .string(let s)):
            guard let day = withText(s, { parseDate($0, $1) }) else { throw wrong }
            return dateText(day)
        case (.datetime, .string(let s)):
            guard let m = withText(s, { parseDatetime($0, $1) }), microsecondRange.contains(m) else { throw wrong }
            return datetimeText(m)
        default: throw wrong
        }
    }

    /// A bound that must be there: a domain without one is not public.
    private static func bound<T>(_ c: JSONReader, _ key: String, _ read: (String) throws -> T) throws -> T {
        guard c.has(key) else {
            throw Failure(.schema, "\(c.context): \(quoted(key)) is required: without public bounds a column cannot be protected")
        }
        return try read(key)
    }

    private static func integer(_ c: JSONReader, _ key: String) throws -> Int64 { try bound(c, key) { try c.int64($0) } }

    private static func date(_ c: JSONReader, _ key: String) throws -> Int64 {
        let text = try bound(c, key) { try c.string($0) }
        guard let day = withText(text, { parseDate($0, $1) }) else { throw c.failure(key, "must be a date of the form YYYY-MM-DD") }
        return day
    }

    private static func moment(_ c: JSONReader, _ key: String) throws -> Int64 {
        let text = try bound(c, key) { try c.string($0) }
        guard let m = withText(text, { parseDatetime($0, $1) }) else {
            throw c.failure(key, "must be a date and time of the form YYYY-MM-DDThh:mm:ss[.ffffff][Z or +hh:mm]")
        }
        return m
    }

    /// multipleOf of a datetime, an extension of the standard: seconds, as whole microseconds; 1 µs when absent.
    private static func seconds(_ c: JSONReader) throws -> Int64 {
        guard let s = try c.optionalDouble("multipleOf") else { return 1 }
        let micro = (s * 1e6).rounded()
        guard micro >= 1, micro <= 1e17, (micro / 1e6 - s).magnitude <= 1e-9 * s else {
            throw c.failure("multipleOf", "must be in seconds, a whole number of microseconds of at least one")
        }
        return Int64(micro)
    }
}

/// `body` on the bytes of a text.
func withText<R>(_ text: String, _ body: (UnsafePointer<UInt8>, Int) throws -> R) rethrows -> R {
    var text = text
    return try text.withUTF8 { bytes in
        if let base = bytes.baseAddress { return try body(base, bytes.count) }
        var nothing: UInt8 = 0
        return try body(&nothing, 0)
    }
}
