"""Rules between columns: declared in a schema, kept by tables and sampled rows."""
import os
import subprocess

import flip
import numpy
import pandas
import pytest
from conftest import ROOT

FLIP = os.path.join(ROOT, "build", "bin", "flip")


def whole(name, high, **more):
    return {"name": name, "type": "integer", "constraints": {"minimum": 0, "maximum": high, "required": True, **more}}


def text(name, levels, required=True):
    return {"name": name, "type": "string", "constraints": {"enum": levels, **({"required": True} if required else {})}}


def day(name, low, high, required=True):
    return {"name": name, "type": "date",
            "constraints": {"minimum": low, "maximum": high, **({"required": True} if required else {})}}


FIELDS = [
    text("sex", ["Female", "Male"]), text("pregnant", ["No", "Yes"]), day("born", "1930-01-01", "2000-12-31"),
    day("admitted", "2020-01-01", "2021-12-31"), day("discharged", "2020-01-01", "2022-06-30", required=False),
    whole("age", 100), whole("drugs", 500), whole("room", 900), whole("total", 1400),
    {"name": "weight", "type": "number", "constraints": {"minimum": 40, "maximum": 140, "multipleOf": 0.5,
                                                         "required": True}},
    {"name": "height", "type": "number", "constraints": {"minimum": 1.4, "maximum": 2.1, "multipleOf": 0.01,
                                                         "required": True}},
    {"name": "bmi", "type": "number", "constraints": {"minimum": 5, "maximum": 80, "multipleOf": 0.1,
                                                      "required": True}},
    text("ward", ["A1", "A2", "B1"]), text("site", ["North", "South"]),
    {"name": "inpatient", "type": "boolean", "constraints": {"required": True}},
    {"name": "outpatient", "type": "boolean", "constraints": {"required": True}},
    {"name": "emergency", "type": "boolean", "constraints": {"required": True}},
    whole("low", 100), whole("high", 100), text("dead", ["no", "yes"]), text("cause", ["a", "b"], required=False),
    text("drug", ["x", "y"], required=False), {"name": "dose", "type": "number",
                                               "constraints": {"minimum": 0, "maximum": 10}},
]
RULES = [
    {"name": "stay", "order": ["admitted", "discharged"], "gap": {"minimum": 0, "maximum": 90}},
    {"name": "age", "age": {"age": ["born", "admitted"]}},
    {"name": "cost", "sum": {"total": ["drugs", "room"]}},
    {"name": "bmi", "ratio": {"bmi": ["weight", "height", "height"]}},
    {"name": "men", "forbid": {"sex": "Male", "pregnant": "Yes"}},
    {"name": "old", "if": {"age": {"minimum": 60}}, "then": {"pregnant": "No"}},
    {"name": "site", "depends": {"site": "ward"}, "table": {"A1": "North", "A2": "North", "B1": "South"}},
    {"name": "kind", "exactly_one": ["inpatient", "outpatient", "emergency"]},
    {"name": "range", "order": ["low", "high"], "strict": True},
    {"name": "cause", "missing_unless": {"cause": {"dead": "yes"}}},
    {"name": "drug", "missing_together": ["drug", "dose"]},
]
SCHEMA = {"fields": FIELDS, "missingValues": [""], "flip:rules": RULES}


