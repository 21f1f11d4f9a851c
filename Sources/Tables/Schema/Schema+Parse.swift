// Reads the JSON text of a Frictionless Table Schema (version 1 or 2) as a schema.
// It is strict: an unknown key is an error that names it, and so is everything of the standard that is not carried out
// here (keys, patterns, lengths). A rule that is read but not kept would be a false promise.

import Basics

extension Schema {
    /// - Throws: `.schema` naming field, key and rule; `.unsupported` for parts of the standard that are not carried
    ///   out.
    package init(json text: String) throws {
        do {
            try self.init(try JSON.parse(text))
        } catch let failure as Failure where failure.code == .format {
            throw Failure(.schema, "schema: \(failure.message)")
        }
    }

    package init(_ json: JSON) throws {
        let r = try JSONReader(json, context: "schema", code: .schema)
        for key in ["primaryKey", "foreignKeys", "uniqueKeys"] where r.has(key) {
            throw Failure(.unsupported, "schema: \(quoted(key)) is not supported")
        }
        if let match = try r.optionalChoice("fieldsMatch", of: ["exact", "equal", "subset", "superset", "partial"]) {
            guard !["superset", "partial"].contains(match) else {
                throw Failure(.unsupported, "schema, \"fieldsMatch\": \(quoted(match)) is not supported: "
                    + "every field must have its column")
            }
        }
        let carried = ["$schema", "name", "title", "description", "fieldsMatch", Schema.domainKey,
                       Schema.domainReleaseKey, Schema.rulesKey]
        let metadata = try readMetadata(r, carried)
        let isEstimated = metadata[Schema.domainKey] == .string(Schema.estimatedPrivately)
        guard isEstimated == (metadata[Schema.domainReleaseKey] != nil) else {
            throw r.failure(Schema.domainReleaseKey,
                            "stands with \(quoted(Schema.domainKey)): \(quoted(Schema.estimatedPrivately)) and only "
                                + "there")
        }
        if let domain = metadata[Schema.domainKey], domain != .string(Schema.assumePublic), !isEstimated {
            throw r.failure(Schema.domainKey, "must be \(quoted(Schema.assumePublic)), "
                + "or left out when levels and bounds are public by themselves")
        }
        let fields = try r.array("fields")
        guard fields.count <= Schema.maxFields else {
            throw Failure(.schema, "schema: more than \(Schema.maxFields) fields")
        }
        let missing = try MissingTexts(r) ?? MissingTexts(texts: [""])
        try r.finish()
        if isEstimated {
            let p = try JSONReader(r.value(Schema.domainReleaseKey),
                                   context: "schema, \(quoted(Schema.domainReleaseKey))",
                                   code: .schema)
            _ = try (p.string("budget"), p.string("run"), p.double("rows"))
            try p.finish()
        }
        try self.init(fields: fields.enumerated().map { try Field($0.element, place: $0.offset, missing: missing) },
                      missingValues: missing.texts, missingLabels: missing.labels, metadata: metadata)
    }
}

/// `missingValues` of a schema or of a field: texts, or objects of a value and, by choice, a label.
struct MissingTexts {
    var texts: [String]
    var labels: [String: String] = [:]

    init(texts: [String]) { self.texts = texts }

    /// Nil where the key is absent.
    init?(_ r: JSONReader) throws {
        guard let items = try r.optionalArray("missingValues") else { return nil }
        texts = []
        for item in items {
            if let text = item.asString {
                texts.append(text)
                continue
            }
            guard let object = item.asObject, let text = object["value"]?.asString,
                  Set(object.keys).isSubset(of: ["value", "label"]),
                  object["label"] == nil || object["label"]?.asString != nil else {
                throw r.failure("missingValues",
                                "must be a list of strings, or of objects with \"value\" and \"label\" as strings")
            }
            texts.append(text)
            labels[text] = object["label"]?.asString
        }
    }

    /// The texts that say why a value is missing. The empty text is none: it says nothing.
    var reasons: [String] { texts.filter { labels[$0] != nil && !$0.isEmpty } }
}

private func readMetadata(_ r: JSONReader, _ keys: [String]) throws -> JSONObject {
    var out = JSONObject()
    for key in keys { if let value = r.optional(key) { out[key] = value } }
    return out
}

