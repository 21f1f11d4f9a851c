// flip_schema.

import Basics
import CFlip
import Tables

final class SchemaBox {
    let schema: Schema
    init(_ schema: Schema) { self.schema = schema }
}

func schema(_ pointer: OpaquePointer?) throws -> Schema { try object(pointer, .schema, as: SchemaBox.self).schema }

@_cdecl("flip_schema_parse")
public func flip_schema_parse(_ json: UnsafePointer<CChar>?, _ size: Int, _ out: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.schema, out, err) {
        let json = try pointer(json, "json")
        guard size >= 0, size <= longText else {
            throw Failure(.argument, "size: a schema has at most \(longText) bytes")
        }
        return try SchemaBox(Schema(json: text(UnsafeRawPointer(json), size, "json")))
    }
}

@_cdecl("flip_schema_json")
public func flip_schema_json(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.buffer, json, err) { try Bytes.of(schema(handle).json) }
}

@_cdecl("flip_schema_free")
public func flip_schema_free(_ schema: OpaquePointer?) { free(schema, .schema) }
