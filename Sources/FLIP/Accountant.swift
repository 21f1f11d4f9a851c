// flip_accountant and calibration.

import Basics
import CFlip
import Privacy
import Synthesis

final class AccountantBox {
    var accountant: Accountant
    init(_ accountant: Accountant) { self.accountant = accountant }
}

private func box(_ p: OpaquePointer?) throws -> AccountantBox { try object(p, .accountant, as: AccountantBox.self) }

func accountantKind(_ kind: UnsafePointer<CChar>?, _ name: StaticString) throws -> Accountant.Kind {
    guard let kind = try Accountant.Kind(rawValue: text(kind, name)) else {
        throw Failure(.unsupported,
                      "\(name): must be "
                          + Accountant.Kind.allCases.map { quoted($0.rawValue) }.joined(separator: " or "))
    }
    return kind
}

@_cdecl("flip_accountant_create")
public func flip_accountant_create(_ kind: UnsafePointer<CChar>?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.accountant, out, err) { try AccountantBox(Accountant(accountantKind(kind, "kind"))) }
}

@_cdecl("flip_accountant_of_model")
public func flip_accountant_of_model(_ model: OpaquePointer?, _ kind: UnsafePointer<CChar>?,
                                     _ group: UnsafePointer<CChar>?,
                                     _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.accountant, out, err) {
        let model = try object(model, .model, as: Model.self), ledger = model.ledger,
            kind = try accountantKind(kind, "kind")
        let named = try optionalText(group, "group"), index = named.flatMap { ledger.groups.firstIndex(of: $0) }
        guard named == nil || index != nil else { throw Failure(.argument, "group: not in the ledger of this model") }
        try model.plan.check(kind)
        let box = AccountantBox(Accountant(kind, rows: ledger.budget.multiplicity, order: kind == .renyi ? ledger.order
            : nil))
        for release in ledger.releases { try box.accountant.compose(release, group: index) }
        if let estimated = ledger.domainRelease {
            try box.accountant.compose(.of(rate: 1, noise: estimated.noiseMultiplier))
            if estimated.selection > 0 { try box.accountant.compose(.selection(delta: estimated.selection)) }
        }
        return box
    }
}

@_cdecl("flip_accountant_set_rows")
public func flip_accountant_set_rows(_ accountant: OpaquePointer?, _ rows: Int64, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(accountant, .accountant)) {
        let box = try box(accountant)
        guard (1...Int64(Accountant.maxRows)).contains(rows) else {
            throw Failure(.argument, "rows: must be from 1 to \(Accountant.maxRows)")
        }
        box.accountant.rows = Int(rows)
    }
}

private func compose(_ accountant: OpaquePointer?, _ m: Mechanism, _ count: Int64, _ err: ErrorOut) -> flip_status {
    attempt(err, .changing(accountant, .accountant)) { try box(accountant).accountant.compose(m, count: Int(count)) }
}

@_cdecl("flip_accountant_compose_gaussian")
public func flip_accountant_compose_gaussian(_ accountant: OpaquePointer?, _ samplingRate: Double,
                                             _ noiseMultiplier: Double,
                                             _ count: Int64, _ err: ErrorOut) -> flip_status {
    compose(accountant, .gaussian(rate: samplingRate, noise: noiseMultiplier), count, err)
}

@_cdecl("flip_accountant_compose_laplace")
public func flip_accountant_compose_laplace(_ accountant: OpaquePointer?, _ noiseMultiplier: Double, _ count: Int64,
                                            _ err: ErrorOut) -> flip_status {
    compose(accountant, .laplace(noise: noiseMultiplier), count, err)
}

@_cdecl("flip_accountant_compose_discrete_gaussian")
public func flip_accountant_compose_discrete_gaussian(_ accountant: OpaquePointer?, _ deviation: Double,
                                                      _ sensitivity: Int64,
                                                      _ count: Int64, _ err: ErrorOut) -> flip_status {
    compose(accountant, .discreteGaussian(standardDeviation: deviation, shift: Int(sensitivity)), count, err)
}

@_cdecl("flip_accountant_compose_pure")
public func flip_accountant_compose_pure(_ accountant: OpaquePointer?, _ epsilon: Double, _ count: Int64,
                                         _ err: ErrorOut) -> flip_status {
    compose(accountant, .pure(epsilon: epsilon), count, err)
}

