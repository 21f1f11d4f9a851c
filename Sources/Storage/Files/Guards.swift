// Says what a data set in a file must be before one byte of it is read.
// FileFormat checks the format's own rules. These are ours, for files that keep them: such files can name other files
// (external links, external storage, virtual data sets), ask for code (filter plugins), and declare more than any
// memory holds. Each was tried; the tests are in HostileFileTests.swift.
//
// - Names: one component, hard links only. No path out of a file is ever resolved.
// - Layout: external storage and virtual data sets are refused (FileFormat). Models hold contiguous and compact data
//   only, so that no
//   filter runs and nothing can be blown up.
// - Filters: shuffle, deflate and Fletcher-32 only.
// - Sizes: what is declared must be stored. Deflate cannot pack better than 1032 : 1 (zlib's technical details), so a
//   larger ratio
//   of declared to stored bytes means data that is not there.
// - Types: see ElementType.

import Basics
import FileFormat

struct Guards {
    let file: FileReader

    /// The type of the elements of `data`.
    func examine(_ data: StoredData, _ path: String) throws -> ElementType {
        guard data.kind != .chunked || file.kind == .dataSet else {
            throw file.failure(path, "a storage layout that is not supported")
        }
        let type = try self.type(data.type, path)
        try checkSize(data, path, type)
        if let elements = data.chunkElements {
            guard elements > 0, elements <= file.limits.chunkBytes / type.memorySize else { throw chunksTooLarge(path) }
        } else if data.kind == .chunked {
            throw chunksTooLarge(path)
        }
        return type
    }

    func type(_ type: DataType, _ path: String) throws -> ElementType {
        let element: ElementType
        switch ElementType.of(type) {
        case .success(let known): element = known
        case .failure(let unknown): throw file.failure(path, unknown.rule)
        }
        if file.kind == .model, element.isVariableText {
            throw file.failure(path, "text of variable length, which model files do not hold")
        }
        if file.kind == .model, element.isForeign {
            throw file.failure(path, "a data type that model files do not hold")
        }
        return element
    }

    private func checkSize(_ data: StoredData, _ path: String, _ type: ElementType) throws {
        let declared = elementCount(data.shape).map { $0.multipliedReportingOverflow(by: type.memorySize) }
        guard let declared, !declared.overflow, declared.partialValue <= file.limits.elementBytes else {
            throw file.failure(path, "larger than this reader allows")
        }
        let bytes = declared.partialValue
        // What is not written counts as its fill value, up to a size that costs nobody anything.
        guard file.kind == .model || bytes > 4 << 20 else { return }
        let stored = try file.reading(path) { try data.storedBytes() }
        let isEnough = data.kind == .chunked ? bytes / 1100 <= stored : bytes <= stored
        guard isEnough else { throw file.failure(path, "declares more data than the file holds") }
    }

    private func chunksTooLarge(_ path: String) -> Failure {
        file.failure(path, "chunks larger than \(file.limits.chunkBytes >> 20) MiB")
    }
}
