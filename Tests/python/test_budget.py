"""A budget that several trainings share: kept in a file, by several processes, and never overspent."""
import json
import os
import subprocess
import sys

import flip
import pytest
from conftest import ROOT, SMALL, SMALL_BEST


def of_run(run):
    return {**run["ledger"], "schema_version": 1}


def without_risk(model):
    """What a budget keeps of a model's ledger."""
    return {key: value for key, value in model.ledger.items() if key != "risk"}


@pytest.fixture
def budget(tmp_path):
    return flip.Budget(tmp_path / "b.budget", epsilon=4, delta=1e-5)


def options(budget, **more):
    return dict(protected=["sex"], preset="published", config=SMALL, budget=budget, **more)


def test_trainings_share(table, budget):
    first = flip.train(table, **options(budget, share=0.4, name="first"))
    second = flip.train(table, **options(budget, epsilon=budget.remaining * 0.9, name="second"))
    report = budget.report()
    assert [(run["name"], run["kind"], run["open"]) for run in report["runs"]] == [("first", "training", False),
                                                                                   ("second", "training", False)]
    assert [of_run(run) for run in report["runs"]] == [without_risk(first), without_risk(second)]
    assert budget.spent <= 4 and report["spent_share"] <= 1
    assert sum(run["share"] for run in report["runs"]) == pytest.approx(report["spent_share"], rel=1e-9)
    with pytest.raises(flip.BudgetError):
        flip.train(table, **options(budget, share=0.9))
    assert any("shared budget" in text for text in first.ledger["assumptions"])
    assert "first" in str(budget) and "a further run" in str(budget)


def test_an_outsider_computes_the_same(table, budget):
    dp_accounting = pytest.importorskip("dp_accounting", reason="SKIPPED: dp_accounting is not installed")
    from dp_accounting.rdp import RdpAccountant
    flip.train(table, **options(budget, share=0.5))
    budget.charge("mean", noise_multiplier=30)
    budget.charge("vote", "pure", epsilon=0.1)
    report = budget.report()
    accountant = RdpAccountant(orders=[report["order"]])
    for run in report["runs"]:
        for release in run["ledger"]["releases"]:
            if "rho" in release:
                accountant.compose(dp_accounting.ZCDpEvent(release["rho"]), release["count"])
                continue
            share = max(release["groups"].values(), key=lambda s: s["sampling_rate"])
            event = dp_accounting.PoissonSampledDpEvent(share["sampling_rate"],
                                                        dp_accounting.GaussianDpEvent(share["noise_multiplier"]))
            accountant.compose(event, release["count"])
    assert budget.spent == pytest.approx(accountant.get_epsilon(report["delta"]), rel=1e-6)


