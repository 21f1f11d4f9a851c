// One thread at a time, until the workers of Compute are here.
enum Workers {
    static func run(threads: Int, _ body: (Int) -> Void) { for w in 0..<threads { body(w) } }
}
