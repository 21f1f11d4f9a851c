// Rows elsewhere: asks of a flip_trainer, and flip_sums, which answer them.

import Basics
import CFlip
import Privacy
import Synthesis
import Tables

func partSums(_ pointer: OpaquePointer?) throws -> PartSums { try object(pointer, .sums, as: PartSums.self) }

private func bytes(_ p: UnsafeRawPointer?, _ size: Int, _ name: StaticString) throws -> UnsafeRawBufferPointer {
    let p = try pointer(p, name)
    guard size >= 0 else { throw Failure(.argument, "size: too large") }
    return UnsafeRawBufferPointer(start: p, count: size)
}

// MARK: the trainer's side

@_cdecl("flip_trainer_create_remote")
public func flip_trainer_create_remote(_ planHandle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                                       _ err: ErrorOut) -> flip_status {
    create(.trainer, out, err) { try planBox(planHandle).trainer(elsewhere: RemoteOptions(configuration(config))) }
}

@_cdecl("flip_trainer_resume_remote")
public func flip_trainer_resume_remote(_ path: UnsafePointer<CChar>?, _ budgetHandle: OpaquePointer?,
                                       _ config: UnsafePointer<CChar>?, _ out: HandleOut,
                                       _ err: ErrorOut) -> flip_status {
    create(.trainer, out, err) {
        try Trainer.resume(text(path, "path"), elsewhere: RemoteOptions(configuration(config)),
                           shared: budgetHandle.map { try budget($0) })
    }
}

@_cdecl("flip_trainer_ask")
public func flip_trainer_ask(_ handle: OpaquePointer?, _ parts: Int64, _ ask: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.buffer, ask, err, .changing(handle, .trainer)) {
        guard let asked = try trainer(handle).ask(parts: Int(parts)) else { return try Bytes.of("") }
        return try secretBytes(asked)
    }
}

/// An ask holds a key: its bytes are wiped when they are freed.
func secretBytes(_ ask: Ask) throws -> Bytes {
    let bytes = try ask.bytes()
    defer { withExtendedLifetime(bytes) {} }
    return try Bytes(secret: bytes.count) { $0.copyMemory(from: bytes.base, byteCount: bytes.count) }
}

@_cdecl("flip_trainer_answer")
public func flip_trainer_answer(_ handle: OpaquePointer?, _ sums: OpaquePointer?,
                                _ progress: UnsafeMutablePointer<flip_progress>?, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .trainer)) {
        try using(.changing(sums, .sums)) {
            try checkSize(progress)
            let state = try trainer(handle).answer(partSums(sums).sums)
            if let progress { write(makeProgress(state), to: progress) }
        }
    }
}

// MARK: the workers' side

@_cdecl("flip_ask_json")
public func flip_ask_json(_ ask: UnsafeRawPointer?, _ size: Int, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try Ask(bytes: bytes(ask, size, "ask")).json() }
}

@_cdecl("flip_sums_create")
public func flip_sums_create(_ ask: UnsafeRawPointer?, _ size: Int, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.sums, out, err) { try PartSums(Ask(bytes: bytes(ask, size, "ask"))) }
}

@_cdecl("flip_sums_add_table")
public func flip_sums_add_table(_ handle: OpaquePointer?, _ part: Int64, _ tableHandle: OpaquePointer?,
                                _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .sums)) {
        try using(.reading(tableHandle, .table)) {
            try partSums(handle).add(complete(tableHandle), part: Int(part))
        }
    }
}

@_cdecl("flip_sums_add_stream")
public func flip_sums_add_stream(_ handle: OpaquePointer?, _ part: Int64,
                                 _ stream: UnsafeMutablePointer<ArrowArrayStream>?, _ config: UnsafePointer<CChar>?,
                                 _ callback: Callback, _ user: UnsafeMutableRawPointer?,
                                 _ err: ErrorOut) -> flip_status {
    // First of all: the stream is ours, and released whatever happens next.
    let taken = stream.map { ArrowStream(taking: UnsafeMutableRawPointer($0)) }
    return attempt(err, .changing(handle, .sums)) {
        let stream = try pointer(taken, "stream")
        let r = try JSONReader(configuration(config), context: "arrow")
        let options = try ArrowOptions(r)
        try r.finish()
        try partSums(handle).add(stream, part: Int(part), options, progress: Reporter(callback, user, "reading").report)
    }
}

@_cdecl("flip_sums_add_csv")
public func flip_sums_add_csv(_ handle: OpaquePointer?, _ part: Int64, _ path: UnsafePointer<CChar>?,
                              _ config: UnsafePointer<CChar>?, _ callback: Callback, _ user: UnsafeMutableRawPointer?,
                              _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(handle, .sums)) {
        try partSums(handle).add(csv: text(path, "path"), part: Int(part), csvOptions(config),
                                 progress: Reporter(callback, user, "reading").report)
    }
}

@_cdecl("flip_sums_export")
public func flip_sums_export(_ handle: OpaquePointer?, _ slice: Int32, _ slices: Int32, _ out: HandleOut,
                             _ err: ErrorOut) -> flip_status {
    create(.buffer, out, err, .reading(handle, .sums)) {
        let sums = try partSums(handle).sums
        return try Bytes(secret: sums.exportSize(Int(slice), of: Int(slices))) {
            sums.export(Int(slice), of: Int(slices), to: $0)
        }
    }
}

@_cdecl("flip_sums_merge")
public func flip_sums_merge(_ handle: OpaquePointer?, _ exported: UnsafeRawPointer?, _ size: Int, _ err: ErrorOut)
    -> flip_status {
    attempt(err, .changing(handle, .sums)) { try partSums(handle).sums.merge(bytes(exported, size, "bytes")) }
}

@_cdecl("flip_sums_words")
public func flip_sums_words(_ handle: OpaquePointer?, _ words: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>?>?,
                            _ count: UnsafeMutablePointer<Int>?, _ err: ErrorOut) -> flip_status {
    words?.pointee = nil
    count?.pointee = 0
    return attempt(err, .changing(handle, .sums)) {
        let words = try pointer(words, "words"), count = try pointer(count, "count")
        let all = try partSums(handle).sums.withWords()
        (words.pointee, count.pointee) = (all.baseAddress, all.count)
    }
}

@_cdecl("flip_sums_free")
public func flip_sums_free(_ sums: OpaquePointer?) { free(sums, .sums) }
