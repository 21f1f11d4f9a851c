// Latents given a request. A pool of latents is moved from the model's own distribution to the one given the request,
// by sequential Monte Carlo: the probability that a latent's row meets the request is estimated without bias as its
// columns are drawn one after another. It is brought in by powers from 0 to 1, as few as keep half of the pool
// effective (Del Moral, Doucet and Jasra 2006, "Sequential Monte Carlo samplers"). So the time grows with the logarithm
// of a request's rarity and not with the rarity. Each row then starts from a member of the pool and makes some moves of
// its own, which leave the distribution as it is (preconditioned Crank-Nicolson: Cotter, Roberts, Stuart and White
// 2013, arXiv 1202.0709; an estimate in place of the probability: Andrieu and Roberts 2009).
//
// The pool's seed is public and fixed, so row k is a function of model, request, seed and k.

import Basics
import Compute
import Glibc
import Networks

final class LatentChain: Sendable {
    /// Normals of the pool: [members][latent].
    private let pool: Buffer<Float>
    private let members: Int
    /// Weights of all bins of every member, where rows have requests of their own; nil: the pool is for one request.
    private let weights: Buffer<Float>?
    private let width: Int
    /// Share of a proposal that is new, in standard deviations.
    private let step: Float
    private let keeper: RowKeeper
    private static let seed: UInt64 = 0x7363_6d63, poolMembers = 1024, moves = 3, ownMoves = 6

    /// A pool for rows with requests of their own.
    init(_ rows: RowAttempts, _ keeper: RowKeeper, threads: Int) throws {
        (members, self.keeper) = (Self.poolMembers, keeper)
        let work = try PoolWork(rows, keeper, members: members, threads: threads)
        work.start(Self.seed)
        (pool, weights, width, step) = (work.normals, work.weights, work.width, 0.5)
    }

    /// A pool for one request.
    init(_ rows: RowAttempts, _ keeper: RowKeeper, request: RowRequest, threads: Int) throws {
        (members, self.keeper) = (Self.poolMembers, keeper)
        let work = try PoolWork(rows, keeper, members: members, threads: threads)
        work.start(Self.seed)
        work.temper(request, Self.seed)
        (pool, weights, width, step) = (work.normals, nil, work.width, work.step)
    }

    /// Slots drawn given their requests: what heads draw into `s.slotCells`, `s.slotPlaces` and `w.trials`, latents
    /// into `w.latents`, and their weights of bins into `s.weights`.
    func draw(_ rows: RowAttempts, _ at: RowPlace, _ n: Int, _ request: (Int) -> RowRequest?, _ w: DrawSpace,
              _ s: KeptSpace) {
        guard let vae = rows.source.autoencoder else { return }      // a chain is made for networks alone
        let L = vae.latentCount, all = (0..<n).map { $0 }
        var streams: [CounterStream] = [], logs = [Double](repeating: 0, count: n)
        for k in 0..<n {
            var stream = rows.stream(at + w.slotRow[k], RowAttempts.Purpose.chain, w.slotAttempt[k])
            let i = member(request(k), &stream)
            (s.normals.base + k * L).update(from: pool.base + i * L, count: L)
            streams.append(stream)
        }
        rows.latents(of: s.normals, n, w)
        rows.weigh(all, w, s, into: s.weights)
        for k in 0..<n {
            logs[k] = rows.drawHeads(s.weights.base + k * width, request(k), keeper, &streams[k], s)
            rows.store(k, w, s)
        }
        let moves = weights == nil ? Self.moves : Self.ownMoves, keep = (1 - step * step).squareRoot()
        for _ in 0..<moves {
            for k in 0..<n {
                let z = s.trial.base + k * L, old = s.normals.base + k * L
                streams[k].fillNormal(z, L)
                for i in 0..<L { z[i] = keep * old[i] + step * z[i] }
            }
            rows.latents(of: s.trial, n, w)
            rows.weigh(all, w, s, into: s.proposed)
            for k in 0..<n {
                let log = rows.drawHeads(s.proposed.base + k * width, request(k), keeper, &streams[k], s),
                    u = streams[k].uniformDouble()
                guard Glibc.log(max(u, 1e-300)) < log - logs[k] else { continue }
                logs[k] = log
                rows.store(k, w, s)
                (s.normals.base + k * L).update(from: s.trial.base + k * L, count: L)
                (s.weights.base + k * width).update(from: s.proposed.base + k * width, count: width)
            }
        }
    }

