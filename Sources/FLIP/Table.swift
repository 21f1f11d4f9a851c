// flip_table as a whole: files, schema, rows. Cells are in Table+Cells.swift.

import Basics
import CFlip
import Storage
import Tables

func table(_ pointer: OpaquePointer?) throws -> Table { try object(pointer, .table, as: Table.self) }

/// A table that may be read.
func complete(_ pointer: OpaquePointer?) throws -> Table {
    let table = try table(pointer)
    try table.requireComplete()
    return table
}

func csvOptions(_ config: UnsafePointer<CChar>?) throws -> CSVOptions {
    let r = try JSONReader(configuration(config), context: "csv")
    let options = try CSVOptions(r)
    try r.finish()
    return options
}

@_cdecl("flip_table_read_csv")
public func flip_table_read_csv(_ schemaHandle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                _ config: UnsafePointer<CChar>?,
                                _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut,
                                    _ err: ErrorOut) -> flip_status {
    create(.table, out, err) {
        try readCSV(text(path, "path"), schema(schemaHandle), csvOptions(config),
                    progress: Reporter(callback, user, "reading").report)
    }
}

@_cdecl("flip_table_write_csv")
public func flip_table_write_csv(_ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                 _ config: UnsafePointer<CChar>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .reading(handle, .table)) { try writeCSV(complete(handle), text(path, "path"), csvOptions(config)) }
}

@_cdecl("flip_table_read_hdf5")
public func flip_table_read_hdf5(_ schemaHandle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                 _ groupName: UnsafePointer<CChar>?,
                                 _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.table, out, err) {
        try readTable(text(path, "path"), group: optionalText(groupName, "group"),
                      schema: schemaHandle.map { try schema($0) })
    }
}

/// Whether a configuration that holds "invalid" alone says "coerce".
func coerces(_ config: UnsafePointer<CChar>?) throws -> Bool {
    try CellOptions(configuration(config)).invalid == .coerce
}

@_cdecl("flip_table_read_hdf5_with")
public func flip_table_read_hdf5_with(_ schemaHandle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                      _ groupName: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?,
                                      _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.table, out, err) {
        try readTable(text(path, "path"), group: optionalText(groupName, "group"),
                      schema: schemaHandle.map { try schema($0) }, coerces: coerces(config))
    }
}

@_cdecl("flip_table_write_hdf5")
public func flip_table_write_hdf5(_ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                  _ groupName: UnsafePointer<CChar>?,
                                  _ err: ErrorOut) -> flip_status {
    attempt(err, .reading(handle, .table)) {
        try writeTable(complete(handle), to: text(path, "path"), group: optionalText(groupName, "group") ?? "/data")
    }
}

@_cdecl("flip_table_convert")
public func flip_table_convert(_ schemaHandle: OpaquePointer?, _ from: UnsafePointer<CChar>?,
                               _ to: UnsafePointer<CChar>?,
                               _ config: UnsafePointer<CChar>?, _ callback: Callback, _ user: UnsafeMutableRawPointer?,
                               _ err: ErrorOut) -> flip_status {
    attempt(err) {
        try convertTable(from: text(from, "from"), to: text(to, "to"), schema: schemaHandle.map { try schema($0) },
                         options: csvOptions(config), progress: Reporter(callback, user, "reading").report)
    }
}

@_cdecl("flip_table_convert_group")
public func flip_table_convert_group(_ schemaHandle: OpaquePointer?, _ from: UnsafePointer<CChar>?,
                                     _ fromGroup: UnsafePointer<CChar>?, _ to: UnsafePointer<CChar>?,
                                     _ toGroup: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?,
                                     _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ report: HandleOut,
                                     _ err: ErrorOut) -> flip_status {
    report?.pointee = nil
    return attempt(err) {
        let read = try convertTable(from: text(from, "from"), group: optionalText(fromGroup, "from_group"),
                                    to: text(to, "to"), targetGroup: optionalText(toGroup, "to_group"),
                                    schema: schemaHandle.map { try schema($0) }, options: csvOptions(config),
                                    progress: Reporter(callback, user, "reading").report)
        let told = JSON.members([("rows", .int(Int64(read.rows))), ("replaced", read.replaced.json),
                                 ("dropped", .int(Int64(read.replaced.dropped)))]).versioned
        if let report { report.pointee = try handle(.buffer, Bytes.of(told.text)) }
    }
}

@_cdecl("flip_table_replaced")
public func flip_table_replaced(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err, .reading(handle, .table)) {
        let table = try table(handle)
        return .members([("rows", .int(Int64(table.rows))), ("replaced", table.replaced.json),
                         ("dropped", .int(Int64(table.dropped)))])
    }
}

@_cdecl("flip_table_create")
public func flip_table_create(_ schemaHandle: OpaquePointer?, _ rows: Int64, _ out: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.table, out, err) { try Table(schema: schema(schemaHandle), rows: Int(rows)) }
}

@_cdecl("flip_table_create_with")
public func flip_table_create_with(_ schemaHandle: OpaquePointer?, _ rows: Int64, _ config: UnsafePointer<CChar>?,
                                   _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.table, out, err) { try Table(schema: schema(schemaHandle), rows: Int(rows), coerces: coerces(config)) }
}

@_cdecl("flip_table_bound_persons")
public func flip_table_bound_persons(_ handle: OpaquePointer?, _ person: UnsafePointer<Int64>?, _ most: Int64,
                                     _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.table, out, err, .reading(handle, .table)) {
        try complete(handle).bounded(persons: pointer(person, "person"), maxRows: Int(most))
    }
}

@_cdecl("flip_table_max_rows_per_person")
public func flip_table_max_rows_per_person(_ handle: OpaquePointer?) -> Int64 {
    (try? table(handle)).map { Int64($0.rowsPerPerson) } ?? 0
}

@_cdecl("flip_table_schema")
public func flip_table_schema(_ handle: OpaquePointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.schema, out, err) { try SchemaBox(table(handle).schema) }
}

@_cdecl("flip_table_rows")
public func flip_table_rows(_ handle: OpaquePointer?) -> Int64 { (try? table(handle)).map { Int64($0.rows) } ?? 0 }

@_cdecl("flip_table_free")
public func flip_table_free(_ table: OpaquePointer?) { free(table, .table) }
