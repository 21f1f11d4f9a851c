// Reads the shape of a data set or attribute (data space message 1 and 2).

enum DataSpace {
    /// The dimensions, none for a scalar; nil for a space without any element (h5py's Empty).
    static func read(_ c: inout Cursor) throws -> [Int]? {
        let version = try c.byte(), rank = try c.byte(), flags = try c.byte()
        guard rank <= 32 else { throw c.damaged("has \(rank) dimensions") }
        switch version {
        case 1:
            guard flags & 2 == 0 else { throw c.unknown("permutes its dimensions") }
            try c.skip(5)
        case 2:
            let kind = try c.byte()
            if kind == 2 { return nil }
            guard kind == (rank == 0 ? 0 : 1) else { throw c.damaged("has a shape of an unknown kind") }
        default: throw c.unknown("has a shape of version \(version)")
        }
        var shape: [Int] = []
        for _ in 0..<rank { shape.append(try c.length()) }
        if flags & 1 != 0 {
            for size in shape {
                let maxSize = try c.number(8)
                guard UInt64(size) <= maxSize else { throw c.damaged("is larger than its largest shape") }
            }
        }
        return shape
    }
}
