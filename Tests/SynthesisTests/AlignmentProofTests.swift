// P8 and P12 for the joint release: by brute force over neighbouring tables, for random, huge and broken networks,
// every block moves by no more than its clipping norm. Two mutants fail the same test: covariances of the raw batch
// inside the loss, and raw moments of the same step.

import Alignment
import Glibc
import XCTest
@testable import Networks
@testable import Privacy
@testable import Synthesis
import Basics
import Compute
import Tables

final class AlignmentProofTests: XCTestCase {
    private enum Map { case right, covarianceOfTheBatch, momentsOfTheStep }
    private struct Row { var cells: [Int], group: Int, id: Int }
    private struct Scene { let plan: Plan, statistics: Statistics, vae: VAE, aligned: PrivateAlignment,
        batches: Batches }

    private static let sites = #""latent_mean": 40, "latent_fourier": 30, "latent_covariance": 60, "decoder_mean": "#
        + #"20, "heads_mean": 20, "heads_covariance": 10"#

    /// A training some steps along: moments were released, and pull from now on.
    private func scene(_ calibration: String, sites: String = AlignmentProofTests.sites) throws -> Scene {
        let plan = try Plan(schema: Fixture.schema(), protected: ["ward"], epsilon: 8, delta: 1e-5, preset: "published",
            config: JSON.parse("""
            {"autoencoder": {"steps": 8, "batch": 200, "log_variance": "head"}, "diffusion": {"enabled": false},
            "test_seed": 5, "threads": 1,
             "alignment": {"start": 2, "ramp": 0, "anchor": 3, \(sites)}, "fairness": {"strength": 1,
             "sampling": "balanced", "calibration": "\(calibration)", "reweight": true}}
            """))
        let t = try Trainer(plan: plan, table: Fixture.table(rows: 600))
        try t.step(maxSteps: 6, maxSeconds: 1e9)
        let fit = try XCTUnwrap(t.autoencoder), aligned = try XCTUnwrap(t.alignment)
        try aligned.prepare(step: 5) { try fit.averaged() }
        XCTAssert(aligned.isActive && aligned.anchor != nil)
        return Scene(plan: plan, statistics: try XCTUnwrap(t.statistics), vae: fit.network, aligned: aligned,
                     batches: try XCTUnwrap(t.sampled.first))
    }

    private func rows(_ n: Int, _ plan: Plan, _ seed: UInt64) -> [Row] {
        (0..<n).map { i in
            var s = CounterStream(seed: seed, row: UInt64(i), purpose: 9)
            func below(_ n: Int) -> Int { min(Int(s.uniformDouble() * Double(n)), n - 1) }
            return Row(cells: plan.grids.map { below($0.count) }, group: below(plan.groups.count), id: i)
        }
    }

    private func stageRun(_ plan: Plan, _ statistics: Statistics, _ door: Door) -> StageRun {
        let run = StageRun(plan: plan, door: door)
        run.artefacts.statistics = statistics
        return run
    }

    /// Both blocks of the joint release over all rows, with next to no noise. A row's own randomness comes from its
    /// name, so that it is the same in both tables.
    private func release(_ rows: [Row], _ scene: Scene, _ map: Map) throws -> [[Double]] {
        let plan = scene.plan, m = plan.grids.count, b = scene.batches, vae = scene.vae, a = scene.aligned
        let table = try PrivateTable(rows: rows.count, cellCounts: plan.grids.map(\.count) + [256], groups: plan.groups)
        for j in 0..<m {
            try table.fill(column: j) { p in for (i, r) in rows.enumerated() { p[i] = UInt16(r.cells[j]) } }
        }
        try table.fill(column: m) { p in for (i, r) in rows.enumerated() { p[i] = UInt16(r.id) } }
        try table.fillGroups { p in for (i, r) in rows.enumerated() { p[i] = Int32(r.group) } }
        let ledger = try Ledger(epsilon: 1e16, delta: 1e-5, order: 2, groups: plan.groups)
        let door = try Door(table: table, budget: ledger.budget, ledger: ledger, random: SecureRandom(testSeed: 3))
        let w = try PrivateWorkspace(stageRun(plan, scene.statistics, door), b, network: vae, aligned: a),
            Z = vae.latentCount
        let blocks = [SumBlock(length: vae.parameters.trainable, clips: b.clips, noise: 1e-6),
                      SumBlock(length: a.length, clips: b.momentClips, noise: 1e-6)]
        let sums = try door.releaseSums(name: "s", blocks: blocks, rates: plan.groups.map { _ in 1 },
                                        microBatch: Plan.microBatch, threads: 1) { loan, _, out in
            w.encode(loan)
            for i in 0..<loan.count {
                var s = CounterStream(seed: 1, row: UInt64(loan.columns[m][i]), purpose: 3)
                s.fillNormal(w.normals.base + i * Z, Z)
            }
            switch map {
            case .right: w.gradient(vae, a, loan, beta: 0.5)
            case .covarianceOfTheBatch:
                var mean = [Float](repeating: 0, count: loan.count * Z), pull = mean
                vae.encode(w.rows(loan.count), mean: &mean, logVariance: nil, w.vae)
                let batch = try BatchAlignment(groups: plan.groups.count, latent: Z, capacity: 64)
                _ = try batch.gradient(mean, groups: loan.groups, count: loan.count,
                                       weights: AlignmentWeights(covariance: 1e4), into: &pull)
                pull.withUnsafeBufferPointer {
                    vae.clippedGradientSum(w.rows(loan.count), noise: w.normals.base, clips: w.clips.base, beta: 0.5,
                                           into: w.sum.base, options: .init(addedMeanGradient: $0.baseAddress), w.vae)
                }
            case .momentsOfTheStep:
                // First pass: the batch's own moments, as they are; second pass: gradients that know them.
                w.gradient(vae, a, loan, beta: 0.5)
                let raw = try PrivateAlignment(plan: plan, statistics: scene.statistics, network: vae, pools: a.pools),
                    sum = try Buffer<Float>(count: a.length, for: "a test")
                if let space = w.alignment { for i in 0..<a.length { sum[i] = space.sum[i] } }
                // As if they had no noise: then all groups take part at once.
                raw.update(sum, Batches(stage: b.stage, steps: b.steps, rates: b.rates, multipliers: b.multipliers,
                                        clips: b.clips, noise: b.noise, momentClips: b.momentClips,
                                        momentNoise: 1e-9, divisor: b.divisor, weights: b.weights,
                                            expected: b.expected))
                try raw.prepare(step: 1000) { vae }
                w.gradient(vae, raw, loan, beta: 0.5)
            }
            out.add(w.sum.base)
            if let space = w.alignment { out.add(space.sum.base, block: 1) }
        }
        return sums.map { s in s.map { Double($0) } }
    }

