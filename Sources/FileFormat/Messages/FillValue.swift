// Reads what elements are that were never written (the two fill value messages).

enum FillValue {
    /// The bytes of one element; nil means zeros.
    static func read(_ header: ObjectHeader) throws -> [UInt8]? {
        if let message = header.first(.fill) {
            guard !message.isShared else {
                throw BrokenRule("has a fill value that is kept elsewhere, which is not read")
            }
            var c = message.content
            let version = try c.byte()
            switch version {
            case 1, 2:
                try c.skip(2)
                let isDefined = try c.byte() != 0
                guard isDefined, c.left >= 4 else { return nil }
            case 3:
                let flags = try c.byte()
                guard flags & 0x20 != 0 else { return nil }
            default: throw c.unknown("has a fill value of version \(version)")
            }
            return try value(&c)
        }
        guard let message = header.first(.oldFill), !message.isShared else { return nil }
        var c = message.content
        return try value(&c)
    }

    private static func value(_ c: inout Cursor) throws -> [UInt8]? {
        let size = try c.word()
        guard size != 0, size != 0xFFFF_FFFF else { return nil }
        return try c.array(size)
    }
}