extension Field {
    /// - Parameter missing: of the schema, for a field without missing values of its own.
    fileprivate init(_ json: JSON, place: Int, missing: MissingTexts) throws {
        guard let object = json.asObject else {
            throw Failure(.schema, "schema, field \(place + 1): must be an object")
        }
        guard let name = object["name"]?.asString else {
            throw Failure(.schema, "schema, field \(place + 1): \"name\" is required, as a string")
        }
        let context = "schema, field \(quoted(name))"
        let r = JSONReader(object, context: context, code: .schema)
        _ = r.optional("name")
        let type = try Field.type(r)
        var metadata = try readMetadata(r, ["title", "description", "rdfType", "example", Field.estimatedKey])
        guard metadata[Field.estimatedKey] == nil || metadata[Field.estimatedKey] == .bool(true) else {
            throw r.failure(Field.estimatedKey, "must be true, or left out")
        }
        var form = try TextForm(r, type)
        for key in ["format", "decimalChar", "groupChar", "bareNumber"] where form.isWritten(key) {
            metadata[key] = r.optional(key)
        }
        let own = try MissingTexts(r)
        form.missingValues = own?.texts
        metadata["missingValues"] = r.optional("missingValues")
        let categories = try Field.categories(r, type)
        for key in ["categories", "categoriesOrdered"] { metadata[key] = r.optional(key) }
        var trueValues = Field.defaultTrue, falseValues = Field.defaultFalse
        if type == .boolean {
            trueValues = try r.optionalStrings("trueValues") ?? trueValues
            falseValues = try r.optionalStrings("falseValues") ?? falseValues
        }
        let c = try r.optionalObject("constraints") ?? JSONReader(JSONObject(), context: "\(context), \"constraints\"",
                                                                  code: .schema)
        let step = r.optional(Field.stepKey)
        metadata[Field.stepKey] = step
        if step != nil, c.has("multipleOf") {
            throw r.failure(Field.stepKey, "is given in the constraints too, as \"multipleOf\"")
        }
        try r.finish()
        if try c.optionalBool("unique") ?? false {
            throw Failure(.unsupported, "\(context): the constraint \"unique\" is not supported")
        }
        let others = ["pattern", "minLength", "maxLength", "exclusiveMinimum", "exclusiveMaximum", "jsonSchema"]
        for key in others where c.has(key) {
            throw Failure(.unsupported, "\(context): the constraint \(quoted(key)) is not supported")
        }
        let required = try c.optionalBool("required") ?? false
        var kind = try Field.kind(type, c, step: step.map { (r, $0) }, categories: categories)
        try c.finish()
        // In a field whose bounds or levels were released under a budget the nearest one stands for all others: reasons
        // are missing there.
        if metadata[Field.estimatedKey] == nil {
            form.reasons = (own ?? missing).reasons
            if case .categorical(let levels) = kind {
                // Each reason that can be a value of the type is a level behind the others.
                form.reasons = form.reasons.filter { text in
                    type == .string || type != .boolean && withText(text) { Domain.key(type, $0, $1) } != nil
                }
                kind = .categorical(levels: levels + form.reasons.filter { !levels.contains($0) })
            }
        }
        self.init(name: name, kind: kind, required: required, type: type, trueValues: trueValues,
                  falseValues: falseValues,
                  metadata: metadata, form: form)
    }

    /// `categories` of a string or an integer: its levels, as texts. Nil where there are none.
    private static func categories(_ r: JSONReader, _ type: FieldType) throws -> [JSON]? {
        _ = try r.optionalBool("categoriesOrdered")
        guard let items = try r.optionalArray("categories") else { return nil }
        guard type == .string || type == .integer else {
            throw r.failure("categories", "belongs to a string or an integer")
        }
        return try items.map { item in
            guard let object = item.asObject else { return item }
            guard let value = object["value"] else {
                throw r.failure("categories", "must be values, or objects with \"value\" and \"label\"")
            }
            return value
        }
    }

    private static func type(_ r: JSONReader) throws -> FieldType {
        let word = try r.optionalString("type") ?? "string"
        if word == "year" { return .integer }
        if let type = FieldType(rawValue: word) { return type }
        let known = FieldType.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
        let others = ["any", "array", "duration", "geojson", "geopoint", "list", "object", "time", "yearmonth"]
        throw Failure(others.contains(word) ? .unsupported : .schema,
                      "\(r.context): the type \(quoted(word)) is not supported, only \(known)")
    }

