// A linear layer in lanes, and the way of rows into lanes and back.

import Compute

/// y = x W (+ b): W [inputs][outputs] row-major. Offsets into the parameters, -1 for none.
struct LinearLayer {
    let weight: Int, bias: Int
    let inputs: Int, outputs: Int
}

extension Kernels {
    /// y (+)= x W + b. w: the parameters; x: [M][inputs], y: [M][outputs] vectors.
    /// With `rectifies`, y's negative numbers become zero.
    func apply(_ l: LinearLayer, _ w: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>,
               _ y: UnsafeMutablePointer<Float>, rows M: Int, adds: Bool = false, rectifies: Bool = false) {
        if adds, l.bias >= 0 {
            for m in 0 ..< M { addNumbers(w + l.bias, y + m * l.outputs * lanes, l.outputs) }
        }
        linear(LaneRows(x, stride: l.inputs), .forward(w + l.weight, inputs: l.inputs, outputs: l.outputs), to: y,
               stride: l.outputs, rows: M, start: adds ? .output : l.bias >= 0 ? .bias(w + l.bias) : .zero,
               finish: rectifies ? .rectified : .plain)
    }

    /// dx (+)= dy W^T. With a gate, [M][inputs], dx becomes zero where the gate is not above zero.
    func applyBack(_ l: LinearLayer, _ w: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>,
                   _ dx: UnsafeMutablePointer<Float>, rows M: Int, adds: Bool = false,
                   gate: UnsafeMutablePointer<Float>? = nil) {
        linear(LaneRows(dy, stride: l.outputs), .backward(w + l.weight, inputs: l.inputs, outputs: l.outputs), to: dx,
               stride: l.inputs, rows: M, start: adds ? .output : .zero, finish: gate.map { .gated($0) } ?? .plain)
    }

    /// [n][count] row-major from row `first` on, to [count] vectors; padding lanes hold zero.
    func rowsToLanes(_ from: UnsafePointer<Float>, _ first: Int, _ n: Int, _ count: Int,
                     _ to: UnsafeMutablePointer<Float>) {
        let W = lanes
        for l in 0 ..< W {
            let row = from + (first + l) * count
            if l < n {
                for i in 0 ..< count { to[i * W + l] = row[i] }
            } else {
                for i in 0 ..< count { to[i * W + l] = 0 }
            }
        }
    }

    /// [count] vectors to [n][count] row-major from row `first` on.
    func lanesToRows(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ first: Int, _ n: Int,
                     _ count: Int) {
        let W = lanes
        for l in 0 ..< n {
            let row = to + (first + l) * count
            for i in 0 ..< count { row[i] = from[i * W + l] }
        }
    }
}