def test_gaussian_releases_add_exactly(table, tmp_path):
    """A budget for Gaussian releases alone: an outsider's distributions of loss give the same ε; less noise does."""
    shared = flip.Budget(tmp_path / "g.budget", epsilon=2, delta=1e-5, filter="gaussian")
    loose = flip.Budget(tmp_path / "r.budget", epsilon=2, delta=1e-5)
    best = dict(protected=["sex"], preset="best", config={**SMALL_BEST, "rake": {"steps": 4, "pool": 1000},
                                                          "projection": {"rows": 64, "steps": 20}})

    def noise(budget):
        plan = flip.plan(table.schema, budget=budget, share=0.6, **best)
        return plan.dict["marginal_noise_multiplier"]
    assert noise(shared) < 0.97 * noise(loose)
    model = flip.train(table, budget=shared, share=0.6, progress=False, **best)
    assert model.ledger["accountant"] == "gaussian" and model.ledger["renyi"]["spent"] > model.ledger["spent"]
    shared.charge("mean", noise_multiplier=9)
    shared.charge("histogram", "discrete_gaussian", noise_multiplier=9)
    for wrong in (dict(mechanism="laplace", scale=20), dict(noise_multiplier=20, sampling_rate=0.1),
                  dict(mechanism="zcdp", rho=1e-4)):
        with pytest.raises(flip.ArgumentError, match="gaussian"):
            shared.charge("other", **wrong)
    with pytest.raises(flip.ArgumentError, match="gaussian"):
        flip.plan(table.schema, protected=["sex"], preset="published", config=SMALL, budget=shared, share=0.1)
    with pytest.raises(flip.ArgumentError, match="filter"):
        flip.Budget(tmp_path / "g.budget", filter="renyi")
    assert flip.Budget(tmp_path / "g.budget", filter="gaussian").spent == shared.spent and "exact" in str(shared)
    path = tmp_path / "m.h5"
    model.save(path)
    dp_accounting = pytest.importorskip("dp_accounting", reason="SKIPPED: dp_accounting is not installed")
    from dp_accounting.pld import PLDAccountant
    accountant = PLDAccountant(value_discretization_interval=1e-4)
    for run in shared.report()["runs"]:
        for release in run["ledger"]["releases"]:
            sigma = min(s["noise_multiplier"] for s in release["groups"].values())
            accountant.compose(dp_accounting.GaussianDpEvent(sigma), release["count"])
    # Noise in whole steps is charged a little more than Gaussian noise.
    assert accountant.get_epsilon(1e-5) <= shared.spent * (1 + 1e-4)
    assert shared.spent <= 1.01 * accountant.get_epsilon(1e-5) and shared.spent <= 2


def test_ones_own_mechanisms(budget):
    for name, event in [("a", dict(noise_multiplier=20)),
                        ("b", dict(mechanism="discrete_gaussian", noise_multiplier=20, sampling_rate=0.1, count=3)),
                        ("c", dict(mechanism="laplace", scale=20)), ("d", dict(mechanism="pure", epsilon=0.05)),
                        ("e", dict(mechanism="zcdp", rho=0.001))]:
        before = budget.spent
        budget.charge(name, **event)
        assert budget.spent > before
    spent = budget.spent
    with pytest.raises(flip.BudgetError):
        budget.charge("f", noise_multiplier=0.3)
    with pytest.raises(flip.BudgetError):
        budget.charge("f", "selection", delta=1e-9)            # made without selection_delta
    for wrong in [
            dict(noise_multiplier=0),
            dict(noise_multiplier=1, scale=2),
            dict(mechanism="magic"),
            dict(mechanism="zcdp"),
            dict(noise_multiplier=1, sampling_rate=1.5),
            dict(noise_multiplier=1, count=0)
    ]:
        with pytest.raises(flip.ArgumentError):
            budget.charge("f", **wrong)
    with pytest.raises(flip.ArgumentError):
        budget.charge("", noise_multiplier=9)
    assert budget.spent == spent


def test_opened_again(budget, tmp_path):
    budget.charge("a", noise_multiplier=20)
    again = flip.Budget(budget.path)
    assert again.spent == budget.spent and again.report() == budget.report() and (again.epsilon, again.delta) == (4,
                                                                                                                  1e-5)
    assert flip.Budget(budget.path, epsilon=4, delta=1e-5).spent == budget.spent
    with pytest.raises(flip.ArgumentError, match="epsilon"):
        flip.Budget(budget.path, epsilon=5, delta=1e-5)
    with pytest.raises(flip.FileError):
        flip.Budget(tmp_path / "none")
    with pytest.raises(flip.ArgumentError):
        flip.Budget(tmp_path / "none", epsilon=1, delta=2)
    assert flip.file_check(budget.path)["kind"] == "flip-budget"
    (tmp_path / "cut").write_bytes(open(budget.path, "rb").read()[:-9])
    with pytest.raises(flip.FormatError):
        flip.Budget(tmp_path / "cut")


