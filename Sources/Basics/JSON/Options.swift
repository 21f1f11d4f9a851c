// One table of options of a configuration: it reads a JSON object, prints the resolved one and describes every key.

/// One documented option of a configuration `Root`: its key, how it is read and written, what it means.
package struct Option<Root> {
    package let key: String
    /// The values it takes, for people: "1 to 1024", "refuse | coerce".
    package let range: String
    /// The unit of a number; empty for what has none.
    package let unit: String
    package let help: String
    /// Takes the option from an object; an absent key changes nothing.
    let read: (inout Root, JSONReader) throws -> Void
    let write: (Root) -> JSON

    /// An option that no maker below serves.
    /// - Parameters:
    ///   - read: takes the key of that name from the reader, if it is there, checks it and stores it.
    ///   - write: the value as `read` takes it.
    package init(_ key: String, range: String, unit: String = "", help: String,
                 read: @escaping (inout Root, JSONReader) throws -> Void, write: @escaping (Root) -> JSON) {
        (self.key, self.range, self.unit, self.help) = (key, range, unit, help)
        (self.read, self.write) = (read, write)
    }

    /// A whole number inside `range`, bounds included.
    package static func whole(_ key: String, _ at: WritableKeyPath<Root, Int>, _ range: ClosedRange<Int>,
                              unit: String = "",
                              help: String) -> Option {
        Option(key, range: "\(range.lowerBound) to \(range.upperBound)", unit: unit, help: help,
               read: { root, r in if let v = try r.optionalInt(key, in: range) { root[keyPath: at] = v } },
               write: { .int(Int64($0[keyPath: at])) })
    }

    /// A whole number inside `range` that has no default.
    package static func whole(_ key: String, _ at: WritableKeyPath<Root, Int?>, _ range: ClosedRange<Int>,
                              unit: String = "",
                              help: String) -> Option {
        Option(key, range: "\(range.lowerBound) to \(range.upperBound)", unit: unit, help: help,
               read: { root, r in if let v = try r.optionalInt(key, in: range) { root[keyPath: at] = v } },
               write: { $0[keyPath: at].map { .int(Int64($0)) } ?? .null })
    }

    /// A finite number inside `range`, bounds included.
    package static func real(_ key: String, _ at: WritableKeyPath<Root, Double>, _ range: ClosedRange<Double>,
                             unit: String = "",
                             help: String) -> Option {
        Option(key, range: "\(range.lowerBound) to \(range.upperBound)", unit: unit, help: help,
               read: { root, r in if let v = try r.optionalDouble(key, in: range) { root[keyPath: at] = v } },
               write: { .number($0[keyPath: at]) })
    }

    /// One of some words.
    package static func choice(_ key: String, _ at: WritableKeyPath<Root, String>, _ words: [String],
                               help: String) -> Option {
        Option(key, range: words.joined(separator: " | "), help: help,
               read: { root, r in if let v = try r.optionalChoice(key, of: words) { root[keyPath: at] = v } },
               write: { .string($0[keyPath: at]) })
    }

    /// One of the cases of an enumeration, by their names.
    package static func choice<Case: RawRepresentable & CaseIterable>(_ key: String, _ at: WritableKeyPath<Root, Case>,
        help: String) -> Option
    where Case.RawValue == String {
        let words = Case.allCases.map(\.rawValue)
        return Option(key, range: words.joined(separator: " | "), help: help,
                      read: { root, r in
                          if let v = try r.optionalChoice(key, of: words).flatMap({ Case(rawValue: $0) }) {
                              root[keyPath: at] = v
                          }
                      },
                      write: { .string($0[keyPath: at].rawValue) })
    }

    package static func flag(_ key: String, _ at: WritableKeyPath<Root, Bool>, help: String) -> Option {
        Option(key, range: "true | false", help: help,
               read: { root, r in if let v = try r.optionalBool(key) { root[keyPath: at] = v } },
               write: { .bool($0[keyPath: at]) })
    }

    /// A text that has no default.
    /// - Parameter range: what texts it takes, for people.
    package static func text(_ key: String, _ at: WritableKeyPath<Root, String?>, range: String,
                             help: String) -> Option {
        Option(key, range: range, help: help,
               read: { root, r in if let v = try r.optionalString(key) { root[keyPath: at] = v } },
               write: { $0[keyPath: at].map(JSON.string) ?? .null })
    }

    /// A list of texts.
    /// - Parameter range: what texts it takes, for people.
    package static func texts(_ key: String, _ at: WritableKeyPath<Root, [String]>, range: String,
                              help: String) -> Option {
        Option(key, range: range, help: help,
               read: { root, r in if let v = try r.optionalStrings(key) { root[keyPath: at] = v } },
               write: { .array($0[keyPath: at].map(JSON.string)) })
    }

    /// The value in `root`, as `read` takes it.
    package func value(_ root: Root) -> JSON { write(root) }

    /// The members default, range, unit and help.
    /// - Parameter defaults: named configurations, the one whose value is called the default first. Where their values
    ///   differ a further member "default_by_preset" holds all of them. Without any the default is null.
    package func description(_ defaults: [(name: String, root: Root)]) -> JSON {
        let values = defaults.map { ($0.name, write($0.root)) }
        var members: [(String, JSON)] = [("default", values.first?.1 ?? .null), ("range", .string(range)),
                                         ("unit", .string(unit)),
                                         ("help", .string(help))]
        if values.contains(where: { $0.1 != values[0].1 }) { members.append(("default_by_preset", .members(values))) }
        return .members(members)
    }
}

/// The options of one subject, in the order in which they are described and printed.
package struct OptionTable<Root> {
    package let options: [Option<Root>]

    package init(_ options: [Option<Root>]) { self.options = options }

    /// Takes every option from the object; absent keys change nothing. The caller finishes the reader, which refuses
    /// unknown keys.
    /// - Throws: the reader's failure, naming place, key and rule, for a wrong type or a value out of range.
    package func read(_ r: JSONReader, into root: inout Root) throws {
        for option in options { try option.read(&root, r) }
    }

    /// Takes every option from a whole object, which holds nothing else.
    /// - Parameter context: what the object is, for messages.
    /// - Throws: `.argument` naming place, key and rule.
    package func read(_ json: JSON, context: String, into root: inout Root) throws {
        let r = try JSONReader(json, context: context)
        try read(r, into: &root)
        try r.finish()
    }

    /// Every key with its value in `root`: reading it back gives the same configuration.
    package func members(_ root: Root) -> [(String, JSON)] { options.map { ($0.key, $0.write(root)) } }
    package func json(_ root: Root) -> JSON { .members(members(root)) }

    /// Default, range, unit and help of every key.
    /// - Parameter prefix: what stands before each key, such as "autoencoder.".
    package func descriptions(_ defaults: [(name: String, root: Root)], prefix: String = "") -> [(String, JSON)] {
        options.map { (prefix + $0.key, $0.description(defaults)) }
    }
    package func schema(_ defaults: Root) -> JSON { .members(descriptions([("", defaults)])) }
}
