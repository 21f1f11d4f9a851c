// Objects from lists of members.

extension JSON {
    /// An object with these members, in this order.
    package static func members(_ pairs: [(String, JSON)]) -> JSON { .object(JSONObject(pairs)) }
}
