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
    whole("shares", 20), whole("price", 50), whole("value", 1000), text("branch", ["x", "y", "z"]),
    text("branch_code", ["x", "y", "z"]), text("account", ["loan", "card", "cash"]), text("term", ["long", "short"]),
    whole("urban", 100), whole("rural", 100), whole("forest", 100),
    {"name": "gold", "type": "boolean", "constraints": {"required": True}},
    {"name": "platinum", "type": "boolean", "constraints": {"required": True}},
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
    {"name": "value", "product": {"value": ["shares", "price"]}},
    {"name": "copy", "equal": {"branch_code": "branch"}},
    {"name": "terms", "columns": ["account", "term"], "allow": [["loan", "long"], ["loan", "short"], ["card", "short"],
                                                                ["cash", "short"]]},
    {"name": "no cash", "columns": ["account", "branch"], "forbid": [["cash", "z"]]},
    {"name": "land", "sum": ["urban", "rural", "forest"], "equals": 100},
    {"name": "cards", "at_most_one": ["gold", "platinum"]},
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
    shares, price, branch = r.integers(0, 21, rows), r.integers(0, 51, rows), r.choice(["x", "y", "z"], rows)
    account = numpy.where(branch == "z", "card", r.choice(["loan", "card", "cash"], rows))
    urban, card = r.integers(0, 101, rows), r.integers(0, 3, rows)
    rural = (r.random(rows) * (101 - urban)).astype(int)
    return pandas.DataFrame({
        "sex": sex, "pregnant": numpy.where((sex == "Female") & (age < 60) & (r.random(rows) < .3), "Yes", "No"),
        "born": born, "admitted": admitted,
        "discharged": pandas.Series(admitted + stay.astype("timedelta64[D]")).mask(pandas.Series(r.random(rows) < .1)),
        "age": age, "drugs": drugs, "room": room, "total": drugs + room, "weight": weight, "height": height,
        "bmi": (weight / height ** 2).round(1), "ward": ward, "site": numpy.where(ward == "B1", "South", "North"),
        "inpatient": kind == 0, "outpatient": kind == 1, "emergency": kind == 2, "low": low,
        "high": low + 1 + r.integers(0, 100, rows) % (100 - low), "dead": numpy.where(dead, "yes", "no"),
        "cause": pandas.Series(r.choice(["a", "b"], rows)).where(pandas.Series(dead & (r.random(rows) < .9))),
        "drug": drug, "dose": pandas.Series(r.random(rows) * 10).where(drug.notna()), "shares": shares, "price": price,
        "value": shares * price, "branch": branch, "branch_code": branch, "account": account,
        "term": numpy.where((account == "loan") & (r.random(rows) < .6), "long", "short"), "urban": urban,
        "rural": rural, "forest": 100 - urban - rural, "gold": card == 1, "platinum": card == 2})


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
        "drug": f.drug.isna() != f.dose.isna(),
        "value": f.value.astype(int) != f.shares.astype(int) * f.price.astype(int),
        "copy": f.branch.astype(str) != f.branch_code.astype(str), "terms": (f.account != "loan") & (f.term == "long"),
        "no cash": (f.account == "cash") & (f.branch == "z"),
        "land": f.urban.astype(int) + f.rural.astype(int) + f.forest.astype(int) != 100,
        "cards": f.gold.astype(bool) & f.platinum.astype(bool)}
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
    f.loc[11, "value"] = (int(f.loc[11, "value"]) + 1) % 1000
    f.loc[12, "branch_code"] = "x" if f.loc[12, "branch"] != "x" else "y"
    f.loc[13, ["account", "term"]] = ["card", "long"]
    f.loc[14, ["account", "branch", "branch_code", "term"]] = ["cash", "z", "z", "short"]
    f.loc[15, ["urban", "rural", "forest"]] = [1, 2, 3]
    f.loc[16, ["gold", "platinum"]] = True
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
    # Dropped: stay, men, kind, range, drug, terms, no cash, land, cards. Repaired: age, total, bmi, site, cause, value,
    # copy.
    assert len(rows) == len(frame) - 9
    assert rows.iloc[1].total == frame.iloc[2].total
    # The fate of a row does not depend on the others.
    order = numpy.random.default_rng(3).permutation(len(spoiled))
    spoiled.iloc[order].to_csv(tmp_path / "p.csv", index=False)
    with pytest.warns(UserWarning):
        other = flip.Table.read_csv(tmp_path / "p.csv", SCHEMA, invalid="coerce").to_pandas()
    key = list(rows.columns)
    assert sorted(rows.astype(str)[key].values.tolist()) == sorted(other.astype(str)[key].values.tolist())


