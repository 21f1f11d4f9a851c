"""Schemas read off rows, and tables compared with schemas."""
import json
import os
import subprocess

import flip
import numpy
import pandas
import pytest
from conftest import ROOT, SCHEMA, SMALL, make_frame, rules_of

FLIP = os.path.join(ROOT, "build", "bin", "flip")


def kinds(schema):
    return {field["name"]: field["type"] for field in schema.fields}


def test_a_file_and_its_frame_give_the_same_schema(csv):
    path, _ = csv
    ours = flip.Schema.infer(path)
    assert kinds(ours) == {**kinds(flip.Schema(SCHEMA)), "joined": "date", "ward": "integer"}
    assert ours.assumed and ours.dict["flip:domain"] == "assume-public"
    theirs = flip.Schema.infer(
        pandas.read_csv(path, parse_dates=["joined", "seen"],
                        dtype={"member": "boolean", "stay": "Int64", "ward": "Int64"}))
    assert theirs.fields == ours.fields and theirs.assumed


def test_the_rows_fit_what_was_read_off_them(frame, csv):
    schema = flip.Schema.infer(frame)
    assert len(flip.Table.from_pandas(frame, schema)) == len(frame)
    assert schema.check(frame)["fits"]
    schema = flip.Schema.infer(csv[0])
    assert len(flip.Table.read_csv(csv[0], schema)) == 600
    found = schema.check(csv[0])
    found.pop("schema_version", None)
    assert found == {"fits": True, "rows": 600, "missing_columns": [], "unknown_columns": [], "problems": []}


def test_categories_are_a_declaration():
    frame = pandas.DataFrame(
        {"size": pandas.Categorical(["s", None, "l"] * 9, categories=["s", "m", "l"], ordered=True)})
    field = flip.Schema.infer(frame).fields[0]
    assert field == {"name": "size", "type": "string", "constraints": {"enum": ["s", "m", "l"]}}


def test_columns_that_cannot_be_generated_are_named_together():
    frame = make_frame()
    frame["id"], frame["note"] = [f"p{i}" for i in range(len(frame))], [f"CANARY {i}" for i in range(len(frame))]
    with pytest.raises(flip.SchemaError) as problem:
        flip.Schema.infer(frame)
    assert '"id"' in str(problem.value) and '"note"' in str(problem.value) and "CANARY" not in str(problem.value)
    assert flip.Schema.infer(frame, skip=["id", "note"]).names == list(frame.columns[:-2])
    with pytest.raises(flip.ArgumentError):
        flip.Schema.infer(frame, skip=["nobody"])
    with pytest.raises(flip.ArgumentError):
        flip.Schema.infer(frame[["sex"]], levels=0)


def test_of_an_anndata_file(tmp_path):
    """What AnnData itself writes: categories in their order, gaps, 32-bit numbers."""
    anndata = pytest.importorskip("anndata")
    import h5py
    frame = pandas.DataFrame({
        "city": pandas.Categorical(["Ulm", "Köln", None, "Ulm"] * 9, categories=["Ulm", "Köln", "Aachen"]),
        "n": pandas.array([1, None, 40, 7] * 9, dtype="Int64"), "x": numpy.array([.1, .2, .5, 1.5] * 9, "float32"),
        "yes": [True, False, True, True] * 9, "word": ["a", "b", "a", "b"] * 9})
    with h5py.File(tmp_path / "t.h5", "w") as file:
        anndata.io.write_elem(file, "rows", frame)
    schema = flip.Schema.infer(tmp_path / "t.h5", group="/rows")
    rule = {f["name"]: rules_of(f) for f in schema.fields}
    assert rule["city"] == {"enum": ["Ulm", "Köln", "Aachen"]} and rule["n"] == {"minimum": 0, "maximum": 40}
    assert rule["x"] == {"required": True, "minimum": .1, "maximum": 1.5, "multipleOf": .1
                         } and rule["word"] == {"required": True, "enum": ["a", "b"]}
    assert kinds(schema)["yes"] == "boolean"
    assert len(flip.Table.read_hdf5(tmp_path / "t.h5", schema, group="/rows")) == 36


