"""Schema.check of HDF5 files: all that a dataframe breaks, by the rules by which it is read."""
import os
import subprocess

import flip
import h5py
import numpy
import pytest
from conftest import ROOT

# The program has its own copy of the library, whichever the package here has loaded.
FLIP = os.path.join(ROOT, "build", "bin", "flip")
FIELDS = [{"name": "n", "type": "integer", "constraints": {"minimum": 0, "maximum": 9, "required": True}},
          {"name": "x", "type": "number", "constraints": {"minimum": 0, "maximum": 1, "multipleOf": 0.25}},
          {"name": "f", "type": "string", "constraints": {"enum": ["a", "b"]}},
          {"name": "d", "type": "date", "constraints": {"minimum": "2000-01-01", "maximum": "2030-12-31"}},
          {"name": "big", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}]


def write(path, group="data", count=70_000, **columns):
    """A plain group with one data set a column; cells that are named in `columns` are set by row."""
    cells = {"n": numpy.zeros(count, "i4"), "x": numpy.zeros(count), "f": numpy.array(["a"] * count, object),
             "d": numpy.full(count, 12_000.0), "big": numpy.zeros(count, "u8")}
    for name, changes in columns.items():
        for row, value in changes.items():
            cells[name][row] = value
    with h5py.File(path, "w") as file:
        for name, values in cells.items():
            kind = h5py.string_dtype() if name == "f" else None
            file.create_dataset(f"{group}/{name}", data=values, dtype=kind)
        file[f"{group}/d"].attrs["units"] = "days since 1970-01-01"


def test_all_that_a_dataframe_breaks(tmp_path):
    path, schema = tmp_path / "t.h5", flip.Schema({"fields": FIELDS})
    write(path)
    assert schema.check(path) == {**schema.check(path), "fits": True, "rows": 70_000, "problems": []}
    write(path, n={2: 10, 66_000: 11, 5: -1}, x={1: 0.3, 69_999: 7, 3: float("nan")}, f={65_536: "Canary-77", 7: "b"},
          d={4: 12_000.5, 9: 1e9}, big={0: 2**63 + 5, 65_537: 12})
    found = schema.check(path)
    rules = {(p["column"], p["rule"].split(" of ")[0]): (p["count"], p["first_row"]) for p in found["problems"]}
    assert not found["fits"] and found["missing_columns"] == [] and "Canary" not in str(found)
    assert rules[("n", "above the maximum 9")] == (2, 3) and rules[("n", "below the minimum 0")] == (1, 6)
    assert rules[("x", "not a multiple")] == (1, 2) and rules[("x", "above the maximum 1")] == (1, 70_000)
    assert rules[("f", "not one")] == (1, 65_537)
    assert sum(count for (name, _), (count, _) in rules.items() if name == "d") == 2
    assert rules[("big", "beyond 64 bits")] == (1, 1) and rules[("big", "above the maximum 9")] == (1, 65_538)
    assert len(rules) == len(found["problems"])


def test_columns_that_are_missing_or_of_another_kind(tmp_path):
    path, schema = tmp_path / "t.h5", flip.Schema({"fields": FIELDS})
    write(path, count=5)
    with h5py.File(path, "a") as file:
        del file["data/x"], file["data/f"]
        file["data/f"] = numpy.zeros((5, 2))
        file["data/more"] = numpy.zeros(5)                      # not looked at when the dataframe is read either
    found = schema.check(path)
    assert found["missing_columns"] == ["x"] and found["unknown_columns"] == [] and not found["fits"]
    assert [(p["column"], p["count"]) for p in found["problems"]] == [("f", 5)]
    with pytest.raises(flip.FlipError):
        flip.Table.read_hdf5(path, schema)
    with pytest.raises(flip.FormatError):
        schema.check(path, group="nowhere")


def test_check_and_convert_on_the_command_line(tmp_path):
    path, schema = str(tmp_path / "t.h5ad"), str(tmp_path / "s.json")
    write(path, group="obs", count=5, n={2: 10})
    with h5py.File(path, "a") as file:
        file["obs"].attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0"})
    with open(schema, "w") as file:
        file.write(flip.Schema({"fields": FIELDS}).json)

    def run(*words):
        return subprocess.run([FLIP, *words], capture_output=True, text=True, timeout=60)

    for group in ((), ("--group", "/obs")):
        done = run("check", path, "--schema", schema, *group)
        assert done.returncode == 1 and "above the maximum 9: 1 time, first in row 3" in done.stdout
    rows = tmp_path / "t.csv"
    rows.write_text("n,x,f,d,big\n99,0.25,a,2020-01-01,1\n5,0.3,c,2020-01-01,12\n")
    made = str(tmp_path / "m.h5")
    done = run("convert", str(rows), made, "--schema", schema, "--invalid", "coerce", "--to-group", "/in/it", "--quiet")
    assert done.returncode == 0 and '"n": 1, "x": 1, "f": 1, "big": 1' in done.stderr, done.stderr
    assert len(flip.Table.read_hdf5(made, group="in/it")) == 2
    done = run("convert", path, str(tmp_path / "o.csv"), "--schema", schema, "--invalid", "coerce")
    assert done.returncode == 0 and '"n": 1' in done.stderr, done.stderr