@pytest.fixture(scope="module")
def unruled(spoiled, tmp_path_factory):
    """The spoiled rows in an HDF5 file."""
    path = tmp_path_factory.mktemp("rules") / "t.h5"
    flip.Table.from_pandas(spoiled, {key: part for key, part in SCHEMA.items() if key != "flip:rules"}).write_hdf5(path)
    return path


def test_every_way_in_coerces_alike(spoiled, unruled, tmp_path):
    f = spoiled.astype({"age": float})
    f.loc[20, "age"] = 1000                     # becomes 100, then what the dates say
    f.loc[f.index[f.dose.notna()][-1], "dose"] = -3.0
    f.to_csv(tmp_path / "t.csv", index=False)
    ways = [lambda: flip.Table.read_csv(tmp_path / "t.csv", SCHEMA, invalid="coerce"),
            lambda: flip.Table.from_arrow(f, SCHEMA, invalid="coerce"),
            lambda: flip.Table.from_pandas(f, SCHEMA, invalid="coerce")]
    found = []
    for way in ways:
        with pytest.warns(UserWarning, match="rows were left out that break the rules of the schema: 9"):
            table = way()
        assert table.dropped == 9 and len(table) == len(f) - 9 and not any(broken(table.to_pandas()).values())
        found.append((table.replaced, table.to_pandas()))
    for replaced, rows in found[1:]:
        assert replaced == found[0][0]
        pandas.testing.assert_frame_equal(rows, found[0][1])
    with pytest.raises(flip.SchemaError, match='rule "kind"'):
        flip.Table.read_hdf5(unruled, SCHEMA)
    with pytest.warns(UserWarning):
        table = flip.Table.read_hdf5(unruled, SCHEMA, invalid="coerce")
    assert table.dropped == 9 and not any(broken(table.to_pandas()).values())
    with pytest.warns(UserWarning):
        flip.convert(unruled, tmp_path / "u.csv", SCHEMA, invalid="coerce")
    pandas.testing.assert_frame_equal(flip.Table.read_csv(tmp_path / "u.csv", SCHEMA).to_pandas(), table.to_pandas())


def test_check_reports_rules_by_name_and_count(spoiled, unruled, tmp_path):
    spoiled.to_csv(tmp_path / "t.csv", index=False)
    for source in (tmp_path / "t.csv", spoiled, unruled):
        found = flip.Schema(SCHEMA).check(source)
        rules = {p["rule"]: p["count"] for p in found["problems"]}
        assert not found["fits"] and rules['rule "cost" (total, drugs, room)'] == 1
        assert {rule.split('"')[1]: count for rule, count in rules.items()} == {
            name: count for name, count in broken(spoiled).items() if count}
    assert [p["first_row"] for p in found["problems"] if '"cards"' in p["rule"]] == [17]
    shell = subprocess.run([FLIP, "schema", str(tmp_path / "t.csv")], capture_output=True, text=True)
    assert shell.returncode == 0


