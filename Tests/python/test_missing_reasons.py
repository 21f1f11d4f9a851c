"""Labelled missing values of fields without levels: each reason is a state that is learnt, sampled and written back."""
import flip
import numpy
import pandas
import pyarrow
import pytest

B = {"minimum": 0, "maximum": 100}
SCHEMA = {
    "fields": [{"name": "n", "type": "integer", "constraints": B},
               {"name": "x", "type": "number", "constraints": B},
               {"name": "s", "type": "number", "constraints": {**B, "multipleOf": 0.5, "required": True}},
               {"name": "b", "type": "boolean"},
               {"name": "d", "type": "date", "constraints": {"minimum": "2000-01-01", "maximum": "2030-12-31"}},
               {"name": "t", "type": "datetime",
                "constraints": {"minimum": "2000-01-01T00:00:00Z", "maximum": "2030-12-31T00:00:00Z"}}],
    "missingValues": [{"value": ""}, {"value": "-9", "label": "refused"}, {"value": "REF", "label": "not asked"},
                      {"value": "9999-12-31", "label": "never"}, {"value": "NA"}]
}
TEXT = """n,x,s,b,d,t
1,1.5,2.5,true,2020-01-01,2020-01-01T00:00:00Z
-9,-9,-9,-9,9999-12-31,9999-12-31
REF,REF,REF,REF,REF,REF
,,0.0,,,
NA,NA,100.0,NA,NA,NA
"""


def as_csv(table, path):
    table.to_csv(path)
    return path.read_text()


def test_every_way_in_and_out(tmp_path):
    path, schema = tmp_path / "t.csv", flip.Schema(SCHEMA)
    path.write_text(TEXT)
    table = flip.Table.read_csv(path, schema)
    assert flip.Schema(schema.json) == schema and schema.check(path)["fits"]
    assert as_csv(table, path) == TEXT.replace("NA", "")       # "NA" has no label: missing, and nothing else
    assert table.missing_reasons("n") == [None, "-9", "REF", None, None]
    assert table.missing_reasons("d") == [None, "9999-12-31", "REF", None, None]
    frame = table.to_pandas()
    assert frame.n.fillna(-1).tolist() == [1, -9, -1, -1, -1]
    assert numpy.nan_to_num(frame.x, nan=-1).tolist() == [1.5, -9, -1, -1, -1]
    assert numpy.nan_to_num(frame.s, nan=-1).tolist() == [2.5, -9, -1, 0, 100]
    assert frame.d.dt.year.fillna(0).tolist() == [2020, 9999, 0, 0, 0]
    numbers = [name for name in frame.columns if name != "b"]
    part = flip.Schema({**SCHEMA, "fields": [dict(f, constraints={k: v for k, v in f["constraints"].items()
                                                                 if k != "required"})
                                             for f in SCHEMA["fields"] if f["name"] != "b"]})
    table = flip.Table.from_pandas(frame[numbers], part)
    for name in ("n", "x", "s"):
        assert table.missing_reasons(name) == [None, "-9", None, None, None]
    arrow = pyarrow.table(table)
    assert arrow["n"].to_pylist() == [1, -9, None, None, None] and arrow["d"].to_pylist()[1].year == 9999
    again = flip.Table.from_arrow(arrow, part)
    pandas.testing.assert_frame_equal(again.to_pandas(), table.to_pandas())
    assert [again.missing_reasons(n) for n in numbers] == [table.missing_reasons(n) for n in numbers]
    table.write_hdf5(tmp_path / "t.h5")
    again = flip.Table.read_hdf5(tmp_path / "t.h5")
    assert [again.missing_reasons(n) for n in numbers] == [table.missing_reasons(n) for n in numbers]
    pandas.testing.assert_frame_equal(again.to_pandas(), table.to_pandas())
    singles = frame[["n", "x", "s"]].astype("float32")
    narrow = flip.Schema({**SCHEMA, "fields": part.fields[:3]})
    for made in (flip.Table.from_pandas(singles, narrow), flip.Table.from_arrow(singles, narrow)):
        assert made.missing_reasons("x") == [None, "-9", None, None, None] == made.missing_reasons("s")


@pytest.mark.parametrize("preset", ["best", "published"])
def test_reasons_are_learnt_and_sampled(preset, tmp_path):
    """9999999 for "not in universe" beside incomes: a state, and never a number between."""
    random = numpy.random.default_rng(1)
    rows = 4000
    income = numpy.round(random.uniform(0, 1000, rows), 1)
    code = random.choice([0, 1, 2], rows, p=[0.6, 0.3, 0.1])
    texts = [["%g" % v, "9999999", "REF"][c] for v, c in zip(income, code)]
    schema = flip.Schema({"fields": [
        {"name": "income", "type": "number", "constraints": {"minimum": 0, "maximum": 10_000_000, "multipleOf": 0.1}},
        {"name": "works", "type": "boolean", "constraints": {"required": True}}],
        "missingValues": [{"value": ""}, {"value": "9999999", "label": "not in universe"},
                          {"value": "REF", "label": "refused"}]})
    path = tmp_path / "t.csv"
    path.write_text("income,works\n" + "".join(f"{t},{'false' if c == 1 else 'true'}\n" for t, c in zip(texts, code)))
    table = flip.Table.read_csv(path, schema)
    steps = {"autoencoder": {"steps": 30, "batch": 256}, "diffusion": {"enabled": False}, "rows": {"guess": rows},
             "test_seed": 3}
    if preset == "best":
        steps.update(projection={"rows": 60, "steps": 60}, rake={"pool": 2000})
        steps["autoencoder"].update(width=8, heads=2, feed_forward=16, latent=4, warmup=5)
    model = flip.train(table, epsilon=4.0, delta=1e-6, preset=preset, config=steps, progress=False)
    model.save(tmp_path / "m.h5")
    made = flip.load(tmp_path / "m.h5").sample(4000, seed=1)
    reasons = made.missing_reasons("income")
    shares = [sum(r == want for r in reasons) / len(reasons) for want in ("9999999", "REF")]
    assert abs(shares[0] - 0.3) < 0.05 and abs(shares[1] - 0.1) < 0.05
    frame = made.to_pandas()
    values = frame.income[[r is None for r in reasons]].dropna()
    assert 300 < values.mean() < 800
    assert (frame.income == 9999999).sum() == sum(r == "9999999" for r in reasons)
    only = model.sample(50, seed=2, where={"income": "9999999"})
    assert set(only.missing_reasons("income")) == {"9999999"}
    either = model.sample(50, seed=2, where={"income": None})
    assert set(either.missing_reasons("income")) <= {"9999999", "REF", None} and either.to_pandas().shape == (50, 2)
    report = flip.evaluate(table, made, classifiers="none")
    assert report["tvd1"] < 0.1


def test_a_required_column_has_reasons_and_no_gaps(tmp_path):
    schema, path = flip.Schema({**SCHEMA, "fields": SCHEMA["fields"][2:3]}), tmp_path / "t.csv"
    path.write_text("s\n1\n-9\n")
    assert flip.Table.read_csv(path, schema).missing_reasons("s") == [None, "-9"]
    path.write_text("s\n1\nNA\n")
    with pytest.raises(flip.SchemaError):
        flip.Table.read_csv(path, schema)
