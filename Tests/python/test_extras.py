"""Figures of Anonymeter and SynthEval: what is handed to them and how it is read, by stand-ins and by the packages."""
import importlib.util
import io
import json
import logging
import sys
import types
from contextlib import redirect_stdout

import flip
import numpy
import pandas
import pytest
from conftest import SCHEMA, make_frame
from flip import _extras

MISSING = [name for name in ("anonymeter", "syntheval") if importlib.util.find_spec(name) is None]
real_packages = pytest.mark.skipif(bool(MISSING), reason="not installed: " + ", ".join(MISSING))


@pytest.fixture(scope="module")
def tables():
    """Every type of column, most with missing cells."""
    return [flip.Table.from_pandas(make_frame(rows, seed), SCHEMA) for rows, seed in ((500, 1), (400, 2), (300, 3))]


@pytest.fixture
def frames(tables):
    return [table.to_pandas() for table in tables]


def both(tables, extras, **options):
    real, synthetic, holdout = tables
    return flip.evaluate(real, synthetic, holdout=holdout, classifiers="none", extras=extras, **options)


@pytest.fixture
def stand_ins(monkeypatch):
    """Modules in the place of both packages, and a list of all calls: (class, what it was given, how it was run)."""
    calls = []

    def evaluator(kind, value):
        class Evaluator:
            def __init__(self, **given):
                calls.append([kind, given, None])

            def evaluate(self, **how):
                calls[-1][2] = how
                logging.getLogger("anonymeter").warning("said")
                print("said")
                if value is None:
                    raise RuntimeError("no fit")
                return self

            def risk(self, confidence_level, baseline=False):
                assert confidence_level == .95
                return types.SimpleNamespace(value=.01 if baseline else value, ci=(value / 2, value * 2))
        return Evaluator

    class SynthEval:
        def __init__(self, real, **given):
            calls.append(["SynthEval", {"real": real, **given}, None])

        def evaluate(self, synthetic, target=None, presets_file=None, **metrics):
            calls[-1][1]["synthetic"] = synthetic
            calls[-1][2] = {"target": target, "presets_file": presets_file, **metrics}
            print("said")
            if metrics:
                rows = [{"metric": "statistical_parity", "val": numpy.float64(-.25), "err": .02}]
            else:
                rows = [{"metric": "auroc", "val": .5, "err": numpy.nan}, {"metric": "odd", "val": numpy.nan}]
            return pandas.DataFrame(rows)

    packages = {"anonymeter": types.ModuleType("anonymeter"), "syntheval": types.ModuleType("syntheval"),
                "anonymeter.evaluators": types.SimpleNamespace(
                    SinglingOutEvaluator=evaluator("SinglingOutEvaluator", .1),
                    LinkabilityEvaluator=evaluator("LinkabilityEvaluator", None),
                    InferenceEvaluator=evaluator("InferenceEvaluator", .3))}
    packages["syntheval"].SynthEval = SynthEval
    for name, module in packages.items():
        monkeypatch.setitem(sys.modules, name, module)
    return calls


def test_the_plain_form_keeps_what_the_cells_say(frames):
    plain, words, parts = _extras.plain(frames)
    for before, after in zip(frames, plain):
        assert len(after) == len(before) and not after.isna().any().any()
        assert set(after.columns) == {c for names in parts.values() for c in names}
        for name in words:
            assert after[name].map(type).eq(str).all()
        # Numbers stay; a missing one is told from a present one by its second column.
        there = before.income.notna()
        assert (after.income[there.to_numpy()].to_numpy() == before.income[there].to_numpy(float)).all()
        assert (after["income missing"].eq("c0").to_numpy() == there.to_numpy()).all()
        assert parts["income"] == ["income", "income missing"] and parts["age"] == ["age"]
    # One code for each level, the same in every table, and one for a missing cell.
    city = pandas.concat(frames).city.astype(object).fillna("").to_numpy()
    code = pandas.concat(plain).city.to_numpy()
    assert len(set(zip(city, code))) == len(set(city)) == len(set(code)) == 4
    # Dates become days.
    joined = pandas.concat(frames).joined
    days = pandas.concat(plain)["joined"][joined.notna().to_numpy()].to_numpy()
    gaps = (joined.dropna() - joined.dropna().iloc[0]).dt.days.to_numpy()
    assert numpy.array_equal(days - days[0], gaps)


