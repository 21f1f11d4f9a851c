// What a host holds: a small block of memory with a mark, the kind of thing it stands for, the process that made it and
// the object. The mark catches NULL, handles of another kind and most freed ones; it is no defence against a pointer
// into nowhere.

import Basics
import Glibc

/// The typed handles of `flip.h`. The raw value goes into the block, the name into messages.
enum Kind: UInt32 {
    case buffer = 1, schema, table, plan, trainer, model, accountant, budget, sums, domain

    var name: String {
        switch self {
        case .buffer: "flip_buffer"
        case .schema: "flip_schema"
        case .table: "flip_table"
        case .plan: "flip_plan"
        case .trainer: "flip_trainer"
        case .model: "flip_model"
        case .accountant: "flip_accountant"
        case .budget: "flip_budget"
        case .sums: "flip_sums"
        case .domain: "flip_domain"
        }
    }
}

private struct Block {
    var mark: UInt64
    var kind: UInt32
    /// `forkCount()` of the process that made it.
    var forks: UInt64
    var object: Unmanaged<AnyObject>
    var lease: Unmanaged<Lease>
}

/// "flip 1" in memory; gone when the handle was freed.
private let mark: UInt64 = 0x3120_7069_6c66_0a0d

/// A new handle that retains `object`.
func handle(_ kind: Kind, _ object: AnyObject) throws -> OpaquePointer {
    guard let raw = malloc(MemoryLayout<Block>.size) else { throw Failure(.noMemory, "not enough memory for a handle") }
    raw.bindMemory(to: Block.self, capacity: 1)
        .initialize(to: Block(mark: mark, kind: kind.rawValue, forks: forkCount(), object: .passRetained(object),
                              lease: .passRetained(Lease())))
    return OpaquePointer(raw)
}

/// The object behind a handle.
/// - Throws: `.argument` for NULL, another kind or no handle at all; `.state` in a forked child.
func object<T: AnyObject>(_ pointer: OpaquePointer?, _ kind: Kind, as type: T.Type = T.self) throws -> T {
    let block = try opened(pointer, kind)
    guard block.pointee.forks == forkCount() else {
        throw Failure(.state, "this \(kind.name) was made before fork(); make a new one in the child process")
    }
    // Each kind is made with one class only.
    return unsafeDowncast(block.pointee.object.takeUnretainedValue(), to: type)
}

/// Who uses the handle.
/// - Throws: what `object` throws.
func lease(_ pointer: OpaquePointer?, _ kind: Kind) throws -> Lease {
    try opened(pointer, kind).pointee.lease.takeUnretainedValue()
}

/// Ends a handle. NULL, foreign pointers, handles of the parent process, and handles that another call uses are left
/// alone.
func free(_ pointer: OpaquePointer?, _ kind: Kind) {
    guard let block = try? opened(pointer, kind), block.pointee.forks == forkCount() else { return }
    let object = block.pointee.object, lease = block.pointee.lease
    guard lease.takeUnretainedValue().isFree else { return }
    block.pointee.mark = 0
    Glibc.free(UnsafeMutableRawPointer(block))
    object.release()
    lease.release()
}

private func opened(_ pointer: OpaquePointer?, _ kind: Kind) throws -> UnsafeMutablePointer<Block> {
    guard let pointer else { throw Failure(.argument, "the \(kind.name) is NULL") }
    guard UInt(bitPattern: pointer) % UInt(MemoryLayout<Block>.alignment) == 0 else {
        throw Failure(.argument, "this pointer is no \(kind.name)")
    }
    let block = UnsafeMutablePointer<Block>(pointer)
    guard block.pointee.mark == mark else {
        throw Failure(.argument, "this pointer is no \(kind.name), or one that was freed")
    }
    guard block.pointee.kind == kind.rawValue else {
        let other = Kind(rawValue: block.pointee.kind)?.name ?? "handle of another kind"
        throw Failure(.argument, "expected a \(kind.name), got a \(other)")
    }
    return block
}
