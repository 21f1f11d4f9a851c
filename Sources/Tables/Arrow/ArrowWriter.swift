// Writes a table, or tables of one schema that are made as they are asked for, as an Arrow stream, batch after batch.
// Text levels become dictionaries; levels of other types, numbers, days and moments become values. The stream keeps its
// source alive and each batch owns its memory: all may outlive the handles they came from.

import Basics
import CArrow
import Glibc

/// Rows of a batch.
private let batchRows = 1 << 16

/// Fills a `struct ArrowArrayStream` with a stream of the table's rows in the schema's order.
/// - Throws: `.state` for a table with a column that was never set, `.noMemory`.
package func exportArrow(_ table: Table, to out: UnsafeMutableRawPointer) throws {
    try table.requireComplete()
    var isGiven = false
    try exportArrow(table.schema, to: out) {
        defer { isGiven = true }
        return isGiven ? nil : table
    }
}

/// Fills a `struct ArrowArrayStream` with the rows of tables that are made when the reader has taken those before.
/// - Parameter next: the next table, complete and of this schema; nil after the last. What it throws is the stream's
///   error, and asked again it may go on.
/// - Throws: `.noMemory`.
package func exportArrow(_ schema: Schema, to out: UnsafeMutableRawPointer, next: @escaping () throws -> Table?)
    throws {
    let export = try ArrowExport(schema, next)
    out.assumingMemoryBound(to: ArrowArrayStream.self).initialize(to: ArrowArrayStream(
        get_schema: { stream, out in ArrowExport.answer(stream, out) { try $0.schema($1) } },
        get_next: { stream, out in ArrowExport.answer(stream, out) { try $0.next($1) } },
        get_last_error: { stream in ArrowExport.of(stream)?.problem.flatMap { UnsafePointer($0.base) } },
        release: { stream in
            guard let stream, let data = stream.pointee.private_data else { return }
            stream.pointee.private_data = nil
            stream.pointee.release = nil
            Unmanaged<ArrowExport>.fromOpaque(data).release()
        },
        private_data: Unmanaged.passRetained(export).toOpaque()))
}

/// What stands behind the stream.
private final class ArrowExport {
    private let source: () throws -> Table?
    /// Of the schema: they write no rows.
    private let shape: [ArrowColumnWriter]
    private var table: Table?
    private var columns: [ArrowColumnWriter] = []
    private var row = 0
    /// What went wrong in the last call, as C text.
    private(set) var problem: Buffer<CChar>?

    init(_ schema: Schema, _ source: @escaping () throws -> Table?) throws {
        self.source = source
        shape = try Table(schema: schema, rows: 1).columns.map { try ArrowColumnWriter($0) }
    }