def test_what_anonymeter_is_given_and_says(tables, stand_ins):
    out = both(tables, "anonymeter", protected="sex", target="city").to_dict()["extras"]["anonymeter"]
    assert out["singling_out"] == {"value": .1, "low": .05, "high": .2, "baseline": .01}
    assert out["linkability"] is None and out["secret"] == "city" and out["attacks"] == 300
    kinds = [call[0] for call in stand_ins]
    assert kinds == ["SinglingOutEvaluator", "LinkabilityEvaluator", "InferenceEvaluator"]
    for _, given, _ in stand_ins:
        assert [len(given[name]) for name in ("ori", "syn", "control")] == [500, 400, 300]
        assert given["n_attacks"] == 300
    one, two, three = stand_ins
    assert one[2] == {"mode": "multivariate"} and one[1]["max_attempts"] == _extras.ATTEMPTS
    left, right = two[1]["aux_cols"]
    assert set(left) | set(right) == set(two[1]["ori"].columns) and not set(left) & set(right)
    assert {"stay", "stay missing"} <= set(left)
    assert "city" not in three[1]["aux_cols"] and set(three[1]["aux_cols"]) == set(three[1]["ori"].columns) - {"city"}
    shares = [t.to_pandas().city.astype(object).fillna("").value_counts(normalize=True) for t in tables[:2]]
    assert out["inference"]["baseline"] == pytest.approx((shares[0] * shares[1]).sum())


def test_a_number_is_guessed_by_its_tenth(tables, stand_ins):
    out = both(tables, ["anonymeter"], target="weight").to_dict()["extras"]["anonymeter"]
    secret = stand_ins[2][1]["ori"].weight
    assert out["secret"] == "weight" and secret.value_counts().tolist() == [50] * 10
    assert stand_ins[0][1]["ori"].weight.dtype == float


def test_without_holdout_there_is_no_control(tables, stand_ins):
    flip.evaluate(tables[0], tables[1], classifiers="none", extras=["anonymeter", "syntheval"])
    assert not any("control" in given for kind, given, _ in stand_ins if kind != "SynthEval")
    assert stand_ins[-1][1]["holdout_dataframe"] is None and stand_ins[-1][2]["target"] is None


def test_what_syntheval_is_given_and_says(tables, stand_ins, monkeypatch):
    monkeypatch.setattr(_extras, "ROWS", 350)
    out = both(tables, ["syntheval"], protected=["sex", "age"], target="member").to_dict()["extras"]["syntheval"]
    assert out["auroc"] == .5 and out["odd"] is None and out["rows"] == [350, 350, 300]
    assert out["statistical_parity"]["age"] is None                 # a column of numbers
    found = out["statistical_parity"]["sex"]
    assert found["synthetic"] == {"value": -.25, "error": .02} == found["real"] and found["positive"] == "True"
    first, real, synthetic = stand_ins
    assert first[2] == {"target": "member", "presets_file": "fast_eval"}
    assert {"sex", "city", "member", "stay missing"} <= set(first[1]["cat_cols"]) and "age" not in first[1]["cat_cols"]
    assert "member" in first[1]["cat_cols"] and len(first[1]["real"]) == 350
    largest = tables[0].to_pandas().sex.value_counts().index[0]
    assert found["group"] == largest
    for call, table in ((real, tables[0]), (synthetic, tables[1])):
        frame, given = table.to_pandas(), call[1]["synthetic"]
        assert (given.sex.eq("1").to_numpy() == (frame.sex == largest).to_numpy()).all()
        assert (given.member.eq("1").to_numpy() == frame.member.fillna(False).astype(bool).to_numpy()).all()
        assert call[2]["statistical_parity"] == {"protected_attribute": "sex", "positive_class": 1}


