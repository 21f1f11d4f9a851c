// Rows in a folder of CSV files, which may be larger than memory: each file is a part of the sums that a training asks
// for, and is read line by line.

import Basics
import Privacy
import Synthesis
import Tables

struct FolderRows {
    private let files: [String], options: CSVOptions

    /// - Returns: nil when the path is no folder.
    /// - Throws: `.io`; `.schema` for a folder without CSV files; `.unsupported` for Parquet files, in it or itself.
    init?(_ path: String, _ options: CSVOptions) throws {
        guard let names = try folderContents(path) else {
            if Self.isParquet(path) { throw Self.needsPython(path) }
            return nil
        }
        let shown = names.filter { !$0.hasPrefix(".") && !$0.hasPrefix("_") }
        if shown.contains(where: Self.isParquet) { throw Self.needsPython(path) }
        files = shown.filter { $0.lowercased().hasSuffix(".csv") }.map { "\(path)/\($0)" }
        guard !files.isEmpty else { throw Failure(.schema, "\(path): there is no .csv file in this folder") }
        guard options.person == nil else {
            throw Failure(.unsupported, "\(path): rows of persons are bounded for whole tables only; give one file")
        }
        self.options = options
    }

    private static func isParquet(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasSuffix(".parquet") || name.hasSuffix(".pq")
    }

    private static func needsPython(_ path: String) -> Failure {
        Failure(.unsupported, "\(path): Parquet is read by `python -m flip train`, which takes the same options")
    }

    /// How the trainer reads them.
    var remote: RemoteOptions {
        var remote = RemoteOptions()
        remote.invalid = options.invalid == .coerce ? .coerce : .refuse
        return remote
    }

    /// Does the trainer's next step where it needs sums.
    /// - Returns: nil where it needs none.
    func answer(_ trainer: Trainer, _ bar: Bar) throws -> Progress? {
        guard let ask = try trainer.ask(parts: files.count) else { return nil }
        let sums = try PartSums(ask)
        for (part, file) in files.enumerated() {
            try sums.add(csv: file, part: part, options) { bar.show("reading", $0, $1) }
        }
        return try trainer.answer(sums.sums)
    }
}