def test_a_checkpoint_goes_on_under_its_budget(table, budget, tmp_path):
    path = tmp_path / "c.h5"
    plan = flip.plan(table.schema, **options(budget, share=0.6))
    with flip.Trainer(plan, table) as trainer:
        trainer.checkpoint(path)
        trainer.step(max_steps=5, max_seconds=0)
    assert budget.report()["runs"][0]["open"]
    with pytest.raises(flip.StateError):
        flip.Trainer.resume(path, table)
    model = flip.train(table, plan, checkpoint=path, resume=True)
    run, = budget.report()["runs"]
    assert not run["open"] and of_run(run) == without_risk(model)


def test_a_killed_run_is_settled(table, budget):
    script = ("import flip, sys, os, json\n"
              "b = flip.Budget(sys.argv[1]); t = flip.Table.read_hdf5(sys.argv[2])\n"
              "p = flip.plan(t.schema, budget=b, share=0.6, config=json.loads(sys.argv[3]), preset='published')\n"
              "r = flip.Trainer(p, t); r.step(max_steps=3, max_seconds=0); os.kill(os.getpid(), 9)\n")
    rows = budget.path + ".h5"
    table.write_hdf5(rows)
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    done = subprocess.run([sys.executable, "-c", script, budget.path, rows, json.dumps(SMALL)], env=env)
    assert done.returncode == -9
    run, = budget.report()["runs"]
    assert run["open"] and sum(r["count"] for r in run["ledger"]["releases"]) >= 3  # charged ahead of what it drew
    with pytest.raises(flip.BudgetError):
        flip.train(table, **options(budget, share=0.6))
    budget.settle(run["run"])
    after, = budget.report()["runs"]
    assert not after["open"] and after["ledger"] == run["ledger"] and budget.report()["remaining_share"] > 0.4
    with pytest.raises(flip.ArgumentError):
        budget.settle("nobody")


def test_processes_race(budget):
    script = ("import flip, sys\nb = flip.Budget(sys.argv[1]); n = 0\n"
              "for _ in range(12):\n"
              "    try:\n        b.charge('own', 'zcdp', rho=float(sys.argv[2])); n += 1\n"
              "    except flip.BudgetError: pass\n"
              "print(n)")
    report = budget.report()
    rho = report["ceiling"] / report["order"] / 16 * (1 - 1e-9)
    env = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, budget.path, repr(rho)], stdout=subprocess.PIPE, env=env) for _ in range(2)
    ]
    granted = sum(int(racer.communicate()[0]) for racer in racers)
    assert granted == 16 == sum(r["count"] for run in budget.report()["runs"] for r in run["ledger"]["releases"])
    assert budget.spent <= 4


def test_plans_say_what_they_are_under(table, budget):
    plan = flip.plan(table.schema, **options(budget, share=0.5))
    assert plan.budget is budget and json.loads(plan.json)["order"] == budget.report()["order"] and plan.delta == 1e-5
    with pytest.raises(TypeError):
        flip.plan(table.schema, epsilon=1, delta=1e-5, share=0.5)
    for wrong in [dict(share=0), dict(share=2), dict(share=0.5, epsilon=1), dict(share=0.5, delta=1e-6)]:
        with pytest.raises(flip.ArgumentError):
            flip.plan(table.schema, **options(budget, **wrong))
    with pytest.raises(flip.BudgetError):
        flip.plan(table.schema, **options(budget, epsilon=1e-3))


SKETCH = {"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"}]}


@pytest.fixture
def open_csv(tmp_path):
    path = tmp_path / "open.csv"
    path.write_text("age,ward\n" + "".join(f"{20 + i % 60},{'north' if i % 3 else 'south'}\n"
                                           for i in range(2000)) + "99999,alone\n")
    return path


