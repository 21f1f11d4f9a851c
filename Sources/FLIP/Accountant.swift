// flip_accountant and calibration.

import Basics
import CFlip
import Privacy
import Synthesis

final class AccountantBox {
    var renyi = RenyiAccountant()
    /// The one order that may be asked, where parameters depended on released values; nil: the best of all.
    let order: Int?
    init(order: Int?) { self.order = order }

    private var divergence: (rdp: Double, order: Int)? {
        order.flatMap { order in RenyiAccountant.orders.firstIndex(of: order).map { (renyi.curve[$0], order) } }
    }

    func epsilon(delta: Double) -> Double {
        divergence.map { RenyiAccountant.epsilon(rdp: $0.rdp, order: $0.order, delta: delta) } ?? renyi.epsilon(delta: delta)
    }

    func delta(epsilon: Double) -> Double {
        divergence.map { RenyiAccountant.delta(rdp: $0.rdp, order: $0.order, epsilon: epsilon) } ?? renyi.delta(epsilon: epsilon)
    }
}

private let mostReleases: Int64 = 1 << 53

/// The only kind there is.
func checkKind(_ kind: UnsafePointer<CChar>?, _ name: StaticString) throws {
    guard try text(kind, name) == "renyi" else { throw Failure(.unsupported, "\(name): only \"renyi\" is in this version") }
}

@_cdecl("flip_accountant_create")
public func flip_accountant_create(_ kind: UnsafePointer<CChar>?, _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.accountant, out, err) {
        try checkKind(kind, "kind")
        return AccountantBox(order: nil)
    }
}

@_cdecl("flip_accountant_of_model")
public func flip_accountant_of_model(_ model: OpaquePointer?, _ kind: UnsafePointer<CChar>?, _ group: UnsafePointer<CChar>?,
                                     _ out: HandleOut, _ err: ErrorOut) -> flip_status {
    create(.accountant, out, err) {
        let ledger = try object(model, .model, as: Model.self).ledger
        try checkKind(kind, "kind")
        let index: Int?
        if let name = try optionalText(group, "group") {
            index = ledger.groups.firstIndex(of: name)
        } else {
            index = ledger.groups.indices.max { ledger.spent(group: $0) < ledger.spent(group: $1) }
        }
        guard let index else { throw Failure(.argument, "group: not in the ledger of this model") }
        let box = AccountantBox(order: ledger.order)
        for release in ledger.releases { box.renyi.compose(release, group: index, rows: ledger.budget.multiplicity) }
        return box
    }
}

@_cdecl("flip_accountant_compose_gaussian")
public func flip_accountant_compose_gaussian(_ accountant: OpaquePointer?, _ samplingRate: Double, _ noiseMultiplier: Double,
                                             _ count: Int64, _ err: ErrorOut) -> flip_status {
    attempt(err) {
        let box = try object(accountant, .accountant, as: AccountantBox.self)
        guard samplingRate >= 0, samplingRate <= 1 else { throw Failure(.argument, "sampling_rate: must be from 0 to 1") }
        guard noiseMultiplier >= 0, noiseMultiplier.isFinite else { throw Failure(.argument, "noise_multiplier: must be 0 or more, and finite") }
        guard count >= 0, count <= mostReleases else { throw Failure(.argument, "count: must be from 0 to 2^53") }
        box.renyi.compose(noiseMultiplier: noiseMultiplier, samplingRate: samplingRate, count: Int(count))
    }
}

@_cdecl("flip_accountant_epsilon")
public func flip_accountant_epsilon(_ accountant: OpaquePointer?, _ delta: Double, _ epsilon: UnsafeMutablePointer<Double>?,
                                    _ err: ErrorOut) -> flip_status {
    give(epsilon, "epsilon", err) {
        let box = try object(accountant, .accountant, as: AccountantBox.self)
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        return box.epsilon(delta: delta)
    }
}

@_cdecl("flip_accountant_delta")
public func flip_accountant_delta(_ accountant: OpaquePointer?, _ epsilon: Double, _ delta: UnsafeMutablePointer<Double>?,
                                  _ err: ErrorOut) -> flip_status {
    give(delta, "delta", err) {
        let box = try object(accountant, .accountant, as: AccountantBox.self)
        guard epsilon >= 0 else { throw Failure(.argument, "epsilon: must be 0 or more") }
        return box.delta(epsilon: epsilon)
    }
}

@_cdecl("flip_calibrate")
public func flip_calibrate(_ kind: UnsafePointer<CChar>?, _ events: UnsafePointer<CChar>?, _ epsilon: Double, _ delta: Double,
                           _ scale: UnsafeMutablePointer<Double>?, _ err: ErrorOut) -> flip_status {
    give(scale, "scale", err) {
        try checkKind(kind, "kind")
        let list = try JSON.parse(text(events, "events", limit: longText))
        guard let list = list.asArray, !list.isEmpty else { throw Failure(.argument, "events: must be a list with at least one release") }
        guard epsilon > 0, epsilon.isFinite else { throw Failure(.argument, "epsilon: must be above 0 and finite") }
        guard delta > 0, delta < 1 else { throw Failure(.argument, "delta: must be above 0 and below 1") }
        let releases = try list.enumerated().map { i, item in
            let r = try JSONReader(item, context: "event \(i + 1)")
            let event = try Budget.Event(rate: r.double("sampling_rate", in: 0...1), weight: r.double("noise_multiplier", in: 1e-6...1e6),
                                         count: r.has("count") ? Int(r.int64("count", in: 1...mostReleases)) : 1)
            try r.finish()
            return event
        }
        guard let budget = Budget.bestOrder(for: [releases], epsilon: epsilon, delta: delta) else {
            throw Failure(.budget, "no factor on the noise meets this epsilon at this delta")
        }
        return try budget.calibrate(releases, spent: 0)
    }
}

@_cdecl("flip_accountant_free")
public func flip_accountant_free(_ accountant: OpaquePointer?) { free(accountant, .accountant) }
