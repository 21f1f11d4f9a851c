// Reads what Tests/fixtures/make_network_fixtures.py wrote: a line is a key, then numbers.

import Glibc
import XCTest
@testable import Basics
@testable import Networks

struct Fixture {
    let values: [String: [Float]]

    init(_ name: String, file: String = #filePath) throws {
        let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
        let path = "/\(folder)/fixtures/networks/\(name).txt"
        guard let f = fopen(path, "r") else { throw Failure(.io, "no fixture \(name)") }
        defer { fclose(f) }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        var all: [String: [Float]] = [:]
        while getline(&line, &room, f) > 0, let text = line {
            let words = String(cString: text).split(whereSeparator: { $0 == " " || $0 == "\n" })
            guard let key = words.first else { continue }
            all[String(key)] = words.dropFirst().map { strtof(String($0), nil) }
        }
        free(line)
        values = all
    }

    func numbers(_ key: String) -> [Float] { values[key] ?? [] }
    func ints(_ key: String) -> [Int] { numbers(key).map { Int($0) } }
    func int(_ key: String) -> Int { ints(key).first ?? -1 }

    var shape: VAEShape {
        var s = VAEShape(levels: ints("levels"))
        s.width = int("width")
        s.heads = int("heads")
        s.feedForward = int("hidden")
        s.encoderBlocks = ints("blocks")[0]
        s.decoderBlocks = ints("blocks")[1]
        s.activation = VAEShape.Activation(rawValue: int("activation")) ?? .gelu
        s.affineNorm = int("affine") == 1
        s.biases = int("biases") == 1
        s.latent = int("pooled") == 0 ? .perToken : .pooled(int("pooled"))
        s.logVariance = [.global, .head, .network][int("variance")]
        s.trainsEmbeddings = ints("trains")[0] == 1
        s.trainsLogVariance = ints("trains")[1] == 1
        return s
    }

    /// Puts the fixture's weights into a network; every tensor must be there with its size.
    func fill(_ parameters: Parameters) {
        for t in parameters.tensors {
            let w = numbers("weight:" + t.name)
            XCTAssertEqual(w.count, t.count, t.name)
            for i in 0 ..< min(w.count, t.count) { parameters.base[t.offset + i] = w[i] }
        }
    }
}

/// The largest difference, relative to the largest number wanted.
func distance(_ got: UnsafePointer<Float>, _ want: [Float]) -> Float {
    var worst: Float = 0, size: Float = 1e-6
    for i in want.indices {
        let d = abs(got[i] - want[i])
        if !(d <= worst) { worst = d }
        size = max(size, abs(want[i]))
    }
    return worst / size
}

extension VAE {
    /// losses[n] of the rows: what their gradient is the slope of.
    func losses(_ rows: CodeRows, targets: CodeRows? = nil, noise: UnsafePointer<Float>, beta: Float,
                losses: UnsafeMutablePointer<Float>, _ scratch: VAEScratch) {
        var gradient = [Float](repeating: 0, count: parameters.trainable)
        gradientSum(rows, noise: noise, beta: beta, into: &gradient, options: .init(targets: targets, losses: losses),
                    scratch)
    }
}
