// Puts attributes, texts, numbers, tensors and groups into a group of a new file.
// Every element carries AnnData's two attributes `encoding-type` and `encoding-version`, so that `anndata.io.read_elem`
// reads what we write (AnnData on-disk format 0.2.0). Small tables are in Dataframe.swift.

import Basics
import CHDF5

/// A group of a file being written. Valid within the closure it was given to.
package final class GroupWriter {
    let handle: Handle
    /// Where it is in the file: "/" or "/a/b".
    package let path: String
    let file: FileWriter

    init(_ handle: Handle, path: String, file: FileWriter) {
        (self.handle, self.path, self.file) = (handle, path, file)
    }

    // MARK: groups

    /// A new group `name`, marked as a mapping.
    package func group<R>(_ name: String, _ body: (GroupWriter) throws -> R) throws -> R {
        try rawGroup(name) { group in
            try group.encoding("dict", "0.1.0")
            return try body(group)
        }
    }

    func rawGroup<R>(_ name: String, _ body: (GroupWriter) throws -> R) throws -> R {
        try checkName(name)
        let group = Handle(H5Gclose) {
            let creation = flip_h5p_group_create()
            defer { H5Pclose(creation) }
            guard H5Pset_obj_track_times(creation, false) >= 0 else { return -1 }
            return H5Gcreate2(handle.id, name, 0, creation, 0)
        }
        guard let group else { throw file.failure(Name.join(path, name)) }
        let result = try body(GroupWriter(group, path: Name.join(path, name), file: file))
        guard group.close() else { throw file.failure(Name.join(path, name)) }
        return result
    }

    /// A group that was made before.
    func reopen<R>(_ name: String, _ body: (GroupWriter) throws -> R) throws -> R {
        try checkName(name)
        guard let group = Handle(H5Gclose, { H5Gopen2(handle.id, name, 0) }) else {
            throw file.failure(Name.join(path, name))
        }
        let result = try body(GroupWriter(group, path: Name.join(path, name), file: file))
        guard group.close() else { throw file.failure(Name.join(path, name)) }
        return result
    }

    // MARK: attributes of this group

    package func attribute(_ name: String, _ value: String) throws {
        try write(attribute: name, text: [value], scalar: true, of: handle)
    }
    package func attribute(_ name: String, _ values: [String]) throws {
        try write(attribute: name, text: values, scalar: false, of: handle)
    }
    package func attribute(_ name: String, _ value: Int) throws { try write(attribute: name, Int64(value), of: handle) }
    package func attribute(_ name: String, _ value: Double) throws { try write(attribute: name, value, of: handle) }
    package func attribute(_ name: String, _ value: Bool) throws { try write(attribute: name, value, of: handle) }

    func encoding(_ type: String, _ version: String) throws { try encoding(type, version, of: handle) }

    func encoding(_ type: String, _ version: String, of object: Handle) throws {
        try write(attribute: "encoding-type", text: [type], scalar: true, of: object)
        try write(attribute: "encoding-version", text: [version], scalar: true, of: object)
    }

    // MARK: data sets

    /// One text of any length (no NUL characters).
    package func string(_ name: String, _ text: String) throws {
        try write(text: [text], scalar: true, to: name, encoding: ("string", "0.2.0"))
    }

    package func strings(_ name: String, _ texts: [String]) throws {
        try write(text: texts, scalar: false, to: name, encoding: ("string-array", "0.2.0"))
    }

    package func scalar<T: Stored>(_ name: String, _ value: T) throws {
        try withUnsafePointer(to: value) { try numbers(name, shape: [], $0, encoding: "numeric-scalar", axes: nil) }
    }

    /// Numbers of the given shape, row-major. `axes` says what the dimensions are, such as "out,in".
    package func tensor<T: Stored>(_ name: String, shape: [Int], _ values: UnsafePointer<T>,
        axes: String? = nil) throws {
        try numbers(name, shape: shape, values, encoding: "array", axes: axes)
    }

    package func tensor<T: Stored>(_ name: String, shape: [Int], _ values: Buffer<T>, axes: String? = nil) throws {
        guard let n = elementCount(shape), n <= values.count else {
            throw Failure(.internal, "\(quoted(name)): shape and buffer differ")
        }
        try tensor(name, shape: shape, values.base, axes: axes)
    }

    package func tensor<T: Stored>(_ name: String, shape: [Int], _ values: [T], axes: String? = nil) throws {
        guard elementCount(shape) == values.count else {
            throw Failure(.internal, "\(quoted(name)): shape and values differ")
        }
        try values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return try empty(name, shape: shape, T.self, axes: axes) }
            try tensor(name, shape: shape, base, axes: axes)
        }
    }

    private func empty<T: Stored>(_ name: String, shape: [Int], _: T.Type, axes: String?) throws {
        try tensor(name, shape: shape, Buffer<T>(count: 1).base, axes: axes)
    }

    private func numbers<T: Stored>(_ name: String, shape: [Int], _ values: UnsafePointer<T>, encoding type: String,
        axes: String?) throws {
        let data = try create(name, .number(T.numberType), shape: shape)
        try encoding(type, "0.2.0", of: data)
        if let axes { try write(attribute: "axes", text: [axes], scalar: true, of: data) }
        let n = elementCount(shape) ?? 0
        try finish(data, name, n == 0 ? 0 : Library.call { flip_h5d_write(data.id, T.numberType.memory, 0, 0, values) })
    }

    func booleans(_ name: String, _ values: [Bool]) throws {
        let data = try create(name, .boolean, shape: [values.count])
        try encoding("array", "0.2.0", of: data)
        guard let type = ElementType.boolean.handle(memory: true) else { throw file.failure(Name.join(path, name)) }
        let bytes = values.map { UInt8($0 ? 1 : 0) }
        try finish(data, name, bytes.isEmpty ? 0 : Library.call { flip_h5d_write(data.id, type.id, 0, 0, bytes) })
    }

    // MARK: parts

    func checkName(_ name: String) throws {
        guard Name.isValid(name) else {
            throw Failure(.argument,
                "\(quoted(name)) cannot be a name in an HDF5 file: 1 to 255 bytes without \"/\" and control characters")
        }
    }

    /// A new data set in one piece.
    private func create(_ name: String, _ type: ElementType, shape: [Int]) throws -> Handle {
        try checkName(name)
        guard elementCount(shape)?.multipliedReportingOverflow(by: type.memorySize).overflow == false else {
            throw Failure(.argument, "\(quoted(name)): the shape is too large")
        }
        let data = Handle(H5Dclose) {
            let space = flip_h5s_simple(Int32(shape.count), shape.map { hsize_t($0) }, 0)
            defer { H5Sclose(space) }
            let creation = flip_h5p_dataset_create()
            defer { H5Pclose(creation) }
            guard let fileType = type.handle(memory: false), H5Pset_obj_track_times(creation, false) >= 0,
                  type.isVariableText || H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0 else { return -1 }
            return H5Dcreate2(handle.id, name, fileType.id, space, 0, creation, 0)
        }
        guard let data else { throw file.failure(Name.join(path, name)) }
        return data
    }

    private func finish(_ data: Handle, _ name: String, _ result: herr_t) throws {
        guard result >= 0, data.close() else { throw file.failure(Name.join(path, name)) }
    }

    private func write(text: [String], scalar: Bool, to name: String, encoding: (String, String)) throws {
        let type = try textType(text, name)
        let data = try create(name, type, shape: scalar ? [] : [text.count])
        try self.encoding(encoding.0, encoding.1, of: data)
        try finish(data, name, try withText(text, type) { memory, p in
            text.isEmpty ? 0 : Library.call { flip_h5d_write(data.id, memory.id, 0, 0, p) }
        })
    }

    func write(attribute name: String, text: [String], scalar: Bool, of object: Handle) throws {
        let type = try textType(text, name)
        try write(attribute: name, type, shape: scalar ? [] : [text.count], of: object) { attribute in
            try withText(text, type) { memory, p in text.isEmpty ? 0
                : Library.call { H5Awrite(attribute.id, memory.id, p) } }
        }
    }

    private func write<T: Stored>(attribute name: String, _ value: T, of object: Handle) throws {
        try write(attribute: name, .number(T.numberType), shape: [], of: object) { attribute in
            withUnsafePointer(to: value) { p in Library.call { H5Awrite(attribute.id, T.numberType.memory, p) } }
        }
    }

    func write(attribute name: String, _ value: Bool, of object: Handle) throws {
        try write(attribute: name, .boolean, shape: [], of: object) { attribute in
            var byte: UInt8 = value ? 1 : 0
            guard let type = ElementType.boolean.handle(memory: true) else { return -1 }
            return Library.call { H5Awrite(attribute.id, type.id, &byte) }
        }
    }

    private func write(attribute name: String, _ type: ElementType, shape: [Int], of object: Handle,
        _ body: (Handle) throws -> herr_t) throws {
        try checkName(name)
        guard let n = elementCount(shape), n < 64_000,
            n * max(type.isVariableText ? 16 : 0, type.memorySize) < 64_000 else {
            throw Failure(.argument, "\(quoted(name)): too long for an attribute of an HDF5 file (64 000 bytes)")
        }
        let attribute = Handle(H5Aclose) {
            let space = flip_h5s_simple(Int32(shape.count), shape.map { hsize_t($0) }, 0)
            defer { H5Sclose(space) }
            guard let fileType = type.handle(memory: false) else { return -1 }
            return H5Acreate2(object.id, name, fileType.id, space, 0, 0)
        }
        guard let attribute, try body(attribute) >= 0, attribute.close() else {
            throw file.failure(Name.join(path, name))
        }
    }

    private func textType(_ text: [String], _ name: String) throws -> ElementType {
        guard !text.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(.argument, "\(quoted(name)): text with a NUL character")
        }
        return file.text == .variable ? .variableText() : .fixedText(size: max(1, text.map(\.utf8.count).max() ?? 1))
    }

    /// Hands `body` the memory layout of `text`: the texts one after the other, padded, or pointers to them.
    private func withText(_ text: [String], _ type: ElementType, _ body: (Handle, UnsafeRawPointer) throws
        -> herr_t) throws -> herr_t {
        guard let memory = type.handle(memory: true) else { return -1 }
        if case .fixedText(let size, _, _) = type {
            let (bytes, overflow) = size.multipliedReportingOverflow(by: max(1, text.count))
            guard !overflow else { throw Failure(.noMemory, "not enough memory for text") }
            let padded = try Buffer<UInt8>(count: bytes, for: "text")
            for (i, one) in text.enumerated() { copy(one, to: padded.base + i * size) }
            return try body(memory, padded.base)
        }
        let total = try Buffer<UInt8>(count: text.reduce(0) { $0 + $1.utf8.count + 1 }, for: "text")
        let pointers = try Buffer<UnsafeMutablePointer<UInt8>?>(count: text.count, for: "text")
        var at = 0
        for (i, one) in text.enumerated() {
            pointers[i] = total.base + at
            at += copy(one, to: total.base + at) + 1
        }
        return try withExtendedLifetime(total) { try body(memory, pointers.base) }
    }
}

/// Copies the bytes of `text` without an end mark and returns their number.
@discardableResult
private func copy(_ text: String, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var text = text
    return text.withUTF8 { bytes in
        if let base = bytes.baseAddress { target.update(from: base, count: bytes.count) }
        return bytes.count
    }
}
