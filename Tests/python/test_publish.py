"""What may be published: figures with intervals, several tables, pages. A short simulation of coverage."""
import json
import math
import os
import re
import subprocess
import sys

import flip
import numpy
import pandas
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Benchmarks"))
import intervals  # noqa: E402

QUICK = {**intervals.QUICK, "threads": 2, "projection": {"steps": 60, "rows": 128}}


@pytest.fixture(scope="module")
def people():
    """Rows of which the noise at ε = 50 hides next to nothing."""
    return intervals.population(12_000, numpy.random.default_rng(5))


@pytest.fixture(scope="module")
def clear(people):
    table = flip.Table.from_pandas(people, intervals.SCHEMA)
    return flip.train(table, epsilon=50, delta=1e-5, config=QUICK)


@pytest.fixture(scope="module")
def fair(people):
    table = flip.Table.from_pandas(people.head(4000), intervals.SCHEMA)
    return flip.train(table, epsilon=4, delta=1e-5, protected=["sex"], config={**QUICK, "rake": {"enabled": False}})


def only(answer):
    (e,) = answer["estimates"]
    return e


def test_without_much_noise_answers_are_those_of_the_rows(clear, people):
    """Every figure beside the one that pandas computes, and textbook standard errors beside the sampling error."""
    e = only(clear.estimate("mean", "age"))
    assert abs(e["estimate"] - people.age.mean()) < 0.1
    assert abs(e["sampling_error"] / (people.age.std() / math.sqrt(len(people))) - 1) < 0.03
    by = clear.estimate("mean", "creatinine", by="ward", contrast="difference", reference="a")
    means = people.groupby("ward").creatinine.mean()
    for e in by["estimates"]:
        assert abs(e["estimate"] - means[e["group"]]) < 0.015
    for e in by["contrasts"]:
        assert abs(e["estimate"] - means[e["group"]] + means["a"]) < 0.015 and e["reference"] == "a"
    shares = {e["level"]: e for e in clear.estimate("share", "ward")["estimates"]}
    for level, share in people.ward.value_counts(normalize=True).items():
        assert abs(shares[level]["estimate"] - share) < 0.003
        assert abs(shares[level]["sampling_error"] / math.sqrt(share * (1 - share) / len(people)) - 1) < 0.03
    for q in (0.1, 0.5, 0.9):
        e = only(clear.estimate("quantile", "age", quantile=q))
        assert abs(e["estimate"] - people.age.quantile(q)) < 0.5 and e["low"] < e["estimate"] < e["high"]
    cells = people.groupby(["ward", "died"]).size() / len(people)
    answer = clear.estimate("cells", "ward", with_="died")["estimates"]
    for e in answer:
        assert abs(e["estimate"] - cells[e["level"], e["with_level"]]) < 0.003
    assert abs(sum(e["estimate"] for e in answer) - 1) < 1e-9
    ratio = clear.estimate("share", "died", level="yes", by="ward", contrast="ratio", reference="a")["contrasts"]
    died = (people.died == "yes").groupby(people.ward).mean()
    for e in ratio:
        assert abs(e["estimate"] - died[e["group"]] / died["a"]) < 0.03


def test_regressions_are_those_of_the_rows(clear, people):
    plain = intervals.naive(people)
    for what, column, predictors in (("linear", "creatinine", ["age", "sex"]),
                                     ("logistic", "died", ["age", "sex", "creatinine"])):
        for e in clear.estimate(what, column, predictors=predictors)["estimates"]:
            low, high = plain[f"{what} {e['term']}"]
            error = (high - low) / 3.92
            assert abs(e["estimate"] - (low + high) / 2) < 2 * error, (what, e)
            assert abs(e["sampling_error"] / error - 1) < 0.1, (what, e)


def test_intervals_hold_the_truth_over_simulated_trainings():
    """A short form of Benchmarks/intervals.py: of 25 trainings a true 95 % misses more than five once in 1 000."""
    records = {r["figure"]: r for r in intervals.simulate(25, 3000, 2.0, False, seed=11)}
    assert len(records) > 30
    for name, r in records.items():
        assert r["covered"] >= 0.72, r
    assert numpy.mean([r["covered"] for r in records.values()]) > 0.9


