// flip_model_estimate, flip_model_replicate, flip_model_frontier, flip_model_refit, flip_model_report and
// flip_report_page: what a model says and gives beside rows, from what was released.

import Basics
import CFlip
import Pages
import Synthesis

@_cdecl("flip_model_estimate")
public func flip_model_estimate(_ handle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ json: HandleOut,
                                _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try model(handle).estimate(EstimateOptions(configuration(config))) }
}

@_cdecl("flip_model_report")
public func flip_model_report(_ handle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ json: HandleOut,
                              _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try model(handle).report(ModelReportOptions(configuration(config))) }
}

@_cdecl("flip_report_page")
public func flip_report_page(_ json: UnsafePointer<CChar>?, _ size: Int, _ html: HandleOut, _ err: ErrorOut)
    -> flip_status {
    create(.buffer, html, err) {
        let json = try pointer(json, "json")
        guard size >= 0 else { throw Failure(.argument, "size: too large") }
        let bytes = UnsafeRawBufferPointer(start: json, count: size).bindMemory(to: UInt8.self)
        return try Bytes.of(htmlPage(JSON.parse(bytes, limit: 64 << 20)))
    }
}

@_cdecl("flip_model_replicate")
public func flip_model_replicate(_ handle: OpaquePointer?, _ replicate: Int64, _ count: Int64,
                                 _ config: UnsafePointer<CChar>?, _ callback: Callback,
                                 _ user: UnsafeMutableRawPointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.table, out, err) {
        let model = try model(handle)
        let options = try SampleOptions(configuration(config))
        guard options.condition == nil, options.stage == nil else {
            throw Failure(.argument, "replicate: takes seed and threads only")
        }
        return try model.sample(replicate: Int(replicate), count: Int(count), seed: options.seed,
                                threads: options.threads, progress: Reporter(callback, user, "sampling").report)
    }
}

@_cdecl("flip_model_frontier")
public func flip_model_frontier(_ handle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ json: HandleOut,
                                _ err: ErrorOut) -> flip_status {
    giveObject(json, err) { try model(handle).frontier(FrontierOptions(configuration(config))) }
}

@_cdecl("flip_model_refit")
public func flip_model_refit(_ handle: OpaquePointer?, _ config: UnsafePointer<CChar>?, _ callback: Callback,
                             _ user: UnsafeMutableRawPointer?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.model, out, err) {
        let options = try configuration(config)
        return try model(handle).refit(options == .null ? .object(JSONObject()) : options,
                                       progress: Reporter(callback, user, "refit").report)
    }
}
