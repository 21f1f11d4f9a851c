// Gaussian numbers: the arithmetic against the C library, the distribution against the normal law, and that the
// falsifiers see what they should.

import Compute
import Glibc
@testable import Privacy
import XCTest

final class NormalTests: XCTestCase {
    /// Every pair against log, sin and cos of the C library.
    func testBoxMullerAgainstTheLibrary() {
        let s = SecureRandom(testSeed: 1).stream(.direct, 1), half = normalBlock / 2
        for round in 0..<200 {
            var words = (0..<normalBlock).map { _ in s.next() }
            if round == 0 {
                words[0] = 0
                words[1] = .max
                words[2] = 1
                words[3] = 0xFFFF_FFFF_FFFF_F000
                words[half] = 0
                words[half + 1] = .max
            }
            var z = [Double](repeating: 0, count: normalBlock)
            NoiseKernels.current.boxMuller(words, &z, half)
            for other in NoiseKernels.available {
                var y = z.map { _ in 0.0 }
                other.boxMuller(words, &y, half)
                XCTAssertEqual(y, z)
            }
            for i in 0..<half {
                let a = words[i], b = words[i + half]
                let u = 1 - (Double(a >> 12) * 0x1p-52) - (a & 1 == 1 ? 0x1p-53 : 0)
                XCTAssertTrue(u > 0 && u <= 1)
                let r = (-2 * log(u)).squareRoot(), t = Double(b >> 12) * 0x1p-52 * .pi / 4
                var (x, y) = (sin(t), cos(t))
                if b & 1 == 1 { swap(&x, &y) }
                if b & 2 == 2 { x = -x }
                if b & 4 == 4 { y = -y }
                XCTAssertEqual(z[i], r * x, accuracy: 4e-15 * max(r, 1e-3))
                XCTAssertEqual(z[i + half], r * y, accuracy: 4e-15 * max(r, 1e-3))
            }
        }
    }

    private func sample(_ n: Int, _ seed: UInt64 = 2) -> [Double] {
        var x = [Double](repeating: 0, count: n)
        fillFourSample(SecureRandom(testSeed: seed).stream(.noise, 0), &x, n)
        return x
    }

    func testFourSampleIsStandardNormal() {
        let n = 200_000, x = sample(n), m = Double(n)
        XCTAssertLessThan(kolmogorov(x, standardDeviation: 1), 1.95)
        XCTAssertLessThan(abs(x.reduce(0, +) / m.squareRoot()), 4)
        XCTAssertLessThan(abs(x.reduce(0) { $0 + $1 * $1 } - m) / (2 * m).squareRoot(), 4)
        XCTAssertLessThan(abs(x.reduce(0) { $0 + $1 * $1 * $1 * $1 } - 3 * m) / (96 * m).squareRoot(), 4)
        for lag in [1, 2, 4, 8, 15, 16, 17, 32, 64] {
            XCTAssertLessThan(abs(correlationDeviate(Array(x.dropLast(lag)), Array(x.dropFirst(lag)))), 4)
        }
        // Tails: beyond 3 standard deviations .0027 of all.
        let far = Double(x.filter { abs($0) > 3 }.count)
        XCTAssertLessThan(abs(far - 0.0026998 * m) / (0.0027 * m).squareRoot(), 4)
        XCTAssertEqual(Set(x.map(\.bitPattern)).count, n)
    }

    /// A wrong standard deviation, a coarse uniform and a reused stream are seen.
    func testMutants() {
        let n = 200_000, x = sample(n)
        XCTAssertGreaterThan(kolmogorov(x.map { $0 * 1.02 }, standardDeviation: 1), 1.95)
        let coarse = x.map { 0.5 * ($0 * 8).rounded() / 4 }
        XCTAssertGreaterThan(kolmogorov(coarse, standardDeviation: 1), 1.95)
        XCTAssertGreaterThan(abs(correlationDeviate(x, sample(n))), 100)
    }

    func testRowNormals() {
        var f = [Float](repeating: 0, count: 100_000)
        SecureRandom(testSeed: 4).stream(.rows, 0).fillNormal(&f, f.count)
        XCTAssertLessThan(kolmogorov(f.map(Double.init), standardDeviation: 1), 1.95)
    }
}
