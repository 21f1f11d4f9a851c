// Finds a dataframe in a file, the version of its layout, and its columns by name.
//
//   encoding-version 0.2.0    AnnData since 0.8: each column says by its own attributes what it is
//   encoding-version 0.1.0    AnnData 0.7: a column with the attribute `categories`, a reference to the data set
//                             __categories/NAME of the frame, holds codes into it
//   no encoding-type          a plain group with one data set a column
// Any other version is refused: its columns could mean something else.

import Basics
import Tables

struct Frame {
    /// The group that holds the columns.
    let group: GroupReader
    /// Where it is in the file, such as "/data".
    let place: String
    /// AnnData 0.7's layout.
    let isOld: Bool
    private let path: String

    /// - Parameter place: such as "/obs", "/" for the root group; nil looks for "/data", then the root, then "/obs",
    ///   where only "/data" may
    ///   be a group that is not marked as a dataframe.
    /// - Throws: `.io`; `.argument` for a place that cannot be one; `.format`, naming the dataframes there are when
    ///   none was asked for.
    init(_ path: String, _ place: String?, _ limits: Limits = Limits()) throws {
        let root = try FileReader(dataSet: path, limits: limits).root()
        let place = try place.flatMap { $0 == "" ? "/" : $0 } ?? Self.usual(root)
        var group = root
        for name in try place == "/" ? [] : components(place) { group = try group.group(name) }
        (self.group, self.place, self.path) = (group, place, path)
        isOld = try Self.checkLayout(group)
    }

    private static func usual(_ root: GroupReader) throws -> String {
        if root.has("data") { return "/data" }
        if try isFrame(root) { return "/" }
        if root.has("obs"), try root.isGroup("obs"), try isFrame(root.group("obs")) { return "/obs" }
        let found = try frames(root)
        throw root.failure("data", "is missing"
            + (found.isEmpty ? ", and no group that is marked as a dataframe was found: name the group"
            : ": name the group of the dataframe, one of " + found.map { quoted($0) }.joined(separator: ", ")))
    }

    /// The first dataframes of a file, to name them in a message.
    private static func frames(_ group: GroupReader, depth: Int = 0) throws -> [String] {
        guard depth < 3, let names = try whereFormed({ try group.names().prefix(100) }) else { return [] }
        var found: [String] = []
        for name in names where found.count < 8 {
            guard let member = try whereFormed({ try group.isGroup(name) ? group.group(name) : nil }) ?? nil else {
                continue
            }
            found += try isFrame(member) ? [member.path] : frames(member, depth: depth + 1)
        }
        return Array(found.prefix(8))
    }

    private static func isFrame(_ group: GroupReader) throws -> Bool {
        guard group.hasAttribute("encoding-type") else { return false }
        return try whereFormed { try group.attribute("encoding-type", maxBytes: 256) } == "dataframe"
    }

    /// What `body` gives; nil for a part of the file that is not as the format wants it. A disk that cannot be read or
    /// memory that cannot be had is no property of the file, and is thrown.
    private static func whereFormed<R>(_ body: () throws -> R) throws -> R? {
        do { return try body() } catch let failure as Failure where failure.code == .format { return nil }
    }

    /// Whether it is AnnData 0.7's layout.
    private static func checkLayout(_ group: GroupReader) throws -> Bool {
        func failure(_ rule: String) -> Failure { group.file.failure(group.path, rule) }
        guard group.hasAttribute("encoding-type") else {
            guard !group.hasAttribute("pandas_type") else {
                throw failure("a table of pandas' HDFStore (to_hdf), which is not read: write it with anndata "
                    + "or h5py, or as CSV")
            }
            return false
        }
        guard try isFrame(group) else { throw failure("must be a dataframe") }
        let version = group.hasAttribute("encoding-version") ? try group.attribute("encoding-version", maxBytes: 256)
            : ""
        guard version == "0.2.0" || version == "0.1.0" else {
            throw failure("a dataframe of an encoding-version other than 0.1.0 and 0.2.0, which this "
                + "release does not know")
        }
        return version == "0.1.0"
    }

    /// The columns' names in their order; what is in the group when the frame does not say.
    func names() throws -> [String] {
        let index = group.hasAttribute("_index") ? try group.attribute("_index") : "_index"
        if group.hasAttribute("column-order") { return try group.attributes("column-order") }
        return try group.names().filter { $0 != index && !(isOld && $0 == "__categories") }
    }

    /// The schema that libflip stores with its own dataframes; nil when there is none.
    func schema() throws -> Schema? {
        guard group.hasAttribute("flip-schema") else { return nil }
        return try Schema(json: group.attribute("flip-schema", maxBytes: 16 << 20))
    }

    func storedSchema() throws -> Schema {
        guard let schema = try schema() else {
            throw Failure(.schema, "\(path), \(quoted(place)): holds no schema (attribute \"flip-schema\"): give one")
        }
        return schema
    }

    /// The data set of categories of the column `name` in AnnData 0.7's layout; nil when the column has none.
    /// - Throws: `.format` for an attribute `categories` that says something else.
    func oldCategories(_ name: String, _ attributes: ObjectAttributes) throws -> DataSetReader? {
        guard attributes.has("categories") else { return nil }
        let rule = "has an attribute \"categories\" that is not understood, so what its values mean is not known"
        guard isOld, let target = attributes.reference("categories"), group.has("__categories"),
            try group.isGroup("__categories"),
              let (home, element) = try ColumnPlace.find(name, in: group.group("__categories")),
              case let data = try home.data(element), data.address == target else { throw attributes.failure(rule) }
        return data
    }
}
