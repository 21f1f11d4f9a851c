// Reads a host's own mechanism, given as JSON, as a release of the ledger.

import Basics

extension Ledger.Release {
    package static let mechanisms = ["gaussian", "discrete_gaussian", "laplace", "pure", "zcdp", "selection"]

    /// Reads {"mechanism": …} with the parameters of its kind, and "count" (1):
    /// - gaussian, discrete_gaussian (whole-step noise on whole numbers): noise_multiplier, standard deviation of the
    ///   noise over the L2 sensitivity; sampling_rate (1), of a Poisson sample that is drawn anew each time;
    /// - laplace: scale of the noise over the L1 sensitivity; it is 1/scale-differentially private;
    /// - pure: epsilon of a mechanism that is ε-differentially private, hence ε²/2-zCDP (Bun and Steinke 2016, arXiv
    ///   1605.02065, proposition 1.4);
    /// - zcdp: rho;
    /// - selection: delta, the probability that a thresholded histogram shows something which one row (or person) alone
    ///   holds; it counts against the budget's selection_delta, and the histogram's noise is an event of its own.
    /// - Throws: `.argument` naming the key.
    package init(name: String, event: JSON) throws {
        guard !name.isEmpty, name.utf8.count <= 200, !name.utf8.contains(0) else {
            throw Failure(.argument, "name: must have 1 to 200 bytes")
        }
        let r = try JSONReader(event, context: "event"), most = 1e6
        let kind = try r.optionalChoice("mechanism", of: Self.mechanisms) ?? "gaussian",
            count = try Int(r.optionalInt64("count", in: 1...Int64(Ledger.maxReleases)) ?? 1)
        func rho(_ epsilon: Double) -> Double { epsilon * epsilon / 2 * (1 + 0x1p-50) }
        switch kind {
        case "laplace": self.init(name: name, count: count, rho: rho(1 / (try r.double("scale", in: 1e-3...most))))
        case "pure": self.init(name: name, count: count, rho: rho(try r.double("epsilon", in: 1e-6...1e3)))
        case "zcdp": self.init(name: name, count: count, rho: try r.double("rho", in: 1e-12...most))
        case "selection":
            guard count == 1 else { throw Failure(.argument, "event, count: a probability is charged once") }
            self.init(name: name, selection: try r.double("delta", in: 1e-300...1))
        default:
            let share = try Ledger.Share(group: "all", samplingRate: r.optionalDouble("sampling_rate", in: 0...1) ?? 1,
                noiseMultiplier: r.double("noise_multiplier", in: 1e-3...most))
            // The least norm by which whole numbers move: the noise is then taken to be as coarse as it can be.
            let isWhole = kind == "discrete_gaussian" && share.samplingRate == 1
            self.init(name: name, count: count, groups: [share], sensitivity: isWhole ? 1 : nil)
        }
        try r.finish()
    }
}
