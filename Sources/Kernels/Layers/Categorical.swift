// One categorical head of a block: K logits in lanes, a label per lane.

/// loss[lane] += -log softmax(x)[label]; x[k] becomes softmax(x)[k] - 1[k = label], the gradient.
/// - x: [K] vectors; label: one vector of 0 ..< K; loss: one vector.
package func crossEntropy(_ x: UnsafeMutablePointer<Float>, _ label: UnsafePointer<Int32>,
                          _ loss: UnsafeMutablePointer<Float>, _ K: Int) {
    let x = vectors(x), label = labels(label)[0], loss = vectors(loss)
    var top = x[0], chosen = V.zero, k = 1
    while k < K { top = larger(x[k], top); k = k &+ 1 }
    var sum = V.zero
    k = 0
    while k < K {
        let centred = x[k] - top, w = exponential(centred)
        chosen = blend(equal(label, VI(repeating: Int32(truncatingIfNeeded: k))), centred, chosen)
        x[k] = w
        sum = sum + w
        k = k &+ 1
    }
    loss[0] = loss[0] + (logarithm(sum) - chosen)
    let norm = splat(1) / sum
    k = 0
    while k < K {
        let hit = masked(equal(label, VI(repeating: Int32(truncatingIfNeeded: k))), splat(1))
        x[k] = fma(-hit, x[k], norm)
        k = k &+ 1
    }
}

/// The first level whose cumulated probability exceeds the lane's uniform number; the last one when rounding leaves
/// none.
/// - x: [K] vectors, overwritten; uniform: one vector in [0, 1); level: one vector.
package func drawLevel(_ x: UnsafeMutablePointer<Float>, _ uniform: UnsafePointer<Float>,
                       _ level: UnsafeMutablePointer<Int32>, _ K: Int) {
    let x = vectors(x)
    var top = x[0], k = 1
    while k < K { top = larger(x[k], top); k = k &+ 1 }
    var sum = V.zero
    k = 0
    while k < K { sum = sum + exponential(x[k] - top); x[k] = sum; k = k &+ 1 }
    let reached = vectors(uniform)[0] * sum
    var drawn = VI.zero
    k = 0
    while k &+ 1 < K {
        drawn = drawn &- ~less(reached, x[k])
        k = k &+ 1
    }
    UnsafeMutableRawPointer(level).assumingMemoryBound(to: VI.self)[0] = drawn
}

/// x[k] becomes softmax(x)[k]. x: [K] vectors.
package func softmax(_ x: UnsafeMutablePointer<Float>, _ K: Int) {
    let x = vectors(x)
    var top = x[0], k = 1
    while k < K { top = larger(x[k], top); k = k &+ 1 }
    var sum = V.zero
    k = 0
    while k < K { let w = exponential(x[k] - top); x[k] = w; sum = sum + w; k = k &+ 1 }
    let norm = splat(1) / sum
    k = 0
    while k < K { x[k] = x[k] * norm; k = k &+ 1 }
}