def test_a_domain_is_released_and_composes(open_csv, tmp_path):
    budget = flip.Budget(tmp_path / "d.budget", epsilon=5, delta=1e-5, selection_delta=1e-7)
    found = flip.release_domain(open_csv, SKETCH, budget, share=0.2)
    age, ward = found.schema.fields
    assert age["constraints"] == {"minimum": 16, "maximum": 127} and set(
        ward["constraints"]["enum"]) == {"north", "south", "other"}
    assert abs(found.report["rows"] -
               2001) < 8 * found.report["deviation"] and found.report["ledger"]["releases"][1]["selection_delta"] > 0
    table = flip.Table.read_csv(open_csv, found.schema)
    small = {"autoencoder": {"steps": 3, "batch": 64}, "diffusion": {"enabled": False}}
    with pytest.raises(flip.StateError):
        flip.train(table, epsilon=2.0, delta=1e-5, config=small)
    model = flip.train(table, budget=budget, epsilon=budget.remaining, config=small)
    assert budget.spent <= 5 and [run["kind"] for run in budget.report()["runs"]] == ["domain", "training"]
    assert set(model.sample(50, seed=1).to_pandas().ward.dropna()) <= {"north", "south", "other"}
    with pytest.raises(flip.BudgetError):
        flip.release_domain(open_csv, SKETCH, budget, share=0.5)


def test_from_rows_without_a_schema_to_a_ledger_of_both(open_csv, tmp_path):
    """The whole way: raw CSV, a budget, an estimated schema that says so, a training in what is left, and a model that
    shows both."""
    path = tmp_path / "d.budget"
    budget = flip.Budget(path, epsilon=5, delta=1e-5, selection_delta=1e-7)
    table = flip.Table.read_csv(open_csv, flip.release_domain(open_csv, SKETCH, budget, share=0.2).schema)
    marked, spent = table.schema.dict, budget.spent
    assert marked["flip:domain"] == "private" and not table.schema.assumed
    assert all(field["flip:bought"] for field in marked["fields"])
    assert "99999" not in table.schema.json and "alone" not in table.schema.json
    bill, = budget.report()["runs"]
    assert marked["flip:purchase"]["run"] == bill["run"] and bill[
        "kind"] == "domain" and not bill["open"] and 0 < spent < 5
    assert [list(r)[-1] for r in bill["ledger"]["releases"]] == ["groups", "selection_delta"]
    small = {"autoencoder": {"steps": 3, "batch": 64}, "diffusion": {"enabled": False}}
    plan = flip.plan(table.schema, budget=budget, epsilon=budget.remaining, config=small)
    assert plan.explain()["rows"] == {"guess": int(marked["flip:purchase"]["rows"])}
    model = flip.train(table, plan, progress=False)
    model.save(tmp_path / "m.flip.h5")
    model = flip.load(tmp_path / "m.flip.h5")
    domain = model.ledger["domain"]
    assert domain["run"] == bill["run"] and domain["epsilon"] == pytest.approx(
        spent) and domain["selection_delta"] == pytest.approx(1e-7)
    assert max(domain["epsilon"], model.ledger["spent"]) < domain["epsilon_together"] == pytest.approx(
        budget.spent) and budget.spent <= 5
    report = model.ledger_report()
    assert "What the schema cost" in report and bill["run"] in report
    assert any(bill["run"] in text for text in model.ledger["assumptions"])
    assert flip.Accountant.of_model(model).epsilon(1e-5) == pytest.approx(budget.spent, rel=1e-6)
    with pytest.raises(flip.Unsupported):
        flip.Accountant.of_model(model, "pld")
    with pytest.raises(flip.StateError):
        flip.train(table, epsilon=1.0, delta=1e-5, config=small)
    with pytest.raises(flip.BudgetError):
        flip.release_domain(open_csv, SKETCH, budget, share=0.2)
    # An outsider gets the same figures from the file alone.
    done = subprocess.run(
        [sys.executable,
         os.path.join(ROOT, "examples", "python", "recompute_epsilon.py"),
         str(tmp_path / "m.flip.h5")], capture_output=True, text=True)
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["agrees"] and said["with_domain"] == pytest.approx(
        domain["epsilon_together"], rel=1e-6)


