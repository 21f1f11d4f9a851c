// Rows per second of private training steps on made-up rows: prints one JSON line a measurement. Not a comparison with other
// libraries (Benchmarks/), and no privacy: noise is a stand-in of the same cost.
//
//     swift run -c release flip-bench [threads] [seconds] [narrow|wide|default]

import Basics
import Compute
import Glibc
import Networks

let words = CommandLine.arguments.dropFirst(), arguments = words.compactMap { Double($0) }
let threads = arguments.count > 0 ? max(1, Int(arguments[0])) : min(2, Workers.available)
let seconds = arguments.count > 1 ? arguments[1] : 2

do {
    for run in [("narrow", NetworksBenchmark.narrow), ("wide", NetworksBenchmark.wide), ("default", NetworksBenchmark.standard)] where words.count < 3 || words.contains(run.0) {
        for mode in [NetworksBenchmark.Mode.clipped, .plain] {
            let r = try NetworksBenchmark.train(shape: run.1, mode: mode, batch: 1024, threads: threads, seconds: seconds)
            print("{\"shape\":\"\(run.0)\",\"step\":\"\(mode.rawValue)\",\"kernels\":\"\(Kernels.current.name)\",\"threads\":\(threads),"
                + "\"rows_per_second\":\(Int(r.rowsPerSecond)),\"rows_per_processor_second\":\(Int(r.rowsPerProcessorSecond)),\"weights\":\(r.weights)}")
        }
    }
} catch {
    fputs("\(error)\n", stderr)
    exit(1)
}
