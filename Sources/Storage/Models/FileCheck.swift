// Says what a file is without using it, for people who were handed one.

import Basics

/// What the file at `path` is: an object with `kind` ("flip-model", "flip-checkpoint", "unknown"), and as far as known
/// `format_version`, `min_reader`, `writer`, `digest` ("verified", "mismatch", "missing"), `sha256` (of the content),
/// `usable`, and `problem`, the sentence that loading it would fail with.
/// - Throws: `.io` when it cannot be read. A file that is damaged or of another kind is a result, not an error.
package func checkFile(_ path: String, limits: Limits = Limits()) throws -> JSON {
    let (bytes, count) = try ModelFile.load(path, limits)
    var result = JSONObject([("kind", .string("unknown")), ("usable", .bool(false))])
    do {
        let root = try withExtendedLifetime(bytes) {
            try ModelFile.open(UnsafeRawBufferPointer(start: bytes.base, count: count), path, limits)
        }
        let cover = try Cover(root, path)
        result["kind"] = .string(cover.kind.rawValue)
        result["format_version"] = .string(cover.version.text)
        result["min_reader"] = .string(cover.minimumReader.text)
        result["writer"] = .string(cover.writer)
        try cover.checkVersion(path)
        let digest = try ContentDigest.of(root)
        result["sha256"] = .string(digest)
        result["digest"] = .string(cover.digest.isEmpty ? "missing" : cover.digest == digest ? "verified" : "mismatch")
        guard cover.digest == digest else {
            throw Failure(.format, "\(path): damaged: its digest does not match its content")
        }
        result["usable"] = .bool(true)
    } catch let failure as Failure where failure.code == .format || failure.code == .version {
        result["problem"] = .string(failure.message)
    }
    return .object(result)
}
