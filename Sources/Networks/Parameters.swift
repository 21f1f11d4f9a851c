// The weights of a network in one flat array, with a directory of names.
// The trainable part comes first, so that gradient, noise and optimiser see one vector of length `trainable`; frozen
// tensors follow. This is not a file format: Storage writes the tensors by name.

import Basics
import Glibc

package struct Tensor: Sendable, Equatable {
    package let name: String
    /// Row-major.
    package let shape: [Int]
    /// Where it begins in `Parameters.base`.
    package let offset: Int
    package let trainable: Bool
    package var count: Int { shape.reduce(1, *) }
}

package final class Parameters: @unchecked Sendable {
    package let tensors: [Tensor]
    /// P, the length of gradients.
    package let trainable: Int
    package let values: Buffer<Float>
    package var base: UnsafeMutablePointer<Float> { values.base }
    package var count: Int { values.count }

    init(_ plan: ParameterPlan) throws {
        tensors = plan.tensors
        trainable = plan.tensors.reduce(0) { $0 + ($1.trainable ? $1.count : 0) }
        values = try Buffer(count: plan.tensors.reduce(0) { $0 + $1.count }, for: "network weights")
    }

    private init(copying other: Parameters) throws {
        tensors = other.tensors
        trainable = other.trainable
        values = try Buffer(count: other.count, for: "network weights")
        memcpy(values.base, other.base, other.count * 4)
    }

    /// A second set of the same weights.
    package func copy() throws -> Parameters { try Parameters(copying: self) }

    /// The tensor of a name; nil when there is none.
    package func tensor(_ name: String) -> Tensor? { tensors.first { $0.name == name } }

    /// Where a tensor's numbers are; nil when there is none of that name.
    package func pointer(_ name: String) -> UnsafeMutablePointer<Float>? { tensor(name).map { base + $0.offset } }
}

/// Collects tensors while a network lays itself out; sizes come from a range-checked shape.
struct ParameterPlan {
    private var wanted: [(name: String, shape: [Int], trainable: Bool, scale: Float, start: Float)] = []
    private(set) var tensors: [Tensor] = []
    private var scales: [String: (scale: Float, start: Float)] = [:]

    /// Asks for a tensor that starts as start + scale * N(0, 1).
    mutating func want(_ name: String, _ shape: [Int], scale: Float, start: Float = 0, trainable: Bool = true) {
        wanted.append((name, shape, trainable, scale, start))
    }

    /// Lays the tensors out, trainable ones first, in the order they were asked for.
    mutating func finish() {
        var offset = 0
        for pass in [true, false] {
            for w in wanted where w.trainable == pass {
                tensors.append(Tensor(name: w.name, shape: w.shape, offset: offset, trainable: pass))
                scales[w.name] = (w.scale, w.start)
                offset += w.shape.reduce(1, *)
            }
        }
    }

    func offset(_ name: String) -> Int { tensors.first { $0.name == name }?.offset ?? -1 }

    /// Starting weights from a public seed: every tensor has a stream of its own, named by its place in the order asked
    /// for.
    func fill(_ parameters: Parameters, seed: UInt64) {
        for (i, w) in wanted.enumerated() {
            var normals = NormalStream(seed: seed, stream: UInt64(i))
            let p = parameters.base + offset(w.name)
            for k in 0 ..< w.shape.reduce(1, *) { p[k] = w.scale == 0 ? w.start : w.start + w.scale * normals.next() }
        }
    }
}
