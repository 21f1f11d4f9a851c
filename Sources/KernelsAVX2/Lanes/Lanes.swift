// The lanes of this instruction set. Everything else in this module is Sources/Kernels, compiled once more for it.

import CProcessor

/// One vector: this many rows side by side.
package typealias V = SIMD8<Float>
/// The same lanes as whole numbers: labels, bit patterns, masks.
package typealias VI = SIMD8<Int32>
/// Rows of a register tile (each of four outputs): 3 x 4 sums and their operands fit in 16 registers.
@inline(__always) var tileRows: Int { 3 }
@inline(__always) func pairs(_ a: V, _ b: V) -> V { flip_pairs8(a, b) }
@inline(__always) func groups(_ a: V, _ b: V) -> SIMD8<Float> { flip_groups8(a, b) }
@inline(__always) func less(_ a: V, _ b: V) -> VI { flip_less8(a, b) }
@inline(__always) func equal(_ a: VI, _ b: VI) -> VI { flip_equal8(a, b) }
/// `yes` where the condition's bits are set, `no` where they are clear.
@inline(__always) func blend(_ condition: VI, _ yes: V, _ no: V) -> V { flip_pick8(condition, yes, no) }
@inline(__always) func product(_ a: V, _ b: V) -> V { flip_product8(a, b) }