@_cdecl("flip_accountant_compose_zcdp")
public func flip_accountant_compose_zcdp(_ accountant: OpaquePointer?, _ rho: Double, _ count: Int64, _ err: ErrorOut)
    -> flip_status {
    compose(accountant, .zeroConcentrated(rho: rho), count, err)
}

@_cdecl("flip_accountant_compose_selection")
public func flip_accountant_compose_selection(_ accountant: OpaquePointer?, _ delta: Double, _ count: Int64,
                                              _ err: ErrorOut) -> flip_status {
    compose(accountant, .selection(delta: delta), count, err)
}

@_cdecl("flip_accountant_epsilon")
public func flip_accountant_epsilon(_ accountant: OpaquePointer?, _ delta: Double,
                                    _ epsilon: UnsafeMutablePointer<Double>?,
                                    _ err: ErrorOut) -> flip_status {
    give(epsilon, "epsilon", err, .changing(accountant, .accountant)) {
        let box = try box(accountant)
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        return try box.accountant.epsilon(delta: delta)
    }
}

@_cdecl("flip_accountant_delta")
public func flip_accountant_delta(_ accountant: OpaquePointer?, _ epsilon: Double,
                                  _ delta: UnsafeMutablePointer<Double>?,
                                  _ err: ErrorOut) -> flip_status {
    give(delta, "delta", err, .changing(accountant, .accountant)) {
        let box = try box(accountant)
        guard epsilon >= 0 else { throw Failure(.argument, "epsilon: must be 0 or more") }
        return try box.accountant.delta(epsilon: epsilon)
    }
}

@_cdecl("flip_calibrate")
public func flip_calibrate(_ kind: UnsafePointer<CChar>?, _ events: UnsafePointer<CChar>?, _ epsilon: Double,
                           _ delta: Double,
                           _ scale: UnsafeMutablePointer<Double>?, _ err: ErrorOut) -> flip_status {
    give(scale, "scale", err) {
        let kind = try accountantKind(kind, "kind")
        var list = try JSON.parse(text(events, "events", limit: longText)), rows = 1
        if case .object = list {
            let r = try JSONReader(list, context: "events")
            rows = try r.optionalInt("rows", in: 1...Accountant.maxRows) ?? 1
            list = try r.value("events")
            try r.finish()
        }
        guard let list = list.asArray, !list.isEmpty else {
            throw Failure(.argument, "events: must be a list with at least one release")
        }
        guard epsilon > 0, epsilon.isFinite else { throw Failure(.argument, "epsilon: must be above 0 and finite") }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        return try Accountant.calibrate(kind, list.enumerated().map { try event($1, $0 + 1) }, rows: rows,
                                        epsilon: epsilon, delta: delta)
    }
}

/// One release of a list for calibration.
private func event(_ item: JSON, _ place: Int) throws -> (mechanism: Mechanism, count: Int) {
    let r = try JSONReader(item, context: "event \(place)"), noise = 1e-6...1e6
    let mechanism: Mechanism = switch try r.optionalChoice("mechanism",
                                                           of: ["gaussian", "laplace", "discrete_gaussian", "pure",
                                                                "zcdp", "selection"]) {
    case "laplace": try .laplace(noise: r.double("noise_multiplier", in: noise))
    case "discrete_gaussian": try .discreteGaussian(standardDeviation: r.double("deviation", in: noise),
                                                    shift: Int(r.int64("sensitivity", in: 1...(1 << 40))))
    case "pure": try .pure(epsilon: r.double("epsilon", in: 0...1e6))
    case "zcdp": try .zeroConcentrated(rho: r.double("rho", in: 0...1e6))
    case "selection": try .selection(delta: r.double("delta", in: 0...0.5))
    default: try .gaussian(rate: r.double("sampling_rate", in: 0...1), noise: r.double("noise_multiplier", in: noise))
    }
    let count = r.has("count") ? try Int(r.int64("count", in: 1...Int64(Accountant.maxReleases))) : 1
    try r.finish()
    return (mechanism, count)
}

@_cdecl("flip_accountant_free")
public func flip_accountant_free(_ accountant: OpaquePointer?) { free(accountant, .accountant) }
