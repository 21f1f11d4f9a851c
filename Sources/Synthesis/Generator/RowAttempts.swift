// One chunk of generated rows: latents, tilted heads, and attempts until each row is accepted by the host's condition.
// Row k of a seed has counter streams of its own, so it is the same whatever the chunk it is made in.

import Basics
import Compute
import Glibc
import Networks
import Projection

struct RowAttempts: Sendable {
    let plan: Plan
    let statistics: Statistics
    let source: RowSource
    let tilt: HeadTilt?
    let rowTilt: RowTilt?

    /// Streams of one row; an attempt has streams of its own.
    enum Purpose { static let latent: UInt32 = 1, heads: UInt32 = 2, cells: UInt32 = 3, accept: UInt32 = 4,
        group: UInt32 = 5, repair: UInt32 = 6, chain: UInt32 = 7 }
    private static let chunk = DrawSpace.chunk
    /// An attempt of this number is taken whatever a tilt of rows says. None that was fitted comes near it; one in a
    /// file that somebody altered would refuse every row for ever.
    private static let lastTilted: UInt32 = 1 << 16

    func space() throws -> DrawSpace {
        try DrawSpace(source, columns: plan.grids.count, modelled: plan.modelled.count,
                      drawsGroups: statistics.groupShares != nil, tilt: tilt)
    }

    func stream(_ at: RowPlace, _ purpose: UInt32, _ attempt: UInt32) -> CounterStream {
        CounterStream(seed: at.seed, row: at.row, purpose: purpose | attempt << 3)
    }

    /// The stream that chooses cells inside bins, and values inside cells.
    func cellStream(_ at: RowPlace, attempt: UInt32) -> CounterStream { stream(at, Purpose.cells, attempt) }

    /// `count` rows from `at` on, at most a chunk, into `w.bins` and `w.attempts`.
    func draw(_ at: RowPlace, count n: Int, _ test: ConditionTest?, _ w: DrawSpace) {
        begin(n, w)
        makeLatents(at, n, w)
        guard rowTilt != nil || test != nil else { return decode(at, n, w.bins, w) }
        decode(at, n, w.trials, w)
        var left = n, slots = n
        while true {
            left = takeRound(left, slots: slots, w) { i, k in
                guard accepts(at, slot: k, test, w) else { return false }
                for t in 0..<plan.grids.count { w.bins[t * Self.chunk + i] = w.trials[t * Self.chunk + k] }
                return true
            }
            if left == 0 { return }
            slots = nextRound(left, atMost: test == nil ? 4 : Self.chunk, w)
            makeLatents(at, slots, w)
            decode(at, slots, w.trials, w)
        }
    }

    /// One round of attempts: the first slot of a waiting row that `take` accepts gives the row, which then waits no
    /// more; a row without one waits for the attempt after its last. A row takes its first accepted attempt, so rounds
    /// of any size give the same row.
    /// - Parameter take: of the row's place in the chunk and the slot.
    /// - Returns: how many rows still wait.
    @inline(__always)
    func takeRound(_ waiting: Int, slots: Int, _ w: DrawSpace, _ take: (_ row: Int, _ slot: Int) -> Bool) -> Int {
        var k = 0, still = 0
        for j in 0..<waiting {
            let i = w.waiting[j]
            var taken = false
            while k < slots, w.slotRow[k] == i {
                if !taken, take(Int(i), k) {
                    taken = true
                    w.attempts[Int(i)] = w.slotAttempt[k]
                }
                k += 1
            }
            if !taken {
                w.attempts[Int(i)] = w.slotAttempt[k - 1] &+ 1
                w.waiting[still] = i
                still += 1
            }
        }
        return still
    }

    /// The slots of the next round: up to `most` further attempts of every waiting row, as many as a chunk holds.
    /// - Returns: their number.
    func nextRound(_ waiting: Int, atMost most: Int, _ w: DrawSpace) -> Int {
        let each = max(1, min(Self.chunk / waiting, most))
        var slots = 0
        for j in 0..<waiting {
            let i = w.waiting[j]
            for a in 0..<each {
                (w.slotRow[slots], w.slotAttempt[slots]) = (i, w.attempts[Int(i)] &+ UInt32(a))
                slots += 1
            }
        }
        return slots
    }

    /// Latents of `count` rows from `at` on, into `w.latents`.
    func drawLatents(_ at: RowPlace, count n: Int, _ w: DrawSpace) {
        begin(n, w)
        makeLatents(at, n, w)
    }

    func begin(_ n: Int, _ w: DrawSpace) {
        for i in 0..<n {
            (w.slotRow[i], w.slotAttempt[i], w.attempts[i]) = (Int32(i), 0, 0)
            w.waiting[i] = Int32(i)
        }
    }

    /// Latents of the slots: from the diffusion, or from the prior when there is none.
    func makeLatents(_ at: RowPlace, _ n: Int, _ w: DrawSpace) {
        switch source {
        case .projection, .drawn, .histograms: return
        case .reconstruction(let rows, let vae): return encode(rows, vae, at, n, w)
        case .networks(let vae, let denoiser, let scale):
            let L = vae.latentCount
            for k in 0..<n {
                var stream = stream(at + w.slotRow[k], Purpose.latent, w.slotAttempt[k])
                stream.fillNormal(w.latents.base + k * L, L)
            }
            guard let denoiser, let scratch = w.denoiser else { return }
            denoiser.sample(w.latents.base, count: n, steps: plan.settings.diffusion.samplerSteps, into: w.latents.base,
                            scratch)
            scale?.restore(w.latents.base, count: n)
        }
    }

