// flip_table from and to Arrow streams.

import Basics
import CFlip
import Tables

@_cdecl("flip_table_import")
public func flip_table_import(_ schemaHandle: OpaquePointer?, _ stream: UnsafeMutablePointer<ArrowArrayStream>?,
                              _ config: UnsafePointer<CChar>?,
                              _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut, _ err: ErrorOut)
                                  -> flip_status {
    // First of all: the stream is ours, and released whatever happens next.
    let taken = stream.map { ArrowStream(taking: UnsafeMutableRawPointer($0)) }
    return create(.table, out, err) {
        let stream = try pointer(taken, "stream")
        let r = try JSONReader(configuration(config), context: "arrow")
        let options = try ArrowOptions(r)
        try r.finish()
        return try importArrow(stream, schema(schemaHandle), options,
                               progress: Reporter(callback, user, "reading").report)
    }
}

@_cdecl("flip_table_export")
public func flip_table_export(_ handle: OpaquePointer?, _ out: UnsafeMutablePointer<ArrowArrayStream>?, _ err: ErrorOut)
    -> flip_status {
    out?.pointee.release = nil
    return attempt(err, .reading(handle, .table)) {
        try exportArrow(complete(handle), to: UnsafeMutableRawPointer(pointer(out, "out")))
    }
}