    /// The member that a row starts from: any of a pool for one request, otherwise by how well it meets the row's own.
    private func member(_ request: RowRequest?, _ stream: inout CounterStream) -> Int {
        let u = stream.uniformDouble()
        guard let weights, let request else { return min(Int(u * Double(members)), members - 1) }
        let logs = (0..<members).map { Self.log(request, weights.base + $0 * width) }
        let most = logs.max() ?? 0
        var sum = 0.0
        let running = logs.map { sum += exp($0 - most); return sum }
        return running.withUnsafeBufferPointer { cumulativeSearch($0, u) }
    }

    /// log of the probability that a row of these weights meets the request's masks, without the tilt: near enough to
    /// choose where a chain starts.
    private static func log(_ request: RowRequest, _ weights: UnsafePointer<Float>) -> Double {
        request.masked.reduce(0) { sum, t in
            guard let at = request.starts[t], let mask = request.masks[t] else { return sum }
            return sum + mask.logProbability(weights + at)
        }
    }
}

extension RowAttempts {
    /// Latents of normals, as `makeLatents` makes them: n rows into `w.latents`.
    func latents(of normals: Buffer<Float>, _ n: Int, _ w: DrawSpace) {
        guard case .networks(let vae, let denoiser, let scale) = source else { return }
        w.latents.base.update(from: normals.base, count: n * vae.latentCount)
        guard let denoiser, let scratch = w.denoiser else { return }
        denoiser.sample(w.latents.base, count: n, steps: plan.settings.diffusion.samplerSteps, into: w.latents.base,
                        scratch)
        scale?.restore(w.latents.base, count: n)
    }
}

/// The pool in the making.
private final class PoolWork {
    let normals: Buffer<Float>, weights: Buffer<Float>, width: Int
    private(set) var step: Float = 0.5
    private let rows: RowAttempts, keeper: RowKeeper, members: Int, threads: Int, L: Int
    private let spaces: [(DrawSpace, KeptSpace)], results: Buffer<Double>
    private static let chunk = DrawSpace.chunk

    init(_ rows: RowAttempts, _ keeper: RowKeeper, members: Int, threads: Int) throws {
        (self.rows, self.keeper, self.members) = (rows, keeper, members)
        self.threads = max(1, min(threads, (members + Self.chunk - 1) / Self.chunk))
        spaces = try (0..<self.threads).map { _ in (try rows.space(), try rows.keptSpace(keeper)) }
        L = rows.source.autoencoder?.latentCount ?? 0
        width = spaces[0].1.weights.count / Self.chunk
        normals = try Buffer(count: members * L, for: "a pool of latents")
        weights = try Buffer(count: members * width, for: "a pool of latents")
        results = try Buffer(count: members, for: "a pool of latents")
    }

    private func chunks(_ body: (_ lo: Int, _ n: Int, DrawSpace, KeptSpace) -> Void) {
        Workers.run(threads: threads, chunks: (members + Self.chunk - 1) / Self.chunk) { c, worker in
            let lo = c * Self.chunk
            body(lo, min(Self.chunk, self.members - lo), self.spaces[worker].0, self.spaces[worker].1)
        }
    }

    /// Members of the model's own distribution.
    func start(_ seed: UInt64) {
        chunks { lo, n, w, s in
            for k in 0..<n {
                var stream = CounterStream(seed: seed, row: UInt64(lo + k), purpose: 1)
                stream.fillNormal(s.normals.base + k * self.L, self.L)
            }
            (self.normals.base + lo * self.L).update(from: s.normals.base, count: n * self.L)
            self.rows.latents(of: s.normals, n, w)
            self.rows.weigh((0..<n).map { $0 }, w, s, into: s.weights)
            (self.weights.base + lo * self.width).update(from: s.weights.base, count: n * self.width)
        }
    }

