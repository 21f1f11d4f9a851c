// One chunk of generated rows: latents, heads, and attempts until each row is accepted.

import Basics
import Compute
import Glibc
import Networks
import Projection
import Tables

/// Memory of one worker for one chunk.
final class DrawSpace {
    let latents, uniforms, logits: Buffer<Float>
    /// Of reconstructed rows: log-variances and noise [chunk][latent].
    let variances, noise: Buffer<Float>
    /// Accepted rows and one round of attempts: [columns][chunk].
    let codes, trials: Buffer<UInt16>
    /// What the heads drew, where there are columns without heads: [modelled columns][chunk].
    let heads: Buffer<UInt16>?
    /// The attempt that was accepted: [chunk].
    let attempts: Buffer<UInt32>
    let vae: VAEScratch
    let denoiser: DenoiserScratch?
    /// Rows that wait, and what is tried in this round: [chunk].
    let waiting: Buffer<Int32>, slotRow: Buffer<Int32>, slotAttempt: Buffer<UInt32>
    let one: Buffer<UInt16>

    init(_ s: Sampler) throws {
        let n = Sampler.chunk, columns = s.plan.grids.count
        latents = try Buffer(count: n * s.autoencoder.latentCount, for: "latents")
        uniforms = try Buffer(count: n * s.plan.modelled.count, for: "uniform numbers")
        heads = s.statistics.groupShares == nil ? nil : try Buffer(count: n * s.plan.modelled.count, for: "codes")
        codes = try Buffer(count: n * columns, for: "codes")
        trials = try Buffer(count: n * columns, for: "codes")
        one = try Buffer(count: columns, for: "codes")
        let encoded = if case .reconstruction = s.source { n * s.autoencoder.latentCount } else { 0 }
        variances = try Buffer(count: encoded, for: "latents")
        noise = try Buffer(count: encoded, for: "latents")
        logits = try Buffer(count: n * s.autoencoder.shape.totalLevels, for: "logits")
        attempts = try Buffer(count: n, for: "attempts")
        waiting = try Buffer(count: n, for: "attempts")
        slotRow = try Buffer(count: n, for: "attempts")
        slotAttempt = try Buffer(count: n, for: "attempts")
        vae = try VAEScratch(s.autoencoder)
        denoiser = try s.denoiser.map { try DenoiserScratch($0) }
    }
}

extension Sampler {
    /// Streams of one row; an attempt has streams of its own.
    private enum Purpose { static let latent: UInt32 = 1, heads: UInt32 = 2, cells: UInt32 = 3, accept: UInt32 = 4, group: UInt32 = 5 }
    private static func stream(_ seed: UInt64, _ first: Int64, _ i: Int, _ purpose: UInt32, _ attempt: UInt32) -> CounterStream {
        CounterStream(seed: seed, row: UInt64(bitPattern: first) &+ UInt64(i), purpose: purpose | attempt << 3)
    }

    func cellStream(_ seed: UInt64, _ first: Int64, _ i: Int, _ attempt: UInt32) -> CounterStream { Self.stream(seed, first, i, Purpose.cells, attempt) }

    /// Rows `first ..< first + n`, n at most `chunk`, into `w.codes` and `w.attempts`.
    /// - Parameter latentsOnly: stops at `w.latents`.
    func draw(seed: UInt64, first: Int64, count n: Int, _ test: ConditionTest?, _ w: DrawSpace, latentsOnly: Bool = false) {
        for i in 0..<n {
            (w.slotRow[i], w.slotAttempt[i], w.attempts[i]) = (Int32(i), 0, 0)
            w.waiting[i] = Int32(i)
        }
        makeLatents(seed, first, n, w)
        if latentsOnly { return }
        guard tilt != nil || test != nil else { return decode(seed, first, n, w.codes, w) }
        decode(seed, first, n, w.trials, w)
        var left = n, slots = n
        while true {
            // A row takes its first accepted attempt, so rounds of any size give the same row.
            var k = 0, still = 0
            for j in 0..<left {
                let i = w.waiting[j]
                var taken = false
                while k < slots, w.slotRow[k] == i {
                    if !taken, accepts(seed, first, slot: k, test, w) {
                        taken = true
                        w.attempts[Int(i)] = w.slotAttempt[k]
                        for t in 0..<plan.grids.count { w.codes[t * Self.chunk + Int(i)] = w.trials[t * Self.chunk + k] }
                    }
                    k += 1
                }
                if !taken {
                    w.attempts[Int(i)] = w.slotAttempt[k - 1] &+ 1
                    w.waiting[still] = i
                    still += 1
                }
            }
            left = still
            if left == 0 { return }
            let each = max(1, min(Self.chunk / left, test == nil ? 4 : Self.chunk))
            slots = 0
            for j in 0..<left {
                let i = w.waiting[j]
                for a in 0..<each {
                    (w.slotRow[slots], w.slotAttempt[slots]) = (i, w.attempts[Int(i)] &+ UInt32(a))
                    slots += 1
                }
            }
            makeLatents(seed, first, slots, w)
            decode(seed, first, slots, w.trials, w)
        }
    }