def test_rules_that_hold_are_proposed(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    shell = subprocess.run([FLIP, "schema", str(tmp_path / "t.csv")], capture_output=True, text=True)
    found = flip.Schema(__import__("json").loads(shell.stdout))
    kinds = [next(k for k in r if k not in ("name", "table")) for r in found.dict["flip:rules"]]
    assert found.assumed and {"order", "sum", "depends", "equal", "exactly_one", "missing_together"} <= set(kinds)
    assert {"name": "branch_code copied", "equal": {"branch_code": "branch"}} in found.dict["flip:rules"]
    assert len(flip.Table.read_csv(tmp_path / "t.csv", found)) == len(frame)


def test_no_order_is_proposed_that_follows_from_others(tmp_path):
    """Through a column that is never missing, or from the bounds; through one that may be missing nothing follows."""
    r = numpy.random.default_rng(2)
    day = numpy.datetime64("2020-01-01") + r.integers(0, 300, 400).astype("timedelta64[D]")
    f = pandas.DataFrame({"born": numpy.datetime64("1980-01-01") + r.integers(0, 999, 400).astype("timedelta64[D]")})
    f["a"], f["b"] = day, day + r.integers(0, 9, 400).astype("timedelta64[D]")
    f["c"] = f.b + pandas.to_timedelta(r.integers(0, 9, 400), unit="D")
    for gaps, expected in ((False, [["a", "b"], ["b", "c"]]), (True, [["a", "b"], ["a", "c"], ["b", "c"]])):
        if gaps:
            f["b"] = f.b.mask(pandas.Series(r.random(400) < .3))
        f.to_csv(tmp_path / "t.csv", index=False)
        shell = subprocess.run([FLIP, "schema", str(tmp_path / "t.csv")], capture_output=True, text=True)
        rules = __import__("json").loads(shell.stdout)["flip:rules"]
        assert sorted(rule["order"] for rule in rules if "order" in rule) == expected


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


QUICK = {"rows": {"guess": 1500}, "threads": 2}
PRESETS = {
    "published": {**QUICK, "autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64,
                                           "steps": 10},
                  "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 10,
                                "sampler_steps": 4},
                  "student_autoencoder": {"width": 4, "heads": 1, "feed_forward": 8, "latent": 4, "batch": 64,
                                          "steps": 10},
                  "student_diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "batch": 64, "steps": 10,
                                        "sampler_steps": 4}},
    "best": {**QUICK, "autoencoder": {"width": 8, "heads": 2, "feed_forward": 8, "latent": 4, "steps": 30, "batch": 64},
             "diffusion": {"hidden": 16, "layers": 1, "noise_levels": 2, "steps": 20, "batch": 64, "sampler_steps": 4},
             "projection": {"rows": 64, "steps": 40}, "rake": {"pool": 2000, "steps": 10}}}
ROWS = int(os.environ.get("FLIP_RULE_ROWS", 20_000))       # 10000000 for the long run


@pytest.fixture(scope="module", params=sorted(PRESETS))
def ruled(request, frame):
    table = flip.Table.from_pandas(frame, SCHEMA)
    return flip.train(table, epsilon=3, delta=1e-5, preset=request.param, progress=False, config=PRESETS[request.param])


def test_no_generated_row_breaks_a_rule(ruled):
    for first in range(0, ROWS, 100_000):
        rows = ruled.sample(min(100_000, ROWS - first), seed=1, first=first).to_pandas()
        assert not any(broken(rows).values()), broken(rows)


def test_mutants_are_seen(frame):
    """Rows of a model that was not told the rules break every one of them."""
    schema = {key: part for key, part in SCHEMA.items() if key != "flip:rules"}
    model = flip.train(flip.Table.from_pandas(frame, schema), epsilon=3, delta=1e-5, preset="published", progress=False,
                       config=PRESETS["published"])
    assert all(broken(model.sample(3000, seed=1).to_pandas()).values())


def test_rows_with_rules_do_not_depend_on_chunks_or_threads(ruled):
    whole = ruled.sample(700, seed=3, threads=1).to_pandas()
    for first, rows in ((0, 1), (255, 2), (300, 400)):
        part = ruled.sample(rows, seed=3, first=first, threads=3).to_pandas()
        pandas.testing.assert_frame_equal(part, whole.iloc[first:first + rows].reset_index(drop=True))
    again = flip.Model.from_bytes(ruled.to_bytes()).sample(700, seed=3).to_pandas()
    pandas.testing.assert_frame_equal(again, whole)