    /// Bins of the slots, column by column, into `out`.
    func decode(_ at: RowPlace, _ n: Int, _ out: Buffer<UInt16>, _ w: DrawSpace) {
        if case .projection(let rows) = source { return project(rows, at, n, out, w) }
        let columns = plan.modelled.count, heads = w.heads ?? out
        for k in 0..<n {
            var stream = stream(at + w.slotRow[k], Purpose.heads, w.slotAttempt[k])
            for t in 0..<columns { w.uniforms.base[k * columns + t] = stream.uniform() }
        }
        if case .drawn(let rows) = source {
            for k in 0..<n {
                rows.copy(rows.place(Double(w.uniforms[k * columns]))) { heads[$0 * Self.chunk + k] = $1 }
            }
        } else if let vae = source.autoencoder, let scratch = w.vae {
            if let tilt, let memory = w.tilt {
                vae.sample(w.latents.base, count: n, uniforms: w.uniforms.base, into: heads.base, stride: Self.chunk,
                           scratch) { tilt.draw($0, uniforms: $1, labels: $2, memory) }
            } else {
                vae.sample(w.latents.base, count: n, uniforms: w.uniforms.base, into: heads.base, stride: Self.chunk,
                           scratch)
            }
        } else {
            for (t, e) in statistics.modelled.enumerated() {
                for k in 0..<n {
                    heads.base[t * Self.chunk + k] = UInt16(e.bin(u: Double(w.uniforms.base[k * columns + t])))
                }
            }
        }
        guard let own = w.heads, let shares = statistics.groupShares, let grouping = plan.grouping else { return }
        for (t, j) in plan.modelled.enumerated() {
            (out.base + j * Self.chunk).update(from: own.base + t * Self.chunk, count: n)
        }
        // The protected columns are drawn together, by the shares of groups; nothing the decoder emits is looked at.
        for k in 0..<n {
            var stream = stream(at + w.slotRow[k], Purpose.group, w.slotAttempt[k])
            let g = shares.withUnsafeBufferPointer { cumulativeSearch($0, stream.uniformDouble()) }
            for (axis, part) in zip(grouping.axes, grouping.partsOf[g]) {
                out.base[axis.column * Self.chunk + k] = UInt16(truncatingIfNeeded: part)
            }
        }
    }

    /// Each attempt is another row of the relaxed table.
    private static func mixed(_ seed: UInt64, _ attempt: UInt32) -> UInt64 {
        seed ^ UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15
    }

    /// A row of the relaxed table for each slot.
    private func project(_ rows: ProjectedRows, _ at: RowPlace, _ n: Int, _ out: Buffer<UInt16>, _ w: DrawSpace) {
        for k in 0..<n {
            let place = at + w.slotRow[k]
            rows.draw(seed: Self.mixed(at.seed, w.slotAttempt[k]), row: place.row, codes: out.base + k,
                      stride: Self.chunk)
        }
    }

    /// A posterior draw for a row that networks learned.
    private func encode(_ rows: any FreeRows, _ vae: VAE, _ at: RowPlace, _ n: Int, _ w: DrawSpace) {
        guard let scratch = w.vae else { return }
        let L = vae.latentCount
        for k in 0..<n {
            let place = at + w.slotRow[k]
            rows.draw(seed: Self.mixed(at.seed, w.slotAttempt[k]), row: place.row, group: nil,
                      codes: w.trials.base + k, targets: nil, stride: Self.chunk)
        }
        vae.encode(CodeRows(bins: w.trials.base, stride: Self.chunk, count: n), mean: w.latents.base,
                   logVariance: w.variances.base, scratch)
        for k in 0..<n {
            var stream = stream(at + w.slotRow[k], Purpose.latent, w.slotAttempt[k])
            stream.fillNormal(w.noise.base + k * L, L)
        }
        for i in 0..<n * L { w.latents[i] += exp(0.5 * w.variances[i]) * w.noise[i] }
    }

    private func accepts(_ at: RowPlace, slot k: Int, _ test: ConditionTest?, _ w: DrawSpace) -> Bool {
        if let test {
            for t in 0..<plan.grids.count { w.one[t] = w.trials[t * Self.chunk + k] }
            guard test.isPossible(w.one) else { return false }
            var stream = cellStream(at + w.slotRow[k], attempt: w.slotAttempt[k])
            guard test.holds(w.one, &stream) else { return false }
        }
        return isTiltMet(at, slot: k, w)
    }

    /// Whether a tilt of rows takes the bins of slot k.
    func isTiltMet(_ at: RowPlace, slot k: Int, _ w: DrawSpace) -> Bool {
        let attempt = w.slotAttempt[k]
        guard let rowTilt, attempt < Self.lastTilted else { return true }
        for t in 0..<plan.grids.count { w.one[t] = w.trials[t * Self.chunk + k] }
        var stream = stream(at + w.slotRow[k], Purpose.accept, attempt)
        return stream.uniform() < rowTilt.acceptance(w.one.base)
    }
}

/// A row of the endless table of a seed.
struct RowPlace {
    let seed: UInt64
    let row: UInt64
    init(seed: UInt64, row: UInt64) { (self.seed, self.row) = (seed, row) }
    init(seed: UInt64, first: Int64) { self.init(seed: seed, row: UInt64(bitPattern: first)) }
    static func + (at: RowPlace, i: Int32) -> RowPlace { RowPlace(seed: at.seed, row: at.row &+ UInt64(Int64(i))) }
}
