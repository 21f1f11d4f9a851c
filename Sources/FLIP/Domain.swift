// flip_domain_buy: a schema estimated under a budget; flip_domain: the same of rows elsewhere.

import Basics
import Budgets
import CFlip
import Privacy
import Synthesis
import Tables

@_cdecl("flip_domain_buy")
public func flip_domain_buy(_ budgetHandle: OpaquePointer?, _ sketch: UnsafePointer<CChar>?, _ size: Int,
                            _ path: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?,
                            _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut,
                                _ report: HandleOut, _ err: ErrorOut) -> flip_status {
    report?.pointee = nil
    var found: JSON = .null
    let status = create(.schema, out, err) {
        let shared = try budget(budgetHandle), sketch = try schemaSketch(sketch, size)
        let released = try releaseDomain(sketch, csv: text(path, "path"), from: shared,
                                         DomainOptions(configuration(config)),
                                         progress: Reporter(callback, user, "reading").report)
        found = released.report
        return SchemaBox(released.schema)
    }
    guard status == 0, report != nil else { return status }
    return giveObject(report, err) { found }
}

private func schemaSketch(_ sketch: UnsafePointer<CChar>?, _ size: Int) throws -> SchemaSketch {
    let json = try pointer(sketch, "sketch")
    guard size >= 0, size <= longText else {
        throw Failure(.argument, "size: a schema has at most \(longText) bytes")
    }
    return try SchemaSketch(json: text(UnsafeRawPointer(json), size, "sketch"))
}

// MARK: rows elsewhere

private func domain(_ pointer: OpaquePointer?) throws -> PrivateDomain {
    try object(pointer, .domain, as: PrivateDomain.self)
}

@_cdecl("flip_domain_create_remote")
public func flip_domain_create_remote(_ budgetHandle: OpaquePointer?, _ sketch: UnsafePointer<CChar>?, _ size: Int,
                                      _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                                      _ err: ErrorOut) -> flip_status {
    create(.domain, out, err) {
        // "invalid" is a key of both.
        let r = try JSONReader(configuration(config), context: "domain"), remote = try RemoteOptions(r),
            options = try DomainOptions(r)
        try r.finish()
        return try PrivateDomain(schemaSketch(sketch, size), elsewhere: budget(budgetHandle), options,
                                 rollCall: remote.rollCall == .once)
    }
}

@_cdecl("flip_domain_ask")
public func flip_domain_ask(_ handle: OpaquePointer?, _ parts: Int64, _ ask: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.buffer, ask, err, .changing(handle, .domain)) {
        guard let asked = try Ask(domain(handle), parts: Int(parts)) else { return try Bytes.of("") }
        return try secretBytes(asked)
    }
}

@_cdecl("flip_domain_answer")
public func flip_domain_answer(_ handle: OpaquePointer?, _ sums: OpaquePointer?, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .domain)) {
        try using(.changing(sums, .sums)) { try domain(handle).answer(partSums(sums).sums) }
    }
}

@_cdecl("flip_domain_finish")
public func flip_domain_finish(_ handle: OpaquePointer?, _ out: HandleOut, _ report: HandleOut, _ err: ErrorOut)
    -> flip_status {
    report?.pointee = nil
    var found: JSON = .null
    let status = create(.schema, out, err, .reading(handle, .domain)) {
        guard let released = try domain(handle).released else {
            throw Failure(.state, "the domain is not released yet: ask for sums, and answer")
        }
        found = released.report
        return SchemaBox(released.schema)
    }
    guard status == 0, report != nil else { return status }
    return giveObject(report, err) { found }
}

@_cdecl("flip_domain_free")
public func flip_domain_free(_ domain: OpaquePointer?) { free(domain, .domain) }
