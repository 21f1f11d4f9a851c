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
    func apply(_ l: LinearLayer, _ w: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ M: Int,
               adds: Bool = false, rectifies: Bool = false) {
        if adds, l.bias >= 0 {
            for m in 0 ..< M { addNumbers(w + l.bias, y + m * l.outputs * lanes, l.outputs) }
        }
        let start = adds ? 2 : l.bias >= 0 ? 1 : 0
        linear(x, l.inputs, w + l.weight, l.outputs, 1, w + max(l.bias, 0), start, y, l.outputs, M, l.inputs, l.outputs,
               rectifies ? 1 : 0, y)
    }

    /// dx (+)= dy W^T. With a gate, [M][inputs], dx becomes zero where the gate is not above zero.
    func applyBack(_ l: LinearLayer, _ w: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
                   _ M: Int, adds: Bool = false, gate: UnsafeMutablePointer<Float>? = nil) {
        linear(dy, l.outputs, w + l.weight, 1, l.outputs, w, adds ? 2 : 0, dx, l.inputs, M, l.outputs, l.inputs,
               gate == nil ? 0 : 2, gate ?? dx)
    }

    /// [n][count] row-major from row `first` on, to [count] vectors; padding lanes hold zero.
    func rowsToLanes(_ from: UnsafePointer<Float>, _ first: Int, _ n: Int, _ count: Int, _ to: UnsafeMutablePointer<Float>) {
        let W = lanes
        for l in 0 ..< W {
            let row = from + (first + l) * count
            if l < n { for i in 0 ..< count { to[i * W + l] = row[i] } } else { for i in 0 ..< count { to[i * W + l] = 0 } }
        }
    }

    /// [count] vectors to [n][count] row-major from row `first` on.
    func lanesToRows(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ first: Int, _ n: Int, _ count: Int) {
        let W = lanes
        for l in 0 ..< n {
            let row = to + (first + l) * count
            for i in 0 ..< count { row[i] = from[i * W + l] }
        }
    }
}
