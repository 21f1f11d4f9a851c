// Words shared by all kernels, and the layout of everything they work on.
// An activation is [M][A] vectors, that is [M][A][W] floats, and lane l of every vector belongs to row l of the block.
// Every operation is elementwise across lanes, so a row gets bit for bit what it would get alone. Sums run in one fixed
// order and every product that is added is fused, so all instruction sets give the same bits.
//
// Only raw pointers and concrete SIMD types here: a generic of the standard library, specialised for wide vectors,
// would be a symbol that the linker may hand to machines without them.

/// A row of vectors that is written.
typealias Out = UnsafeMutablePointer<V>
/// A row of vectors that is read.
typealias In = UnsafePointer<V>

@inline(__always) func vectors(_ p: UnsafePointer<Float>) -> In { UnsafeRawPointer(p).assumingMemoryBound(to: V.self) }
@inline(__always) func vectors(_ p: UnsafeMutablePointer<Float>) -> Out {
    UnsafeMutableRawPointer(p).assumingMemoryBound(to: V.self)
}
@inline(__always) func labels(_ p: UnsafePointer<Int32>) -> UnsafePointer<VI> {
    UnsafeRawPointer(p).assumingMemoryBound(to: VI.self)
}

@inline(__always) func splat(_ s: Float) -> V { V(repeating: s) }
/// sum + a * b, rounded once.
@inline(__always) func fma(_ sum: V, _ a: V, _ b: V) -> V { sum.addingProduct(a, b) }
/// The larger of two; not-a-number in `a` stays.
@inline(__always) func larger(_ a: V, _ b: V) -> V { blend(less(a, b), b, a) }
/// The smaller of two; not-a-number in `a` stays.
@inline(__always) func smaller(_ a: V, _ b: V) -> V { blend(less(b, a), b, a) }
/// `x` where the condition's bits are set, zero where they are clear.
@inline(__always) func masked(_ condition: VI, _ x: V) -> V { blend(condition, x, V.zero) }
@inline(__always) func positive(_ x: V) -> VI { less(V.zero, x) }
@inline(__always) func bits(_ x: V) -> VI { unsafeBitCast(x, to: VI.self) }
@inline(__always) func floats(_ x: VI) -> V { unsafeBitCast(x, to: V.self) }

/// Number of rows side by side.
package var laneCount: Int { V.scalarCount }
