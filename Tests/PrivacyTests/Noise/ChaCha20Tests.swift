// The block function against the vectors of RFC 8439.

import Compute
@testable import Privacy
import XCTest

final class ChaCha20Tests: XCTestCase {
    private func blocks(_ key: ChaChaKey, _ counter: UInt64, _ nonce: SIMD2<UInt32>) -> [[UInt32]] {
        var out = [Words](repeating: Words(), count: 16)
        chaCha20Blocks(key: key, counter: counter, nonce: nonce, into: &out)
        return (0..<chaChaLanes).map { lane in out.map { $0[lane] } }
    }

    /// Section 2.3.2: the first nonce word is the high half of our counter.
    func testSection232() {
        var key = ChaChaKey()
        for i in 0..<8 {
            key[i] = UInt32(4 * i) | UInt32(4 * i + 1) << 8 | UInt32(4 * i + 2) << 16 | UInt32(4 * i + 3) << 24
        }
        let b = blocks(key, 0x0900_0000 << 32 | 1, SIMD2(0x4a00_0000, 0))
        XCTAssertEqual(b[0], [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3, 0xc7f4_d1c7, 0x0368_c033, 0x9aaa_2204,
            0x4e6c_d4c3,
                              0x4664_82d2, 0x09aa_9f07, 0x05d7_c214, 0xa202_8bd9, 0xd19c_12b5, 0xb94e_16de, 0xe883_d0cb,
                                  0x4e3c_50a2])
    }

    /// Appendix A.1, vectors 1 and 2, as two lanes of one call.
    func testAppendixA1() {
        let b = blocks(ChaChaKey(), 0, SIMD2())
        XCTAssertEqual(b[0], [0xade0_b876, 0x903d_f1a0, 0xe56a_5d40, 0x28bd_8653, 0xb819_d2bd, 0x1aed_8da0, 0xccef_36a8,
            0xc70d_778b,
                              0x7c59_41da, 0x8d48_5751, 0x3fe0_2477, 0x374a_d8b8, 0xf4b8_436a, 0x1ca1_1815, 0x69b6_87c3,
                                  0x8665_eeb2])
        XCTAssertEqual(b[1], [0xbee7_079f, 0x7a38_5155, 0x7c97_ba98, 0x0d08_2d73, 0xa029_0fcb, 0x6965_e348, 0x3e53_c612,
            0xed7a_ee32,
                              0x7621_b729, 0x434e_e69c, 0xb033_71d5, 0xd539_d874, 0x281f_ed31, 0x45fb_0a51, 0x1f0a_e1ac,
                                  0x6f4d_794b])
    }

    func testLanesAreConsecutiveBlocksAcrossTheCarry() {
        let key = ChaChaKey(1, 2, 3, 4, 5, 6, 7, 8), nonce = SIMD2<UInt32>(9, 10), start: UInt64 = 0xFFFF_FFFE
        let together = blocks(key, start, nonce)
        for lane in 0..<chaChaLanes { XCTAssertEqual(blocks(key, start + UInt64(lane), nonce)[0], together[lane]) }
    }

    func testEveryInstructionSetGivesTheSameBits() {
        let key = ChaChaKey(1, 2, 3, 4, 5, 6, 7, 8), nonce = SIMD2<UInt32>(9, 10)
        for start: UInt64 in [0, 5, 0xFFFF_FFFB, .max - 2] {
            var plain = [Words](repeating: Words(), count: 32)
            plain.withUnsafeMutableBufferPointer { p in
                guard let b = p.baseAddress else { return }
                chaCha20Blocks(key: key, counter: start, nonce: nonce, into: b)
                chaCha20Blocks(key: key, counter: start &+ 4, nonce: nonce, into: b + 16)
            }
            for kernels in NoiseKernels.available {
                var out = [Words](repeating: Words(), count: 32)
                chaCha20Buffer(key: key, counter: start, nonce: nonce, into: &out, kernels)
                XCTAssertEqual(out, plain)
            }
        }
    }
}