    private func length(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    /// Largest movement of each block over the norm of the row that was added.
    private func worst(_ scene: Scene, _ map: Map, trials: Int, seed: UInt64) throws -> [Double] {
        var worst = [0.0, 0.0]
        for t in 0..<trials {
            let all = rows(8 + t % 40, scene.plan, seed &+ UInt64(t)), gone = t % all.count
            var rest = all
            rest.remove(at: gone)
            if t % 3 == 0 { rest.shuffle() }
            let a = try release(all, scene, map), b = try release(rest, scene, map), g = all[gone].group
            for (k, clip) in [scene.batches.clips[g], scene.batches.momentClips[g]].enumerated() {
                worst[k] = max(worst[k], length(a[k], b[k]) / clip)
            }
        }
        return worst
    }

    func testEveryBlockMovesByAtMostItsNorm() throws {
        for calibration in ["uniform", "equalised"] {
            let s = try scene(calibration), p = s.vae.parameters, start = (0..<p.count).map { p.base[$0] }
            var reached = 0.0
            for scale: Float in [1, 0.1, 8, 1e4, 1e18] {
                var random = NormalStream(seed: UInt64(scale.bitPattern), stream: 2)
                for i in 0..<p.count { p.base[i] = scale * (start[i] + 0.3 * random.next()) }
                let moved = try worst(s, .right, trials: 12, seed: 7)
                XCTAssertLessThanOrEqual(moved[0], 1.001, "\(calibration) \(scale)")
                XCTAssertLessThanOrEqual(moved[1], 1.001, "\(calibration) \(scale)")
                reached = max(reached, moved[1])
            }
            XCTAssertGreaterThan(reached, 0.4, "moments are in the release")
            // Rows with one level of the second modelled column cannot be computed: they add nothing, the others what
            // they would add alone.
            for i in 0..<p.count { p.base[i] = start[i] }
            let broken = try XCTUnwrap(p.pointer("embedding"))
            for k in 0..<s.vae.shape.width {
                broken[s.vae.shape.levels[0] * s.vae.shape.width + k] = k % 2 == 0 ? .nan : .infinity
            }
            let moved = try worst(s, .right, trials: 20, seed: 70)
            XCTAssertLessThanOrEqual(moved[0], 1.001)
            XCTAssertLessThanOrEqual(moved[1], 1.001)
            XCTAssert(try release(rows(40, s.plan, 1), s, .right).allSatisfy { $0.allSatisfy(\.isFinite) })
        }
    }

    func testMutantsAreSeen() throws {
        let s = try scene("uniform", sites: #""latent_mean": 4000, "latent_covariance": 4000"#)
        XCTAssertLessThanOrEqual(try worst(s, .right, trials: 10, seed: 7)[0], 1.001)
        XCTAssertGreaterThan(try worst(s, .covarianceOfTheBatch, trials: 10, seed: 7)[0], 1.2)
        XCTAssertGreaterThan(try worst(s, .momentsOfTheStep, trials: 10, seed: 7)[0], 1.2)
    }
}