@pytest.mark.parametrize("where, holds", [
    ({"sex": "Male"}, lambda f: f.sex == "Male"),
    ({"low": {"minimum": 97}, "ward": "B1", "dead": "yes"}, lambda f: (f.low >= 97) & (f.ward == "B1")
     & (f.dead == "yes")),
    ({"total": {"minimum": 1000}, "site": "South"}, lambda f: (f.total >= 1000) & (f.site == "South")),
    ({"inpatient": True, "cause": "a", "discharged": None}, lambda f: f.inpatient & (f.cause == "a")
     & f.discharged.isna()),
    ({"age": {"maximum": 25}, "pregnant": "Yes"}, lambda f: (f.age <= 25) & (f.pregnant == "Yes")),
])
def test_rules_and_conditions_together(ruled, where, holds):
    rows = ruled.sample(60, seed=2, where=where).to_pandas()
    assert len(rows) == 60 and holds(rows).all() and not any(broken(rows).values())


def test_half_rows_keep_rules(ruled):
    half = make(60, seed=8)
    r = numpy.random.default_rng(4)
    for name in half:
        half[name] = half[name].astype(object).where(pandas.Series(r.random(60) < .4))
    rows = ruled.complete(half, seed=1).to_pandas()
    assert len(rows) == 60 and not any(broken(rows).values())
    for name in ("sex", "low", "high", "total", "ward", "site", "weight", "bmi"):
        kept = half[name].notna()
        assert (rows[name][kept].astype(str) == half[name][kept].astype(str)).all(), name
    with pytest.raises(flip.ArgumentError, match='"men"'):
        ruled.complete(pandas.DataFrame({"sex": ["Male"], "pregnant": ["Yes"]}), seed=1)


def test_protected_columns_and_rules(frame):
    table = flip.Table.from_pandas(frame, SCHEMA)
    for preset, config in PRESETS.items():
        model = flip.train(table, protected=["sex", "site"], epsilon=3, delta=1e-5, preset=preset, progress=False,
                           config=config)
        assert not any(broken(model.sample(3000, seed=1).to_pandas()).values())
        rows = model.sample(40, seed=1, where={"sex": "Male", "low": 4, "room": {"minimum": 880}}).to_pandas()
        assert (rows.sex == "Male").all() and (rows.low == 4).all() and not any(broken(rows).values())


def test_the_plan_says_what_rules_save():
    plan = flip.plan(SCHEMA, epsilon=3, delta=1e-5)
    rules = plan.explain()["rules"]
    assert set(rules["computed"]) == {"age", "total", "bmi", "site", "value", "branch_code", "forest"}
    assert {"inpatient", "outpatient", "emergency"} <= set(rules["changed"]) and rules["impossible_cells"] > 0
    assert rules["marginals"] < rules["marginals_without"] and "computed and not learned" in plan.explanation()
    plain = flip.plan({key: value for key, value in SCHEMA.items() if key != "flip:rules"}, epsilon=3, delta=1e-5)
    assert "rules" not in plain.explain() and any("rules between columns" in a for a in plan.explain()["assumptions"])


