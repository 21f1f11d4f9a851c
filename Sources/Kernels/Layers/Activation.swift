// Activation functions and their derivatives.
// `kind`: 0 ReLU, 1 GELU x Phi(x) (arXiv 1606.08415, exact form), 2 SiLU x / (1 + e^-x) (arXiv 1702.03118).

@inline(__always) func activate(_ x: V, _ kind: Int) -> V {
    switch kind {
    case 0: return masked(positive(x), x)
    case 1: return x * normal(x).below
    default: return x * logistic(x)
    }
}

/// The derivative at x.
@inline(__always) func slope(_ x: V, _ kind: Int) -> V {
    switch kind {
    case 0: return masked(positive(x), splat(1))
    case 1:
        let n = normal(x)
        return fma(n.below, x, n.density)
    default:
        let s = logistic(x)
        return fma(s, x * s, splat(1) - s)
    }
}

/// y[n] = f(x[n]). [N] vectors.
package func activationForward(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ kind: Int, _ N: Int) {
    let x = vectors(x), y = vectors(y)
    var n = 0
    switch kind {
    case 0: while n < N { y[n] = activate(x[n], 0); n = n &+ 1 }
    case 1: while n < N { y[n] = activate(x[n], 1); n = n &+ 1 }
    default: while n < N { y[n] = activate(x[n], 2); n = n &+ 1 }
    }
}

/// dy[n] becomes dy[n] f'(x[n]). [N] vectors.
package func activationBackward(_ x: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ kind: Int, _ N: Int) {
    let x = vectors(x), dy = vectors(dy)
    var n = 0
    switch kind {
    case 0: while n < N { dy[n] = masked(positive(x[n]), dy[n]); n = n &+ 1 }
    case 1: while n < N { dy[n] = dy[n] * slope(x[n], 1); n = n &+ 1 }
    default: while n < N { dy[n] = dy[n] * slope(x[n], 2); n = n &+ 1 }
    }
}
