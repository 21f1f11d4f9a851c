// Pictures as inline SVG: paired bars with error bars, intervals on a line, a heat map. Each has a text that says what
// it shows, and a table beside it where its numbers matter.

import Basics

struct BarPart {
    let label: String
    /// Shares; the error bar reaches `error` to either side of the first.
    let first: Double, error: Double, second: Double
}

/// Two bars for each part, the first with its error bar. At most `most` parts, the rest as one.
func pairedBars(_ parts: [BarPart], title: String, text: String, most: Int = 24) -> String {
    var shown = parts
    if parts.count > most {
        let rest = parts[(most - 1)...]
        let error = rest.reduce(0) { $0 + $1.error * $1.error }.squareRoot()
        shown = Array(parts.prefix(most - 1)) + [BarPart(label: "\(rest.count) others",
                                                         first: rest.reduce(0) { $0 + $1.first }, error: error,
                                                         second: rest.reduce(0) { $0 + $1.second })]
    }
    let top = max(shown.reduce(1e-9) { max($0, $1.first + $1.error, $1.second) }, 1e-9)
    // Two dates and a "to" have room.
    let letters = min(max(shown.map(\.label.count).max() ?? 0, 20), 24)
    let row = 20.0, left = letters > 20 ? 168.0 : 120, width = 340 - left, height = Double(shown.count) * row + 22
    func x(_ share: Double) -> Double { left + max(0, share) / top * width }
    var out = "<svg viewBox=\"0 0 400 \(point(height))\" role=\"img\" aria-label=\"\(escaped(text))\">\n"
    out += "<line class=\"axis\" x1=\"\(point(left))\" x2=\"\(point(left))\" y1=\"0\" y2=\"\(point(height - 18))\"/>\n"
    for (i, p) in shown.enumerated() {
        let y = Double(i) * row + 3
        out += "<text x=\"\(point(left - 6))\" y=\"\(point(y + 11))\" "
            + "text-anchor=\"end\">\(escaped(cut(p.label, letters)))</text>"
        out += "<rect class=\"released\" x=\"\(point(left))\" y=\"\(point(y))\" width=\"\(point(x(p.first) - left))\" "
            + "height=\"7\"/>"
        out += "<rect class=\"generated\" x=\"\(point(left))\" y=\"\(point(y + 8))\" "
            + "width=\"\(point(x(p.second) - left))\" height=\"7\"/>"
        out += "<path class=\"error\" d=\"M\(point(x(p.first - p.error))) "
            + "\(point(y + 3.5))H\(point(x(p.first + p.error)))"
            + "\"/>"
        out += "<text class=\"quiet\" x=\"\(point(x(max(p.first + p.error, p.second)) + 5))\" y=\"\(point(y + 11))\">"
            + "\(percent(p.first, 2))</text>\n"
    }
    out += "<text class=\"quiet\" x=\"\(point(left))\" y=\"\(point(height - 4))\">0</text>"
    out += "<text class=\"quiet\" x=\"\(point(left + width))\" y=\"\(point(height - 4))\" text-anchor=\"end\">"
        + "\(percent(top, 2))</text>\n</svg>\n"
    return "<figure>\n<h3>\(escaped(title))</h3>\n\(out)<figcaption>\(escaped(text))</figcaption>\n</figure>\n"
}

/// A line for each row with up to two intervals.
struct IntervalRow {
    let label: String
    let first: (estimate: Double, low: Double, high: Double)?
    let second: (estimate: Double, low: Double, high: Double)?
}

