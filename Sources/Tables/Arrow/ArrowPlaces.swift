// Which child of a stream's batches is which column: columns are found by name.

import Basics
import CArrow
import Glibc

struct ArrowPlaces {
    private let names: [String], places: [Int], childCount: Int
    private static let maxColumns = 65_536

    /// - Parameter names: the columns that are wanted.
    /// - Throws: `.schema` for columns that are missing, there twice or not wanted; `.format` for a schema that is
    ///   none.
    init(_ root: ArrowSchema, _ names: [String], refusesExtra: Bool) throws {
        guard let format = root.format, strncmp(format, "+s", 3) == 0, root.dictionary == nil else {
            throw Failure(.schema, "the Arrow stream does not hold tables (its type is no struct)")
        }
        guard root.n_children >= 0, root.n_children <= Self.maxColumns,
              root.n_children == 0 || root.children != nil else {
            throw Failure(.format, "the Arrow stream's schema has a wrong number of columns")
        }
        childCount = Int(root.n_children)
        let places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        var found = [Int](repeating: -1, count: names.count)
        var extra: [String] = []
        for i in 0..<childCount {
            guard let child = root.children[i], child.pointee.release != nil else {
                throw Failure(.format, "the Arrow stream's schema lacks column \(i + 1)")
            }
            let name = try Self.name(child.pointee, i)
            if let j = places[name] {
                guard found[j] < 0 else { throw Failure(.schema, "the Arrow stream has two columns \(quoted(name))") }
                found[j] = i
            } else {
                extra.append(quoted(name))
            }
        }
        if let lack = Self.list(found.indices.filter { found[$0] < 0 }.map { quoted(names[$0]) }) {
            throw Failure(.schema, "the Arrow stream lacks \(lack)")
        }
        if refusesExtra, let strangers = Self.list(extra) {
            throw Failure(.schema, "the Arrow stream has \(strangers), not in the schema; \(CSVOptions.extraHint)")
        }
        (self.names, self.places) = (names, found)
    }

    /// The schema of column j, which was there and not released.
    func child(of root: ArrowSchema, _ j: Int) throws -> ArrowSchema {
        guard let child = root.children?[places[j]] else { throw Failure(.internal, "a column was lost") }
        return child.pointee
    }

    /// The cells of column j of a batch that was checked.
    func child(of batch: ArrowArray, _ j: Int) throws -> UnsafePointer<ArrowArray> {
        guard let child = batch.children?[places[j]] else { throw brokenArray(names[j], "is not there") }
        return UnsafePointer(child)
    }

    /// Where a batch's rows begin in its children, and how many there are.
    /// - Throws: `.format`, `.schema` for a batch that breaks the interface or has rows that are missing as a whole.
    func check(_ batch: ArrowArray) throws -> (first: Int, count: Int) {
        guard batch.length >= 0, batch.offset >= 0, batch.length <= Int64.max / 64 - batch.offset else {
            throw Failure(.format, "an Arrow batch has a negative or impossible length")
        }
        guard batch.n_children == childCount, childCount == 0 || batch.children != nil, batch.dictionary == nil else {
            throw Failure(.format, "an Arrow batch has other columns than its schema")
        }
        if batch.length > 0 { try checkNoRowIsMissing(batch) }
        return (Int(batch.offset), Int(batch.length))
    }

    private static func name(_ schema: ArrowSchema, _ place: Int) throws -> String {
        guard let p = schema.name else { return "" }
        let bytes = UnsafeRawBufferPointer(start: p, count: strnlen(p, 65_537))
        guard bytes.count <= 65_536, let name = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.format, "the Arrow stream's column \(place + 1): its name is too long or not UTF-8")
        }
        return name
    }

    private static func list(_ names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        let list = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
        return (names.count == 1 ? "the column " : "the columns ") + list
    }

    /// A struct array may mark whole rows as missing; a table has no such rows.
    private func checkNoRowIsMissing(_ batch: ArrowArray) throws {
        guard batch.n_buffers == 1, let buffers = batch.buffers else {
            guard batch.n_buffers == 0 else { throw Failure(.format, "an Arrow batch has a wrong number of buffers") }
            return
        }
        guard let valid = buffers[0] else {
            guard batch.null_count <= 0 else {
                throw Failure(.format, "an Arrow batch counts missing rows and has no validity buffer")
            }
            return
        }
        for k in Int(batch.offset)..<Int(batch.offset + batch.length)
        where valid.load(fromByteOffset: k >> 3, as: UInt8.self) >> UInt8(k & 7) & 1 == 0 {
            throw Failure(.schema, "an Arrow batch has rows that are missing as a whole")
        }
    }
}