def test_domains_of_tables(open_csv, tmp_path):
    budget = flip.Budget(tmp_path / "d.budget", epsilon=5, delta=1e-5, selection_delta=1e-7)
    with pytest.warns(DeprecationWarning, match="release_domain") as caught:
        table = flip.Table.read_csv(open_csv, SKETCH, domain="private", budget=budget, share=0.2, selection_delta=2e-8)
    assert len(table) == 2001 and caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="release_domain"):
        assert flip.buy_domain(open_csv, SKETCH, budget, share=0.2,
                               selection_delta=2e-8).schema.dict["flip:domain"] == "private"
    assumed = flip.Table.read_csv(open_csv, domain="assume-public")
    ledger = flip.train(assumed, epsilon=2.0, delta=1e-5,
                        config={"autoencoder": {"steps": 3, "batch": 64}, "diffusion": {"enabled": False}}).ledger
    assert any("assumed to be public" in text for text in ledger["assumptions"])
    for wrong in [dict(), dict(schema=SKETCH, domain="assume-public"), dict(schema=SKETCH, budget=budget)]:
        with pytest.raises(TypeError):
            flip.Table.read_csv(open_csv, **wrong)
    for wrong in [dict(domain="private"), dict(schema=SKETCH, domain="private"),
                  dict(schema=SKETCH, domain="private", budget=budget, shares=0.1)]:
        with pytest.warns(DeprecationWarning), pytest.raises(TypeError):
            flip.Table.read_csv(open_csv, **wrong)
    with pytest.raises(flip.ArgumentError):
        flip.Table.read_csv(open_csv, SKETCH, domain="other")
    with pytest.raises(flip.SchemaError):
        flip.Table.read_csv(open_csv, SKETCH)


def test_a_domain_and_a_training_under_exact_sums(tmp_path):
    """What was bought and what was trained: the script of an outsider finds both, also together."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    pytest.importorskip("dp_accounting", reason="SKIPPED: dp_accounting is not installed")
    r = numpy.random.default_rng(1)
    path = tmp_path / "t.csv"
    pandas.DataFrame({"sex": r.choice(["f", "m"], 900), "age": r.integers(18, 90, 900),
                      "ward": r.choice(["a", "b", "c"], 900)}).to_csv(path, index=False)
    shared = flip.Budget(tmp_path / "b", epsilon=3, delta=1e-5, selection_delta=1e-7, filter="gaussian")
    sketch = {"fields": [{"name": "sex", "type": "string", "constraints": {"required": True, "enum": ["f", "m"]}},
                         {"name": "age", "type": "integer", "constraints": {"required": True}},
                         {"name": "ward", "type": "string", "constraints": {"required": True}}]}
    bought = flip.release_domain(path, sketch, budget=shared, share=0.2)
    model = flip.train(flip.Table.read_csv(path, bought.schema), protected=["sex"], preset="best", budget=shared,
                       share=0.7, progress=False, config={
                           **SMALL_BEST, "rake": {"steps": 4, "pool": 1000},
                           "projection": {"rows": 64, "steps": 20}})
    domain = model.ledger["domain"]
    assert model.ledger["accountant"] == "gaussian" and domain["sensitivity"] == pytest.approx(3 ** 0.5)
    assert model.ledger["spent"] < domain["epsilon_together"] <= shared.spent * (1 + 1e-9) <= 3
    file = tmp_path / "m.h5"
    model.save(file)
    said = subprocess.run([sys.executable, os.path.join(ROOT, "examples", "python", "recompute_epsilon.py"), file],
                          capture_output=True, text=True)
    result = json.loads(said.stdout)
    assert said.returncode == 0 and result["agrees"] and result["exact"], said.stdout + said.stderr
    assert result["with_domain"] == pytest.approx(domain["epsilon_together"], rel=0.01)
