// P15: sample(model, seed) is one table, whatever the threads, the chunks and the instruction set. The digest is of
// this model's first rows: a change of it is a change of what every saved model gives, and has to be meant.

import Basics
import Compute
import Networks
import Privacy
@testable import Synthesis
import Tables
import XCTest

final class GoldenSampleTests: XCTestCase {
    private let rows = 1500, golden = "c18516a1e89b8bf8fd907038c857ac1da5c5cca0874074af0b70d1bff6b3afc6"

    /// A model whose released counts and weights come from public seeds alone: nothing is trained.
    private func model(_ kernels: Kernels = .current, nudge: Float = 0) throws -> Model {
        let plan = try Plan(schema: Fixture.schema(), protected: [], epsilon: 2, delta: 1e-5, preset: "published",
                            config: JSON.parse(#"{"seed": 7, "diffusion": {"sampler_steps": 6}}"#))
        let counts = try plan.histograms.map { h in
            let b = try Buffer<Double>(count: plan.grids[h.column].histogramSize(divisor: h.divisor))
            for i in b.indices { b[i] = Double(400 + (i * 37) % 300) }
            return b
        }
        let statistics = try Statistics(plan: plan, counts: counts, groupCounts: [5000])
        let vae = try VAE(shape: plan.autoencoderShape(levels: statistics.modelledLevels), seed: 5, kernels: kernels)
        for i in 0..<vae.parameters.count { vae.parameters.base[i] *= 1 + nudge }
        let denoiser = try Denoiser(shape: plan.makeDenoiser(latent: vae.latentCount).shape, seed: 6, kernels: kernels)
        let ledger = try Ledger(epsilon: plan.epsilon, delta: plan.delta, order: plan.budget.order,
                                groups: [Plan.group], assumptions: plan.assumptions)
        return Model(plan: plan, ledger: ledger, statistics: statistics, autoencoder: vae, denoiser: denoiser)
    }

    private func digest(_ tables: [Table]) -> String {
        var hash = SHA256()
        for j in tables[0].columns.indices {
            for t in tables {
                let cells = (0..<t.rows).map { t.columns[j].double($0).bitPattern }
                cells.withUnsafeBytes { hash.update($0) }
            }
        }
        return hash.hexDigest()
    }

    func testDigest() throws {
        XCTAssertEqual(digest([try model().sample(count: rows, seed: 42)]), golden)
        for threads in 1...8 {
            XCTAssertEqual(digest([try model().sample(count: rows, seed: 42, threads: threads)]), golden,
                           "\(threads) threads")
        }
        for kernels in Kernels.available {
            XCTAssertEqual(digest([try model(kernels).sample(count: rows, seed: 42, threads: 2)]), golden, kernels.name)
        }
        let m = try model(), cuts = [0, 1, 17, 700, 701, rows]
        XCTAssertEqual(digest(try zip(cuts, cuts.dropFirst()).map { try m.sample(first: $0, count: $1 - $0,
            seed: 42) }), golden, "chunks")
    }

    /// Chunks that begin at their worker's own first row; weights that were rounded otherwise; another seed.
    func testMutants() throws {
        let m = try model()
        XCTAssertNotEqual(digest([try m.sample(count: rows / 2, seed: 42), try m.sample(count: rows / 2, seed: 42)]),
                          golden)
        XCTAssertNotEqual(digest([try model(nudge: 1e-3).sample(count: rows, seed: 42)]), golden)
        XCTAssertNotEqual(digest([try m.sample(count: rows, seed: 43)]), golden)
    }
}
