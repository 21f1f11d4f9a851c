"""Evaluations: the library's figures beside scikit-learn's, fairlearn's and scipy's."""
import json

import flip
import numpy
import pandas
import pytest
from conftest import make_frame
from test_cli import run

FIELDS = {"fields": [
    {"name": "group", "type": "string", "constraints": {"enum": ["a", "b", "c"], "required": True}},
    {"name": "x", "type": "number", "constraints": {"minimum": -10, "maximum": 10}},
    {"name": "kind", "type": "string", "constraints": {"enum": ["p", "q", "r", "s"]}},
    {"name": "count", "type": "integer", "constraints": {"minimum": 0, "maximum": 50, "required": True}},
    {"name": "yes", "type": "boolean", "constraints": {"required": True}},
]}


def people(rows, seed):
    """Rows in which everything hangs together; some cells are missing."""
    r = numpy.random.default_rng(seed)
    group = r.integers(0, 3, rows)
    x = r.normal(0.5 * group, 1)
    count = r.poisson(3 + 2 * (x > 0))
    kind = numpy.clip((x + r.normal(0, 1, rows) + 2).astype(int), 0, 3)
    yes = x + 0.4 * group + 0.3 * (kind == 2) + r.normal(0, 0.7, rows) > 1
    frame = pandas.DataFrame({
        "group": numpy.array(["a", "b", "c"])[group], "x": x.clip(-10, 10),
        "kind": numpy.array(["p", "q", "r", "s"])[kind], "count": count.clip(0, 50), "yes": yes
    })
    frame.loc[r.random(rows) < 0.05, "x"] = numpy.nan
    frame.loc[r.random(rows) < 0.05, "kind"] = None
    return frame


@pytest.fixture(scope="module")
def tables():
    return [flip.Table.from_pandas(people(rows, seed), FIELDS) for rows, seed in ((3000, 1), (2500, 2), (2000, 3))]


@pytest.fixture(scope="module")
def native(tables):
    real, synthetic, holdout = tables
    return flip.evaluate(real, synthetic, protected="group", target="yes", holdout=holdout, admissible="kind")


def test_numerical_columns_are_printed(native):
    """A line for each: its means, and the quantile that moved most."""
    quantiles = [{"share": share, "real": 1.0, "synthetic": 1.0, "shift": shift}
                 for share, shift in ((.1, 2.0), (.5, -3.25), (.9, None))]
    columns = [{
        "name": "amount", "tvd": .1, "mean": {"real": 1234.5, "synthetic": None, "shift": .5}, "quantiles": quantiles
    }, {"name": "sex", "tvd": .1, "mean": None, "quantiles": None}]
    printed = str(flip.Evaluation({**native.to_dict(), "columns": columns}))
    line, = [line.split() for line in printed.splitlines() if line.startswith("amount")]
    assert line == ["amount", "1234.5", "-", "0.5000", "-3.2500"] and "worst quantile's shift" in printed
    assert "worst quantile" not in str(flip.Evaluation({**native.to_dict(), "columns": columns[1:]}))


def test_it_says_that_it_is_not_private(native):
    assert native.to_dict()["not_private"].startswith("NOT PRIVATE") and str(native).startswith(
        "NOT PRIVATE") and "NOT PRIVATE" in repr(native)
    assert "NOT PRIVATE" in flip.evaluate.__doc__ and "NOT PRIVATE" in flip._evaluate.__doc__
    assert native["target_auc"] == native.summary["target_auc"] == native.to_dict()["tasks"][0]["auc"]
    assert all(value is not None for value in native.summary.values())
    assert all(key in str(native) for key in ("target_auc", "membership_auc", "calibration", "probe, real"))


