"""The trade-off curve: trainings that compose, a budget that is kept, a CSV file and a picture that say they are not
private."""
import csv as csv_module
import json
import os
import subprocess
import sys

import flip
import pytest
from conftest import ROOT, SMALL, make_frame
from flip import tradeoff

PROMISE = [
    "--protected", "sex", "--target", "member", "--epsilon", "1", "--delta", "1e-5", "--config",
    json.dumps(SMALL)
]


def run(*words, **environment):
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python"), **environment}
    return subprocess.run([sys.executable, "-m", "flip.tradeoff", *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=env)


def strengths_of(schema, wanted):
    """Those of `wanted` that this library trains."""
    try:
        tradeoff.plans_for(schema, wanted, 1, ["sex"], 1.0, 1e-5, config=SMALL)
    except flip.FlipError as refused:
        pytest.skip(f"SKIPPED: {refused}")
    return wanted


@pytest.fixture
def budget(tmp_path):
    return flip.Budget(tmp_path / "b.budget", epsilon=3, delta=1e-5, order=16)


def test_the_budget_is_refused_before_anything_is_trained(table, monkeypatch, budget):
    monkeypatch.setattr(tradeoff, "train", lambda *a, **k: pytest.fail("trained"))
    options = dict(protected=["sex"], target="member", epsilon=1.0, delta=1e-5, strengths=[0], repeats=9, config=SMALL)
    with pytest.raises(flip.BudgetError, match="9 trainings of epsilon 1 ask for"):
        list(tradeoff.curve(table, budget=budget, **options))
    with pytest.raises(flip.ArgumentError):                 # so is a question that cannot be answered
        list(tradeoff.curve(table, budget=budget, **{**options, "target": "nothing", "repeats": 1}))
    assert budget.report()["runs"] == []


def test_stopping_says_what_was_spent(table, monkeypatch, budget):
    def stop(*a, **k):
        raise KeyboardInterrupt
    monkeypatch.setattr(tradeoff, "train", stop)
    said = []
    with pytest.raises(KeyboardInterrupt):
        list(
            tradeoff.curve(table, protected=["sex"], target="member", epsilon=1.0, delta=1e-5, budget=budget,
                           strengths=[0], config=SMALL, report=said.append))
    assert "epsilon 0 was spent" in said[-1]


def test_the_command(csv, tmp_path):
    pytest.importorskip("matplotlib", reason="SKIPPED: matplotlib is not installed")
    path, domain = csv
    flip.Table.from_pandas(make_frame(300, seed=8), domain).to_csv(tmp_path / "h.csv")
    out, picture = tmp_path / "c.csv", tmp_path / "c.png"
    done = run(path, "--schema", domain, *PROMISE, "--strengths", "0", "--repeats", 2, "--budget", 3, "--test",
               tmp_path / "h.csv", "--out", out, "--picture", picture)
    assert done.returncode == 0, done.stderr
    assert all(words in done.stderr for words in ("NOT PRIVATE", "together they take at most", "cost epsilon"))
    with open(out, newline="") as file:
        rows = list(csv_module.DictReader(file))
    assert [row["not_private"] for row in rows] == ["NOT PRIVATE"] * 2 and [row["repeat"] for row in rows] == ["1", "2"]
    assert float(rows[0]["composed_epsilon"]) == pytest.approx(float(rows[0]["epsilon"]), rel=1e-9)
    assert float(rows[0]["composed_epsilon"]) < float(rows[1]["composed_epsilon"]) <= 3
    kept = flip.Budget(f"{out}.budget")
    assert kept.spent == pytest.approx(float(rows[1]["composed_epsilon"]),
                                       rel=1e-12) and [one["name"]
                                                       for one in kept.report()["runs"]] == ["strength 0"] * 2
    doubled = flip.Accountant("renyi")
    for one in kept.report()["runs"]:
        for release in one["ledger"]["releases"]:
            for share in release["groups"].values():
                doubled.compose(share["noise_multiplier"], share["sampling_rate"], release["count"])
    assert doubled.epsilon(1e-5) <= kept.spent * (1 + 1e-9)  # at the best order, hence at most that at the fixed one
    assert all(0 <= float(rows[0][key]) <= 1
               for key in ("tvd1", "target_auc", "target_dpd", "tasks_dpd", "membership_auc"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.endswith(".part")) == []


def test_a_picture_of_several_strengths_and_of_gaps(tmp_path):
    pytest.importorskip("matplotlib", reason="SKIPPED: matplotlib is not installed")
    rows = [{
        "strength": s, "composed_epsilon": 2.0, **{key: None if s == 2 else 0.5 - 0.1 * s for key in tradeoff.FIGURES}
    } for s in (0, 0.5, 2, 1, 1)]
    tradeoff.draw(rows, tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 10_000


def test_refused(csv, tmp_path):
    path, domain = csv
    poor = run(path, "--schema", domain, *PROMISE, "--strengths", "0", "--repeats", 4, "--budget", 1.5, "--out",
               tmp_path / "c.csv")
    assert poor.returncode == 1 and "of the budget of epsilon 1.5" in poor.stderr and not (tmp_path / "c.csv").exists()
    assert run(path, "--schema", domain, *PROMISE, "--strengths", "0,0", "--budget", 9).returncode == 2
    assert run(path, "--schema", domain, *PROMISE, "--strengths", "-1", "--budget", 9).returncode == 2
    assert run(path, "--schema", domain, *PROMISE, "--strengths", "0").returncode == 2
    nowhere = run(path, "--schema", domain, *PROMISE, "--strengths", "0", "--budget", 9, "--out",
                  tmp_path / "no" / "c.csv")
    assert nowhere.returncode == 1 and "compose" not in nowhere.stderr


def test_several_strengths(table, tmp_path, budget):
    strengths = strengths_of(table.schema, [0, 1])
    rows = list(
        tradeoff.curve(table, protected=["sex"], target="member", epsilon=1.0, delta=1e-5, budget=budget,
                       strengths=strengths, config=SMALL))
    assert [row["strength"] for row in rows] == strengths
    assert rows[1]["composed_epsilon"] > rows[0]["composed_epsilon"]