def test_nothing_is_printed_and_the_shared_generator_is_as_it_was(tables, stand_ins, capfd):
    numpy.random.seed(7)
    before = numpy.random.get_state()[1].tolist()
    both(tables, ["anonymeter", "syntheval"], target="sex")
    assert numpy.random.get_state()[1].tolist() == before and capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == 0


def test_what_is_not_there_is_said_before_work(tables, monkeypatch):
    with pytest.raises(flip.ArgumentError, match='"anonymeter" and "syntheval"'):
        flip.evaluate("/nowhere", tables[1], extras=["anonymity"])
    for name in ("anonymeter", "anonymeter.evaluators", "syntheval"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("anonymeter", "syntheval"):
        with pytest.raises(flip.Unsupported, match=f"pip install {name}"):
            both(tables, [name])


@pytest.fixture(scope="module")
def biased():
    """Rows of which group a is chosen by .8 and group b by .2, in three tables; a tells of a number too."""
    def make(rows, seed):
        r = numpy.random.default_rng(seed)
        group = r.choice(["a", "b", "b's"], rows, p=[.5, .3, .2])
        chosen = r.random(rows) < numpy.where(group == "a", .8, .2)
        return pandas.DataFrame({"group": group, "x": r.normal(0, 1, rows), "y": r.normal(0, 1, rows) + chosen,
                                 "z": r.choice(["p", "q"], rows), "chosen": numpy.where(chosen, "yes", "no")})
    schema = {"fields": [
        {"name": "group", "type": "string", "constraints": {"enum": ["a", "b", "b's"], "required": True}},
        *({"name": n, "type": "number", "constraints": {"minimum": -9, "maximum": 9, "required": True}} for n in "xy"),
        {"name": "z", "type": "string", "constraints": {"enum": ["p", "q"], "required": True}},
        {"name": "chosen", "type": "string", "constraints": {"enum": ["no", "yes"], "required": True}}]}
    return [flip.Table.from_pandas(make(rows, seed), schema) for rows, seed in ((900, 1), (800, 2), (900, 3))]


@real_packages
def test_the_packages_read_every_type_of_column(tables):
    said = io.StringIO()
    with redirect_stdout(said):
        found = both(tables, ["anonymeter", "syntheval"], protected="sex", target="city").to_dict()["extras"]
    assert said.getvalue() == ""
    json.dumps(found, allow_nan=False)
    for name in ("singling_out", "linkability", "inference"):
        risk = found["anonymeter"][name]
        assert 0 <= risk["low"] <= risk["value"] <= risk["high"] <= 1
    assert {"avg_dwm_diff", "pca_eigval_diff", "ks_tvd_stat", "nnaa", "hit_rate"} <= set(found["syntheval"])


@real_packages
def test_anonymeter_tells_copies_from_strangers(biased):
    real, stranger, holdout = biased
    risks = [flip.evaluate(real, rows, holdout=holdout, target="chosen", classifiers="none", extras=["anonymeter"])
             .to_dict()["extras"]["anonymeter"] for rows in (real, stranger)]
    assert risks[0]["singling_out"]["low"] > .2 > risks[1]["singling_out"]["value"]
    assert risks[0]["linkability"]["low"] > .5 and risks[1]["linkability"]["high"] < .2
    assert risks[0]["inference"]["low"] > .5 and risks[1]["inference"]["high"] < .3
    assert risks[0]["inference"]["baseline"] == pytest.approx(.5, abs=.05)


@real_packages
def test_syntheval_finds_the_planted_disparity(biased):
    real, synthetic, _ = biased
    fair = synthetic.to_pandas()
    fair["group"] = fair.group.to_numpy()[numpy.random.default_rng(5).permutation(len(fair))]
    for rows, low, high in ((synthetic, .5, 1), (flip.Table.from_pandas(fair, synthetic.schema), -.15, .15)):
        found = flip.evaluate(real, rows, protected="group", target="chosen", classifiers="none",
                              extras="syntheval").to_dict()["extras"]["syntheval"]["statistical_parity"]["group"]
        assert low < found["synthetic"]["value"] < high and .5 < found["real"]["value"] < 1
        assert found["group"] == "a" and found["positive"] == "yes" and 0 < found["synthetic"]["error"] < .1
