// Models that were cut short or changed by a bit are refused.

import Basics
import XCTest
@testable import Storage

/// A generator of test positions: SplitMix64.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

final class DamagedFileTests: XCTestCase {
    /// What a reader can learn from the sample model.
    func everything(_ root: GroupReader) throws -> [String] {
        let weights = try root.group("weights"), ledger = try root.group("ledger")
        return [try root.string("schema"), "\(list(try weights.tensor("first", shape: [2, 3], as: Float.self)))",
                "\(list(try weights.tensor("second", shape: [4], as: Double.self)))",
                "\(try ledger.dataframe("events", [("name", .strings), ("count", .integers)]))"]
    }

    func read(_ bytes: [UInt8]) throws -> [String] {
        try bytes.withUnsafeBytes { try ModelFile.read(.model, bytes: $0, everything) }
    }

    func testEveryTruncationIsAnError() throws {
        let model = try sampleModel()
        for count in stride(from: 0, to: model.count, by: 97) {
            failure(.format) { _ = try read(Array(model[0..<count])) }
        }
    }

    func testEveryFlippedBitIsAnError() throws {
        let model = try sampleModel()
        var random = TestRandom(state: 1)
        for _ in 0..<2000 {
            var bytes = model
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            failure(.format) { _ = try read(bytes) }
        }
    }
}