    /// Latents of the slots: from the diffusion, or from the prior when there is none.
    private func makeLatents(_ seed: UInt64, _ first: Int64, _ n: Int, _ w: DrawSpace) {
        let L = autoencoder.latentCount
        if case .projection = source { return }
        if case .reconstruction(let rows) = source { return encode(rows, seed, first, n, w) }
        for k in 0..<n {
            var stream = Self.stream(seed, first, Int(w.slotRow[k]), Purpose.latent, w.slotAttempt[k])
            stream.fillNormal(w.latents.base + k * L, L)
        }
        if let denoiser, let scratch = w.denoiser {
            denoiser.sample(w.latents.base, count: n, steps: plan.settings.diffusion.samplerSteps, into: w.latents.base, scratch)
            latents?.restore(w.latents.base, count: n)
        }
    }

    private func decode(_ seed: UInt64, _ first: Int64, _ n: Int, _ into: Buffer<UInt16>, _ w: DrawSpace) {
        if case .projection(let rows) = source { return project(rows, seed, first, n, into, w) }
        let columns = plan.modelled.count
        for k in 0..<n {
            var stream = Self.stream(seed, first, Int(w.slotRow[k]), Purpose.heads, w.slotAttempt[k])
            for t in 0..<columns { w.uniforms.base[k * columns + t] = stream.uniform() }
        }
        autoencoder.sample(w.latents.base, count: n, uniforms: w.uniforms.base, into: (w.heads ?? into).base, stride: Self.chunk, w.vae)
        guard let heads = w.heads, let shares = statistics.groupShares, let grouping = plan.grouping else { return }
        for (t, j) in plan.modelled.enumerated() { (into.base + j * Self.chunk).update(from: heads.base + t * Self.chunk, count: n) }
        // The protected columns are drawn together, by the shares of groups; nothing the decoder emits is looked at.
        for k in 0..<n {
            var stream = Self.stream(seed, first, Int(w.slotRow[k]), Purpose.group, w.slotAttempt[k])
            let g = group(shares, stream.uniformDouble())
            for (axis, part) in zip(grouping.axes, grouping.partsOf[g]) { into.base[axis.column * Self.chunk + k] = UInt16(truncatingIfNeeded: part) }
        }
    }

    /// First group whose running sum exceeds u of the whole. `shares`: not empty.
    private func group(_ shares: [Double], _ u: Double) -> Int {
        var lo = 0, hi = shares.count - 1
        let x = u * shares[hi]
        while lo < hi {
            let mid = (lo + hi) / 2
            if shares[mid] > x { hi = mid } else { lo = mid + 1 }
        }
        return lo
    }

    /// Each attempt is another row of the relaxed table.
    private static func mixed(_ seed: UInt64, _ attempt: UInt32) -> UInt64 { seed ^ UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15 }

    /// A row of the relaxed table for each slot.
    private func project(_ rows: ProjectedRows, _ seed: UInt64, _ first: Int64, _ n: Int, _ into: Buffer<UInt16>, _ w: DrawSpace) {
        for k in 0..<n {
            rows.draw(seed: Self.mixed(seed, w.slotAttempt[k]), row: UInt64(bitPattern: first) &+ UInt64(w.slotRow[k]), codes: into.base + k, stride: Self.chunk)
        }
    }

    /// A posterior draw for a row of the relaxed table.
    private func encode(_ rows: ProjectedRows, _ seed: UInt64, _ first: Int64, _ n: Int, _ w: DrawSpace) {
        let L = autoencoder.latentCount
        for k in 0..<n {
            rows.draw(seed: Self.mixed(seed, w.slotAttempt[k]), row: UInt64(bitPattern: first) &+ UInt64(w.slotRow[k]), codes: w.trials.base + k, goals: nil, stride: Self.chunk)
        }
        autoencoder.encode(CodeRows(cells: w.trials.base, stride: Self.chunk, count: n), mean: w.latents.base, logVariance: w.variances.base, w.vae)
        for k in 0..<n {
            var stream = Self.stream(seed, first, Int(w.slotRow[k]), Purpose.latent, w.slotAttempt[k])
            stream.fillNormal(w.noise.base + k * L, L)
        }
        for i in 0..<n * L { w.latents[i] += exp(0.5 * w.variances[i]) * w.noise[i] }
    }

    private func accepts(_ seed: UInt64, _ first: Int64, slot k: Int, _ test: ConditionTest?, _ w: DrawSpace) -> Bool {
        let i = Int(w.slotRow[k]), attempt = w.slotAttempt[k]
        for t in 0..<plan.grids.count { w.one[t] = w.trials[t * Self.chunk + k] }
        if let test {
            guard test.isPossible(w.one) else { return false }
            var stream = cellStream(seed, first, i, attempt)
            guard test.holds(w.one, &stream, self) else { return false }
        }
        guard let tilt else { return true }
        var stream = Self.stream(seed, first, i, Purpose.accept, attempt)
        return stream.uniform() < tilt.acceptance(w.one.base)
    }
}