class Dice:
    """Random schemas with random rules, and rows that keep them by construction."""

    def __init__(self, seed):
        self.r = numpy.random.default_rng(seed)
        self.fields, self.rules, self.columns, self.holds = [], [], {}, []
        kinds = (self.order, self.total, self.forbidden, self.group, self.dependent, self.missing, self.ratio,
                 self.parts, self.product, self.pairs, self.copy)
        for k in self.r.permutation([4 * seed + i for i in range(4)]):          # six seeds have every kind twice
            kinds[k % len(kinds)](len(self.fields))

    rows = 400

    def order(self, n):
        a, b, c = (f"{x}{n}" for x in "abc")
        low, strict = self.r.integers(0, 40, self.rows), bool(self.r.integers(2))
        middle = low + strict + self.r.integers(0, 20, self.rows)
        self.fields += [whole(name, 120) for name in (a, b, c)]
        self.columns.update({a: low, b: middle, c: middle + strict + self.r.integers(0, 20, self.rows)})
        self.rules.append({"order": [a, b, c], "strict": strict, "gap": {"minimum": 0, "maximum": 30}})
        self.holds.append(lambda f: ((f[b] - f[a]).between(int(strict), 30) & (f[c] - f[b]).between(int(strict), 30)))

    def total(self, n):
        parts, sums = [f"p{n}{i}" for i in range(3)], f"t{n}"
        values = self.r.integers(0, 50, (3, self.rows))
        self.fields += [whole(p, 60) for p in parts] + [whole(sums, int(self.r.integers(150, 200)))]
        self.columns.update(dict(zip(parts, values)), **{sums: values.sum(axis=0)})
        self.rules.append({"sum": {sums: parts}})
        self.holds.append(lambda f: f[parts].sum(axis=1) == f[sums])

    def forbidden(self, n):
        a, b = f"u{n}", f"v{n}"
        x, y = self.r.integers(0, 4, self.rows), self.r.integers(0, 3, self.rows)
        y = numpy.where((x == 2) & (y == 1), 0, y)
        self.fields += [text(a, list("wxyz")), text(b, list("klm"))]
        self.columns.update({a: numpy.array(list("wxyz"))[x], b: numpy.array(list("klm"))[y]})
        self.rules.append({"if": {a: "y"}, "then": {b: ["k", "m"]}})
        self.holds.append(lambda f: ~((f[a] == "y") & (f[b] == "l")))

    def group(self, n):
        flags, most = [f"f{n}{i}" for i in range(3)], bool(self.r.integers(2))
        chosen = self.r.integers(0, 3 + most, self.rows)
        self.fields += [{"name": f, "type": "boolean", "constraints": {"required": True}} for f in flags]
        self.columns.update({f: chosen == i for i, f in enumerate(flags)})
        self.rules.append({"at_most_one" if most else "exactly_one": flags})
        self.holds.append(lambda f: f[flags].astype(int).sum(axis=1).between(1 - most, 1))

    def dependent(self, n):
        a, b = f"d{n}", f"e{n}"
        x, to = self.r.integers(0, 4, self.rows), self.r.permutation([0, 1, 1, 0])
        known = range(4) if self.r.integers(2) else range(2)
        self.fields += [text(a, list("1234")), text(b, ["lo", "hi"])]
        free = numpy.where(numpy.isin(x, list(known)), to[x], self.r.integers(0, 2, self.rows))
        self.columns.update({a: numpy.array(list("1234"))[x], b: numpy.array(["lo", "hi"])[free]})
        table = {"1234"[i]: ["lo", "hi"][to[i]] for i in known}
        self.rules.append({"depends": {b: a}, "table": table})
        self.holds.append(lambda f: f[a].astype(str).map(table).isna() | (f[a].astype(str).map(table)
                                                                          == f[b].astype(str)))

    def missing(self, n):
        a, b, c = f"g{n}", f"h{n}", f"i{n}"
        gone = pandas.Series(self.r.random(self.rows) < .5)
        self.fields += [text(a, ["no", "yes"]), text(b, list("rs"), required=False),
                        {"name": c, "type": "number", "constraints": {"minimum": 0, "maximum": 1}}]
        self.columns.update({
            a: numpy.where(gone, self.r.choice(["no", "yes"], self.rows), "yes"),
            b: pandas.Series(self.r.choice(["r", "s"], self.rows)).mask(gone),
            c: pandas.Series(self.r.random(self.rows)).mask(gone)})
        self.rules += [{"missing_together": [b, c]}, {"missing_unless": {b: {a: "yes"}}}]
        self.holds.append(lambda f: (f[b].isna() == f[c].isna()) & (f[b].isna() | (f[a] == "yes")))

    def ratio(self, n):
        a, b, c = f"x{n}", f"y{n}", f"z{n}"
        x, y = self.r.integers(1, 100, self.rows), self.r.integers(1, 20, self.rows)
        self.fields += [{"name": name, "type": "integer", "constraints": {"minimum": 1, "maximum": high,
                                                                          "required": True}}
                        for name, high in ((a, 100), (b, 20))]
        self.fields.append({"name": c, "type": "number", "constraints": {"minimum": 0, "maximum": 10_000,
                                                                         "multipleOf": 0.01, "required": True}})
        self.columns.update({a: x, b: y, c: (x / y * 100).round(2)})
        self.rules.append({"if": {b: {"minimum": 3}}, "ratio": {c: [a, b]}, "scale": 100})
        self.holds.append(lambda f: (f[b] < 3) | ((f[c] - f[a] / f[b] * 100).abs() <= .00501))

    def parts(self, n):
        names, total = [f"k{n}{i}" for i in range(3)], int(self.r.integers(20, 100))
        first = self.r.integers(0, total + 1, self.rows)
        second = (self.r.random(self.rows) * (total + 1 - first)).astype(int)
        self.fields += [whole(name, total) for name in names]
        self.columns.update(dict(zip(names, (first, second, total - first - second))))
        self.rules.append({"sum": names, "equals": total})
        self.holds.append(lambda f: f[names].sum(axis=1) == total)

    def product(self, n):
        a, b, c = f"l{n}", f"m{n}", f"n{n}"
        x, y, scale = self.r.integers(0, 12, self.rows), self.r.integers(0, 9, self.rows), int(self.r.integers(1, 4))
        self.fields += [whole(a, 11), whole(b, 8), whole(c, 88 * scale)]
        self.columns.update({a: x, b: y, c: x * y * scale})
        self.rules.append({"product": {c: [a, b]}, "scale": scale})
        self.holds.append(lambda f: f[c] == f[a] * f[b] * scale)

    def pairs(self, n):
        a, b = f"q{n}", f"r{n}"
        known = [(x, y) for x in "abc" for y in "de" if (x, y) == ("a", "d") or self.r.random() < .6]
        known += [(x, "e") for x in "bc" if (x, "d") not in known and (x, "e") not in known]
        known += [("b", "e")] if all(y == "d" for _, y in known) else []
        chosen = numpy.array(known)[self.r.integers(0, len(known), self.rows)]
        self.fields += [text(a, list("abc")), text(b, list("de"))]
        self.columns.update({a: chosen[:, 0], b: chosen[:, 1]})
        self.rules.append({"columns": [a, b], "allow": [list(pair) for pair in known]})
        self.holds.append(lambda f: (f[a].astype(str) + f[b].astype(str)).isin(["".join(pair) for pair in known]))

    def copy(self, n):
        a, b = f"s{n}", f"w{n}"
        cells = self.r.choice(list("mno"), self.rows)
        self.fields += [text(a, list("mno")), text(b, list("mno"))]
        self.columns.update({a: cells, b: cells})
        self.rules.append({"equal": {b: a}})
        self.holds.append(lambda f: f[a].astype(str) == f[b].astype(str))


