// Words of a command line: "--name value", "--name=value", switches, and the rest in order. Each command says which it
// knows.

import Basics

/// A call that makes no sense; the sentence says why.
struct Usage: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

struct Arguments {
    private(set) var words: [String] = []
    private var values: [String: [String]] = [:]
    private var switches: Set<String> = []
    private let command: String

    /// - Parameters:
    ///   - named: options that take a value. switches: those that do not.
    ///   - places: what the words without a name stand for, in order; all are needed.
    init(_ command: String, _ arguments: [String], named: [String], switches known: [String] = [],
         places: [String]) throws {
        self.command = command
        var i = 0, open = true
        while i < arguments.count {
            let word = arguments[i]
            i += 1
            guard open, word.hasPrefix("--"), word.utf8.count > 2 else {
                if open && word == "--" { open = false } else { words.append(word) }
                continue
            }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1,
                                                omittingEmptySubsequences: false).map(String.init)
            if known.contains(parts[0]), parts.count == 1 {
                switches.insert(parts[0])
            } else if named.contains(parts[0]) {
                if parts.count == 2 {
                    values[parts[0], default: []].append(parts[1])
                } else {
                    guard i < arguments.count else { throw Usage("flip \(command): --\(parts[0]) needs a value") }
                    values[parts[0], default: []].append(arguments[i])
                    i += 1
                }
            } else {
                throw Usage("flip \(command): there is no option --\(parts[0])")
            }
        }
        guard words.count >= places.count else { throw Usage("flip \(command): \(places[words.count]) is missing") }
        guard words.count == places.count else {
            throw Usage("flip \(command): one word too many: \(words[places.count])")
        }
    }

    func has(_ name: String) -> Bool { switches.contains(name) }

    /// All values of an option that may be repeated.
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// The names of all times that it was given, which may have commas between them.
    func names(_ name: String) -> [String] { all(name).flatMap { $0.split(separator: ",").map(String.init) } }

    func text(_ name: String) throws -> String? {
        let given = all(name)
        guard given.count <= 1 else { throw Usage("flip \(command): --\(name) is given twice") }
        return given.first
    }

    func required(_ name: String) throws -> String {
        guard let text = try text(name) else { throw Usage("flip \(command): --\(name) is missing") }
        return text
    }

    func number(_ name: String) throws -> Double {
        guard let x = try Double(required(name)), x.isFinite else {
            throw Usage("flip \(command): --\(name) must be a number")
        }
        return x
    }

    func whole(_ name: String, atLeast least: Int) throws -> Int? {
        guard let text = try text(name) else { return nil }
        guard let n = Int(text), n >= least else {
            throw Usage("flip \(command): --\(name) must be a whole number, at least \(least)")
        }
        return n
    }
}
