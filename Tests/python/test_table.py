"""Tables: pandas, CSV and HDF5, in both directions."""
import json
import os
import subprocess
import sys

import anndata
import flip
import h5py
import numpy
import pandas
import pytest
from conftest import ROOT, SCHEMA, SMALL, make_frame


def texts(frame):
    """A frame as text, so that two frames of different column types can be compared."""
    return frame.astype(object).where(
        frame.notna(),
        None).map(lambda v: None if v is None else v.isoformat() if isinstance(v, pandas.Timestamp) else str(int(v))
                  if isinstance(v, (int, float, numpy.number)) and float(v).is_integer() else str(v))


def test_pandas_round_trip(frame, table):
    back = table.to_pandas()
    assert list(back.columns) == list(frame.columns) and len(back) == len(table) == table.rows == 600
    pandas.testing.assert_frame_equal(texts(back), texts(frame))
    assert back["age"].dtype == "int64" and back["stay"].dtype == "Int64" and back["member"].dtype == "boolean"
    assert list(back["sex"].cat.categories) == ["Female", "Male"]
    assert back["joined"].dtype == "datetime64[us]" and back["seen"].dtype == "datetime64[us]"


@pytest.mark.parametrize("change", [
    lambda f: f.assign(sex=f.sex.astype("category")),
    lambda f: f.assign(city=pandas.Categorical(f.city, categories=['Trier, "Süd"', "Köln", "Rome", "Bonn"])),
    lambda f: f.assign(age=f.age.astype("float64"), stay=f.stay.astype("float64"), ward=f.ward.astype("float64")),
    lambda f: f.assign(age=f.age.astype("uint8"), weight=f.weight.astype("object")),
    lambda f: f.assign(member=f.member.astype("object")),
    lambda f: f.assign(member=f.member.map({True: "true", False: "false"})),
    lambda f: f.assign(joined=f.joined.dt.strftime("%Y-%m-%d"), seen=f.seen.dt.strftime("%Y-%m-%dT%H:%M:%SZ")),
    lambda f: f.assign(seen=f.seen.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")),
    lambda f: f.assign(seen=f.seen.astype("datetime64[s]"), joined=f.joined.astype("datetime64[ns]")),
    lambda f: f.assign(joined=f.joined.dt.date),
    lambda f: f.assign(ward=f.ward.astype("string"), age=f.age.astype("string")),
    lambda f: f.assign(city=f.city.fillna("NA")),
    lambda f: f[list(reversed(f.columns))],
    lambda f: f.set_index(pandas.Index(range(600, 0, -1))),
    lambda f: f.iloc[::-1].iloc[::-1],
])
def test_the_same_cells_in_other_clothes(frame, schema, table, change):
    other = flip.Table.from_pandas(change(frame), schema).to_pandas()
    pandas.testing.assert_frame_equal(other, table.to_pandas())


@pytest.mark.parametrize("change, part", [
    (lambda f: f.drop(columns="age"), "age"),
    (lambda f: f.assign(extra=1), "extra"),
    (lambda f: f.assign(age=f.age + 100), "age"),
    (lambda f: f.assign(sex="Canary"), "sex"),
    (lambda f: f.assign(sex=None), "sex"),
    (lambda f: f.assign(income=0.3), "income"),
    (lambda f: f.assign(weight=numpy.inf), "weight"),
    (lambda f: f.assign(stay=1.5), "stay"),
    (lambda f: f.assign(joined=f.seen + pandas.Timedelta("1min")), "joined"),
    (lambda f: f.assign(seen=pandas.Timestamp("1999-01-01")), "seen"),
    (lambda f: f.iloc[:0], "rows"),
])
def test_frames_that_break_the_schema(frame, schema, change, part):
    with pytest.raises(flip.SchemaError) as caught:
        flip.Table.from_pandas(change(frame), schema)
    assert part in str(caught.value) and "Canary" not in str(caught.value)


def test_csv_round_trip(csv, table, tmp_path):
    path, domain = csv
    again = flip.Table.read_csv(path, schema=domain)
    pandas.testing.assert_frame_equal(again.to_pandas(), table.to_pandas())
    again.to_csv(str(tmp_path / "b.csv"), delimiter=";")
    third = flip.Table.read_csv(tmp_path / "b.csv", schema=again.schema, delimiter=";")
    pandas.testing.assert_frame_equal(third.to_pandas(), table.to_pandas())


def test_csv_of_pandas(frame, table, tmp_path, schema):
    path = tmp_path / "p.csv"
    frame.assign(seen=frame.seen.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
                 joined=frame.joined.dt.strftime("%Y-%m-%d")).to_csv(path, index=False)
    pandas.testing.assert_frame_equal(flip.Table.read_csv(path, schema).to_pandas(), table.to_pandas())


def test_a_bad_cell_names_the_place_and_not_the_value(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("x,y\n1,true\n2,Canary-77\n")
    schema = {
        "fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}},
                   {"name": "y", "type": "boolean"}]
    }
    with pytest.raises(flip.SchemaError) as caught:
        flip.Table.read_csv(path, schema)
    message = str(caught.value)
    assert "bad.csv" in message and "3" in message and "y" in message and "Canary" not in message
    with pytest.warns(UserWarning, match='1 of column "y"') as told:
        table = flip.Table.read_csv(path, schema, invalid="coerce")
    assert table.to_pandas()["y"].isna().tolist() == [False, True] and table.replaced == {
        "y": 1
    } and "Canary" not in str(told[0].message)
    with pytest.raises(flip.ArgumentError):
        flip.Table.read_csv(path, schema, invalid="ignore")
    with pytest.raises(flip.FileError):
        flip.Table.read_csv(tmp_path / "none.csv", schema)


def test_coerce_says_what_it_replaced(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("who;x;y\n" + "p;5;true\n" * 4 + "q;99;maybe\nq;-1;true\nr;;false\n")
    schema = {
        "fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}},
                   {"name": "y", "type": "boolean"}]
    }
    options = {"invalid": "coerce", "delimiter": ";"}
    with pytest.warns(UserWarning, match='2 of column "x", 1 of column "y"') as told:
        table = flip.Table.read_csv(path, schema, person="who", max_rows_per_person=5, **options)
    assert table.replaced == {"x": 2, "y": 1} and told[0].filename == __file__
    rows = pandas.read_csv(path, sep=";")[["x", "y"]]
    import polars
    import pyarrow
    for frame in (rows, pyarrow.table(rows), polars.from_pandas(rows)):
        with pytest.warns(UserWarning, match='2 of column "x", 1 of column "y"') as told:
            table = flip.Table.from_arrow(frame, schema, invalid="coerce")
        assert table.replaced == {"x": 2, "y": 1} and told[0].filename == __file__
    with pytest.warns(UserWarning, match='2 of column "x", 1 of column "y"'):
        table = flip.Table.from_arrow(pyarrow.table(rows).to_reader(), schema, invalid="coerce")    # it is read once
    assert table.replaced == {"x": 2, "y": 1}
    path.write_text("x;y\n5;true\n99;false\n")
    with pytest.warns(UserWarning, match='1 of column "x"') as told:
        flip.convert(path, tmp_path / "out.csv", schema, **options)
    assert told[0].filename == __file__
    path.write_text("x;y\n5;true\n;\n")
    assert flip.Table.read_csv(path, schema, **options).replaced == {}
    assert flip.Table.read_csv(path, schema, delimiter=";").replaced == {}


def test_what_we_write_anndata_reads(table, tmp_path):
    path = tmp_path / "t.h5"
    table.write_hdf5(path)
    with h5py.File(path, "r") as file:
        theirs = anndata.io.read_elem(file["data"])
    ours = table.to_pandas()
    assert list(theirs.columns) == list(ours.columns)
    assert theirs["sex"].astype(str).tolist() == ours["sex"].astype(str).tolist()
    assert theirs["city"].isna().tolist() == ours["city"].isna().tolist()
    assert theirs["age"].tolist() == ours["age"].tolist()
    numpy.testing.assert_array_equal(theirs["weight"].to_numpy(float), ours["weight"].to_numpy(float))
    again = flip.Table.read_hdf5(path)
    pandas.testing.assert_frame_equal(again.to_pandas(), ours)
    assert again.schema == table.schema


def test_what_anndata_writes_we_read(frame, table, schema, tmp_path):
    path = tmp_path / "a.h5"
    plain = frame.drop(columns=["joined", "seen"]).assign(city=frame.city.astype("category"))
    with h5py.File(path, "w") as file:
        anndata.io.write_elem(file, "obs", plain)
    part = flip.Schema({"fields": [f for f in SCHEMA["fields"] if f["name"] not in ("joined", "seen")]})
    read = flip.Table.read_hdf5(path, schema=part, group="/obs").to_pandas()
    pandas.testing.assert_frame_equal(read, table.to_pandas().drop(columns=["joined", "seen"]))


def test_convert(csv, table, tmp_path):
    path, domain = csv
    flip.convert(path, tmp_path / "c.h5", schema=domain)
    flip.convert(tmp_path / "c.h5", tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_bytes() == open(path, "rb").read()


def test_a_dataframe_anywhere_in_a_file(frame, schema, table, tmp_path):
    """group= names the place of a dataframe wherever a path is read; a file of AnnData has its rows in /obs."""
    numbers = ["age", "sex", "stay", "weight"]
    part = flip.Schema({"fields": [field for field in SCHEMA["fields"] if field["name"] in numbers]})
    path, want = tmp_path / "cells.h5ad", table.to_pandas()[numbers]
    rows = frame[numbers].assign(sex=frame.sex.astype("category"))
    anndata.AnnData(obs=rows.set_index(rows.index.astype(str))).write_h5ad(path)

    def same(found):
        pandas.testing.assert_frame_equal(found.to_pandas(), want)

    same(flip.Table.read_hdf5(path, part, group="/obs"))
    flip.convert(path, tmp_path / "c.csv", part, group="obs")
    same(flip.Table.read_csv(tmp_path / "c.csv", part))
    flip.convert(tmp_path / "c.csv", tmp_path / "c.h5", part, group="/rows/of")
    same(flip.Table.read_hdf5(tmp_path / "c.h5", group="/rows/of"))
    flip.convert(tmp_path / "c.h5", tmp_path / "d.h5", group="/rows/of")
    same(flip.Table.read_hdf5(tmp_path / "d.h5"))
    flip.convert(path, tmp_path / "f.h5", part, target_group="/x")
    same(flip.Table.read_hdf5(tmp_path / "f.h5", group="x"))
    assert part.check(path)["fits"] and part.check(tmp_path / "f.h5", group="x")["rows"] == len(rows)
    with pytest.raises(flip.ArgumentError):
        part.check(tmp_path / "c.csv", group="x")
    assert flip.Schema.infer(path, group="obs").names == numbers
    evaluation = flip.evaluate(path, tmp_path / "d.h5", part, classifiers="none", group={"real": "obs"})
    assert evaluation["tvd1"] == 0 and evaluation.to_dict()["rows"]["real"] == 600
    assert flip.evaluate(path, path, part, classifiers="none", group="obs")["tvd1"] == 0
    made = flip.Synthesizer(epsilon=4.0, delta=1e-5, schema=part, config=SMALL, progress=False, group="obs").fit(path)
    assert made.sample(5, seed=1).schema == part
    for wrong in (lambda: flip.convert(tmp_path / "c.csv", tmp_path / "e.csv", part, group="x"),
                  lambda: flip.Table.read_hdf5(path, part, group=""),
                  lambda: flip.evaluate(path, path, part, group={"reel": "obs"}),
                  lambda: table.write_hdf5(tmp_path / "e.h5", group="")):
        with pytest.raises(flip.FlipError) as caught:
            wrong()
        assert caught.type in (flip.ArgumentError, flip.FormatError)


def test_progress_of_reading_can_stop_it(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("x\n" + "5\n" * 3_000_000)
    schema = {"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 9}}]}
    seen = []
    assert len(flip.Table.read_csv(path, schema, progress=seen.append)) == 3_000_000
    assert len(seen) > 1 and seen[-1].total == path.stat().st_size

    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flip.Table.read_csv(path, schema, progress=stop)


def test_schemas(schema):
    assert flip.Schema(schema.json) == schema and hash(flip.Schema(schema.dict)) == hash(schema)
    import pickle
    assert pickle.loads(pickle.dumps(schema)) == schema
    assert schema.names == [f["name"] for f in SCHEMA["fields"]]
    with pytest.raises(flip.SchemaError):
        flip.Schema({"fields": [{"name": "a", "type": "integer"}]})
    with pytest.raises(OSError):
        flip.Schema("/no/such/file.json")


def test_printing_a_table_shows_no_row_and_no_count(table):
    assert "600" not in repr(table) and "Bonn" not in repr(table)


def test_a_closed_handle_is_an_error(schema):
    table = flip.Table.from_pandas(make_frame(5), schema)
    table.close()
    table.close()
    with pytest.raises(flip.ArgumentError):
        table.to_csv("/tmp/never.csv")


def test_columns_the_schema_does_not_name(csv, table, schema, tmp_path):
    path, _ = csv
    lines = open(path, encoding="utf-8").read().splitlines()
    wide = tmp_path / "wide.csv"
    wide.write_text("\n".join(["note," + lines[0]] + ["x," + line for line in lines[1:]]) + "\n", encoding="utf-8")
    for refused in (lambda **o: flip.Table.read_csv(wide, schema, **o),
                    lambda **o: flip.convert(wide, tmp_path / "w.h5", schema, **o)):
        for options in ({}, {"extra": "refuse"}):
            with pytest.raises(flip.SchemaError, match="note"):
                refused(**options)
        with pytest.raises(flip.ArgumentError, match="extra"):
            refused(extra="keep")
    pandas.testing.assert_frame_equal(flip.Table.read_csv(wide, schema, extra="ignore").to_pandas(), table.to_pandas())
    flip.convert(wide, tmp_path / "w.h5", schema, extra="ignore")
    pandas.testing.assert_frame_equal(flip.Table.read_hdf5(tmp_path / "w.h5").to_pandas(), table.to_pandas())


LOAD = """
import flip, resource, sys
schema = flip.Schema(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table = flip.Table.read_csv(sys.argv[1], schema)
print(len(table), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_table_is_small_in_memory(tmp_path):
    """10 million rows of 15 columns load in less than 1.5 GB: measured on a tenth of them, at the same bytes a row."""
    fields = [{"name": f"level{i}", "type": "string", "constraints": {"enum": ["one", "two", "three"]}}
              for i in range(4)]
    fields += [{"name": f"count{i}", "type": "integer", "constraints": {"minimum": 0, "maximum": 999}}
               for i in range(4)]
    fields += [{
        "name": f"price{i}", "type": "number", "constraints": {"minimum": 0, "maximum": 500, "multipleOf": 0.5}
    } for i in range(2)]
    fields += [{"name": f"real{i}", "type": "number", "constraints": {"minimum": 0, "maximum": 1}} for i in range(3)]
    fields += [{"name": "day", "type": "date", "constraints": {"minimum": "2000-01-01", "maximum": "2029-12-31"}},
               {"name": "flag", "type": "boolean"}]
    assert len(fields) == 15
    (tmp_path / "s.json").write_text(json.dumps({"fields": fields}))
    r = numpy.random.default_rng(1)
    lines = []
    for _ in range(1000):
        cells = [
            *r.choice(["one", "two", "three"], 4), *r.integers(0, 1000, 4), *(r.integers(0, 1001, 2) / 2),
            *r.random(3).round(9), f"20{r.integers(10, 30)}-0{r.integers(1, 10)}-1{r.integers(0, 10)}",
            r.choice(["true", "false"])
        ]
        lines.append(",".join(map(str, cells)) + "\n")
    with open(tmp_path / "rows.csv", "w") as file:
        file.write(",".join(field["name"] for field in fields) + "\n")
        for _ in range(1000):
            file.write("".join(lines))
    said = subprocess.run([sys.executable, "-c", LOAD, tmp_path / "rows.csv", tmp_path / "s.json"], capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")})
    rows, kilobytes = map(int, said.stdout.split())
    assert rows == 1_000_000 and kilobytes < 150_000


def test_persons(csv, tmp_path):
    """At most k rows of each person, however the rows come in; the promise is then for persons, in every report."""
    pandas = pytest.importorskip("pandas")
    schema = flip.Schema(
        {"fields": [{"name": "x", "type": "integer", "constraints": {"minimum": 0, "maximum": 999, "required": True}}]})
    frame = pandas.DataFrame({"who": [f"p{i % 40}" for i in range(400)], "x": range(400)})
    frame.to_csv(tmp_path / "p.csv", index=False)
    table = flip.Table.read_csv(tmp_path / "p.csv", schema, person="who", max_rows_per_person=3)
    other = flip.Table.from_pandas(frame, schema, person="who", max_rows_per_person=3)
    assert len(table) == len(other) == 120 and table.max_rows_per_person == 3
    shuffled = frame.sample(frac=1, random_state=1)
    shuffled[shuffled.who != "p0"].to_csv(tmp_path / "q.csv", index=False)
    fewer = flip.Table.read_csv(tmp_path / "q.csv", schema, person="who", max_rows_per_person=3)
    assert set(fewer.to_pandas().x) == {x for x in table.to_pandas().x if x % 40 != 0}
    model = flip.train(
        table, epsilon=8.0, delta=1e-5,
        config={"rows": {"guess": 120}, "autoencoder": {"steps": 3, "batch": 20}, "diffusion": {"enabled": False}})
    assert model.ledger["max_rows_per_person"] == 3 and "one person of at most 3 rows" in model.ledger[
        "neighbouring"] and "for persons" in model.ledger["notes"][0]
    with pytest.raises(flip.StateError):
        flip.train(table, flip.plan(schema, epsilon=8.0, delta=1e-5))
    with pytest.raises(flip.SchemaError):
        flip.Table.from_pandas(frame, schema, person="x", max_rows_per_person=3)
    with pytest.raises(flip.SchemaError):
        flip.Table.from_pandas(frame.assign(who=None), schema, person="who", max_rows_per_person=3)
    with pytest.raises(flip.ArgumentError):
        flip.Table.read_csv(tmp_path / "p.csv", schema, person="who")
