// Objects from lists of members.

extension JSON {
    /// An object with these members, in this order.
    package static func members(_ pairs: [(String, JSON)]) -> JSON { .object(JSONObject(pairs)) }

    /// The object with the version of its grammar (docs/JSON.md) as a last member; other values as they are. The
    /// version is raised when the meaning of a member changes, or one is removed.
    package var versioned: JSON {
        guard case .object(let object) = self else { return self }
        return .members(object.members.map { ($0.key, $0.value) } + [("schema_version", .int(1))])
    }
}
