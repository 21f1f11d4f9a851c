"""The pipelines among the examples, run as programs on small tables."""
import json
import os
import shutil
import subprocess
import sys

import flip
import pandas
import pytest
from conftest import ROOT, SCHEMA, SMALL

PYTHON = os.path.join(ROOT, "examples", "python")
ENV = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python"), "FLIP_LIB": flip.library_path}
PROMISE = ["--epsilon", "4", "--delta", "1e-5", "--config", json.dumps(SMALL)]


def run(name, *words, code=0):
    done = subprocess.run([sys.executable, os.path.join(PYTHON, name), *map(str, words)], env=ENV, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_pandas_to_parquet(frame, csv, tmp_path):
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "in.parquet")
    said = run("parquet.py", tmp_path / "in.parquet", tmp_path / "out.parquet", "--schema", csv[1], "--rows", 321,
               "--protected", "sex", *PROMISE)
    assert "epsilon 4 at delta 1e-05" in said and "read off the rows" not in said
    rows = pandas.read_parquet(tmp_path / "out.parquet")
    assert len(rows) == 321 and list(rows) == [f["name"] for f in SCHEMA["fields"]]
    assert flip.Schema(SCHEMA).check(rows)["fits"]
    assert "assumed: the schema was read off the rows" in run("parquet.py", tmp_path / "in.parquet",
                                                              tmp_path / "out.parquet", *PROMISE)
    said = run(
        "parquet.py", tmp_path / "in.parquet", tmp_path / "out.parquet", "--schema",
        json.dumps({
            "fields": SCHEMA["fields"][:1] + [{"name": "sex", "type": "string", "constraints": {"enum": ["Female"]}}]
        }), *PROMISE, code=1)
    assert "sex: not one of the levels" in said


@pytest.mark.skipif(not hasattr(flip.Table, "from_arrow"), reason="no Arrow in this build")
def test_duckdb_query(frame, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = str(tmp_path / "t.duckdb")
    columns = ["age", "sex", "income"]
    with duckdb.connect(path) as connection:
        source = frame[columns]                     # found by its name
        connection.sql("CREATE TABLE patients AS SELECT * FROM source")
    schema = json.dumps({"fields": [f for f in SCHEMA["fields"] if f["name"] in columns]})
    said = run("duckdb_query.py", path, "SELECT age, sex, income FROM patients WHERE age >= 30", 'a "name"', "--schema",
               schema, "--rows", 250, *PROMISE)
    assert "250 rows, epsilon 4" in said
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.sql('SELECT count(*) FROM "a ""name"""').fetchall() == [(250,)]
        assert {r[0] for r in connection.sql('SELECT DISTINCT sex FROM "a ""name"""').fetchall()} <= {"Female", "Male"}


def test_make(csv, tmp_path):
    """A second run does nothing; a table that breaks its schema stops the pipeline before anything is spent."""
    path, domain = csv
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(path, work / "rows.csv")
    shutil.copy(domain, work / "rows.schema.json")
    (work / "config.json").write_text(json.dumps({k: v for k, v in SMALL.items() if k != "preset"}))
    words = [
        "make", "-f",
        os.path.join(ROOT, "examples", "make", "Makefile"), "TABLE=rows.csv", "EPSILON=4", "ROWS=123",
        "OPTIONS=--protected sex --preset published --config config.json",
        f"FLIP={os.path.join(ROOT, 'build', 'bin', 'flip')}"
    ]
    done = subprocess.run(words, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(flip.Table.read_csv(work / "rows.synthetic.csv", domain)) == 123
    assert json.loads((work / "rows.ledger.json").read_text())["epsilon"] == 4
    assert not (work / "rows.checkpoint.h5").exists()
    model = (work / "rows.flip.h5").stat().st_mtime_ns
    assert "Nothing to be done" in subprocess.run(words, cwd=work, capture_output=True, text=True).stdout
    os.unlink(work / "rows.synthetic.csv")
    assert subprocess.run(words, cwd=work, capture_output=True).returncode == 0
    assert (work / "rows.flip.h5").stat().st_mtime_ns == model, "another sample is no other training"
    (work / "rows.csv").write_text(
        open(path, encoding="utf-8").read().replace(",Female,", ",CANARY,"), encoding="utf-8")
    os.utime(work / "rows.csv", (2**31, 2**31))
    done = subprocess.run(words, cwd=work, capture_output=True, text=True)
    assert done.returncode != 0 and 'column "sex"' in done.stdout and "CANARY" not in done.stdout + done.stderr
    assert (work / "rows.flip.h5").stat().st_mtime_ns == model


def test_a_large_table_in_short(tmp_path):
    """The real size is `python3 examples/python/large.py`. Here memory must not follow the rows either: reading them
    costs less than their text."""
    said = [json.loads(line) for line in run("large.py", "--rows", 30_000, "--folder", tmp_path).splitlines()]
    steps = {line["step"]: line for line in said if "step" in line}
    assert list(steps) == ["make", "convert", "train", "sample"]
    csv_mb = next(line["csv_mb"] for line in said if "csv_mb" in line)
    small = steps["convert"]["peak_mb"] - steps["convert"]["peak_before_mb"]
    schema = flip.Schema(tmp_path / "schema.json")
    assert len(flip.Table.read_hdf5(tmp_path / "rows.h5")) == 30_000
    # Four times the rows through the same converter, in a process of its own.
    lines = (tmp_path / "rows.csv").read_text().splitlines(keepends=True)
    (tmp_path / "rows.csv").write_text(lines[0] + "".join(lines[1:]) * 4)
    again = json.loads(run("large.py", "--rows", 120_000, "--folder", tmp_path, "--step", "convert"))
    assert again["peak_mb"] - again["peak_before_mb"] < small + csv_mb, "memory follows the rows"
    assert len(flip.Table.read_hdf5(tmp_path / "rows.h5", schema)) == 120_000
