// States the rule that every name in our files keeps, and how paths and shapes are made of parts.

import Basics

/// The rules for the name of a group, data set or attribute: one path component, UTF-8, at most 255 bytes.
enum Name {
    /// True when `name` may be given to the library: it then cannot leave the group it is looked up in.
    static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= 255 && name != "." && name != ".."
            && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
    }

    /// "/a" + "b" is "/a/b".
    static func join(_ path: String, _ name: String) -> String { path == "/" ? "/" + name : path + "/" + name }

    /// Order by bytes, the same on every machine.
    static func before(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}

/// `shape` multiplied out. Nil when negative or too large for an address space.
func elementCount(_ shape: [Int]) -> Int? {
    var n = 1
    for d in shape {
        guard d >= 0 else { return nil }
        let (product, overflow) = n.multipliedReportingOverflow(by: d)
        if overflow { return nil }
        n = product
    }
    return n
}