def make(rows, seed=1):
    """A table that keeps every rule."""
    r = numpy.random.default_rng(seed)
    sex, ward = r.choice(["Female", "Male"], rows), r.choice(["A1", "A2", "B1"], rows)
    born = numpy.datetime64("1930-01-01") + r.integers(0, 25_900, rows).astype("timedelta64[D]")
    admitted = numpy.datetime64("2020-01-01") + r.integers(0, 700, rows).astype("timedelta64[D]")
    stay = numpy.minimum(r.exponential(8, rows).astype(int), 90)
    b, a = pandas.DatetimeIndex(born), pandas.DatetimeIndex(admitted)
    age = a.year - b.year - ((a.month * 100 + a.day) < (b.month * 100 + b.day))
    drugs, room = r.integers(0, 501, rows), r.integers(0, 901, rows)
    weight, height = r.integers(100, 220, rows) / 2, r.integers(150, 200, rows) / 100
    kind, low, dead = r.integers(0, 3, rows), r.integers(0, 99, rows), r.random(rows) < .3
    drug = pandas.Series(r.choice(["x", "y"], rows)).mask(pandas.Series(r.random(rows) < .4))
    return pandas.DataFrame({
        "sex": sex, "pregnant": numpy.where((sex == "Female") & (age < 60) & (r.random(rows) < .3), "Yes", "No"),
        "born": born, "admitted": admitted,
        "discharged": pandas.Series(admitted + stay.astype("timedelta64[D]")).mask(pandas.Series(r.random(rows) < .1)),
        "age": age, "drugs": drugs, "room": room, "total": drugs + room, "weight": weight, "height": height,
        "bmi": (weight / height ** 2).round(1), "ward": ward, "site": numpy.where(ward == "B1", "South", "North"),
        "inpatient": kind == 0, "outpatient": kind == 1, "emergency": kind == 2, "low": low,
        "high": low + 1 + r.integers(0, 100, rows) % (100 - low), "dead": numpy.where(dead, "yes", "no"),
        "cause": pandas.Series(r.choice(["a", "b"], rows)).where(pandas.Series(dead & (r.random(rows) < .9))),
        "drug": drug, "dose": pandas.Series(r.random(rows) * 10).where(drug.notna())})


def broken(f):
    """How many rows break each rule, by pandas alone."""
    a, b, d = pandas.DatetimeIndex(f.admitted), pandas.DatetimeIndex(f.born), pandas.to_datetime(f.discharged)
    stay = (d - pandas.Series(a, index=f.index)).dt.days
    age = a.year - b.year - ((a.month * 100 + a.day) < (b.month * 100 + b.day))
    flags = f[["inpatient", "outpatient", "emergency"]].astype(int).sum(axis=1)
    found = {
        "stay": ~(stay.between(0, 90) | stay.isna()), "age": f.age.astype(int).to_numpy() != age,
        "cost": f.total != f.drugs + f.room, "bmi": (f.bmi - f.weight / f.height ** 2).abs() > .05 + 1e-9,
        "men": (f.sex == "Male") & (f.pregnant == "Yes"), "old": (f.age >= 60) & (f.pregnant == "Yes"),
        "site": f.site.astype(str) != f.ward.astype(str).map({"A1": "North", "A2": "North", "B1": "South"}),
        "kind": flags != 1, "range": f.low >= f.high, "cause": f.cause.notna() & (f.dead != "yes"),
        "drug": f.drug.isna() != f.dose.isna()}
    return {name: int(numpy.sum(rows)) for name, rows in found.items()}


@pytest.fixture(scope="module")
def frame():
    return make(1500)


@pytest.fixture(scope="module")
def spoiled(frame):
    """One row for every rule but one that breaks it."""
    f = frame.copy()
    f.loc[0, "discharged"] = f.loc[0, "admitted"] - numpy.timedelta64(1, "D")
    f.loc[1, "age"] = (int(f.loc[1, "age"]) + 7) % 60
    f.loc[2, "total"] = (int(f.loc[2, "total"]) + 1) % 1400
    f.loc[3, "bmi"] = 79.9
    f.loc[4, ["sex", "pregnant"]] = ["Male", "Yes"]
    f.loc[6, "site"] = "North" if f.loc[6, "site"] == "South" else "South"
    f.loc[7, ["inpatient", "outpatient"]] = True
    f.loc[8, ["low", "high"]] = [9, 9]
    f.loc[9, ["dead", "cause"]] = ["no", "a"]
    f.loc[10, ["drug", "dose"]] = ["x", None]
    return f


def test_the_fixture_keeps_and_breaks_rules(frame, spoiled):
    assert not any(broken(frame).values())
    assert {name for name, n in broken(spoiled).items() if n} >= {r["name"] for r in RULES} - {"old"}


def test_rules_stand_in_the_canonical_schema():
    schema = flip.Schema(SCHEMA)
    assert schema.dict["flip:rules"] == RULES and flip.Schema(schema.dict).dict == schema.dict


def test_a_broken_rule_is_named_with_its_count_and_no_value(frame, spoiled, tmp_path):
    spoiled.to_csv(tmp_path / "t.csv", index=False)
    for read in (lambda: flip.Table.read_csv(tmp_path / "t.csv", SCHEMA),
                 lambda: flip.Table.from_pandas(spoiled, SCHEMA)):
        with pytest.raises(flip.SchemaError) as problem:
            read()
        said = str(problem.value)
        assert 'rule "stay" (admitted, discharged) in 1 row' in said and "79.9" not in said
    assert len(flip.Table.from_pandas(frame, SCHEMA)) == len(frame)


