// Checks that bytes from outside are UTF-8 before a String is made of them.
// Swift repairs bad bytes silently, and a repaired name is not the name that was given.

/// True when `bytes` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above
/// U+10FFFF).
package func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let n = bytes.count
    guard n > 0, let p = bytes.baseAddress else { return true }
    var i = 0
    while i < n {
        let b = p[i]
        if b < 0x80 { i += 1; continue }
        let length: Int
        // the range of the second byte; the others take any continuation byte
        var low: UInt8 = 0x80, high: UInt8 = 0xBF
        switch b {
        case 0xC2...0xDF: length = 2
        case 0xE0: length = 3; low = 0xA0
        case 0xED: length = 3; high = 0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0: length = 4; low = 0x90
        case 0xF4: length = 4; high = 0x8F
        case 0xF1...0xF3: length = 4
        default: return false
        }
        guard n - i >= length, p[i + 1] >= low, p[i + 1] <= high else { return false }
        for k in 2..<max(length, 2) where p[i + k] & 0xC0 != 0x80 { return false }
        i += length
    }
    return true
}

/// A name as it may stand in a message: in quotes, control characters replaced, cut after 60 characters.
package func quoted(_ name: String) -> String {
    var out = "\""
    var count = 0
    for c in name.unicodeScalars {
        if count == 60 { out += "…"; break }
        count += 1
        out.unicodeScalars.append(c.value < 0x20 || c.value == 0x7F || (0x80...0x9F).contains(c.value) ? "?" : c)
    }
    return out + "\""
}
