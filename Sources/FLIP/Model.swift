// flip_model.

import Basics
import CFlip
import Synthesis
import Tables

func model(_ pointer: OpaquePointer?) throws -> Model { try object(pointer, .model, as: Model.self) }

@_cdecl("flip_model_save")
public func flip_model_save(_ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ err: ErrorOut) -> flip_status {
    attempt(err) { try model(handle).save(text(path, "path")) }
}

@_cdecl("flip_model_load")
public func flip_model_load(_ path: UnsafePointer<CChar>?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.model, out, err) { try Model.load(text(path, "path")) }
}

@_cdecl("flip_model_to_bytes")
public func flip_model_to_bytes(_ handle: OpaquePointer?, _ bytes: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.buffer, bytes, err) {
        let file = try model(handle).bytes()
        return try withExtendedLifetime(file) { try Bytes(UnsafeRawBufferPointer(start: file.base, count: file.count)) }
    }
}

@_cdecl("flip_model_from_bytes")
public func flip_model_from_bytes(_ bytes: UnsafeRawPointer?, _ size: Int, _ out: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.model, out, err) {
        let bytes = try pointer(bytes, "bytes")
        guard size >= 0 else { throw Failure(.argument, "size: too large") }
        return try Model.load(UnsafeRawBufferPointer(start: bytes, count: size))
    }
}

@_cdecl("flip_model_json")
public func flip_model_json(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try model(handle).json }
}

@_cdecl("flip_model_ledger")
public func flip_model_ledger(_ handle: OpaquePointer?, _ json: HandleOut, _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try model(handle).ledger.hostJSON() }
}

@_cdecl("flip_model_ledger_report")
public func flip_model_ledger_report(_ handle: OpaquePointer?, _ text: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.buffer, text, err) { try Bytes.of(model(handle).ledgerReport()) }
}

@_cdecl("flip_model_trade_off")
public func flip_model_trade_off(_ handle: OpaquePointer?, _ group: UnsafePointer<CChar>?,
                                 _ rates: UnsafePointer<Double>?, _ n: Int64, _ out: UnsafeMutablePointer<Double>?,
                                 _ err: ErrorOut) -> flip_status {
    attempt(err) {
        let model = try model(handle), group = try optionalText(group, "group")
        guard let rates, let out else { throw Failure(.argument, "rates and out: must not be NULL") }
        guard n >= 1, n <= 1 << 20 else { throw Failure(.argument, "n: must be from 1 to 2^20") }
        let asked = (0..<Int(n)).map { rates[$0] }
        guard asked.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
            throw Failure(.argument, "rates: must be from 0 to 1")
        }
        let curve = try model.ledger.tradeOff(group: group)
        for (i, a) in asked.enumerated() { out[i] = curve.truePositives(a) }
    }
}

@_cdecl("flip_model_schema")
public func flip_model_schema(_ handle: OpaquePointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.schema, out, err) { try SchemaBox(model(handle).schema) }
}

@_cdecl("flip_model_sample")
public func flip_model_sample(_ handle: OpaquePointer?, _ first: Int64, _ count: Int64, _ config: UnsafePointer<CChar>?,
                              _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut, _ err: ErrorOut)
                                  -> flip_status {
    create(.table, out, err) {
        let model = try model(handle)
        guard first >= 0 else { throw Failure(.argument, "first: must be 0 or more") }
        guard count >= 1, count <= Int64.max - first else { throw Failure(.argument, "count: must be at least 1") }
        let options = try SampleOptions(configuration(config))
        if let items = options.condition?.asArray {
            guard options.stage == nil else { throw Failure(.argument, "stage: goes with one condition only") }
            let requests = try SampleRequest.list(items, schema: model.schema)
            guard requests.reduce(0, { $0 + $1.rows }) == Int(count) else {
                throw Failure(.argument, "count: must be the sum of the requests' rows")
            }
            return try model.sample(requests, first: Int(first), seed: options.seed, threads: options.threads,
                                    progress: Reporter(callback, user, "sampling").report)
        }
        let condition = try options.condition.map { try Condition($0, schema: model.schema) }
        return try model.sample(first: Int(first), count: Int(count), seed: options.seed, where: condition,
                                stage: options.stage, threads: options.threads,
                                progress: Reporter(callback, user, "sampling").report)
    }
}

@_cdecl("flip_model_stream")
public func flip_model_stream(_ handle: OpaquePointer?, _ first: Int64, _ count: Int64, _ config: UnsafePointer<CChar>?,
                              _ out: UnsafeMutablePointer<ArrowArrayStream>?, _ err: ErrorOut) -> flip_status {
    out?.pointee.release = nil
    return attempt(err, .reading(handle, .model)) {
        let model = try model(handle), target = try pointer(out, "out")
        var asked = try configuration(config), size: Int?
        if var object = asked.asObject {
            size = try JSONReader(asked, context: "sample").optionalInt("batch_rows", in: 1...1 << 24)
            object["batch_rows"] = nil
            asked = .object(object)
        }
        let options = try SampleOptions(asked)
        guard options.condition?.asArray == nil else {
            throw Failure(.argument, "where: a stream takes one condition, and no list of requests")
        }
        let condition = try options.condition.map { try Condition($0, schema: model.schema) }
        let batches = try SampleBatches(model, first: Int(first), count: Int(count), seed: options.seed,
                                        where: condition, stage: options.stage, threads: options.threads,
                                        size: size ?? SampleBatches.usual)
        try exportArrow(model.schema, to: UnsafeMutableRawPointer(target)) { try batches.next() }
    }
}

@_cdecl("flip_model_complete")
public func flip_model_complete(_ handle: OpaquePointer?, _ half: OpaquePointer?, _ config: UnsafePointer<CChar>?,
                                _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut,
                                _ err: ErrorOut) -> flip_status {
    create(.table, out, err, .reading(half, .table)) {
        let model = try model(handle), options = try SampleOptions(configuration(config))
        guard options.condition == nil, options.stage == nil else {
            throw Failure(.argument, "complete: takes seed and threads only")
        }
        return try model.complete(complete(half), seed: options.seed, threads: options.threads,
                                  progress: Reporter(callback, user, "completing").report)
    }
}

@_cdecl("flip_model_free")
public func flip_model_free(_ model: OpaquePointer?) { free(model, .model) }
