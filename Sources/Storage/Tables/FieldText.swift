// Gives the text that a number or boolean of a file stands for, for fields whose levels are texts.
// A schema made for CSV may say enum ["1", "2"] where a frame holds numbers.

import Tables

struct FieldText {
    let name: String
    private let yes, no: String

    init(_ field: Field) {
        name = field.name
        switch field.kind {
        case .boolean: (yes, no) = (field.trueValues.first ?? "true", field.falseValues.first ?? "false")
        case .categorical(let levels):
            // As the levels spell it.
            yes = ["true", "True", "TRUE", "1"].first(where: levels.contains) ?? "true"
            no = ["false", "False", "FALSE", "0"].first(where: levels.contains) ?? "false"
        default: (yes, no) = ("1", "0")
        }
    }

    /// For a column that no schema describes.
    init(name: String) { (self.name, yes, no) = (name, "true", "false") }

    func text(_ value: Bool) -> String { value ? yes : no }

    /// The shortest text that reads as the same double; whole numbers without a point.
    func text(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 0x1p53 ? String(Int64(value)) : value.description
    }
}
