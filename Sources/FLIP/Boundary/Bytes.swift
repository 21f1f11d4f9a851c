// flip_buffer: immutable bytes or text of the library, in memory of their own, with a NUL behind the last one.

import Basics
import Glibc

final class Bytes {
    let memory: Buffer<UInt8>
    var count: Int { memory.count - 1 }
    private var isSecret = false

    /// A copy of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        guard bytes.count < Int.max else { throw Failure(.noMemory, "not enough memory for a flip_buffer") }
        memory = try Buffer(count: bytes.count + 1, for: "a flip_buffer")
        if let base = bytes.baseAddress { memcpy(memory.base, base, bytes.count) }
    }

    /// `count` bytes as secret as rows, written by `body`: they are wiped when the buffer is freed.
    init(secret count: Int, _ body: (UnsafeMutableRawPointer) throws -> Void) throws {
        guard count < Int.max else { throw Failure(.noMemory, "not enough memory for a flip_buffer") }
        memory = try Buffer(count: count + 1, for: "a flip_buffer")
        isSecret = true
        try body(UnsafeMutableRawPointer(memory.base))
    }

    deinit { if isSecret { explicit_bzero(memory.base, memory.count) } }

    /// The UTF-8 bytes of `text`.
    static func of(_ text: String) throws -> Bytes {
        var text = text
        return try text.withUTF8 { try Bytes(UnsafeRawBufferPointer($0)) }
    }
}

@_cdecl("flip_buffer_data")
public func flip_buffer_data(_ buffer: OpaquePointer?) -> UnsafePointer<CChar>? {
    guard let bytes = try? object(buffer, .buffer, as: Bytes.self) else { return nil }
    return UnsafeRawPointer(bytes.memory.base).assumingMemoryBound(to: CChar.self)
}

@_cdecl("flip_buffer_size")
public func flip_buffer_size(_ buffer: OpaquePointer?) -> Int {
    (try? object(buffer, .buffer, as: Bytes.self).count) ?? 0
}

@_cdecl("flip_buffer_free")
public func flip_buffer_free(_ buffer: OpaquePointer?) { free(buffer, .buffer) }
