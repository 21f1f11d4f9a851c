// Formats numbers and columns of text for people.

import Glibc

/// `x` with at most `digits` significant digits.
package func short(_ x: Double, _ digits: Int32 = 5) -> String {
    var buffer = [CChar](repeating: 0, count: 40)
    _ = withVaList([digits, x]) { vsnprintf(&buffer, buffer.count, "%.*g", $0) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// `text` with spaces behind it up to `width` characters.
package func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