@pytest.mark.parametrize("seed", range(6))
def test_random_schemas_with_random_rules(seed):
    dice, preset = Dice(seed), ["published", "best"][seed % 2]
    frame = pandas.DataFrame(dice.columns)
    table = flip.Table.from_pandas(frame, {"fields": dice.fields, "flip:rules": dice.rules})
    model = flip.train(table, epsilon=2, delta=1e-5, preset=preset, progress=False, config=PRESETS[preset])
    rows = model.sample(2000, seed=seed).to_pandas()
    assert all(holds(frame).all() for holds in dice.holds)
    assert [bool(holds(rows).all()) for holds in dice.holds] == [True] * len(dice.holds), dice.rules
    r = numpy.random.default_rng(seed)
    half = frame.head(40).astype(object).where(pandas.DataFrame(r.random((40, len(frame.columns))) < .4,
                                                                columns=frame.columns))
    whole_rows = model.complete(half, seed=1).to_pandas()
    assert all(holds(whole_rows).all() for holds in dice.holds)


def test_half_rows_from_an_hdf5_file(ruled, tmp_path):
    half = {"fields": [text("sex", ["Female", "Male"], required=False), whole("low", 100)]}
    rows = pandas.DataFrame({"sex": ["Male", None, "Female"], "low": [4, 5, 6]})
    flip.Table.from_pandas(rows, half).write_hdf5(tmp_path / "half.h5", group="some/where")
    ruled.save(tmp_path / "m.h5")
    shell = subprocess.run([FLIP, "complete", str(tmp_path / "m.h5"), str(tmp_path / "half.h5"), "--group",
                            "some/where",
                            "--seed", "1", "--out", str(tmp_path / "whole.csv"), "--quiet"], capture_output=True,
                           text=True)
    assert shell.returncode == 0, shell.stderr
    made = flip.Table.read_csv(tmp_path / "whole.csv", SCHEMA).to_pandas()
    assert made.low.tolist() == [4, 5, 6] and made.sex.tolist()[::2] == ["Male", "Female"]
    assert not any(broken(made).values())