    static func of(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) -> ArrowExport? {
        stream?.pointee.private_data.map { Unmanaged<ArrowExport>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Runs a callback: `out` holds what `body` made, or is marked as released; the result is 0 or an errno.
    static func answer<T>(_ stream: UnsafeMutablePointer<ArrowArrayStream>?, _ out: UnsafeMutablePointer<T>?,
                          _ body: (ArrowExport, UnsafeMutablePointer<T>) throws -> Void) -> Int32 {
        guard let export = of(stream), let out else { return EINVAL }
        memset(out, 0, MemoryLayout<T>.size)
        do {
            try body(export, out)
            export.problem = nil
            return 0
        } catch {
            let failure = error as? Failure
            let text = Array((failure?.message ?? "an error of an unknown kind").utf8)
            export.problem = try? Buffer<CChar>(count: text.count + 1)
            for (i, byte) in text.enumerated() where byte != 0 { export.problem?[i] = CChar(bitPattern: byte) }
            return failure?.code == .noMemory ? ENOMEM : EINVAL
        }
    }

    func schema(_ out: UnsafeMutablePointer<ArrowSchema>) throws {
        do {
            try fillSchema(out, format: "+s", name: "", nullable: false, children: shape.count)
            for (i, column) in shape.enumerated() { try column.schema(out.pointee.children[i]!) }
        } catch {
            out.pointee.release?(out)
            throw error
        }
    }

    /// The next batch; one that is marked as released at the end.
    func next(_ out: UnsafeMutablePointer<ArrowArray>) throws {
        while row >= table?.rows ?? 0 {
            guard let following = try source() else {
                (table, columns) = (nil, [])
                row = 0
                return
            }
            columns = try following.columns.map { try ArrowColumnWriter($0) }
            (table, row) = (following, 0)
        }
        guard let table else { return }
        try table.requireComplete()
        let count = min(batchRows, table.rows - row)
        do {
            try fillArray(out, length: count, buffers: 1, children: columns.count)
            for (i, column) in columns.enumerated() { try column.array(out.pointee.children[i]!, row, count) }
        } catch {
            out.pointee.release?(out)
            throw error
        }
        row += count
    }
}

/// How one column is written.
private struct ArrowColumnWriter {
    private enum Form { case code, bit, whole, day, real }
    private let column: Column
    private let form: Form
    private let format: StaticString
    /// The values of levels that are not text, as bits of an Int64 or a Double.
    private let levels: Buffer<UInt64>?
    /// The values of reasons, likewise; nil for one that is no value of the type.
    private let reasons: [UInt64?]

    init(_ column: Column) throws {
        self.column = column
        switch column.field.type {
        case .string: (form, format) = (.code, "i")
        case .boolean: (form, format) = (.bit, "b")
        case .integer: (form, format) = (.whole, "l")
        case .number: (form, format) = (.real, "g")
        case .date: (form, format) = (.day, "tdD")
        case .datetime: (form, format) = (.whole, "tsu:UTC")
        }
        reasons = column.field.reasonValues
        let values = column.domain.values
        let isTyped = column.domain.tag == .typedLevels
        levels = try isTyped ? Buffer(count: column.field.levels?.count ?? 0, for: "the levels of a column") : nil
        for (i, level) in (column.field.levels ?? []).enumerated() where levels != nil {
            // The schema has checked that each is a value.
            levels?[i] = withText(level) { values?.key($0, $1) } ?? 0
        }
    }

    func schema(_ out: UnsafeMutablePointer<ArrowSchema>) throws {
        let field = column.field
        let nullable = !field.required || reasons.contains { $0 == nil }
        try fillSchema(out, format: format, name: field.name, nullable: nullable, dictionary: form == .code)
        if form == .code { try fillSchema(out.pointee.dictionary, format: "u", name: "", nullable: false) }
    }

    /// Rows `first ..< first + count` as an array of their own.
    func array(_ out: UnsafeMutablePointer<ArrowArray>, _ first: Int, _ count: Int) throws {
        try fillArray(out, length: count, buffers: 2, dictionary: form == .code)
        let width = form == .bit ? 0 : form == .code || form == .day ? 4 : 8
        let data = try block(width == 0 ? (count + 7) / 8 : count * width)
        out.pointee.buffers[1] = UnsafeRawPointer(data)
        var missing = 0
        func each(_ put: (Int, Int64) -> Void) {
            let base = column.base, storage = column.storage
            let reasonBase = column.hasReasons ? column.domain.reasonBase : .max
            for i in 0..<count {
                let k = Column.offset(base, storage, first &+ i)
                if k >= 0, k < reasonBase { put(i, k) } else if !putReason(i) { missing &+= 1 }
            }
        }
        /// Writes the value of the reason why a cell is missing; false where it has none.
        func putReason(_ i: Int) -> Bool {
            guard let bits = reason(first &+ i) else { return false }
            if form == .day {
                data.storeBytes(of: Int32(truncatingIfNeeded: Int64(bitPattern: bits)), toByteOffset: i * 4,
                                as: Int32.self)
            } else {
                data.storeBytes(of: bits, toByteOffset: i * 8, as: UInt64.self)
            }
            return true
        }
        let origin = column.domain.origin, step = column.domain.step
        switch form {
        case .code: each { data.storeBytes(of: Int32(truncatingIfNeeded: $1), toByteOffset: $0 * 4, as: Int32.self) }
        case .bit: each { if $1 == 1 { data.setBit($0) } }
        case .whole where levels == nil:
            each { data.storeBytes(of: origin &+ $1 &* step, toByteOffset: $0 * 8, as: Int64.self) }
        case .day where levels == nil:
            each { data.storeBytes(of: Int32(truncatingIfNeeded: origin &+ $1), toByteOffset: $0 * 4, as: Int32.self) }
        case .day:
            each { data.storeBytes(of: Int32(truncatingIfNeeded: level($1)), toByteOffset: $0 * 4, as: Int32.self) }
        case .real where levels == nil:
            for i in 0..<count {
                let v = column.double(first + i)
                if !v.isNaN { data.storeBytes(of: v, toByteOffset: i * 8, as: Double.self) }
                else if !putReason(i) { missing += 1 }
            }
        case .whole, .real: each { data.storeBytes(of: level($1), toByteOffset: $0 * 8, as: UInt64.self) }
        }
        if missing > 0 {
            let valid = try block((count + 7) / 8)
            for i in 0..<count where !column.isMissing(first + i) || reason(first + i) != nil { valid.setBit(i) }
            out.pointee.buffers[0] = UnsafeRawPointer(valid)
            out.pointee.null_count = Int64(missing)
        }
        if form == .code { try dictionary(out.pointee.dictionary) }
    }

    /// The value of the reason why a cell is missing; nil where there is none, or where it is no value of the type.
    private func reason(_ row: Int) -> UInt64? { column.reason(row).flatMap { reasons[$0] } }

    private func level(_ offset: Int64) -> UInt64 { levels.map { Int(offset) < $0.count ? $0[Int(offset)] : 0 } ?? 0 }

    private func dictionary(_ out: UnsafeMutablePointer<ArrowArray>) throws {
        let texts = column.field.levels ?? []
        try fillArray(out, length: texts.count, buffers: 3)
        let offsets = try block((texts.count + 1) * 4)
        out.pointee.buffers[1] = UnsafeRawPointer(offsets)
        let size = texts.reduce(0) { $0 + $1.utf8.count }
        guard size <= Int32.max else {
            throw Failure(.unsupported, "column \(quoted(column.field.name)): its levels are too long for Arrow")
        }
        let bytes = try block(size)
        out.pointee.buffers[2] = UnsafeRawPointer(bytes)
        var at = 0
        for (i, text) in texts.enumerated() {
            for byte in text.utf8 {
                bytes.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
                at += 1
            }
            offsets.storeBytes(of: Int32(truncatingIfNeeded: at), toByteOffset: (i + 1) * 4, as: Int32.self)
        }
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func setBit(_ i: Int) {
        let byte = load(fromByteOffset: i >> 3, as: UInt8.self)
        storeBytes(of: byte | 1 << UInt8(i & 7), toByteOffset: i >> 3, as: UInt8.self)
    }
}

// MARK: memory of the structs, all of it by `block`, so that one release serves every array and one every schema

/// Zeroed memory, 64-byte aligned as Arrow recommends, in whole blocks of 64 bytes, at least one.
private func block(_ bytes: Int) throws -> UnsafeMutableRawPointer {
    guard let raw = allocateAligned((max(bytes, 1) + 63) & ~63) else {
        throw Failure(.noMemory, "not enough memory for an Arrow array")
    }
    return raw
}

/// A list of `count` pointers to zeroed structs. Nil for none.
private func structs<T>(_ count: Int, _: T.Type) throws -> UnsafeMutablePointer<UnsafeMutablePointer<T>?>? {
    guard count > 0 else { return nil }
    typealias Place = UnsafeMutablePointer<T>?
    let list = try block(count * MemoryLayout<Place>.size).bindMemory(to: Place.self, capacity: count)
    do {
        for i in 0..<count { list[i] = try block(MemoryLayout<T>.size).bindMemory(to: T.self, capacity: 1) }
    } catch {
        for i in 0..<count { freeAligned(list[i]) }
        freeAligned(list)
        throw error
    }
    return list
}

/// Releases and frees the children of a struct, their list, and its dictionary.
private func freeFamily<T>(_ children: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?, _ count: Int64,
                           _ dictionary: UnsafeMutablePointer<T>?,
                           release: (UnsafeMutablePointer<T>) -> Void) {
    for i in 0..<Int(count) {
        guard let child = children?[i] else { continue }
        release(child)
        freeAligned(child)
    }
    freeAligned(children)
    guard let dictionary else { return }
    release(dictionary)
    freeAligned(dictionary)
}

/// A struct whose `release` is set from the start, so that whoever meets an error half-way can release what there is.
private func fillArray(_ out: UnsafeMutablePointer<ArrowArray>, length: Int, buffers: Int, children: Int = 0,
                       dictionary: Bool = false) throws {
    out.pointee.release = { array in
        guard let array, array.pointee.release != nil else { return }
        if let buffers = array.pointee.buffers {
            for i in 0..<Int(array.pointee.n_buffers) { freeAligned(UnsafeMutableRawPointer(mutating: buffers[i])) }
            freeAligned(buffers)
        }
        let a = array.pointee
        freeFamily(a.children, a.n_children, a.dictionary) { $0.pointee.release?($0) }
        array.pointee.release = nil
    }
    out.pointee.length = Int64(length)
    out.pointee.buffers = try block(buffers * 8).bindMemory(to: UnsafeRawPointer?.self, capacity: buffers)
    out.pointee.n_buffers = Int64(buffers)
    out.pointee.children = try structs(children, ArrowArray.self)
    out.pointee.n_children = Int64(children)
    if dictionary {
        out.pointee.dictionary = try block(MemoryLayout<ArrowArray>.size).bindMemory(to: ArrowArray.self, capacity: 1)
    }
}

private func fillSchema(_ out: UnsafeMutablePointer<ArrowSchema>, format: StaticString, name: String, nullable: Bool,
                        children: Int = 0,
                        dictionary: Bool = false) throws {
    out.pointee.release = { schema in
        guard let schema, schema.pointee.release != nil else { return }
        free(UnsafeMutableRawPointer(mutating: schema.pointee.name))
        let s = schema.pointee
        freeFamily(s.children, s.n_children, s.dictionary) { $0.pointee.release?($0) }
        schema.pointee.release = nil
    }
    // Static text, with its NUL.
    out.pointee.format = UnsafeRawPointer(format.utf8Start).assumingMemoryBound(to: CChar.self)
    guard let copy = strdup(name) else { throw Failure(.noMemory, "not enough memory for an Arrow schema") }
    out.pointee.name = UnsafePointer(copy)
    out.pointee.flags = nullable ? Int64(ARROW_FLAG_NULLABLE) : 0
    out.pointee.children = try structs(children, ArrowSchema.self)
    out.pointee.n_children = Int64(children)
    if dictionary {
        out.pointee.dictionary = try block(MemoryLayout<ArrowSchema>.size).bindMemory(to: ArrowSchema.self, capacity: 1)
    }
}