    /// Estimates of every member's probability to meet the request.
    private func start(_ request: RowRequest, _ seed: UInt64) -> [Double] {
        chunks { lo, n, _, s in
            for k in lo..<lo + n {
                var stream = CounterStream(seed: seed, row: UInt64(k), purpose: 3)
                let own = self.weights.base + k * self.width
                self.results[k] = self.rows.drawHeads(own, request, self.keeper, &stream, s)
            }
        }
        return Array(results)
    }

    /// Moves the pool to the distribution given the request.
    func temper(_ request: RowRequest, _ seed: UInt64) {
        var logs = start(request, seed), power = 0.0, round: UInt32 = 0
        while power < 1, round < 64 {
            round += 1
            let next = nextPower(logs, power)
            resample(&logs, next - power, CounterStream(seed: seed, row: UInt64(round), purpose: 2))
            power = next
            for move in 0..<2 { step(request, &logs, power, seed, round * 4 + UInt32(move)) }
        }
    }

    /// The largest power at which half of the pool stays effective (Kish 1965).
    private func nextPower(_ logs: [Double], _ power: Double) -> Double {
        func effective(_ p: Double) -> Double {
            let most = logs.max() ?? 0, w = logs.map { exp((p - power) * ($0 - most)) }
            let sum = w.reduce(0, +)
            return sum * sum / max(w.reduce(0) { $0 + $1 * $1 }, 1e-300)
        }
        let least = Double(members) / 2
        if effective(1) >= least { return 1 }
        var lo = power, hi = 1.0
        for _ in 0..<30 {
            let mid = (lo + hi) / 2
            if effective(mid) >= least { lo = mid } else { hi = mid }
        }
        return max(lo, power + 1e-6)
    }

    /// Systematic resampling by exp(power · log).
    private func resample(_ logs: inout [Double], _ power: Double, _ stream: CounterStream) {
        var stream = stream
        let most = logs.max() ?? 0, w = logs.map { exp(power * ($0 - most)) }, total = w.reduce(0, +)
        var sum = w[0], i = 0, from = [Int](repeating: 0, count: members)
        let u = stream.uniformDouble()
        for k in 0..<members {
            let x = (Double(k) + u) / Double(members) * total
            while sum <= x, i < members - 1 {
                i += 1
                sum += w[i]
            }
            from[k] = i
        }
        let old = Array(UnsafeBufferPointer(start: normals.base, count: members * L)), oldLogs = logs
        for k in 0..<members {
            for i in 0..<L { normals[k * L + i] = old[from[k] * L + i] }
            logs[k] = oldLogs[from[k]]
        }
    }

    private func step(_ request: RowRequest, _ logs: inout [Double], _ power: Double, _ seed: UInt64, _ round: UInt32) {
        let keep = (1 - step * step).squareRoot(), size = step, own = logs
        for k in 0..<members { results[k] = own[k] }
        chunks { lo, n, w, s in
            var streams: [CounterStream] = []
            for k in 0..<n {
                var stream = CounterStream(seed: seed, row: UInt64(lo + k), purpose: 3 | round << 2)
                let z = s.trial.base + k * self.L, old = self.normals.base + (lo + k) * self.L
                stream.fillNormal(z, self.L)
                for i in 0..<self.L { z[i] = keep * old[i] + size * z[i] }
                streams.append(stream)
            }
            self.rows.latents(of: s.trial, n, w)
            self.rows.weigh((0..<n).map { $0 }, w, s, into: s.proposed)
            for k in 0..<n {
                let log = self.rows.drawHeads(s.proposed.base + k * self.width, request, self.keeper, &streams[k], s)
                guard Glibc.log(max(streams[k].uniformDouble(), 1e-300)) < power * (log - own[lo + k]) else { continue }
                self.results[lo + k] = log
                (self.normals.base + (lo + k) * self.L).update(from: s.trial.base + k * self.L, count: self.L)
            }
        }
        var accepted = 0
        for k in 0..<members {
            if results[k] != own[k] { accepted += 1 }
            logs[k] = results[k]
        }
        // A quarter of the proposals is to be accepted.
        let share = Double(accepted) / Double(members)
        step = min(0.95, max(0.02, step * Float(exp(share - 0.25))))
    }
}