def test_associations_are_those_of_scipy_and_numpy(tables):
    scipy = pytest.importorskip("scipy.stats", reason="SKIPPED: scipy is not installed").contingency
    frames = [t.to_pandas() for t in tables[:2]]

    def text(column):
        return column.astype(object).where(column.notna(), "?")

    def association(f, i, j):
        a, b = f[i], f[j]
        numbers = [n in ("x", "count") for n in (i, j)]
        if all(numbers):
            there = a.notna() & b.notna()
            return numpy.corrcoef(a[there].astype(float), b[there].astype(float))[0, 1]
        if not any(numbers):
            table = pandas.crosstab(text(a), text(b))
            return scipy.association(table.to_numpy(), method="cramer")
        y, level = (a, b) if numbers[0] else (b, a)
        level, y = text(level)[y.notna()], y[y.notna()].astype(float)
        means = y.groupby(level).transform("mean")
        return numpy.sqrt(((means - y.mean()) ** 2).sum() / ((y - y.mean()) ** 2).sum())

    names = list(frames[0].columns)
    differences = [
        abs(association(frames[0], i, j) - association(frames[1], i, j)) for n, i in enumerate(names)
        for j in names[n + 1:]
    ]
    found = flip.evaluate(*tables[:2], classifiers="none")
    assert found["association_mean"] == pytest.approx(numpy.mean(differences), abs=1e-9)
    assert found["association_max"] == pytest.approx(max(differences), abs=1e-9)


def test_marginals_are_counted_as_pandas_counts(tables):
    real, synthetic = [t.to_pandas() for t in tables[:2]]
    edges = {
        n: numpy.unique(numpy.nanquantile(real[n].astype(float),
                                          numpy.linspace(0, 1, 21)[1:-1])) for n in ("x", "count")
    }

    def cells(f):
        return pandas.DataFrame({
            n: f[n].astype(object).where(f[n].notna(), "?") if n not in edges else numpy.where(
                f[n].isna(), -1, numpy.searchsorted(edges[n], f[n].astype(float), side="right")) for n in f.columns
        })

    def variation(names):
        p, q = (cells(f).value_counts(subset=names, normalize=True) for f in (real, synthetic))
        return 0.5 * p.sub(q, fill_value=0).abs().sum()

    names, found = list(real.columns), flip.evaluate(*tables[:2], classifiers="none")
    assert found["tvd1"] == pytest.approx(numpy.mean([variation([n]) for n in names]), abs=1e-12)
    assert found["tvd2"] == pytest.approx(
        numpy.mean([variation([i, j]) for n, i in enumerate(names) for j in names[n + 1:]]), abs=1e-12)


def test_native_classifiers_are_close_to_scikit_learns(tables, native):
    pytest.importorskip("fairlearn", reason="SKIPPED: fairlearn is not installed")
    real, synthetic, holdout = tables
    other = flip.evaluate(real, synthetic, protected="group", target="yes", holdout=holdout, classifiers="sklearn")
    assert other.to_dict()["classifiers"] == "sklearn" and native.to_dict()["classifiers"] == "native"
    assert set(other.to_dict()) == set(native.to_dict()) and set(other.summary) == set(native.summary)
    for key in ("target_auc", "tasks_auc", "probe_synthetic", "probe_real"):
        assert native[key] == pytest.approx(other[key], abs=0.02), key
    for key in ("target_dpd", "tasks_dpd", "target_eod", "tasks_eod", "tasks_calibration"):
        assert native[key] == pytest.approx(other[key], abs=0.06), key
    for a, b in zip(native.to_dict()["tasks"], other.to_dict()["tasks"]):
        assert set(a) == set(b) and a["column"] == b["column"] and a["base_rate"] == pytest.approx(b["base_rate"])
        assert a["yes"] == (b["yes"] if isinstance(b["yes"], str) else pytest.approx(b["yes"]))
        assert [g["name"] for g in a["groups"]] == [g["name"] for g in b["groups"]]
    assert [g["holdout"] for g in native.to_dict()["groups"]] == [g["holdout"] for g in other.to_dict()["groups"]]


def test_disparities_are_fairlearns(native):
    """From the group rates the library reports, the differences are those of fairlearn on rows that have these
    rates."""
    metrics = pytest.importorskip("fairlearn.metrics", reason="SKIPPED: fairlearn is not installed")
    for task in native.to_dict()["tasks"]:
        y, chosen, group = [], [], []
        for g in task["groups"]:
            ones = round(g["rows"] * g["base_rate"])
            for label, count, rate in ((1, ones, g["true_positive"]), (0, g["rows"] - ones, g["false_positive"])):
                hit = round(count * rate)
                y += [label] * count
                chosen += [1] * hit + [0] * (count - hit)
                group += [g["name"]] * count
        assert task["dpd"] == pytest.approx(metrics.demographic_parity_difference(y, chosen, sensitive_features=group),
                                            abs=1e-9)
        assert task["eod"] == pytest.approx(metrics.equalized_odds_difference(y, chosen, sensitive_features=group),
                                            abs=1e-9)


