// Rows per second of training steps on made-up rows, private (through the door) and plain: prints one JSON line a
// measurement. noise_share: what of a private step's processor time a release of nobody takes: charge, batch and noise.
// Not a comparison with other libraries (Benchmarks/).
//
//     swift run -c release flip-bench [threads] [seconds] [narrow|wide|default|marginals]… [avx512|avx2|baseline]
//     swift run -c release flip-bench reading FILE

import Basics
import Compute
import Glibc
import Networks

let words = CommandLine.arguments.dropFirst(), numbers = words.compactMap { Double($0) }
let threads = numbers.count > 0 ? max(1, Int(numbers[0])) : min(2, Workers.available)
let seconds = numbers.count > 1 ? numbers[1] : 2
let kernels = Kernels.available.first { words.contains($0.name) } ?? .current
let all = [("narrow", NetworksBenchmark.narrow), ("wide", NetworksBenchmark.wide),
           ("default", NetworksBenchmark.standard)]
let chosen = all.filter { words.contains($0.0) }

do {
    if words.first == "reading", let path = words.dropFirst().first {
        let r = try readEverything(path)
        print("{\"bytes\":\(r.bytes),\"objects\":\(r.objects),\"structure_seconds\":\(r.structure),"
            + "\"elements_seconds\":\(r.elements)}")
        exit(0)
    }
    if words.contains("marginals") {
        for (columns, levels, rows) in [(15, 25, 48_842), (15, 2, 10_000_000), (60, 25, 50_000), (60, 2, 1_000_000)] {
            for (release, skew) in [("pairs", false), ("pairs", true), ("choice", false)] {
                let r = try marginals(columns: columns, levels: levels, rows: rows, skew: skew,
                                      choice: release == "choice", threads: threads, seconds: seconds)
                print("{\"release\":\"\(release)\",\"columns\":\(columns),\"levels\":\(levels),\"rows\":\(rows),"
                    + "\"skew\":\(skew),\"threads\":\(threads),"
                    + "\"pairs\":\(r.pairs),\"cells\":\(r.cells),\"seconds\":\(r.seconds),"
                    + "\"pair_rows_per_second\":\(Int(Double(r.pairs * rows) / r.seconds))}")
            }
        }
    }
    for (name, shape) in chosen.isEmpty && !words.contains("marginals") ? all : chosen {
        for mode in ["clipped", "plain"] {
            let clipped = mode == "clipped" ? try privateSteps(shape: shape, batch: 1024, threads: threads,
                                                               seconds: seconds, kernels: kernels) : nil
            let r = try clipped.map {
                (rowsPerSecond: $0.rowsPerSecond, rowsPerProcessorSecond: $0.rowsPerProcessorSecond,
                 weights: $0.weights)
            }
                ?? NetworksBenchmark.train(shape: shape, batch: 1024, threads: threads, seconds: seconds,
                                           kernels: kernels)
            print("{\"shape\":\"\(name)\",\"step\":\"\(mode)\",\"kernels\":\"\(kernels.name)\",\"threads\":\(threads),"
                + "\"rows_per_second\":\(Int(r.rowsPerSecond)),"
                + "\"rows_per_processor_second\":\(Int(r.rowsPerProcessorSecond)),"
                + (clipped.map { "\"noise_share\":\(($0.noiseShare * 1e4).rounded() / 1e4)," } ?? "")
                + "\"weights\":\(r.weights)}")
        }
    }
} catch {
    fputs("\(error)\n", stderr)
    exit(1)
}