def test_a_common_value_beside_rare_high_ones():
    """Twenty rows of a hundred pay, all others have 0: means and their difference hold the truth, and say something."""
    def table(seed):
        r = numpy.random.default_rng(seed)
        group = r.choice(["f", "m"], 4000)
        loss = numpy.where(r.random(4000) < 0.1 + 0.2 * (group == "m"), r.normal(1900, 150, 4000).clip(1, 4500), 0)
        return flip.Table.from_pandas(pandas.DataFrame({"group": group, "loss": loss.round()}), {"fields": [
            {"name": "group", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
            {"name": "loss", "type": "integer", "constraints": {"minimum": 0, "maximum": 4500, "required": True}}]})
    held, widths = {"mean": 0, "difference": 0}, []
    for seed in range(12):
        model = flip.train(table(seed), epsilon=1, delta=1e-5, config={**QUICK, "projection": {"steps": 1, "rows": 16}})
        e = only(model.estimate("mean", "loss"))
        held["mean"] += e["low"] <= 380 <= e["high"]
        widths.append(e["high"] - e["low"])
        (e,) = model.estimate("mean", "loss", by="group", contrast="difference", reference="f")["contrasts"]
        held["difference"] += e["low"] <= 380 <= e["high"]
    assert min(held.values()) >= 9 and sorted(widths)[6] < 1000, (held, widths)


def test_an_interval_grows_with_the_noise_and_with_confidence(clear, people):
    noisy = flip.train(flip.Table.from_pandas(people, intervals.SCHEMA), epsilon=0.5, delta=1e-5, config=QUICK)
    a, b = only(clear.estimate("mean", "age")), only(noisy.estimate("mean", "age"))
    assert b["noise_error"] > 5 * a["noise_error"] and abs(b["sampling_error"] / a["sampling_error"] - 1) < 0.2
    wide = only(clear.estimate("mean", "age", confidence=0.99))
    assert wide["low"] < a["low"] < a["high"] < wide["high"]


def test_what_cannot_be_answered_is_refused_by_name(clear, table):
    with pytest.raises(flip.ArgumentError, match="no column \"nothing\""):
        clear.estimate("mean", "nothing")
    with pytest.raises(flip.ArgumentError, match="needs a column of numbers"):
        clear.estimate("mean", "ward")
    with pytest.raises(flip.ArgumentError, match="no such level"):
        clear.estimate("share", "ward", level="z")
    with pytest.raises(flip.ArgumentError, match="has no levels"):
        clear.estimate("mean", "creatinine", by="age")
    with pytest.raises(flip.ArgumentError, match="named twice"):
        clear.estimate("cells", "ward", with_="ward")
    with pytest.raises(flip.ArgumentError, match="there is no group"):
        clear.estimate("mean", "age", by="ward", contrast="ratio", reference="z")
    single = flip.train(flip.Table.from_pandas(intervals.population(1500, numpy.random.default_rng(1)),
                                               intervals.SCHEMA), preset="published", epsilon=4, delta=1e-5,
                        config={"autoencoder": {"steps": 2}, "diffusion": {"steps": 2}})
    e = only(single.estimate("mean", "age"))
    assert e["low"] - 3 < 57.4 < e["high"] + 3 and e["noise_error"] > 0
    with pytest.raises(flip.Unsupported, match='"creatinine" and "ward" together'):
        single.estimate("mean", "creatinine", by="ward")
    with pytest.raises(flip.Unsupported, match="released no tables"):
        single.sample_many(m=2, rows=10)


def test_pairs_that_were_not_released_are_named(people):
    some = flip.train(flip.Table.from_pandas(people.head(3000), intervals.SCHEMA), epsilon=4, delta=1e-5,
                      config={**QUICK, "marginals": {"pairs": "selected", "count": 4}})
    refused = []
    for a, b in (("age", "ward"), ("age", "sex"), ("creatinine", "ward"), ("creatinine", "sex"), ("age", "died")):
        try:
            some.estimate("mean", a, by=b)
        except flip.Unsupported as e:
            assert a in str(e) and b in str(e)
            refused.append((a, b))
    pairs = some.report_record(rows=200)["pairs"]
    assert pairs["all"] == 10 and len(pairs["released"]) == 4 and refused


def test_replicates_differ_and_are_the_models_alone(clear):
    a, b = (t.to_pandas() for t in clear.sample_many(m=2, rows=300, seed=1))
    again = flip.Model.from_bytes(clear.to_bytes()).sample_many(m=2, rows=300, seed=1)[0].to_pandas()
    assert len(a) == 300 and a.equals(again) and not a.equals(b)
    with pytest.raises(flip.ArgumentError, match="m: must be"):
        clear.sample_many(m=1)


def test_combining_by_hand():
    """Three estimates with variances of 0.1: (1 + 1/3) 1 - 0.1, and scipy's quantile of t."""
    from scipy import stats
    c = flip.combine([1, 2, 3], [0.1, 0.1, 0.1])
    degrees = 2 * (1 - 0.1 / (4 / 3)) ** 2
    assert c["standard_error"] == pytest.approx(math.sqrt(4 / 3 - 0.1))
    assert c["degrees_of_freedom"] == pytest.approx(degrees)
    assert c["high"] == pytest.approx(2 + stats.t.ppf(0.975, degrees) * c["standard_error"], rel=1e-6)
    assert flip.combine([1, 1], [0.2, 0.2])["standard_error"] == pytest.approx(math.sqrt(0.1))
    for bad in (([1], [1]), ([1, 2], [1]), ([1, math.nan], [1, 1]), ([1, 2], [1, -1])):
        with pytest.raises(ValueError):
            flip.combine(*bad)


def test_the_report_is_a_function_of_the_file(fair, tmp_path):
    page = fair.report(tmp_path / "page.html", title="Wards <&>", rows=400)
    assert (tmp_path / "page.html").read_text("utf-8") == page
    assert flip.Model.from_bytes(fair.to_bytes()).report(title="Wards <&>", rows=400) == page
    assert "Wards &lt;&amp;&gt;" in page and "NOT PRIVATE" not in page and "<script" not in page
    record = fair.report_record(rows=400)
    assert [c["name"] for c in record["columns"]] == list(fair.schema.names if hasattr(fair.schema, "names") else
                                                           [f["name"] for f in fair.schema.fields])
    for c in record["columns"]:
        assert sum(p["generated"] for p in c["parts"]) == pytest.approx(1)
        assert sum(p["released"] for p in c["parts"]) == pytest.approx(1, abs=0.05)
    assert [g["name"] for g in record["groups"]["groups"]] == ["sex=f", "sex=m"]
    assert {d["column"] for d in record["groups"]["disparities"]} == {"ward", "age", "creatinine", "died"}


DAYS = {"fields": [
    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b"], "required": True}},
    {"name": "born", "type": "date",
     "constraints": {"minimum": "1930-01-01", "maximum": "2010-12-31", "required": True}},
    {"name": "seen", "type": "datetime", "constraints": {
        "minimum": "2020-01-01T00:00:00Z", "maximum": "2021-12-31T23:59:00Z", "multipleOf": 60, "required": True}},
    {"name": "visits", "type": "integer", "constraints": {"minimum": 0, "maximum": 4000, "required": True}}]}


@pytest.fixture(scope="module")
def days():
    """Rows with dates, and a model of which the noise hides next to nothing."""
    r = numpy.random.default_rng(8)
    ward = r.choice(["a", "b"], 12_000)
    since = r.normal(0, 3000, 12_000).clip(-9000, 9000) + 700 * (ward == "b")
    born = numpy.datetime64("1960-01-01") + since.astype("timedelta64[D]")
    seen = numpy.datetime64("2020-01-01T00:00") + r.integers(0, 700 * 1440, 12_000).astype("timedelta64[m]")
    frame = pandas.DataFrame({"ward": ward, "born": born, "seen": seen, "visits": r.poisson(900, 12_000)})
    return frame, flip.train(flip.Table.from_pandas(frame, DAYS), epsilon=50, delta=1e-5, config=QUICK)


def test_dates_read_as_dates_on_the_page(days, tmp_path):
    """ISO 8601, and whole numbers without a point, in the record and on the page."""
    _, model = days
    page = model.report(tmp_path / "page.html", rows=400)
    columns = {c["name"]: [p["label"] for p in c["parts"]] for c in model.report_record(rows=400)["columns"]}
    day, moment = r"\d{4}-\d\d-\d\d", r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?"
    for name, form in (("born", day), ("seen", moment), ("visits", r"\d+")):
        assert all(re.fullmatch(f"{form}( to {form})?", label) for label in columns[name]), columns[name]
        assert len(set(columns[name])) == len(columns[name]) > 5
        assert any(f">{label}</text>" in page for label in columns[name])
    ends = [label.split(" to ") for label in columns["visits"]]
    assert all(int(a[0]) <= int(a[-1]) < int(b[0]) for a, b in zip(ends, ends[1:]))


def test_means_and_quantiles_of_dates(days):
    frame, model = days
    e = only(model.estimate("mean", "born"))
    truth = (frame.born - pandas.Timestamp(0)).dt.days
    assert abs(e["estimate"] - truth.mean()) < 30 and e["low"] < truth.mean() < e["high"]
    assert abs(e["sampling_error"] / (truth.std() / math.sqrt(len(truth))) - 1) < 0.05
    told = [pandas.Timestamp(e[key]) for key in ("low_date", "estimate_date", "high_date")]
    assert told == sorted(told) and abs((told[1] - frame.born.mean()).days) < 31
    by = model.estimate("mean", "born", by="ward", contrast="difference", reference="a")
    assert by["unit"] == "days since 1970-01-01" and abs(by["contrasts"][0]["estimate"] - 700) < 100
    assert "estimate_date" not in by["contrasts"][0] and len(by["estimates"]) == 2
    for q in (0.1, 0.5, 0.9):
        for name in ("born", "seen"):
            e = only(model.estimate("quantile", name, quantile=q))
            assert abs(pandas.Timestamp(e["estimate_date"]).tz_localize(None) - frame[name].quantile(q)).days < 60
            assert e["low"] < e["estimate"] < e["high"]
    e = only(model.estimate("mean", "seen"))
    assert abs(pandas.Timestamp(e["estimate_date"]).tz_localize(None) - frame.seen.mean()).days < 5
    with pytest.raises(flip.ArgumentError, match="no ratios"):
        model.estimate("mean", "born", by="ward", contrast="ratio")
    with pytest.raises(flip.ArgumentError, match="needs a column of numbers"):
        model.estimate("linear", "born", predictors=["visits"])


def test_the_size_of_pages():
    """Thirty columns under 2 MB, two hundred under 8 MB: of a record with as many parts and pairs as there can be."""
    def record(m, pairs):
        part = {"label": "a level of twenty-five letters", "released": 0.0123456789, "noise": 0.00123456,
                "generated": 0.01}
        columns = [{"name": f"column number {k}", "type": "string", "distance": 0.0123, "noise_units": 1.234,
                    "parts": [part] * 32} for k in range(m)]
        released = [[a, b, 1.2345, 0.0123, 0.5] for a in range(m) for b in range(a + 1, m)][:pairs]
        return {"kind": "report", "title": "t", "private": True, "preset": "best", "rows": 1e6, "rows_noise": 3,
                "generated": 4096, "spending": [], "risk": None,
                "promise": {"epsilon": 1, "delta": 1e-5, "spent": 1, "accountant": "exact", "persons": 0},
                "columns": columns, "pairs": {"all": 1, "released": released},
                "groups": None, "too_noisy": [], "rules": [], "limits": [], "assumptions": [], "warnings": []}
    from flip._page import page_of
    assert len(page_of(record(30, 435)).encode()) < 2e6
    assert len(page_of(record(200, 19900)).encode()) < 8e6


def test_evaluations_are_marked_and_stand_side_by_side(people, tmp_path):
    real = flip.Table.from_pandas(people.head(300), intervals.SCHEMA)
    other = flip.Table.from_pandas(people.tail(300), intervals.SCHEMA)
    e = flip.evaluate(real, other, classifiers="none")
    one = e.to_html(tmp_path / "e.html", title="ours")
    assert one.count("NOT PRIVATE") >= 2 and (tmp_path / "e.html").read_text("utf-8") == one
    two = flip.compare({"first": e, "second": e})
    assert "first" in two and "second" in two and two.count("NOT PRIVATE") >= 2


def test_the_command_line(clear, people, tmp_path):
    program = os.path.join(ROOT, "build", "bin", "flip")
    clear.save(tmp_path / "m.h5")

    def run(*words):
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=True).stdout
    run("report", tmp_path / "m.h5", "--out", tmp_path / "p.html", "--rows", 300)
    assert (tmp_path / "p.html").read_text("utf-8") == clear.report(rows=300)
    assert json.loads(run("estimate", tmp_path / "m.h5", "mean", "age", "--json")) == clear.estimate("mean", "age")
    text = run("estimate", tmp_path / "m.h5", "share", "died", "--by", "ward", "--contrast", "ratio")
    assert "against a" in text and "95 % intervals" in text
    people.head(200).to_csv(tmp_path / "r.csv", index=False)
    people.tail(200).to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "s.json").write_text(json.dumps(intervals.SCHEMA))
    run("evaluate", tmp_path / "r.csv", f"{tmp_path / 's.csv'},{tmp_path / 'r.csv'}", "--schema", tmp_path / "s.json",
        "--html", tmp_path / "e.html")
    assert "NOT PRIVATE" in (tmp_path / "e.html").read_text("utf-8")


