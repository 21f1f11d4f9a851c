// Says where a dataframe keeps a column, also when its name contains a slash.
// HDF5 separates names by "/", so the column "mmol/l" cannot be one name. It is the element "l" in the group "mmol", as
// h5py and AnnData read and write it. Where that is impossible, because another column is called "mmol" or a part is
// empty, the element has an escaped name: "%2F" for "/" and "%25" for "%".

import Basics

enum ColumnPlace {
    /// At most so many parts, as for the place of the dataframe itself.
    private static let maxParts = 8

    /// `name` as the names of nested groups and an element, nil when it cannot be that.
    private static func nested(_ name: String) -> [String]? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return parts.count <= maxParts && parts.allSatisfy(Name.isValid) ? parts : nil
    }

    /// One name without "/", from which `name` can be had again.
    static func escaped(_ name: String) -> String {
        var out = ""
        for character in name.unicodeScalars {
            switch character {
            case "/": out += "%2F"
            case "%": out += "%25"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    /// Where each of the columns `names` of a new dataframe goes: groups, then the element.
    /// - Throws: `.schema` naming a column that cannot be stored.
    static func places(_ names: [String]) throws -> [[String]] {
        // Every group that nested columns would need, and every element: no name may be both.
        let nestedPlaces = names.map(nested)
        let elements = Set(nestedPlaces.compactMap { $0 }.map { $0.joined(separator: "/") } + ["_index"])
        var taken = elements
        return try zip(names, nestedPlaces).map { name, place in
            if let place, (1..<place.count).allSatisfy({ !elements.contains(place[..<$0].joined(separator: "/")) }) {
                return place
            }
            let one = escaped(name)
            guard name.contains("/"), Name.isValid(one), taken.insert(one).inserted else {
                throw Failure(.schema,
                    "column \(quoted(name)) cannot be stored in HDF5: a name must have 1 to 255 bytes without control "
                    + "characters and without \"/\" beside a column of the name before it")
            }
            return [one]
        }
    }

    /// The group and the name in it of the column `name` of `frame`; nil when there is none.
    static func find(_ name: String, in frame: GroupReader) throws -> (group: GroupReader, element: String)? {
        if frame.has(name) { return (frame, name) }
        guard name.contains("/") else { return nil }
        if let parts = nested(name) {
            var group: GroupReader? = frame
            for part in parts.dropLast() {
                group = try group.flatMap { try $0.has(part) && $0.isGroup(part) ? $0.group(part) : nil }
            }
            if let group, group.has(parts[parts.count - 1]) { return (group, parts[parts.count - 1]) }
        }
        return frame.hasAttribute("flip-schema") && frame.has(escaped(name)) ? (frame, escaped(name)) : nil
    }
}
