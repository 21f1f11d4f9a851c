// The boundary every export passes through: errors become a code and a sentence in the caller's memory, pointers become
// checked values. No logic of the library lives here.

import Basics
import CFlip
import Glibc

public typealias ErrorOut = UnsafeMutablePointer<flip_error>?
/// An output for a handle: `flip_model **out`.
public typealias HandleOut = UnsafeMutablePointer<OpaquePointer?>?

/// Runs `body`; a thrown failure fills `err` and gives its code.
/// - Parameter use: the handle that the call changes or reads, where others may change it.
func attempt(_ err: ErrorOut, _ use: Use? = nil, _ body: () throws -> Void) -> flip_status {
    guard hasHeadroom() else {
        write(FailureCode.noMemory.rawValue, "not enough memory to begin", to: err)
        return FailureCode.noMemory.rawValue
    }
    do {
        try using(use, body)
        write(0, "", to: err)
        return 0
    } catch let failure as Failure {
        write(failure.code.rawValue, failure.message, to: err)
        return failure.code.rawValue
    } catch {
        write(FailureCode.internal.rawValue, "an error of an unknown kind", to: err)
        return FailureCode.internal.rawValue
    }
}

/// `attempt` for a call that gives a handle: `out` is NULL until `make` has succeeded.
func create(_ kind: Kind, _ out: HandleOut, _ err: ErrorOut, _ use: Use? = nil, _ make: () throws -> AnyObject)
    -> flip_status {
    out?.pointee = nil
    return attempt(err, use) {
        let out = try pointer(out, "out")
        out.pointee = try handle(kind, make())
    }
}

/// `attempt` for a call that gives JSON text in a flip_buffer.
func giveJSON(_ out: HandleOut, _ err: ErrorOut, _ use: Use? = nil, _ make: () throws -> JSON) -> flip_status {
    create(.buffer, out, err, use) { try Bytes.of(make().text) }
}

/// `giveJSON` for an object with a grammar in docs/JSON.md, whose version stands in it.
func giveObject(_ out: HandleOut, _ err: ErrorOut, _ use: Use? = nil, _ make: () throws -> JSON) -> flip_status {
    giveJSON(out, err, use) { try make().versioned }
}

/// `attempt` for a call that gives a number.
func give<T: Numeric>(_ out: UnsafeMutablePointer<T>?, _ name: StaticString, _ err: ErrorOut, _ use: Use? = nil,
                      _ make: () throws -> T) -> flip_status {
    out?.pointee = 0
    return attempt(err, use) {
        let out = try pointer(out, name)
        out.pointee = try make()
    }
}

/// The message is cut between two characters when it does not fit; the rest of the array is zero.
private func write(_ code: Int32, _ message: String, to err: ErrorOut) {
    guard let err else { return }
    err.pointee.code = code
    withUnsafeMutableBytes(of: &err.pointee.message) { copy(message, into: $0) }
}

/// Copies whole characters (scalars) of `text` that leave room for a final NUL, and zeroes what is left.
func copy(_ text: String, into target: UnsafeMutableRawBufferPointer) {
    var used = 0
    for scalar in text.unicodeScalars {
        let bytes = UTF8.encode(scalar)!
        if used + bytes.count >= target.count { break }
        if scalar == "\0" { continue }
        for byte in bytes { target[used] = byte; used += 1 }
    }
    while used < target.count { target[used] = 0; used += 1 }
}

// MARK: - Arguments

/// The limit, in bytes, of text that may be long: schemas, configurations, lists of events.
let longText = 16 << 20

func pointer<P>(_ p: P?, _ name: StaticString) throws -> P {
    guard let p else { throw Failure(.argument, "\(name) is NULL") }
    return p
}

/// NUL-terminated UTF-8.
/// - Parameter limit: longest text taken, in bytes.
func text(_ p: UnsafePointer<CChar>?, _ name: StaticString, limit: Int = 65_536) throws -> String {
    let p = try pointer(p, name)
    let length = strnlen(p, limit + 1)
    guard length <= limit else { throw Failure(.argument, "\(name): longer than \(limit) bytes") }
    return try text(UnsafeRawPointer(p), length, name)
}

func text(_ p: UnsafeRawPointer, _ size: Int, _ name: StaticString) throws -> String {
    let bytes = UnsafeRawBufferPointer(start: p, count: size)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(.argument, "\(name): not UTF-8") }
    return text
}

func optionalText(_ p: UnsafePointer<CChar>?, _ name: StaticString) throws -> String? {
    try p.map { try text($0, name) }
}

/// A JSON object, or an empty one for NULL.
func configuration(_ p: UnsafePointer<CChar>?) throws -> JSON {
    guard let p else { return .object(JSONObject()) }
    let json = try JSON.parse(text(p, "config", limit: longText))
    guard case .object = json else { throw Failure(.argument, "config: expected a JSON object") }
    return json
}

/// `count` rows from `first` on, inside a table of `rows`.
func range(_ first: Int64, _ count: Int64, of rows: Int) throws -> Range<Int> {
    guard first >= 0, count >= 0, first <= rows, count <= Int64(rows) - first else {
        throw Failure(.argument, "first and count: outside the table")
    }
    return Int(first)..<Int(first + count)
}
