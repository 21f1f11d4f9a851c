// The trade-off between disparity and usefulness as a picture of its own: a line through the strengths, with the errors
// of both axes.

import Basics

/// An SVG file of the curve that `Model.frontier` gives.
package func frontierPicture(_ json: JSON) -> String {
    let points = json.items("points").map {
        (strength: $0.number("strength"), x: $0.number("disparity"), y: $0.number("auc"),
         dx: $0.number("disparity_error"), dy: $0.number("auc_error"))
    }
    let right = max(points.map { $0.x + $0.dx }.max() ?? 0, 1e-6) * 1.08
    let low = (points.map { $0.y - $0.dy }.min() ?? 0), high = (points.map { $0.y + $0.dy }.max() ?? 1)
    let margin = max((high - low) * 0.1, 1e-4), bottom = low - margin, top = high + margin
    func x(_ v: Double) -> Double { 70 + v / right * 500 }
    func y(_ v: Double) -> Double { 320 - (v - bottom) / (top - bottom) * 290 }
    let words = "Mean disparity between groups over columns against the mean area under the ROC curve, at "
        + "\(points.count) strengths of fairness, estimated from released values"
    var out = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 370" role="img" aria-label="\(escaped(words))" \
        font-family="sans-serif" font-size="12" fill="#333"><rect width="600" height="370" fill="#fff"/>
        <path d="M70 30V320H570" fill="none" stroke="#777"/>
        <text x="320" y="360" text-anchor="middle">disparity between groups, mean over columns</text>
        <text x="18" y="175" text-anchor="middle" transform="rotate(-90 18 175)">area under the ROC curve</text>

        """
    for k in 0...4 {
        let vx = right * Double(k) / 4, vy = bottom + (top - bottom) * Double(k) / 4
        out += "<text x=\"\(point(x(vx)))\" y=\"336\" text-anchor=\"middle\">\(short(vx, 3))</text>"
            + "<text x=\"64\" y=\"\(point(y(vy) + 4))\" text-anchor=\"end\">\(short(vy, 3))</text>\n"
    }
    let line = points.map { "\(point(x($0.x))) \(point(y($0.y)))" }.joined(separator: "L")
    if !points.isEmpty { out += "<path d=\"M\(line)\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n" }
    for p in points {
        out += "<path d=\"M\(point(x(p.x - p.dx))) \(point(y(p.y)))H\(point(x(p.x + p.dx)))M\(point(x(p.x))) "
            + "\(point(y(p.y - p.dy)))V\(point(y(p.y + p.dy)))\" stroke=\"#1f5fa8\"/>"
            + "<circle cx=\"\(point(x(p.x)))\" cy=\"\(point(y(p.y)))\" r=\"4\" fill=\"#1f5fa8\"/>"
            + "<text x=\"\(point(x(p.x) + 7))\" y=\"\(point(y(p.y) + 14))\">\(short(p.strength, 3))</text>\n"
    }
    return out + "</svg>\n"
}
