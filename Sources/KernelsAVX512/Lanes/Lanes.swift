// The lanes of this instruction set. Everything else in this module is Sources/Kernels, compiled once more for it.

import CProcessor

/// One vector: this many rows side by side.
package typealias V = SIMD16<Float>
/// The same lanes as whole numbers: labels, bit patterns, masks.
package typealias VI = SIMD16<Int32>
/// Rows of a register tile (each of four outputs): 5 x 4 sums and 9 operands fit in 32 registers.
@inline(__always) var tileRows: Int { 5 }
@inline(__always) func pairs(_ a: V, _ b: V) -> V { flip_pairs16(a, b) }
@inline(__always) func groups(_ a: V, _ b: V) -> SIMD8<Float> { flip_groups16(a, b) }
@inline(__always) func less(_ a: V, _ b: V) -> VI { flip_less16(a, b) }
@inline(__always) func equal(_ a: VI, _ b: VI) -> VI { flip_equal16(a, b) }
/// `yes` where the condition's bits are set, `no` where they are clear.
@inline(__always) func blend(_ condition: VI, _ yes: V, _ no: V) -> V { flip_pick16(condition, yes, no) }
@inline(__always) func product(_ a: V, _ b: V) -> V { flip_product16(a, b) }
