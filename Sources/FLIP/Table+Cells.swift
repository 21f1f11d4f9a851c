// Cells of a flip_table, a column at a time: in from a host's arrays, out into them.

import Basics
import CFlip
import Glibc
import Tables

@_cdecl("flip_table_set_float64")
public func flip_table_set_float64(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?,
                                   _ x: UnsafePointer<Double>?,
                                   _ valid: UnsafePointer<UInt8>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .table)) {
        try table(handle).setFloat64(text(field, "field"), pointer(x, "x"), valid: valid)
    }
}

@_cdecl("flip_table_set_int64")
public func flip_table_set_int64(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ x: UnsafePointer<Int64>?,
                                 _ valid: UnsafePointer<UInt8>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .table)) {
        try table(handle).setInt64(text(field, "field"), pointer(x, "x"), valid: valid)
    }
}

@_cdecl("flip_table_set_codes")
public func flip_table_set_codes(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?,
                                 _ codes: UnsafePointer<Int32>?,
                                 _ levels: UnsafePointer<UnsafePointer<CChar>?>?, _ levelCount: Int32, _ err: ErrorOut)
                                     -> flip_status {
    attempt(err, .changing(handle, .table)) {
        let table = try table(handle), name = try text(field, "field"), codes = try pointer(codes, "codes")
        guard levelCount >= 0 else { throw Failure(.argument, "n_levels: must be 0 or more") }
        if levelCount > 0 {
            let levels = try pointer(levels, "levels")
            for i in 0..<Int(levelCount) { _ = try text(levels[i], "levels") }
        }
        try table.setCodes(name, codes, levelCount: Int(levelCount)) { i in
            // Checked above: within the count and not NULL.
            let level = levels.flatMap { $0[i] }
            return UnsafeBufferPointer(start: level.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) },
                                       count: level.map { strlen($0) } ?? 0)
        }
    }
}

@_cdecl("flip_table_set_strings")
public func flip_table_set_strings(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?,
                                   _ bytes: UnsafePointer<CChar>?,
                                   _ offsets: UnsafePointer<Int64>?, _ valid: UnsafePointer<UInt8>?, _ err: ErrorOut)
                                       -> flip_status {
    attempt(err, .changing(handle, .table)) {
        try table(handle).setStrings(text(field, "field"),
                                     bytes: bytes.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) },
                                     offsets: pointer(offsets, "offsets"), valid: valid)
    }
}

@_cdecl("flip_table_get_float64")
public func flip_table_get_float64(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ first: Int64,
                                   _ count: Int64,
                                   _ x: UnsafeMutablePointer<Double>?, _ valid: UnsafeMutablePointer<UInt8>?,
                                       _ err: ErrorOut) -> flip_status {
    attempt(err, .reading(handle, .table)) {
        let table = try complete(handle), rows = try range(first, count, of: table.rows)
        try table.getFloat64(text(field, "field"), first: rows.lowerBound, count: rows.count, pointer(x, "x"),
                             valid: valid)
    }
}

@_cdecl("flip_table_get_int64")
public func flip_table_get_int64(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ first: Int64,
                                 _ count: Int64,
                                 _ x: UnsafeMutablePointer<Int64>?, _ valid: UnsafeMutablePointer<UInt8>?,
                                     _ err: ErrorOut) -> flip_status {
    attempt(err, .reading(handle, .table)) {
        let table = try complete(handle), rows = try range(first, count, of: table.rows)
        try table.getInt64(text(field, "field"), first: rows.lowerBound, count: rows.count, pointer(x, "x"),
                           valid: valid)
    }
}

@_cdecl("flip_table_get_reasons")
public func flip_table_get_reasons(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ first: Int64,
                                   _ count: Int64, _ reasons: UnsafeMutablePointer<Int32>?, _ err: ErrorOut)
                                       -> flip_status {
    attempt(err, .reading(handle, .table)) {
        let table = try complete(handle), rows = try range(first, count, of: table.rows)
        try table.getReasons(text(field, "field"), first: rows.lowerBound, count: rows.count,
                             pointer(reasons, "reasons"))
    }
}

@_cdecl("flip_table_get_codes")
public func flip_table_get_codes(_ handle: OpaquePointer?, _ field: UnsafePointer<CChar>?, _ first: Int64,
                                 _ count: Int64,
                                 _ codes: UnsafeMutablePointer<Int32>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .reading(handle, .table)) {
        let table = try complete(handle), rows = try range(first, count, of: table.rows)
        try table.getCodes(text(field, "field"), first: rows.lowerBound, count: rows.count, pointer(codes, "codes"))
    }
}
