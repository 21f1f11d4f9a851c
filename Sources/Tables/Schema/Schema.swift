// A table's public declaration: a checked Frictionless Table Schema, made once and never changed.
// Whatever holds one holds a valid one. Reading its JSON is in Schema+Parse.swift, the rules in Schema+Rules.swift,
// writing in Schema+JSON.swift.

import Basics

package struct Schema: Equatable, Sendable {
    package let fields: [Field]
    /// Cell texts that mean "missing" in fields that have none of their own, compared byte by byte before anything else
    /// is looked at.
    package let missingValues: [String]
    /// What some of them stand for, such as "refused".
    package let missingLabels: [String: String]
    /// $schema, name, title, description and fieldsMatch, carried along, "flip:domain" and "flip:rules".
    package let metadata: JSONObject
    /// Rules between columns of a row.
    package let rules: Rules
    private let places: [String: Int]

    package static let maxFields = 4096
    package static let maxLevels = 65_534

    /// - Throws: `.schema` (or `.unsupported`) with field and rule. Bounds are tightened to multiples of the step.
    package init(fields: [Field], missingValues: [String] = [""], missingLabels: [String: String] = [:],
                 metadata: JSONObject = JSONObject()) throws {
        guard !fields.isEmpty else { throw Failure(.schema, "schema: there must be at least one field") }
        guard fields.count <= Schema.maxFields else {
            throw Failure(.schema, "schema: more than \(Schema.maxFields) fields")
        }
        try Schema.checkMissingValues(missingValues)
        var places: [String: Int] = [:]
        self.fields = try fields.enumerated().map { i, field in
            guard places.updateValue(i, forKey: field.name) == nil else {
                throw Failure(.schema, "schema: two fields are named \(quoted(field.name))")
            }
            return try field.checked(missing: missingValues)
        }
        self.missingValues = missingValues
        self.missingLabels = missingLabels
        self.metadata = metadata
        rules = try Rules(metadata[Schema.rulesKey], fields: self.fields, missingValues: missingValues, places: places)
        self.places = places
    }

    /// The member of a schema that says where its levels and bounds come from, and its values.
    package static let domainKey = "flip:domain", assumePublic = "assume-public", estimatedPrivately = "private"
    /// With the second: the budget under which some of them were released, by its random name, the run in it, and the
    /// noisy row count.
    package static let domainReleaseKey = "flip:purchase"
    package var domainRelease: (budget: String, run: String, rows: Double)? {
        guard let p = metadata[Self.domainReleaseKey], let budget = p["budget"]?.asString, let run = p["run"]?.asString,
              let rows = p["rows"]?.asDouble else { return nil }
        return (budget, run, rows)
    }
    /// What a ledger says of a training under such a schema.
    package static let assumption = "the schema was read off the rows and is assumed to be public: "
        + "what its levels and bounds tell of a row is outside the promise"
    /// Whether levels and bounds were read off rows, as `Schema.inferred` does, and nobody has taken the mark away.
    package var isAssumed: Bool { metadata[Schema.domainKey] == .string(Schema.assumePublic) }

    /// The place of a field; nil when there is none of that name.
    package func index(of name: String) -> Int? { places[name] }

    /// Whether tables may have columns that the schema does not name ("fieldsMatch": "subset").
    package var allowsExtraColumns: Bool { metadata["fieldsMatch"] == "subset" }

    /// The place of a field that must be there.
    /// - Throws: `.argument` naming the field.
    package func place(of name: String) throws -> Int {
        guard let i = places[name] else { throw Failure(.argument, "there is no column \(quoted(name)) in the schema") }
        return i
    }

    /// Whether tables of the two schemas hold the same columns; titles, missing texts and boolean texts may differ.
    package func hasSameColumns(as other: Schema) -> Bool {
        fields.count == other.fields.count && zip(fields, other.fields).allSatisfy {
            $0.name == $1.name && $0.type == $1.type && $0.kind == $1.kind && $0.required == $1.required
                && $0.reasons == $1.reasons
        }
    }

    /// The named columns with cells that may all be missing, without rules: what half rows have.
    /// - Throws: `.schema` when none of the names is a column.
    package func optional(_ names: [String]) throws -> Schema {
        var members = metadata
        members[Schema.rulesKey] = nil
        let own = fields.filter { names.contains($0.name) }.map {
            Field(name: $0.name, kind: $0.kind, required: false, type: $0.type, trueValues: $0.trueValues,
                  falseValues: $0.falseValues, metadata: $0.metadata, form: $0.form)
        }
        return try Schema(fields: own, missingValues: missingValues, missingLabels: missingLabels, metadata: members)
    }

    /// This schema with what `change` makes of its members beside the fields.
    /// - Throws: `.schema` for rules that do not fit.
    package func with(metadata change: (inout JSONObject) -> Void) throws -> Schema {
        var members = metadata
        change(&members)
        return try Schema(fields: fields, missingValues: missingValues, missingLabels: missingLabels, metadata: members)
    }
}
