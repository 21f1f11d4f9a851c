// Schemas beside rows: read off them, and compared with them. Both come before the promise.

import Basics
import CFlip
import Storage
import Tables

private func inferOptions(_ config: UnsafePointer<CChar>?) throws -> InferOptions {
    let r = try JSONReader(configuration(config), context: "infer")
    let options = try InferOptions(r)
    try r.finish()
    return options
}

@_cdecl("flip_schema_infer_csv")
public func flip_schema_infer_csv(_ path: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?, _ callback: Callback,
                                  _ user: UnsafeMutableRawPointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.schema, out, err) {
        try SchemaBox(Schema.inferred(csv: text(path, "path"), inferOptions(config),
                                      progress: Reporter(callback, user, "reading").report))
    }
}

@_cdecl("flip_schema_infer_hdf5")
public func flip_schema_infer_hdf5(_ path: UnsafePointer<CChar>?, _ group: UnsafePointer<CChar>?,
                                   _ config: UnsafePointer<CChar>?,
                                   _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.schema, out, err) {
        try SchemaBox(Schema.inferred(hdf5: text(path, "path"), group: optionalText(group, "group"),
                                      inferOptions(config)))
    }
}

@_cdecl("flip_schema_infer_strings")
public func flip_schema_infer_strings(_ name: UnsafePointer<CChar>?, _ bytes: UnsafePointer<CChar>?,
                                      _ offsets: UnsafePointer<Int64>?,
                                      _ valid: UnsafePointer<UInt8>?, _ count: Int64, _ config: UnsafePointer<CChar>?,
                                          _ out: HandleOut,
                                      _ err: ErrorOut) -> flip_status {
    create(.schema, out, err) {
        let options = try inferOptions(config), guess = try ColumnGuess(text(name, "name"), limit: options.levels)
        let texts = try HostTexts(bytes, offsets, valid, count)
        for i in 0..<texts.count {
            if let cell = texts[i] {
                try options.declared ? guess.declare(cell) : guess.add(cell)
            } else {
                guess.addMissing()
            }
        }
        return try SchemaBox(Schema.inferred([guess], options, ""))
    }
}

@_cdecl("flip_schema_check_csv")
public func flip_schema_check_csv(_ schemaHandle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                  _ config: UnsafePointer<CChar>?, _ callback: Callback,
                                  _ user: UnsafeMutableRawPointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        try SchemaCheck(csv: text(path, "path"), schema(schemaHandle), csvOptions(config),
                        progress: Reporter(callback, user, "reading").report).json
    }
}

@_cdecl("flip_schema_check_hdf5")
public func flip_schema_check_hdf5(_ schemaHandle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
                                   _ group: UnsafePointer<CChar>?, _ callback: Callback,
                                   _ user: UnsafeMutableRawPointer?, _ json: HandleOut, _ err: ErrorOut)
                                       -> flip_status {
    giveObject(json, err) {
        try SchemaCheck(hdf5: text(path, "path"), group: optionalText(group, "group"),
                        schemaHandle.map { try schema($0) },
                        progress: Reporter(callback, user, "reading").report).json
    }
}

@_cdecl("flip_schema_check_strings")
public func flip_schema_check_strings(_ schemaHandle: OpaquePointer?, _ field: UnsafePointer<CChar>?,
                                      _ bytes: UnsafePointer<CChar>?,
                                      _ offsets: UnsafePointer<Int64>?, _ valid: UnsafePointer<UInt8>?, _ count: Int64,
                                          _ json: HandleOut,
                                      _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        let texts = try HostTexts(bytes, offsets, valid, count)
        return try SchemaCheck(schema(schemaHandle), column: text(field, "field"), rows: texts.count) { texts[$0] }.json
    }
}

@_cdecl("flip_schema_check_rules")
public func flip_schema_check_rules(_ schemaHandle: OpaquePointer?, _ fields: UnsafePointer<CChar>?,
                                    _ bytes: UnsafePointer<CChar>?, _ offsets: UnsafePointer<Int64>?,
                                    _ valid: UnsafePointer<UInt8>?, _ rows: Int64, _ json: HandleOut,
                                    _ err: ErrorOut) -> flip_status {
    giveObject(json, err) {
        let list = try JSON.parse(text(fields, "fields")).asArray?.map(\.asString) ?? []
        let names = list.compactMap { $0 }
        guard !names.isEmpty, names.count == list.count, Set(names).count == names.count else {
            throw Failure(.argument, "fields: must be a JSON array of different names")
        }
        let (count, overflow) = rows.multipliedReportingOverflow(by: Int64(names.count))
        guard rows >= 0, !overflow else { throw Failure(.argument, "rows: must be 0 or more") }
        let texts = try HostTexts(bytes, offsets, valid, count), n = Int(rows)
        return try SchemaCheck(rulesOf: schema(schemaHandle), columns: names, rows: n) { texts[$0 * n + $1] }.json
    }
}
