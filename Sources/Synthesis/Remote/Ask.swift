// An ask: which sums of rows a training or the release of a domain needs next, as bytes for workers in other processes.
// It holds the plan, released bins and the tables to count, or the sketch of a schema, all of it public, and a key that
// is for workers alone.
//
//     "FLIPASK1"  id (16 bytes)  keys (32)  size of the JSON (8)  JSON  codes of every column's cells (2 each)
//     check (16)                                              numbers little-endian; SipHash-2-4-128 of all before it

import Basics
import Budgets
import Glibc
import Privacy
import Tables

package struct Ask: Sendable {
    /// Name of the stage that needs the sums, or `rollCall`.
    package let stage: String
    package let tag: AskTag
    package let request: CountRequest
    package let subject: Subject

    /// What the rows are read by.
    package indirect enum Subject: Sendable {
        case training(Plan)
        case domain(DomainRows)

        /// Columns of the rows.
        var columns: Int {
            switch self {
            case .training(let plan): plan.grids.count
            case .domain(let rows): rows.sketch.names.count
            }
        }
    }

    /// An ask that only reads: rows and their digest, before anything is charged.
    package static let rollCall = "roll call"
    /// The stage of a release of a domain.
    package static let domain = "domain"

    init(stage: String, tag: AskTag, request: CountRequest, subject: Subject) {
        (self.stage, self.tag, self.request, self.subject) = (stage, tag, request, subject)
    }

    /// What the release of a domain asks for next; nil when it was released.
    /// - Throws: as `PrivateDomain.ask`.
    package init?(_ domain: PrivateDomain, parts: Int) throws {
        guard let (isRollCall, tag, request) = try domain.ask(parts: parts) else { return nil }
        self.init(stage: isRollCall ? Self.rollCall : Self.domain, tag: tag, request: request,
                  subject: .domain(domain.rows))
    }

    // MARK: bytes

    private static let magic: UInt64 = 0x314b_5341_5049_4c46
    private static let headerBytes = 64, checkBytes = 16
    /// More JSON than any plan with all pairs of its columns has.
    private static let maxJSON = 256 << 20

    /// - Throws: `.noMemory`.
    package func bytes() throws -> Buffer<UInt8> {
        // Histograms count cells as they are: their codes need no room.
        let cells = stage != StageID.histograms.name
        let text = JSON.members([("stage", .string(stage)), ("parts", .int(Int64(tag.parts)))]
            + members(cells: cells)).text
        let json = Array(text.utf8), codes = cells ? request.codes.reduce(0) { $0 + 2 * $1.map.count } : 0
        let size = Self.headerBytes + json.count + codes
        let out = try Buffer<UInt8>(count: size + Self.checkBytes, for: "an ask")
        let raw = UnsafeMutableRawPointer(out.base)
        for (i, v) in [Self.magic, tag.id[0], tag.id[1], tag.digestKey[0], tag.digestKey[1], tag.checkKey[0],
                       tag.checkKey[1], UInt64(json.count)].enumerated() {
            raw.storeBytes(of: v.littleEndian, toByteOffset: 8 * i, as: UInt64.self)
        }
        json.withUnsafeBytes { (raw + Self.headerBytes).copyMemory(from: $0.baseAddress!, byteCount: json.count) }
        var at = Self.headerBytes + json.count
        if cells {
            for c in request.codes {
                for v in c.map {
                    raw.storeBytes(of: v.littleEndian, toByteOffset: at, as: UInt16.self)
                    at += 2
                }
            }
        }
        let check = sipHash(tag.checkKey, raw, size)
        raw.storeBytes(of: check[0].littleEndian, toByteOffset: size, as: UInt64.self)
        raw.storeBytes(of: check[1].littleEndian, toByteOffset: size + 8, as: UInt64.self)
        return out
    }

    private func members(cells: Bool) -> [(String, JSON)] {
        switch subject {
        case .training(let plan):
            return [("groups", .int(Int64(request.groups))),
                    ("tables", .array(request.tables.map { .array($0.map { .int(Int64($0)) }) })),
                    ("codes", .array(request.codes.map { .int(Int64($0.count)) })), ("cells", .bool(!cells)),
                    ("plan", plan.json)]
        case .domain(let rows):
            return [("sketch", rows.sketch.json)] + (rows.person.map {
                [("person", .string($0.column)), ("max_rows_per_person", .int(Int64($0.maxRows)))]
            } ?? [])
        }
    }

    /// - Throws: `.format` for bytes that are no ask; `.version` for one of another library; what a plan throws.
    package init(bytes: UnsafeRawBufferPointer) throws {
        let broken = Failure(.format, "these bytes are no ask, or are damaged")
        func word(_ at: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        guard let base = bytes.baseAddress, bytes.count >= Self.headerBytes + Self.checkBytes,
            word(0) & 0x00ff_ffff_ffff_ffff == Self.magic & 0x00ff_ffff_ffff_ffff else { throw broken }
        guard word(0) == Self.magic else {
            throw Failure(.version, "this ask was made by another version of the library")
        }
        let checkKey = SIMD2(word(40), word(48)), end = bytes.count - Self.checkBytes, length = word(56)
        guard length <= UInt64(min(Self.maxJSON, end - Self.headerBytes)),
            sipHash(checkKey, base, end) == SIMD2(word(end), word(end + 8)) else { throw broken }
        let text = UnsafeRawBufferPointer(rebasing: bytes[Self.headerBytes..<Self.headerBytes + Int(length)])
        guard let text = String(validating: text, as: UTF8.self) else { throw broken }
        let r = try JSONReader(JSON.parse(text), context: "ask")
        stage = try r.string("stage")
        let parts = try r.int("parts", in: 1...AskTag.maxParts)
        tag = AskTag(id: SIMD2(word(8), word(16)), digestKey: SIMD2(word(24), word(32)), checkKey: checkKey,
                     parts: parts)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(Self.headerBytes + Int(length))..<end])
        if r.has("sketch") {
            let rows = try Self.domainRows(r, broken)
            guard rest.isEmpty, [Self.domain, Self.rollCall].contains(stage) else { throw broken }
            request = try CountRequest(domain: stage == Self.domain ? rows.columns : [])
            subject = .domain(rows)
        } else {
            let plan = try Plan(json: r.value("plan"))
            request = try Self.tables(r, plan, rest, broken)
            subject = .training(plan)
        }
    }

    private static func domainRows(_ r: JSONReader, _ broken: Failure) throws -> DomainRows {
        let sketch = try SchemaSketch(json: r.value("sketch").text), column = try r.optionalString("person")
        let person = try column.map {
            CSVOptions.Person(column: $0, maxRows: try r.int("max_rows_per_person", in: 1...Table.maxRowsPerPerson))
        }
        try r.finish()
        let rows = DomainRows(sketch, person: person)
        guard !rows.open.isEmpty else { throw broken }
        return rows
    }

    private static func tables(_ r: JSONReader, _ plan: Plan, _ bytes: UnsafeRawBufferPointer, _ broken: Failure) throws
        -> CountRequest {
        let groups = try r.int("groups", in: 0...65_536)
        let tables = try r.value("tables").asArray.map { try $0.map { try places($0, broken) } }
        let counts = try places(r.value("codes"), broken), areCells = try r.bool("cells")
        try r.finish()
        guard let tables, counts.isEmpty || counts.count == plan.grids.count,
              groups == 0 || groups == plan.releasedGroups.count
        else { throw broken }
        var at = 0, codes: [ColumnCodes] = []
        for (count, grid) in zip(counts, plan.grids) {
            guard !areCells else {
                codes.append(try ColumnCodes(cells: grid.count))
                continue
            }
            guard (1...65_536).contains(count), at + 2 * grid.count <= bytes.count else { throw broken }
            let map = try Buffer<UInt16>(count: grid.count, for: "codes of columns")
            for c in 0..<grid.count {
                map.base[c] = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
                at += 2
            }
            codes.append(ColumnCodes(map: map, count: count))
        }
        guard at == bytes.count else { throw broken }
        return CountRequest(tables: tables, codes: codes, groups: groups)
    }

    private static func places(_ json: JSON, _ broken: Failure) throws -> [Int] {
        guard let list = json.asArray else { throw broken }
        return try list.map {
            guard let n = $0.asInt64, (0...65_536).contains(n) else { throw broken }
            return Int(n)
        }
    }

    /// What a host may know of it; no key.
    /// - Throws: `.argument`, `.noMemory`.
    package func json() throws -> JSON {
        let sums = try Sums(request, tag, columns: subject.columns)
        let id = [tag.id[0], tag.id[1]].map { v -> String in
            let digits = String(v, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        return .members([("id", .string(id)), ("stage", .string(stage)), ("parts", .int(Int64(tag.parts))),
                         ("tables", .int(Int64(request.tables.count))), ("words", .int(Int64(sums.layout.words))),
                         ("slices", .int(Int64(sums.layout.slices))),
                         ("memory_bytes", .int(Int64(12 * sums.layout.words)))])
    }
}
