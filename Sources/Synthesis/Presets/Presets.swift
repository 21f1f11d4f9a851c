// The presets there are, by name: the one place that lists them.

import Basics
import Synchronization

package enum Presets {
    /// The first is the default of hosts that name none.
    private static let all = Mutex<[any Preset]>([Best(), Published()])

    /// In the order in which they were registered.
    package static var names: [String] { all.withLock { $0.map(\.name) } }
    package static var registered: [any Preset] { all.withLock { $0 } }
    /// Name of the preset for hosts that name none.
    package static var standard: String { names[0] }

    /// - Throws: `.unsupported` for a name that no preset has.
    package static func named(_ name: String) throws -> any Preset {
        let known = registered
        guard let found = known.first(where: { $0.name == name }) else {
            throw Failure(.unsupported, "preset: must be one of \(known.map(\.name).joined(separator: ", "))")
        }
        return found
    }

    /// Adds a preset; one that has the name of another is ignored, so that plans keep their meaning.
    package static func register(_ preset: any Preset) {
        all.withLock { known in if !known.contains(where: { $0.name == preset.name }) { known.append(preset) } }
    }
}
