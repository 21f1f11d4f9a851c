// Frames and numbers made by hand for the tests of this module.

import XCTest
@testable import Basics
@testable import Evaluation

/// Frames and numbers made by hand.
enum Made {
    static func buffer<T: BitwiseCopyable>(_ x: [T]) -> Buffer<T> {
        let out = try! Buffer<T>(count: x.count)
        for (i, v) in x.enumerated() { out[i] = v }
        return out
    }

    static func levels(_ name: String, _ count: Int, _ codes: [Int]) -> Frame.Series {
        Frame.Series(name: name, levels: (0..<count).map { "l\($0)" }, codes: buffer(codes.map(Int32.init)))
    }

    static func numbers(_ name: String, _ x: [Double]) -> Frame.Series { Frame.Series(name: name, values: buffer(x)) }

    static func frame(_ columns: [Frame.Series]) -> Frame {
        Frame(rows: columns[0].codes?.count ?? columns[0].values!.count, columns: columns)
    }

    /// Numbers and levels that hang together: a, b (4 levels), c (3 levels, the protected one), d = whether a + noise
    /// is above 0. Some missing.
    static func mixed(_ rows: Int, seed: UInt64, missing: Bool = true) -> Frame {
        var r = PublicRandom(seed: seed)
        func uniform() -> Double { Double(r.next() >> 11) * 0x1p-53 }
        var a: [Double] = [], b: [Int] = [], c: [Int] = [], d: [Int] = []
        for _ in 0..<rows {
            let group = r.below(3), x = uniform() + uniform() + uniform() - 1.5 + 0.3 * Double(group)
            c.append(group)
            a.append(missing && r.below(20) == 0 ? .nan : x)
            b.append(missing && r.below(20) == 0 ? 4 : min(3, max(0, Int(2 + 1.5 * x + uniform()))))
            d.append(x + 0.4 * (uniform() - 0.5) > 0.2 ? 1 : 0)
        }
        return frame([numbers("a", a), levels("b", 4, b), levels("c", 3, c), levels("d", 2, d)])
    }
}