    /// - Parameters:
    ///   - step: the step where it stands beside the constraints, with the reader that it comes from.
    ///   - categories: the levels where they stand beside the constraints.
    private static func kind(_ type: FieldType, _ c: JSONReader, step: (r: JSONReader, value: JSON)?,
                             categories: [JSON]?)
        throws -> Kind {
        if c.has("enum") || categories != nil {
            guard type != .boolean else {
                throw Failure(.unsupported, "\(c.context): \"enum\" is not supported for a boolean")
            }
            for key in ["minimum", "maximum", "multipleOf"] where c.has(key) {
                throw c.failure(key, "stands beside levels, which are the whole domain by themselves")
            }
            if let step {
                throw step.r.failure(Field.stepKey, "stands beside levels, which are the whole domain by themselves")
            }
            let levels = try (c.optionalArray("enum") ?? categories ?? []).map { try level($0, type, c) }
            if let categories, c.has("enum") {
                // A canonical schema has both: its enum holds the reasons of missing values too.
                let declared = try categories.map { try level($0, type, c) }
                guard levels.starts(with: declared) || Set(levels).isSubset(of: declared) else {
                    throw c.failure("enum", "holds levels that \"categories\" lacks")
                }
            }
            return .categorical(levels: levels)
        }
        if let step, ![.integer, .number, .datetime].contains(type) {
            throw step.r.failure(Field.stepKey, "belongs to a number, an integer or a datetime")
        }
        let s = step?.r ?? c, key = step == nil ? "multipleOf" : Field.stepKey
        switch type {
        case .string:
            throw Failure(.schema, "\(c.context): a string column needs \"enum\", the public list of its levels")
        case .boolean:
            return .boolean
        case .integer:
            return .integer(minimum: try integer(c, "minimum"), maximum: try integer(c, "maximum"),
                            step: s.has(key) ? try integer(s, key) : 1)
        case .number:
            return .number(minimum: try bound(c, "minimum") { try c.double($0) },
                           maximum: try bound(c, "maximum") { try c.double($0) },
                           step: try s.optionalDouble(key))
        case .date:
            return .date(minimum: try date(c, "minimum"), maximum: try date(c, "maximum"))
        case .datetime:
            return .datetime(minimum: try moment(c, "minimum"), maximum: try moment(c, "maximum"),
                             step: try seconds(s, key))
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
            throw Failure(.schema, "\(c.context): \(quoted(key)) is required: "
                + "without public bounds a column cannot be protected")
        }
        return try read(key)
    }

    private static func integer(_ c: JSONReader, _ key: String) throws -> Int64 {
        try bound(c, key) { try c.int64($0) }
    }

    private static func date(_ c: JSONReader, _ key: String) throws -> Int64 {
        let text = try bound(c, key) { try c.string($0) }
        guard let day = withText(text, { parseDate($0, $1) }) else {
            throw c.failure(key, "must be a date of the form YYYY-MM-DD")
        }
        return day
    }

    private static func moment(_ c: JSONReader, _ key: String) throws -> Int64 {
        let text = try bound(c, key) { try c.string($0) }
        guard let m = withText(text, { parseDatetime($0, $1) }) else {
            throw c.failure(key, "must be a date and time of the form YYYY-MM-DDThh:mm:ss[.ffffff][Z or +hh:mm]")
        }
        return m
    }

    /// The step of a datetime, an extension of the standard: seconds, as whole microseconds; 1 µs when absent.
    private static func seconds(_ c: JSONReader, _ key: String) throws -> Int64 {
        guard let s = try c.optionalDouble(key) else { return 1 }
        let micro = (s * 1e6).rounded()
        guard micro >= 1, micro <= 1e17, (micro / 1e6 - s).magnitude <= 1e-9 * s else {
            throw c.failure(key, "must be in seconds, a whole number of microseconds of at least one")
        }
        return Int64(micro)
    }
}

extension TextForm {
    /// Takes `format`, `decimalChar`, `groupChar` and `bareNumber` of a field.
    /// - Throws: `.unsupported` for a format that is not read; `.schema` for a key that the type does not have.
    fileprivate init(_ r: JSONReader, _ type: FieldType) throws {
        self.init()
        if let format = try r.optionalString("format"), format != "default" {
            guard type == .date || type == .datetime else {
                throw Failure(.unsupported, "\(r.context): the format \(quoted(format)) is not supported; "
                    + "a \(type.rawValue) has only \"default\"")
            }
            guard let pattern = DatePattern(format, isDate: type == .date) else {
                throw Failure(.unsupported, "\(r.context): the format \(quoted(format)) is not supported; "
                    + "\"default\" is, and patterns of year, month and day such as \"%d.%m.%Y\""
                    + (type == .date ? "" : " with %H, %M, %S, %f and %z"))
            }
            self.pattern = pattern
        }
        let isNumber = type == .number || type == .integer
        for key in ["decimalChar", "groupChar", "bareNumber"] where r.has(key) && !isNumber {
            throw r.failure(key, "belongs to a number or an integer")
        }
        number = NumberText(decimal: try r.optionalString("decimalChar") ?? ".",
                            group: try r.optionalString("groupChar") ?? "",
                            isBare: try r.optionalBool("bareNumber") ?? true)
    }

    /// Whether a key of the standard says something other than its default.
    fileprivate func isWritten(_ key: String) -> Bool {
        switch key {
        case "format": pattern != nil
        case "decimalChar": number.decimal != "."
        case "groupChar": !number.group.isEmpty
        default: !number.isBare
        }
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
