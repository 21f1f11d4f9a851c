// What people see: results on stdout, bars and complaints on stderr; and Ctrl-C, which asks for a clean stop.

import Basics
import Glibc
import Synchronization

func say(_ text: String) {
    fputs(text + "\n", stdout)
    fflush(stdout)
}

func complain(_ text: String) { fputs("flip: \(text)\n", stderr) }

/// Ctrl-C and a polite kill set a flag that loops look at. A second one ends the process at once.
enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    static func watch() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in Interrupt.flag.store(true, ordering: .relaxed) }
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
    }

    static var wanted: Bool { flag.load(ordering: .relaxed) }
}

/// One line on a terminal, drawn again at most ten times a second; nothing where stderr is no terminal.
final class Bar {
    private let on: Bool
    private let started = monotonicSeconds()
    private var drawn = -1.0, width = 0

    init(quiet: Bool) { on = !quiet && isatty(2) == 1 }

    /// - Returns: whether work goes on: false after Ctrl-C.
    func show(_ name: String, _ done: Int, _ total: Int, epsilon: Double? = nil) -> Bool {
        let now = monotonicSeconds()
        if on, now - drawn >= 0.1 || done >= total {
            drawn = now
            let share = total > 0 ? min(1, Double(done) / Double(total)) : 0
            let full = Int(24 * share)
            var line = pad(name, 12) + " [" + String(repeating: "#", count: full)
                + String(repeating: ".", count: 24 - full) + "] \(Int(100 * share)) %"
            if let epsilon { line += "  \(done)/\(total)  ε \(short(epsilon, 4))" }
            line += "  \(clock(now - started))"
            if share > 0.02, share < 1 { line += ", \(clock((now - started) * (1 - share) / share)) left" }
            fputs("\r" + pad(line, width), stderr)
            width = line.count
        }
        return !Interrupt.wanted
    }

    /// Ends the line.
    func close() {
        if on, width > 0 { fputs("\n", stderr) }
        width = 0
    }

    private func clock(_ seconds: Double) -> String {
        let s = Int(min(seconds, 1e7))
        let two = { (n: Int) in n < 10 ? "0\(n)" : "\(n)" }
        return s >= 3600 ? "\(s / 3600):\(two(s / 60 % 60)):\(two(s % 60))" : "\(s / 60):\(two(s % 60))"
    }
}
