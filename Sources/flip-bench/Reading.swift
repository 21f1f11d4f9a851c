// Reading of an HDF5 file by FileFormat, timed: its structure, with every check that is made of it, and its elements.

import Basics
import FileFormat
import Glibc

/// What was read, and how long it took.
struct ReadingTime {
    var bytes = 0, objects = 0
    /// Headers, groups, attributes, indexes of chunks: all that is checked before an element is used.
    var structure = 0.0
    /// The elements, block by block, chunks unpacked.
    var elements = 0.0
}

/// Reads every data set of the file at `path` once.
/// - Throws: `Failure`, `BrokenRule`.
func readEverything(_ path: String) throws -> ReadingTime {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.io, "\(path): cannot open") }
    defer { close(descriptor) }
    var time = ReadingTime(), start = monotonicSeconds()
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let file = try FormatFile(ByteSource(descriptor: descriptor, base: 0, size: size, path: path))
    var waiting = [file.root]
    let block = 1 << 17
    while let address = waiting.popLast() {
        let object = try file.object(address)
        time.objects += 1
        switch object.kind {
        case .group:
            for link in try object.links() {
                if case .object(let address) = link.target { waiting.append(address) }
            }
        case .dataSet:
            let data = try object.data(), count = data.count ?? 0
            _ = try data.storedBytes()
            let target = try Buffer<UInt8>(count: max(1, min(block, count) * data.elementSize), for: "a block")
            time.structure += monotonicSeconds() - start
            start = monotonicSeconds()
            for first in stride(from: 0, to: count, by: block) {
                try data.read(first, min(block, count - first), into: target.base)
            }
            time.elements += monotonicSeconds() - start
            time.bytes += count * data.elementSize
            start = monotonicSeconds()
        case .other: break
        }
    }
    time.structure += monotonicSeconds() - start
    return time
}
