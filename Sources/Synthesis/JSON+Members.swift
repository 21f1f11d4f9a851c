import Basics

extension JSON {
    /// An object with these members, in this order.
    static func members(_ pairs: [(String, JSON)]) -> JSON { .object(JSONObject(pairs)) }
}
