// The one error type of the library: a stable code and one sentence without any cell's value.
// Every module throws it; the C boundary copies it into the caller's memory.

/// What went wrong, in the terms of `flip.h`. The raw values are part of the ABI: new ones may be added, old ones never
/// change.
package enum FailureCode: Int32, Sendable {
    case argument = 1, state = 2, schema = 3, io = 4, format = 5, version = 6, budget = 7, cancelled = 8
    case noMemory = 9, numeric = 10, entropy = 11, unsupported = 12, `internal` = 13
}

package struct Failure: Error, CustomStringConvertible, Sendable {
    package let code: FailureCode
    /// One sentence in UTF-8: the place, the rule, what to do. Never a value out of a table.
    package let message: String
    package init(_ code: FailureCode, _ message: String) {
        self.code = code
        self.message = message
    }
    package var description: String { message }
}