def test_two_columns_with_rare_levels():
    """Nothing but the pair counts a column here, and rare levels share a bin."""
    rng = numpy.random.default_rng(4)
    d = pandas.DataFrame({"x": rng.choice(list("abcdef"), 2000, p=[0.5, 0.493, 0.002, 0.002, 0.002, 0.001]),
                          "y": rng.choice(["p", "q"], 2000)})
    schema = {"fields": [{"name": "x", "type": "string", "constraints": {"enum": list("abcdef"), "required": True}},
                         {"name": "y", "type": "string", "constraints": {"enum": ["p", "q"], "required": True}}]}
    model = flip.train(flip.Table.from_pandas(d, schema), epsilon=1, delta=1e-5, config=QUICK)
    groups = model.estimate("share", "y", by="x")["estimates"]
    assert [e["group"] for e in groups if e["level"] == "p"] == ["a", "b", "c | d | e | f"]
    shares = model.estimate("share", "x", by="y")
    assert any("counted as one: c | d | e | f" in note for note in shares["notes"])
    assert only(model.estimate("share", "x", level="f"))["low"] < 0.05
    with pytest.raises(flip.Unsupported, match="together with others"):
        model.estimate("share", "x", by="y", level="f")
    assert len(model.report_record(rows=200)["columns"]) == 2


