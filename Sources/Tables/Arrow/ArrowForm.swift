// How a column of an Arrow stream holds its cells: plainly, as numbers of a dictionary's entries, or in runs.

import Basics
import CArrow
import Glibc

struct ArrowForm {
    /// Of the cells; with a dictionary, of its entries.
    let type: ArrowType
    /// Of the cells of a dictionary-encoded column: indices into it. Of a run-end encoded one: its run ends.
    let index: ArrowType?
    let isRuns: Bool

    /// - Throws: `.schema` for a type that is not supported, `.format` for a schema that is none.
    init(_ schema: ArrowSchema, _ name: String) throws {
        let column = "column \(quoted(name))"
        guard let format = schema.format else { throw Failure(.format, "\(column): its Arrow schema has no format") }
        let outer = ArrowType(format)
        var type = outer, index: ArrowType?, unsupported = ArrowType.unsupportedName(format)
        isRuns = strcmp(format, "+r") == 0
        if isRuns {
            // Two children: where runs end, and their values.
            guard schema.n_children == 2, let ends = schema.children?[0], let values = schema.children?[1],
                  ends.pointee.release != nil, values.pointee.release != nil, let endFormat = ends.pointee.format,
                  let valueFormat = values.pointee.format else {
                throw Failure(.format, "\(column): the schema of its Arrow runs lacks run ends or values")
            }
            guard case .int(let bytes, true)? = ArrowType(endFormat), bytes >= 2 else {
                throw Failure(.format, "\(column): the ends of its Arrow runs are not int16, int32 or int64")
            }
            (type, index) = (values.pointee.dictionary == nil ? ArrowType(valueFormat) : nil,
                             .int(bytes: bytes, signed: true))
            unsupported = "run-end encoded " + (ArrowType.unsupportedName(valueFormat) ?? "dictionary")
        } else if let dictionary = schema.dictionary {
            guard case .int? = outer else {
                throw Failure(.format, "\(column): the indices of its Arrow dictionary are no whole numbers")
            }
            guard dictionary.pointee.release != nil, let format = dictionary.pointee.format else {
                throw Failure(.format, "\(column): the schema of its Arrow dictionary was released or has no format")
            }
            (type, index) = (dictionary.pointee.dictionary == nil ? ArrowType(format) : nil, outer)
        }
        if case .int(1, true)? = type, arrowExtension(schema) == "arrow.bool8" { type = .byteBool }
        guard let type else {
            let word = unsupported.map { " (\($0))" } ?? ""
            throw Failure(.schema, "\(column): its Arrow type\(word) is not supported; "
                + "cast it to integer, float, boolean, text, date or timestamp")
        }
        (self.type, self.index) = (type, index)
    }
}