func intervals(_ rows: [IntervalRow], text: String) -> String {
    let all = rows.flatMap { [$0.first, $0.second] }.compactMap { $0 }
    guard !all.isEmpty else { return "" }
    let low = min(0, all.reduce(0) { min($0, $1.low) })
    let high = max(all.reduce(low + 1e-9) { max($0, $1.high) }, low + 1e-9)
    let row = 24.0, left = 220.0, width = 380.0, height = Double(rows.count) * row + 24
    func x(_ v: Double) -> Double { left + (v - low) / (high - low) * width }
    var out = "<svg viewBox=\"0 0 640 \(point(height))\" role=\"img\" aria-label=\"\(escaped(text))\">\n"
    out += "<line class=\"axis\" x1=\"\(point(x(0)))\" x2=\"\(point(x(0)))\" y1=\"0\" y2=\"\(point(height - 20))\"/>\n"
    for (i, r) in rows.enumerated() {
        let y = Double(i) * row
        out += "<text x=\"\(point(left - 8))\" y=\"\(point(y + 16))\" "
            + "text-anchor=\"end\">\(escaped(cut(r.label, 36)))</text>"
        for (e, name, at) in [(r.first, "r", y + 9), (r.second, "g", y + 17)] {
            guard let e else { continue }
            out += "<path class=\"\(name)\" d=\"M\(point(x(e.low))) \(point(at))H\(point(x(e.high)))\"/>"
            out += "<circle class=\"\(name == "r" ? "released" : "generated")\" cx=\"\(point(x(e.estimate)))\" "
                + "cy=\"\(point(at))\" r=\"3.5\"/>"
        }
        out += "\n"
    }
    out += "<text class=\"quiet\" x=\"\(point(x(0)))\" y=\"\(point(height - 5))\" text-anchor=\"middle\">0</text>"
    out += "<text class=\"quiet\" x=\"\(point(left + width))\" y=\"\(point(height - 5))\" text-anchor=\"end\">"
        + "\(percent(high))</text>\n</svg>\n"
    return "<figure>\n\(out)<figcaption>\(escaped(text))</figcaption>\n</figure>\n"
}

/// The square of all pairs of columns.
/// - Parameters:
///   - shade: of places (a, b), a < b: 0 … 5; places that are not in it are empty.
///   - title: what a place says when it is pointed at.
func heatMap(_ names: [String], shade: [Int: Int], text: String, title: (Int, Int) -> String) -> String {
    let n = names.count, size = n <= 40 ? 16.0 : max(3, 640 / Double(n)), isNamed = n <= 40
    let left = isNamed ? 130.0 : 4.0, top = isNamed ? 120.0 : 4.0
    let width = left + Double(n) * size + (isNamed ? 64 : 4), height = top + Double(n) * size + 4
    var out = "<svg viewBox=\"0 0 \(point(width)) \(point(height))\" width=\"\(point(width))\" role=\"img\" "
        + "aria-label=\"\(escaped(text))\">\n"
    if isNamed {
        for (i, name) in names.enumerated() {
            let at = Double(i) * size + size * 0.7
            out += "<text x=\"\(point(left - 5))\" y=\"\(point(top + at))\" "
                + "text-anchor=\"end\">\(escaped(cut(name, 20)))</text>"
            out += "<text transform=\"translate(\(point(left + at)) \(point(top - 5))) rotate(-60)\">"
                + "\(escaped(cut(name, 18)))</text>\n"
        }
    }
    // Places without a table are one path; the others one rectangle on each side of the diagonal.
    out += "<rect class=\"none\" x=\"\(point(left))\" y=\"\(point(top))\" width=\"\(point(Double(n) * size))\" "
        + "height=\"\(point(Double(n) * size))\"/>\n"
    for (place, k) in shade.sorted(by: { $0.key < $1.key }) {
        let a = place / n, b = place % n, side = point(size - (n <= 80 ? 1 : 0))
        let label = n <= 64 ? "<title>\(escaped(title(a, b)))</title>" : ""
        for (u, v) in [(a, b), (b, a)] {
            let head = "<rect class=\"h\(k)\" x=\"\(point(left + Double(v) * size))\" "
                + "y=\"\(point(top + Double(u) * size))\" "
                + "width=\"\(side)\" height=\"\(side)\""
            out += label.isEmpty ? head + "/>" : head + ">\(label)</rect>"
        }
        out += "\n"
    }
    return "<figure>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Heat map\">\(out)</svg></div>\n"
        + "<figcaption>\(escaped(text))</figcaption>\n</figure>\n"
}
