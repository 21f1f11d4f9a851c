#!/usr/bin/env bash
# frictionless: a key that it does not know refuses the schema inside "constraints", and is let pass beside them.
#
# Expected: an unknown key is treated alike wherever it stands, and "categories", from Table Schema 2, is checked.
# Happens: "multipleOf" in "constraints" (as JSON Schema has it for numbers) is an error for the whole schema.
# The same key beside "constraints" is kept, without effect.
# "categories" is kept too, and also without effect: a value outside the list is valid.
# This is so even where $schema names version 2.
# Only "enum" in "constraints" is checked.
# With: frictionless 5.21.0.
# Matters: the closed list of levels and the step of a number are what makes a domain public and finite.
# A schema whose steps are in "constraints" can't be shared with a tool built on frictionless.
# A table that passes its validation may still have levels outside those declared.
# Do: write the step beside "constraints", and read it in both places.
# Write the levels both as "categories" (their order) and as "enum" (their check), and check them yourself on reading.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check frictionless==5.21.0
"$dir/env/bin/python" - << 'PY'
from importlib.metadata import version

from frictionless import FrictionlessException, Resource, Schema

print("frictionless", version("frictionless"))
two = "https://datapackage.org/profiles/2.0/tableschema.json"


def judge(rows, **field):
    """What it says about rows of one column."""
    try:
        schema = Schema.from_descriptor({"$schema": two, "fields": [{"name": "x", **field}]})
    except FrictionlessException as error:
        return str(error)
    report = Resource(data=[["x"], *([row] for row in rows)], schema=schema).validate()
    return "valid" if report.valid else str(report.flatten(["type", "note"]))


inside = judge([0.5, 0.7], type="number", constraints={"minimum": 0, "multipleOf": 0.5})
beside = judge([0.5, 0.7], type="number", constraints={"minimum": 0}, multipleOf=0.5)
listed = judge(["low", "other"], type="string", categories=["low", "high"], categoriesOrdered=True)
closed = judge(["low", "other"], type="string", constraints={"enum": ["low", "high"]})
print("multipleOf in constraints:", inside)
print("multipleOf beside them, 0.7 for a step of 0.5:", beside)
print("categories, a value outside:", listed)
print("enum, a value outside:", closed)
assert "multipleOf" in inside and beside == "valid" and listed == "valid" and "constraint-error" in closed
PY