def test_the_ledger_of_such_a_schema_says_so(frame):
    marked = flip.Schema.infer(frame[["age", "sex"]])
    config = {**SMALL, "autoencoder": {**SMALL["autoencoder"], "steps": 2}, "diffusion": {"enabled": False}}

    def ledger(table_schema, plan_schema):
        table = flip.Table.from_pandas(frame[["age", "sex"]], table_schema)
        return flip.train(table, flip.plan(plan_schema, epsilon=4, delta=1e-5, config=config),
                          progress=False).ledger["assumptions"]

    public = flip.Schema({key: value for key, value in marked.dict.items() if key != "flip:domain"})
    said = "the schema was read off the rows"
    assert any(said in text for text in ledger(marked, marked))
    with pytest.raises(flip.SchemaError):                # a mark is not lost by a plan that was made without it
        ledger(marked, public)
    assert not any(said in text for text in ledger(public, public))
    assert public.fields == marked.fields and not public.assumed


def test_every_broken_rule_at_once(tmp_path):
    schema = flip.Schema(SCHEMA)
    frame = make_frame().astype({"sex": object})
    frame.loc[[3, 5], "age"] = 17
    frame.loc[7, "sex"] = "CANARY"
    frame["extra"] = 1
    found = schema.check(frame.drop(columns="weight"))
    found.pop("schema_version", None)
    assert found == {
        "fits": False, "rows": 600, "missing_columns": ["weight"], "unknown_columns": ["extra"], "problems": [{
            "column": "age", "rule": "below the minimum 18", "count": 2, "first_row": 4
        }, {"column": "sex", "rule": "not one of the levels in the schema's enum", "count": 1, "first_row": 8}]
    }
    frame.drop(columns="extra").to_csv(tmp_path / "bad.csv", index=False)
    found = schema.check(tmp_path / "bad.csv")
    assert [(p["column"], p["count"], p["first_line"]) for p in found["problems"]] == [("age", 2, 5), ("sex", 1, 9)]
    assert "CANARY" not in json.dumps(found)
    with pytest.raises(flip.SchemaError):
        flip.Table.read_csv(tmp_path / "bad.csv", schema)


def run(*words):
    return subprocess.run([FLIP, *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_command_line(csv, tmp_path):
    path, domain = csv
    out = tmp_path / "guess.json"
    said = run("schema", path)
    assert said.returncode == 0 and flip.Schema(said.stdout) == flip.Schema.infer(path)
    said = run("schema", path, "--skip", "city,seen", "--out", out)
    assert said.returncode == 0 and said.stdout == "" and "public" in said.stderr
    assert flip.Schema(out).names == [f["name"] for f in SCHEMA["fields"] if f["name"] not in ("city", "seen")]
    said = run("schema", path, "--levels", 1)
    assert said.returncode == 1 and '"city"' in said.stderr and "Bonn" not in said.stderr
    assert run("schema", path, "--levels", 0).returncode == 2

    fits = run("check", path, "--schema", domain)
    assert (fits.returncode, fits.stdout) == (0, f"{path}: 600 rows fit the schema\n")
    text = open(path, encoding="utf-8").read().replace(",Female,", ",CANARY,")
    (tmp_path / "bad.csv").write_text(text)
    broken = run("check", tmp_path / "bad.csv", "--schema", domain)
    assert broken.returncode == 1 and "CANARY" not in broken.stdout + broken.stderr
    rule = 'column "sex": not one of the levels in the schema\'s enum'
    assert f'{rule}: {text.count("CANARY")} times, first in line ' in broken.stdout
    found = json.loads(run("check", tmp_path / "bad.csv", "--schema", domain, "--json").stdout)
    assert found["problems"][0]["count"] == text.count("CANARY")
