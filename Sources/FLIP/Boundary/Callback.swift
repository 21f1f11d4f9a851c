// A host's callback as a Swift function. It runs on the thread that made the call; what it returns decides whether work
// goes on.

import Basics
import CFlip

public typealias Callback = (@convention(c) (UnsafeMutableRawPointer?, UnsafePointer<flip_event>?) -> Int32)?

struct Reporter {
    let callback: Callback
    let user: UnsafeMutableRawPointer?
    let stageName: String
    private let started = monotonicSeconds()

    init(_ callback: Callback, _ user: UnsafeMutableRawPointer?, _ stageName: String) {
        (self.callback, self.user, self.stageName) = (callback, user, stageName)
    }

    /// Tells the host; false when it asked to stop.
    func report(_ progress: flip_progress) -> Bool {
        guard let callback else { return true }
        return withUnsafePointer(to: progress) { progress in
            var event = flip_event(size: UInt32(MemoryLayout<flip_event>.size), kind: UInt32(FLIP_EVENT_PROGRESS),
                                   progress: progress)
            return callback(user, &event) == 0
        }
    }

    /// The same for work that counts `done` of `total` and spends nothing.
    func report(_ done: Int, _ total: Int) -> Bool {
        report(makeProgress(stage: 0, name: stageName, step: done, total: total, epsilon: 0,
                            seconds: monotonicSeconds() - started))
    }
}

func makeProgress(stage: Int, name: String, step: Int, total: Int, epsilon: Double, seconds: Double) -> flip_progress {
    var p = flip_progress()
    p.size = UInt32(MemoryLayout<flip_progress>.size)
    p.stage = UInt32(clamping: stage)
    (p.step, p.total, p.epsilon, p.seconds) = (Int64(step), Int64(total), epsilon, seconds)
    withUnsafeMutableBytes(of: &p.stage_name) { copy(name, into: $0) }
    return p
}

/// Writes as much of `progress` as the caller's struct, whose `size` says how large it is, has room for.
func write(_ progress: flip_progress, to out: UnsafeMutablePointer<flip_progress>) {
    let size = out.pointee.size
    withUnsafeBytes(of: progress) {
        UnsafeMutableRawPointer(out).copyMemory(from: $0.baseAddress!, byteCount: min(Int(size), $0.count))
    }
    out.pointee.size = size
}

/// - Throws: `.argument` when the caller forgot to say how large its struct is.
func checkSize(_ out: UnsafeMutablePointer<flip_progress>?) throws {
    if let out, Int(out.pointee.size) < MemoryLayout<flip_progress>.size {
        throw Failure(.argument, "progress->size: set it to sizeof(flip_progress) before the call")
    }
}
