// Computes the SHA-256 of what a file says, whatever its bytes.
// Two files that hold the same groups, data sets and attributes have the same digest, also after h5repack or a copy by
// another library. A digest shows damage and exchanged parts; against an adversary, sign it.
//
// The stream, per object in depth-first order, members of a group in the order of their names' bytes:
//   "group PATH\n" or "dataset PATH TYPE SHAPE\n"     TYPE as numpy names it (float32, int64, bool) or "string";
//                                                     SHAPE "3,4" or "scalar"
//   per attribute, by name: "attribute NAME TYPE SHAPE\n" and its values
//   a data set's values
// Values: numbers little-endian, row-major; booleans as bytes 0 and 1; each text as "LENGTH:" and its bytes in UTF-8.
// The data set /digest, which holds the result, is left out. Tests/python/content_digest.py is the same in 40 lines of
// Python.

import Basics

enum ContentDigest {
    /// 64 hexadecimal digits.
    static func of(_ root: GroupReader) throws -> String {
        var sha = SHA256()
        try add(root, to: &sha)
        return sha.hexDigest()
    }

    private static func add(_ group: GroupReader, to sha: inout SHA256) throws {
        sha.update("group \(group.path)\n")
        try add(group.allAttributes(), to: &sha)
        for name in try group.names() where !(group.path == "/" && name == "digest") {
            if try group.isGroup(name) {
                try add(group.group(name), to: &sha)
            } else {
                let data = try group.data(name)
                sha.update("dataset \(data.path) \(data.type.name) \(text(data.shape))\n")
                try add(group.allAttributes(of: name), to: &sha)
                try add(data, to: &sha)
            }
        }
    }

    private static func add(_ attributes: [AttributeReader], to sha: inout SHA256) throws {
        for attribute in attributes {
            sha.update("attribute \(attribute.name) \(attribute.type.name) \(text(attribute.shape))\n")
            switch attribute.type {
            case .fixedText, .variableText: for text in try attribute.texts(maxBytes: 1 << 20) { add(text, to: &sha) }
            case .number, .boolean, .bits, .enumeration: update(&sha, try attribute.bytes())
            }
        }
    }

    private static func add(_ data: DataSetReader, to sha: inout SHA256) throws {
        switch data.type {
        case .fixedText, .variableText:
            for text in try data.texts(maxCount: 1 << 20, maxBytes: 1 << 28) { add(text, to: &sha) }
        case .boolean, .number, .bits, .enumeration:
            guard let count = elementCount(data.shape) else { throw data.failure("larger than this reader allows") }
            // product checked by the guards
            let bytes = try Buffer<UInt8>(count: count * data.type.memorySize, for: "a data set")
            try data.readAll(bytes.base)
            update(&sha, bytes)
        }
    }

    private static func add(_ text: String, to sha: inout SHA256) { sha.update("\(text.utf8.count):\(text)") }

    private static func update(_ sha: inout SHA256, _ bytes: Buffer<UInt8>) {
        sha.update(UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
    }
}
