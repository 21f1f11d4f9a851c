// flip_domain_buy: a schema estimated under a budget.

import Basics
import Budgets
import CFlip
import Privacy
import Synthesis
import Tables

@_cdecl("flip_domain_buy")
public func flip_domain_buy(_ budgetHandle: OpaquePointer?, _ sketch: UnsafePointer<CChar>?, _ size: Int,
                            _ path: UnsafePointer<CChar>?, _ config: UnsafePointer<CChar>?,
                            _ callback: Callback, _ user: UnsafeMutableRawPointer?, _ out: HandleOut,
                                _ report: HandleOut, _ err: ErrorOut) -> flip_status {
    report?.pointee = nil
    var found: JSON = .null
    let status = create(.schema, out, err) {
        let shared = try budget(budgetHandle), json = try pointer(sketch, "sketch")
        guard size >= 0, size <= longText else {
            throw Failure(.argument, "size: a schema has at most \(longText) bytes")
        }
        let sketch = try SchemaSketch(json: text(UnsafeRawPointer(json), size, "sketch"))
        let released = try releaseDomain(sketch, csv: text(path, "path"), from: shared,
                                     DomainOptions(configuration(config)),
                                     progress: Reporter(callback, user, "reading").report)
        found = released.report
        return SchemaBox(released.schema)
    }
    guard status == 0, report != nil else { return status }
    return giveObject(report, err) { found }
}
