// The command line: one word that says what to do, then arguments. Built on the Swift modules; the C interface is for
// other hosts. Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.

import Basics
import Glibc

do {
    try run(Array(CommandLine.arguments.dropFirst()))
} catch let usage as Usage {
    complain("\(usage.message)\nflip --help says how it is called")
    exit(2)
} catch let failure as Failure where failure.code == .cancelled {
    exit(130)
} catch {
    complain("\(error)")
    exit(1)
}
