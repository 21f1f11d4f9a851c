"""Protected groups from Python and the command line: options, what plans and models say of groups, what protected
columns are drawn from."""

import collections

import pytest

import flip
from conftest import SMALL


def fair(**options):
    return {**SMALL, "fairness": {"strength": 1, **options}}


def test_plan_says_what_each_group_gets(schema):
    plan = flip.plan(
        schema, protected=["sex", "age"], epsilon=4.0, delta=1e-5,
        config=fair(sampling="balanced", calibration="equalised", cuts={"age": [30, 60]},
                    shares={"sex=Male, age=>=60": 0.02}))
    e = plan.explain()
    assert len(e["groups"]) == 6 and e["groups"][0] == "sex=Female, age=<30"
    own = next(r for r in e["releases"] if r["stage"] == "autoencoder")["groups"]
    small, large = own["sex=Male, age=>=60"], own["sex=Female, age=<30"]
    assert small["sampling_rate"] > large["sampling_rate"] and small["clip"] < large["clip"]
    for g in own.values():
        assert g["influence"] == pytest.approx(g["rows_expected"] * g["clip"])
    assert max(e["group_epsilons"].values()) <= 4 and min(e["group_epsilons"].values()) == pytest.approx(4, rel=1e-4)
    assert "sex=Male, age=>=60" in plan.explanation() and "influence" in plan.explanation()


def test_model_is_decoupled_and_its_ledger_is_by_group(table):
    model = flip.train(table, protected=["sex"], epsilon=4.0, delta=1e-5,
                       config=fair(sampling="balanced", draw={"sex": {"Female": 1.0}}), progress=False)
    assert set(model.ledger["groups"]) == {"sex=Female", "sex=Male"}
    assert max(model.ledger["groups"].values()) == pytest.approx(model.ledger["spent"]) and model.ledger["spent"] <= 4
    groups = model.info["groups"]
    assert set(groups["rows"]) == set(
        model.ledger["groups"]) and groups["stages"]["autoencoder"]["sex=Male"]["influence"] > 0
    rows = model.sample(200, seed=3).to_pandas()
    assert collections.Counter(rows["sex"]) == {"Female": 200}
    assert len(model.sample(20, seed=3, where={"sex": "Female", "age": {"minimum": 30}})) == 20
    # Moments are in the same entry as the gradient: one line for all its steps.
    assert [r["name"] for r in model.ledger["releases"]] == ["histograms", "autoencoder", "diffusion"]


def test_wrong_options_are_named(schema):
    for config, word in (({"fairness": {"strength": -1}}, "strength"), ({"fairness": {"sampling": "fair"}}, "sampling"),
                         ({"fairness": {"cuts": {"sex": [1]}}},
                          "order"), ({"fairness": {"draw": {"sex": {"Female": 0.4}}}},
                                     "add up"), ({"fairness": {"shares": {"sex=Nobody": 0.4}}},
                                                 "Nobody"), ({"alignment": {"keep": 2}}, "keep")):
        with pytest.raises(flip.ArgumentError, match=word):
            flip.plan(schema, protected=["sex"], epsilon=1, delta=1e-5, preset="published", config=config)
    with pytest.raises(flip.ArgumentError, match="cuts"):
        flip.plan(schema, protected=["age"], epsilon=1, delta=1e-5, preset="published")
    known = flip.config_schema("plan")
    assert {"fairness.strength", "fairness.cuts", "fairness.q_max", "alignment.latent_mean"} <= set(known)


def test_command_line_shows_groups(table, tmp_path):
    from test_cli import run
    model = flip.train(table, protected=["sex"], epsilon=4.0, delta=1e-5, config=fair(sampling="balanced"),
                       progress=False)
    model.save(tmp_path / "m.flip.h5")
    shown = run("ledger", tmp_path / "m.flip.h5")
    assert shown.returncode == 0 and "sex=Female" in shown.stdout and "influence" in shown.stdout
