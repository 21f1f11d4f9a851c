// Sampling latents: Heun's method along the probability flow (EDM, arXiv 2206.00364v2, algorithm 1).
// Without churn. It is deterministic given the first normals, and each row is to the bit what it would be alone.

import Compute
import Glibc

extension Denoiser {
    /// normals, z: [n][L] (may be the same memory); steps: 1 ... 1000 levels from `sigmaMax` to `sigmaMin`, equally
    /// spaced in their seventh roots, and a last one to zero.
    package func sample(_ normals: UnsafePointer<Float>, count: Int, steps: Int = 25, sigmaMin: Double = 0.02,
                        sigmaMax: Double = 20, into z: UnsafeMutablePointer<Float>, _ s: DenoiserScratch) {
        let L = shape.latent, N = max(1, min(steps, 1000))
        func level(_ i: Int) -> Float {
            if i >= N { return 0 }
            let a = pow(sigmaMax, 1 / 7), b = pow(sigmaMin, 1 / 7)
            return Float(pow(a + Double(i) / Double(max(N - 1, 1)) * (b - a), 7))
        }
        var first = 0
        while first < count {
            let n = min(kernels.lanes, count - first)
            kernels.rowsToLanes(normals, first, n, L, s.at(s.z))
            kernels.multiply(s.at(s.z), level(0), s.at(s.z), L)
            for i in 0 ..< N {
                let a = level(i), b = level(i + 1)
                slope(s.at(s.z), a, s.at(s.slope), s)
                kernels.flowStep(x: s.at(s.z), slope: s.at(s.slope), slope2: s.at(s.slope), step: b - a,
                                 to: s.at(s.moved), latent: L)
                if b > 0 {
                    slope(s.at(s.moved), b, s.at(s.slope2), s)
                    kernels.flowStep(x: s.at(s.z), slope: s.at(s.slope), slope2: s.at(s.slope2), step: b - a,
                                     to: s.at(s.moved), latent: L)
                }
                s.at(s.z).update(from: s.at(s.moved), count: L * kernels.lanes)
            }
            kernels.lanesToRows(s.at(s.z), z, first, n, L)
            first += n
        }
    }

    /// slope = (x - D(x; sigma)) / sigma for one block.
    private func slope(_ x: UnsafeMutablePointer<Float>, _ sigma: Float, _ slope: UnsafeMutablePointer<Float>,
                       _ s: DenoiserScratch) {
        let L = shape.latent, s0 = shape.sigmaData
        let square = sigma * sigma + s0 * s0, root = square.squareRoot()
        kernels.multiply(x, 1 / root, s.at(s.input), L)
        kernels.timeFeatures(Float(log(Double(sigma))), frequencies.base, s.at(s.features), shape.frequencies)
        forward(s, 1)
        kernels.flowSlope(x: x, f: s.at(s.out), skip: s0 * s0 / square, scale: sigma * s0 / root, sigma: sigma,
                          to: slope, latent: L)
    }
}