def test_the_example(tmp_path):
    said = subprocess.run([sys.executable, os.path.join(ROOT, "examples", "python", "publish.py"), "--quick", "--rows",
                           "2500", "--out", str(tmp_path)], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python"),
                               "FLIP_LIB": flip.library_path}).stdout
    assert "mean age from five tables" in said and "log odds of a follow-up, age" in said
    assert "Simulated admissions" in (tmp_path / "report.html").read_text("utf-8")


def test_cells_of_missing_values_are_groups_of_their_own():
    rng = numpy.random.default_rng(2)
    d = pandas.DataFrame({"x": rng.choice(["a", "b"], 3000), "y": rng.integers(0, 50, 3000).astype(float)})
    d.loc[rng.random(3000) < 0.2, "y"] = numpy.nan
    d.loc[rng.random(3000) < 0.1, "x"] = None
    schema = {"fields": [{"name": "x", "type": "string", "constraints": {"enum": ["a", "b"]}},
                         {"name": "y", "type": "integer", "constraints": {"minimum": 0, "maximum": 49}}]}
    model = flip.train(flip.Table.from_pandas(d, schema), epsilon=20, delta=1e-5, config=QUICK)
    shares = {e["level"]: e["estimate"] for e in model.estimate("share", "x")["estimates"]}
    present = d.x.dropna()
    assert abs(shares["a"] - (present == "a").mean()) < 0.02 and abs(shares[None] - d.x.isna().mean()) < 0.02
    assert abs(only(model.estimate("mean", "y"))["estimate"] - d.y.mean()) < 1
    groups = model.estimate("mean", "y", by="x")["estimates"]
    assert [e["group"] for e in groups] == ["a", "b", None]
