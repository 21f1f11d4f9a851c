/// One vector: this many rows side by side.
package typealias V = SIMD8<Float>
