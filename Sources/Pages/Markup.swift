// HTML text: escaping, numbers for people, and the frame that every page has. A page needs nothing from elsewhere: no
// script, no font, no picture of another file.

import Basics

/// Text in which no character has a meaning for HTML.
func escaped(_ text: String) -> String {
    var out = ""
    out.reserveCapacity(text.utf8.count)
    for c in text.unicodeScalars {
        switch c {
        case "&": out += "&amp;"
        case "<": out += "&lt;"
        case ">": out += "&gt;"
        case "\"": out += "&quot;"
        case "'": out += "&#39;"
        // Controls have no place in HTML, and no level of a schema needs them on a page.
        case let c where c.value < 0x20 || (0x7f...0x9f).contains(c.value): out += " "
        default: out.unicodeScalars.append(c)
        }
    }
    return out
}

/// A share as per cent.
func percent(_ x: Double, _ digits: Int32 = 3) -> String { x.isFinite ? short(100 * x, digits) + " %" : "–" }

/// Two digits behind the point, for coordinates.
func point(_ x: Double) -> String {
    let scaled = x.isNaN ? 0 : (min(max(x, -1e6), 1e6) * 10).rounded() / 10
    return scaled == scaled.rounded() ? String(Int(scaled)) : String(scaled)
}

/// Text that is cut where it would not fit, with an ellipsis.
func cut(_ text: String, _ most: Int) -> String { text.count <= most ? text : text.prefix(most - 1) + "…" }

func paragraph(_ html: String) -> String { html.isEmpty ? "" : "<p>\(html)</p>\n" }

func list(_ items: [String]) -> String {
    items.isEmpty ? "" : "<ul>\n" + items.map { "<li>\(escaped($0))</li>\n" }.joined() + "</ul>\n"
}

/// A table with a caption and column headings; the first cell of each row is its heading. Cells are text.
func table(caption: String, _ headings: [String], _ rows: [[String]]) -> String {
    var out = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(escaped(caption))\"><table>\n"
    out += "<caption>\(escaped(caption))</caption>\n<thead><tr>"
    out += headings.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined() + "</tr></thead>\n<tbody>\n"
    for row in rows {
        out += "<tr>"
        for (i, cell) in row.enumerated() {
            out += i == 0 ? "<th scope=\"row\">\(escaped(cell))</th>" : "<td>\(escaped(cell))</td>"
        }
        out += "</tr>\n"
    }
    return out + "</tbody></table></div>\n"
}

/// What can be opened, by mouse or keyboard.
func details(_ summary: String, _ html: String, isOpen: Bool = false) -> String {
    "<details\(isOpen ? " open" : "")><summary>\(escaped(summary))</summary>\n\(html)</details>\n"
}

struct Section {
    let id: String, title: String, html: String
}

/// A whole page.
/// - Parameters:
///   - banner: a warning on top and on every printed page; nil: none.
///   - lead: HTML under the title.
func page(title: String, banner: String?, lead: String, _ sections: [Section]) -> String {
    let shown = sections.filter { !$0.html.isEmpty }
    var out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        + "img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n"
    out += "<title>\((banner == nil ? "" : "NOT PRIVATE: ") + escaped(title))</title>\n<style>\n\(styleSheet)</style>\n"
    out += "</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n"
    if let banner { out += "<p class=\"banner\" role=\"note\"><strong>NOT PRIVATE.</strong> \(escaped(banner))</p>\n" }
    out += "<header><h1>\(escaped(title))</h1>\n\(lead)</header>\n<nav aria-label=\"Sections\"><ul>\n"
    out += shown.map { "<li><a href=\"#\($0.id)\">\(escaped($0.title))</a></li>\n" }.joined()
    out += "</ul></nav>\n<main id=\"main\">\n"
    for s in shown {
        out += "<section id=\"\(s.id)\" aria-labelledby=\"\(s.id)-title\">\n<h2 id=\"\(s.id)-title\">"
            + "\(escaped(s.title))</h2>\n\(s.html)</section>\n"
    }
    return out + "</main>\n<footer><p>Made by libflip \(libraryVersion). This page is one file; it loads nothing.</p>"
        + "</footer>\n</body>\n</html>\n"
}
