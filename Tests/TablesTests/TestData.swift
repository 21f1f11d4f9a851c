@testable import Basics
@testable import Tables

/// What several tests share.
enum TestData {
    /// One field of every kind.
    static let everyType = """
        {"name": "every", "title": "One of each",
         "fields": [
          {"name": "colour", "type": "string", "title": "Colour", "constraints": {"enum": ["red", "green", "blue, \\"light\\""], "required": true}},
          {"name": "grade", "type": "integer", "constraints": {"enum": [1, 2, "5"]}},
          {"name": "ratio", "type": "number", "constraints": {"enum": [0.5, 1.0]}},
          {"name": "flag", "type": "boolean", "trueValues": ["yes", "1"], "falseValues": ["no", "0"]},
          {"name": "age", "type": "integer", "constraints": {"minimum": -5, "maximum": 300}},
          {"name": "five", "type": "integer", "constraints": {"minimum": -12, "maximum": 104, "multipleOf": 5}},
          {"name": "real", "type": "number", "constraints": {"minimum": -1.5, "maximum": 2}},
          {"name": "tenth", "type": "number", "constraints": {"minimum": 0, "maximum": 5, "multipleOf": 0.1}},
          {"name": "day", "type": "date", "constraints": {"minimum": "1970-01-01", "maximum": "2020-02-29"}},
          {"name": "moment", "type": "datetime", "constraints": {"minimum": "1970-01-01T00:00:00Z", "maximum": "2000-01-01 00:00:00"}},
          {"name": "half", "type": "datetime",
           "constraints": {"minimum": "1970-01-01T01:00:00+01:00", "maximum": "2000-01-01T00:10:00Z", "multipleOf": 1800}}
         ],
         "missingValues": ["", "NA"]}
        """
}
