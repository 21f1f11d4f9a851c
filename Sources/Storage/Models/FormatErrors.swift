// Errors of a text inside a file are errors of the file.

import Basics

/// Runs `body`; what it throws becomes `.format`, with `what` in front. Lack of memory stays what it is.
package func asFormat<R>(_ what: String, _ body: () throws -> R) throws -> R {
    do {
        return try body()
    } catch let f as Failure where f.code != .noMemory {
        throw Failure(.format, "\(what): \(f.message)")
    }
}