def test_coerce_repairs_and_drops_row_by_row(frame, spoiled, tmp_path):
    spoiled.to_csv(tmp_path / "t.csv", index=False)
    with pytest.warns(UserWarning, match="rule"):
        table = flip.Table.read_csv(tmp_path / "t.csv", SCHEMA, invalid="coerce")
    rows = table.to_pandas()
    assert not any(broken(rows).values())
    # Dropped: stay, men, kind, range, drug. Repaired: age, total, bmi, site, cause.
    assert len(rows) == len(frame) - 5
    assert rows.iloc[1].total == frame.iloc[2].total
    # The fate of a row does not depend on the others.
    order = numpy.random.default_rng(3).permutation(len(spoiled))
    spoiled.iloc[order].to_csv(tmp_path / "p.csv", index=False)
    with pytest.warns(UserWarning):
        other = flip.Table.read_csv(tmp_path / "p.csv", SCHEMA, invalid="coerce").to_pandas()
    key = list(rows.columns)
    assert sorted(rows.astype(str)[key].values.tolist()) == sorted(other.astype(str)[key].values.tolist())


def test_check_reports_rules_by_name_and_count(spoiled, tmp_path):
    spoiled.to_csv(tmp_path / "t.csv", index=False)
    found = flip.Schema(SCHEMA).check(tmp_path / "t.csv")
    rules = {p["rule"]: p["count"] for p in found["problems"]}
    assert not found["fits"] and rules['rule "cost" (total, drugs, room)'] == 1
    shell = subprocess.run([FLIP, "schema", str(tmp_path / "t.csv")], capture_output=True, text=True)
    assert shell.returncode == 0


def test_rules_that_hold_are_proposed(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    shell = subprocess.run([FLIP, "schema", str(tmp_path / "t.csv")], capture_output=True, text=True)
    found = flip.Schema(__import__("json").loads(shell.stdout))
    kinds = [next(k for k in r if k not in ("name", "table")) for r in found.dict["flip:rules"]]
    assert found.assumed and {"order", "sum", "depends", "exactly_one", "missing_together"} <= set(kinds)
    assert len(flip.Table.read_csv(tmp_path / "t.csv", found)) == len(frame)


@pytest.mark.parametrize("rules, said", [
    ([{"name": "a", "forbid": {"sex": "Male"}}], 'rule "a" (sex): no row could have the level "Male"'),
    ([{"name": "x", "order": ["low", "high"], "strict": True}, {"name": "y", "order": ["high", "low"]}],
     'rule "x" (low, high) and rule "y" (high, low): no values'),
    ([{"name": "x", "sum": {"total": ["drugs"]}}, {"name": "y", "sum": {"total": ["room"]}}], "both compute"),
    ([{"name": "x", "sum": {"total": ["drugs"]}}, {"name": "y", "sum": {"drugs": ["total"]}}], "from itself"),
    ([{"name": "x", "if": {"ward": "A1"}, "then": {"site": "North"}},
      {"name": "y", "if": {"ward": "A1"}, "then": {"site": "South"}}], 'the level "A1" in column "ward"'),
    ([{"name": "x", "order": ["drugs", "room"], "gap": {"minimum": 2000}}], "no values within the declared bounds"),
    ([{"name": "x", "orders": ["low", "high"]}], "exactly one of"),
    ([{"name": "x", "order": ["sex", "ward"]}], "one kind"),
    ([{"name": "x", "order": ["low", "none"]}], '"none" is not in the schema'),
    ([{"name": "x", "forbid": {"sex": "Other"}}], "not a value of this column"),
    ([{"name": "x", "order": ["low", "high"], "gaps": {}}], "gaps"),
    ([{"name": "x", "order": ["low", "high"]}] * 2, "two rules are named"),
    ([{"name": "x", "missing_unless": {"sex": {"dead": "yes"}}}], "is required"),
    ({"name": "x"}, "must be a list"),
])
def test_rules_that_cannot_be_are_refused(rules, said):
    with pytest.raises(flip.SchemaError) as problem:
        flip.Schema({**SCHEMA, "flip:rules": rules})
    assert said in str(problem.value)