def test_classes_of_input(tables, tmp_path):
    real, synthetic, _ = tables
    real.to_csv(tmp_path / "real.csv")
    synthetic.write_hdf5(tmp_path / "synthetic.h5")
    (tmp_path / "s.json").write_text(json.dumps(FIELDS))
    by_path = flip.evaluate(tmp_path / "real.csv", tmp_path / "synthetic.h5", tmp_path / "s.json", classifiers="none",
                            threads=1)
    assert by_path.to_dict() == flip.evaluate(real.to_pandas(), synthetic, FIELDS, classifiers="none",
                                              threads=2).to_dict()
    with pytest.raises(flip.SchemaError):
        flip.evaluate(tmp_path / "real.csv", synthetic)
    for wrong in ({"classifiers": "xgboost"}, {"protected": ["nobody"]}, {"target": "nothing"},
                  {"edges": {"x": [2, 1]}, "protected": "x"}, {"threads": 1025}, {"target": "kind", "positive": "z"}):
        with pytest.raises(flip.ArgumentError):
            flip.evaluate(real, synthetic, **wrong)


def test_sklearn_without_a_holdout_and_with_numerical_groups(tables):
    pytest.importorskip("fairlearn", reason="SKIPPED: fairlearn is not installed")
    real, synthetic, _ = tables
    options = dict(protected=["count", "group"], target="kind", positive="r", edges={"count": [4]})
    found, ours = flip.evaluate(real, synthetic, classifiers="sklearn",
                                **options), flip.evaluate(real, synthetic, **options)
    assert [g["name"] for g in found.to_dict()["groups"]] == [g["name"] for g in ours.to_dict()["groups"]]
    assert sum(g["holdout"] for g in found.to_dict()["groups"]) == 1000
    assert found["membership_auc"] is None and "no hold-out was given" in str(found)
    assert found["target_auc"] == pytest.approx(ours["target_auc"], abs=0.08)


def test_the_models_table_of_every_kind(model, table):
    """Dates, times and booleans as tasks, from a real model."""
    holdout = flip.Table.from_pandas(make_frame(400, seed=9), table.schema)
    found = flip.evaluate(table, model.sample(500, seed=1), protected="sex", target="member", holdout=holdout)
    assert {t["column"] for t in found.to_dict()["tasks"]} >= {"member", "joined", "seen", "income"}


def test_command_line(csv, tmp_path):
    path, domain = csv
    flip.Table.from_pandas(make_frame(500, seed=4), domain).to_csv(tmp_path / "s.csv")
    flip.Table.from_pandas(make_frame(400, seed=5), domain).to_csv(tmp_path / "h.csv")
    words = [
        "evaluate", path, tmp_path / "s.csv", "--schema", domain, "--protected", "sex,ward", "--target", "member",
        "--test", tmp_path / "h.csv"
    ]
    done = run(*words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == flip.evaluate(path, tmp_path / "s.csv", domain, ["sex", "ward"], "member",
                                                    tmp_path / "h.csv").to_dict()
    people = run(*words).stdout
    assert people.startswith("NOT PRIVATE") and "target_auc" in people and "membership_auc" in people
    assert run(*words[:-2], "--protected", "age", "--edges", "age=30,60").returncode == 0
    assert run("evaluate", path, tmp_path / "s.csv").returncode == 2
    assert run(*words, "--edges", "age=x").returncode == 2
    assert "nobody" in run("evaluate", path, tmp_path / "s.csv", "--schema", domain, "--protected", "nobody").stderr
    (tmp_path / "bad.csv").write_text((tmp_path / "s.csv").read_text().replace("Female", "Femal", 1))
    refused = run("evaluate", path, tmp_path / "bad.csv", "--schema", domain)
    assert refused.returncode == 1 and "sex" in refused.stderr
