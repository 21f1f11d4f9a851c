// Threads for one region of work: created, joined, gone.
// This is not a pool. No thread outlives the call, so a host that forks or unloads the library finds none of ours.

import Basics
import CProcessor
import Glibc

package enum Workers {
    /// Processors this process may run on (its affinity mask), at least 1.
    package static var available: Int { max(1, Int(flip_processors())) }

    /// Calls `body` once for each worker number in 0 ..< threads (at least 1, at most 1024), at the same time where
    /// threads can be had:
    /// what cannot be created, or finds no memory to begin with, is run by the caller afterwards, so every number is
    /// served. The caller is one of the workers. All signals are blocked in the others.
    package static func run(threads: Int, _ body: (_ worker: Int) -> Void) {
        let wanted = min(max(threads, 1), 1024)
        guard wanted > 1 else { return body(0) }
        // Every thread is joined below, so the body does not outlive this call.
        withoutActuallyEscaping(body) { body in
            var old = sigset_t(), full = sigset_t()
            sigfillset(&full)
            let masked = pthread_sigmask(SIG_SETMASK, &full, &old) == 0
            var started: [(thread: pthread_t, job: Job)] = []
            while started.count + 1 < wanted, masked {
                let job = Job(started.count + 1, body), held = Unmanaged.passRetained(job)
                var thread = pthread_t()
                guard pthread_create(&thread, nil, entry, held.toOpaque()) == 0 else {
                    held.release()
                    break
                }
                started.append((thread, job))
            }
            if masked { pthread_sigmask(SIG_SETMASK, &old, nil) }
            body(0)
            for worker in started.count + 1 ..< max(wanted, started.count + 1) { body(worker) }
            for one in started {
                pthread_join(one.thread, nil)
                if !one.job.isServed { body(one.job.worker) }
            }
        }
    }

    /// Calls `body(chunk, worker)` for every chunk in 0 ..< chunks, on `threads` threads that take the next chunk when
    /// they are free.
    package static func run(threads: Int, chunks: Int, _ body: (_ chunk: Int, _ worker: Int) -> Void) {
        let next = Counter()
        run(threads: min(threads, max(chunks, 1))) { worker in
            while true {
                let chunk = next.take()
                if chunk >= chunks { return }
                body(chunk, worker)
            }
        }
    }
}

private final class Job {
    let worker: Int
    let body: (Int) -> Void
    /// Set by the thread before it ends, read after it was joined.
    var isServed = false
    init(_ worker: Int, _ body: @escaping (Int) -> Void) {
        self.worker = worker
        self.body = body
    }
}

private let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
    guard let raw else { return nil }
    let job = Unmanaged<Job>.fromOpaque(raw).takeRetainedValue()
    // A thread takes its small allocations from an arena of its own, and what the caller found says nothing of it. The
    // runtime ends the process when one fails, and so does the loader for thread-local data; so nothing before this.
    guard hasHeadroom() else { return nil }
    job.body(job.worker)
    job.isServed = true
    return nil
}

/// 0, 1, 2, … across threads.
private final class Counter: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value = 0
    init() { pthread_mutex_init(lock, nil) }
    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }
    func take() -> Int {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        value += 1
        return value - 1
    }
}
