"""Plans, training, models: the whole way in Python, and every way to stop it."""
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import typing

import flip
import numpy
import pandas
import pytest
from conftest import LONG, ROOT, SCHEMA, SMALL, make_frame

PROMISE = {"protected": ["sex"], "epsilon": 4.0, "delta": 1e-5}


def test_a_plan_needs_no_data(schema, plan):
    explained = plan.explain()
    assert plan.epsilon == 4.0 and plan.delta == 1e-5 and explained["config"]["autoencoder"]["steps"] == 12
    assert plan.epsilon_at(1e-5) == pytest.approx(4.0, rel=1e-9) and plan.epsilon_at(1e-7) > 4
    assert plan.memory(10_000_000) > plan.memory(1000) > 0
    assert "4" in repr(plan)


def test_distributions_price_only_what_is_constant(schema, model):
    declared = {**SMALL, "rows": {"declared": 40_000}}
    plan = flip.plan(schema, epsilon=4.0, delta=1e-5, config=declared)
    assert 0 < plan.epsilon_at(1e-5, "pld") < plan.epsilon_at(1e-5)
    for refused in (lambda: flip.plan(schema, epsilon=4.0, delta=1e-5, config=SMALL).epsilon_at(1e-5, "pld"),
                    lambda: flip.Accountant.of_model(model, "pld")):
        with pytest.raises(flip.Unsupported, match="declare the row count"):
            refused()
    assert flip.Accountant.of_model(model, rows=3).epsilon(1e-5) > flip.Accountant.of_model(model).epsilon(1e-5)


@pytest.mark.parametrize("columns, rows", [(12, 512), (128, 512), (129, 448), (200, 320), (600, 128)])
def test_a_step_reads_fewer_rows_of_a_wide_table(columns, rows):
    wide = {"fields": [{"name": f"x{k}", "type": "boolean", "constraints": {"required": True}}
                       for k in range(columns)]}

    def batch(**config):
        config = {"rows": {"guess": 10_000}, **config}
        return flip.plan(wide, epsilon=4.0, delta=1e-5, config=config).explain()["config"]["autoencoder"]["batch"]

    assert batch() == rows and batch(autoencoder={"steps": 2}) == rows
    assert batch(autoencoder={"batch": 512}) == 512


@pytest.mark.parametrize("preset, bought", [("published", "noise multiplier"), ("best", "marginals of at most")])
def test_a_plan_says_what_each_share_buys(schema, preset, bought):
    plan = flip.plan(schema, preset=preset, **PROMISE)
    explained, text = plan.explain(), plan.explanation()
    assert sum(r["share_of_budget"] for r in explained["releases"]) == pytest.approx(1, abs=1e-4)
    assert all(0 < r["epsilon_alone"] < 4
               for r in explained["releases"]) and explained["memory_bytes"] == plan.memory(20_000)
    assert {s["stage"] for s in explained["stages"] if not s["free"]} == {r["stage"] for r in explained["releases"]}
    assert str(plan) == text and bought in text and "do not add" in text
    for stage in explained["stages"]:
        assert f"\n{stage['stage']}" in text
    if preset == "best":
        marginals = explained["releases"][1]
        pairs = len(SCHEMA["fields"]) * (len(SCHEMA["fields"]) - 1) // 2
        assert (marginals["stage"],
                marginals["marginals"]) == ("marginals",
                                            pairs) and marginals["cell_noise_rows"] > 0 < marginals["cells_at_most"]


@pytest.mark.parametrize("options, error", [
    ({}, flip.ArgumentError),
    ({"epsilon": 1}, flip.ArgumentError),
    ({"epsilon": -1, "delta": 1e-5}, flip.ArgumentError),
    ({"epsilon": 1, "delta": 2}, flip.ArgumentError),
    ({"epsilon": 1, "delta": 1e-5, "protected": ["gender"]}, flip.ArgumentError),
    ({"epsilon": 1, "delta": 1e-5, "preset": "magic"}, flip.Unsupported),
    ({"epsilon": 1, "delta": 1e-5, "config": {"speed": 3}}, flip.ArgumentError),
    ({"epsilon": 1, "delta": 1e-3, "config": {"rows": {"declared": 5000}}}, flip.ArgumentError),
    ({"epsilon": 1e-9, "delta": 1e-300}, flip.BudgetError),
    ({"epsilon": 1, "delta": 1e-5, "config": {"epsilon": 2}}, TypeError),
    ({"epsilon": float("nan"), "delta": 1e-5}, ValueError),
])
def test_plans_that_are_refused(schema, options, error):
    with pytest.raises(error):
        flip.plan(schema, **options)


def test_a_plan_from_a_dict_text_or_file(schema, tmp_path):
    """The schema made on the way lives as long as the call needs it."""
    (tmp_path / "s.json").write_text(json.dumps(SCHEMA))
    wanted = flip.plan(schema, config=SMALL, **PROMISE).json
    for source in (SCHEMA, json.dumps(SCHEMA), tmp_path / "s.json", str(tmp_path / "s.json")):
        for _ in range(20):
            assert flip.plan(source, config=SMALL, **PROMISE).json == wanted


def test_no_pointer_of_a_temporary_object_crosses():
    """`X(...)._pointer` would be freed before the call that takes it."""
    folder = os.path.dirname(flip.__file__)
    for name in os.listdir(folder):
        if name.endswith(".py"):
            assert ")._pointer" not in open(os.path.join(folder, name), encoding="utf-8").read(), name


def test_the_whole_way(model, schema, tmp_path):
    rows = model.sample(500, seed=1)
    assert len(rows) == 500 and rows.schema == schema == model.schema
    frame = rows.to_pandas()
    assert frame["age"].between(18, 90).all() and frame["sex"].notna().all() and frame["weight"].dropna().between(
        0, 200).all()
    path = tmp_path / "m.flip.h5"
    model.save(path)
    again = flip.load(path)
    pandas.testing.assert_frame_equal(again.sample(500, seed=1).to_pandas(), frame)
    pandas.testing.assert_frame_equal(pickle.loads(pickle.dumps(model)).sample(500, seed=1).to_pandas(), frame)
    assert model.to_bytes() == path.read_bytes()
    assert again.ledger == model.ledger and again.info == model.info
    assert flip.file_check(path)["usable"] is True


def test_descriptions_name_what_is_there(model, table, plan, tmp_path):
    """Keys of the dicts stand in their types, which the docstrings name, and names of stages in the header."""
    model.save(tmp_path / "m.h5")
    for found, kind, said in ((model.info, flip.ModelRecord, flip.Model.info.__doc__),
                              (model.ledger, flip.Ledger, flip.Model.ledger.__doc__),
                              (flip.file_check(tmp_path / "m.h5"), flip.FileCheck, flip.file_check.__doc__)):
        assert set(found) <= set(typing.get_type_hints(kind)) and kind.__name__ in said
    header = open(os.path.join(ROOT, "include", "flip.h"), encoding="utf-8").read()
    with flip.Trainer(plan, table) as trainer:
        stages = {trainer.step(max_steps=1, max_seconds=0).stage_name for _ in range(27)}
    assert len(stages) >= 3 and all(f'"{stage}"' in header for stage in stages), stages
    assert "Arrow" not in open(os.path.join(ROOT, "NOTICE"), encoding="utf-8").read()


def test_rows_of_a_seed_do_not_depend_on_chunks(model):
    whole = model.sample(900, seed=7).to_pandas()
    parts = [model.sample(300, seed=7, first=k, threads=1 + k // 300).to_pandas() for k in (0, 300, 600)]
    pandas.testing.assert_frame_equal(pandas.concat(parts, ignore_index=True), whole)
    assert not model.sample(900, seed=8).to_pandas().equals(whole)
    assert not model.sample(900).to_pandas().equals(model.sample(900).to_pandas())


def test_the_ledger_can_be_recomputed(model):
    from dp_accounting import dp_event
    from dp_accounting.rdp import RdpAccountant
    ledger = model.ledger
    assert ledger["accountant"] == "renyi" and ledger["epsilon"] == 4.0 and ledger["delta"] == 1e-5
    for group, claimed in ledger["groups"].items():
        accountant = RdpAccountant(orders=[ledger["order"]])
        ours = flip.Accountant.of_model(model, group=group)
        for release in ledger["releases"]:
            if "rho" in release:
                accountant.compose(dp_event.ZCDpEvent(release["rho"]), release["count"])
                continue
            share = release["groups"][group]
            accountant.compose(
                dp_event.PoissonSampledDpEvent(share["sampling_rate"],
                                               dp_event.GaussianDpEvent(share["noise_multiplier"])), release["count"])
        assert accountant.get_epsilon(ledger["delta"]) == pytest.approx(claimed, rel=1e-6)
        assert ours.epsilon(ledger["delta"]) == pytest.approx(claimed, rel=1e-9) and claimed <= 4.0
    assert {r["name"] for r in ledger["releases"]} >= {"histograms", "autoencoder", "diffusion"}


def test_a_report_says_what_is_not_private(table, schema, model):
    assert "NOT PRIVATE" not in model.ledger_report()
    seeded = flip.train(table, flip.plan(schema, preset="published", config={**SMALL, "test_seed": 5}, **PROMISE),
                        progress=False)
    assert seeded.ledger_report().startswith(
        "NOT PRIVATE") and "deterministic noise: not private" in seeded.ledger["assumptions"]


def test_accountants_agree_with_dp_accounting():
    from dp_accounting import dp_event
    from dp_accounting.rdp import RdpAccountant
    random = numpy.random.default_rng(5)
    for _ in range(40):
        theirs, ours = RdpAccountant(orders=list(range(2, 65)) + [128, 256, 512, 1024]), flip.Accountant("renyi")
        for _ in range(int(random.integers(1, 4))):
            q, sigma, count = float(10**random.uniform(-4,
                                                       0)), float(10**random.uniform(-0.2,
                                                                                     1.5)), int(random.integers(1, 500))
            theirs.compose(dp_event.PoissonSampledDpEvent(q, dp_event.GaussianDpEvent(sigma)), count)
            ours.compose(noise_multiplier=sigma, sampling_rate=q, count=count)
        delta = float(10 ** random.uniform(-9, -3))
        assert ours.epsilon(delta) == pytest.approx(theirs.get_epsilon(delta), rel=1e-6, abs=1e-9)


def test_calibration():
    sigma = flip.calibrate(sampling_rate=0.03, count=400, epsilon=2, delta=1e-5)
    assert flip.Accountant().compose(sigma, 0.03, 400).epsilon(1e-5) == pytest.approx(2, rel=1e-6)
    events = [{"sampling_rate": 0.03, "noise_multiplier": 2, "count": 400}]
    assert 2 * flip.calibrate(events, epsilon=2, delta=1e-5) == pytest.approx(sigma, rel=1e-6)
    with pytest.raises(TypeError):
        flip.calibrate(epsilon=2, delta=1e-5)
    with pytest.raises(flip.Unsupported):
        flip.Accountant("moments")
    by_distributions = flip.calibrate(sampling_rate=0.03, count=400, epsilon=2, delta=1e-5, accountant="pld")
    assert by_distributions < sigma
    assert flip.Accountant("pld").compose(by_distributions, 0.03, 400).epsilon(1e-5) == pytest.approx(2, rel=1e-3)
    assert flip.calibrate(sampling_rate=0.03, count=400, epsilon=2, delta=1e-5, rows=2) > sigma


def test_training_with_options_instead_of_a_plan(table):
    assert flip.train(table, progress=False, config=SMALL, **PROMISE).ledger["epsilon"] == 4.0


def test_a_plan_and_options_together_make_no_sense(table, plan):
    with pytest.raises(TypeError):
        flip.train(table, plan, epsilon=1)


def test_progress_is_told(table, plan, capfd):
    seen = []
    flip.train(table, plan, progress=seen.append)
    assert seen[-1].done and seen[-1].step == seen[-1].total and 0 < seen[-1].epsilon <= 4
    assert [p.step for p in seen] == sorted(p.step for p in seen)
    assert capfd.readouterr() == ("", "")
    flip.train(table, plan, progress=True)
    assert "ε" in capfd.readouterr().err
    flip.train(table, plan)
    assert capfd.readouterr() == ("", "")


def test_what_progress_raises_comes_out(table, schema):
    plan = flip.plan(schema, config=LONG, **PROMISE)
    for error in (KeyboardInterrupt, ZeroDivisionError):
        def stop(progress):
            raise error
        with pytest.raises(error):
            flip.train(table, plan, progress=stop)


@pytest.mark.parametrize("bound", [False, True], ids=["no file", "checkpoint"])
def test_an_interrupt_after_the_last_step_leaves_the_model(table, plan, tmp_path, monkeypatch, bound):
    step, total = flip.Trainer.step, []

    def interrupted(trainer, *arguments):
        state = step(trainer, 1, 0)
        total.append(state)
        if state.step == last:
            raise KeyboardInterrupt
        return state

    monkeypatch.setattr(flip.Trainer, "step", interrupted)
    options = {"checkpoint": tmp_path / "run.ckpt"} if bound else {}
    last = sum(stage["steps"] for stage in plan.explain()["stages"])
    with pytest.warns(UserWarning, match="the model is complete"):
        model = flip.train(table, plan, progress=False, **options)
    assert model.sample(5, seed=1).rows == 5 and total[-1].done
    last -= 1                                   # one step earlier there is no model
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        flip.train(table, plan, progress=False, **options)
    assert bound == any(tmp_path.iterdir())


def test_a_trainer_step_by_step(table, plan, tmp_path):
    with flip.Trainer(plan, table) as trainer:
        with pytest.raises(flip.StateError):
            trainer.finish()
        assert trainer.step(max_steps=2, max_seconds=0).step == 2
        trainer.checkpoint(tmp_path / "c")
        spent = trainer.ledger["spent"]
    with flip.Trainer.resume(tmp_path / "c", table) as trainer:
        assert trainer.ledger["spent"] == pytest.approx(spent)
        while not trainer.step().done:
            pass
        assert trainer.finish().sample(5, seed=1).rows == 5


def test_cancel_from_another_thread(table, schema):
    plan = flip.plan(schema, config=LONG, **PROMISE)
    with flip.Trainer(plan, table) as trainer:
        threading.Timer(0.2, trainer.cancel).start()
        with pytest.raises(flip.Cancelled):
            trainer.step(max_seconds=0)
        assert trainer.step(max_steps=1).step > 1


CHILD = """
import sys, flip
sys.path.insert(0, {tests!r})
from conftest import LONG, make_frame, SCHEMA
table = flip.Table.from_pandas(make_frame(), flip.Schema(SCHEMA))
print("ready", flush=True)
try:
    flip.train(table, protected=["sex"], epsilon=4.0, delta=1e-5, config=LONG, progress=False,
               checkpoint={checkpoint!r})
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def test_ctrl_c_leaves_a_checkpoint(tmp_path, table):
    path = str(tmp_path / "run.ckpt")
    code = CHILD.format(tests=os.path.join(ROOT, "Tests", "python"), checkpoint=path)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0 and out == "stopped\n", err
    with flip.Trainer.resume(path, table) as trainer:
        assert trainer.step(max_steps=1).step > 1


def test_an_interrupted_training_goes_on(table, schema, tmp_path):
    path = str(tmp_path / "run.ckpt")
    plan = flip.plan(schema, config={**SMALL, "autoencoder": {**SMALL["autoencoder"], "steps": 600}}, **PROMISE)
    seen = []

    def stop(progress):
        seen.append(progress)
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        flip.train(table, plan, progress=stop, checkpoint=path)
    later = []
    model = flip.train(table, plan, progress=later.append, checkpoint=path, resume=True)
    assert later[0].step > seen[0].step and max(model.ledger["groups"].values()) <= 4.0


@pytest.mark.parametrize("other",
                         [{"epsilon": 0.5}, {"delta": 1e-6}, {"protected": []}, {"config": {**LONG, "seed": 5}}])
def test_a_checkpoint_goes_on_under_its_own_plan_only(table, schema, tmp_path, other):
    path = str(tmp_path / "run.ckpt")
    with flip.Trainer(flip.plan(schema, config=LONG, **PROMISE), table) as trainer:
        trainer.step(max_steps=3, max_seconds=0)
        trainer.checkpoint(path)
        assert trainer.plan.json == flip.plan(schema, config=LONG, **PROMISE).json
    before = open(path, "rb").read()
    options = {**PROMISE, "config": LONG, **other}
    for way in ({"plan": flip.plan(schema, **options)}, options):
        with pytest.raises(flip.StateError, match="plan"):
            flip.train(table, checkpoint=path, resume=True, progress=False, **way)
    assert open(path, "rb").read() == before
    with pytest.raises(flip.ArgumentError):
        flip.train(table, checkpoint=path, resume=True, progress=False)     # without a plan: no default promise
    with flip.Trainer.resume(path, table) as trainer:
        assert trainer.plan.epsilon == 4.0 and trainer.plan.json == flip.plan(schema, config=LONG, **PROMISE).json


def test_a_checkpoint_is_bound_before_the_first_step(table, schema, tmp_path):
    """The file is there when progress is told, charged for what was drawn, and it is not written over."""
    path = str(tmp_path / "run.ckpt")
    plan = flip.plan(schema, config=LONG, **PROMISE)
    seen = []

    def crash(progress):
        if progress.step < 2:
            return  # a slow machine tells of the first release before its result is kept
        with flip.Trainer.resume(path, table) as other:         # what a crash at this moment would leave behind
            seen.append((progress, other.ledger["spent"], other.step(max_steps=1, max_seconds=0).step))
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        flip.train(table, plan, progress=crash, checkpoint=path)
    progress, spent, step = seen[0]
    assert spent >= progress.epsilon > 0 and step > progress.step
    before = open(path, "rb").read()
    with pytest.raises(flip.StateError,
                       match="exists; pass resume=True to continue it, or delete it: its charges would be lost"):
        flip.train(table, plan, progress=False, checkpoint=path)
    assert open(path, "rb").read() == before


def test_ctrl_c_in_sampling(model):
    def stop(progress):
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        model.sample(200_000, seed=1, progress=stop)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told(model, table):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            model.sample(5, seed=1)
            os.write(write, b"sampled")
        except flip.StateError:
            os.write(write, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"refused"
    assert model.sample(5, seed=1).rows == 5


def test_files_that_are_no_models(tmp_path, table):
    path = tmp_path / "x"
    path.write_bytes(b"hello")
    with pytest.raises(flip.FormatError):
        flip.load(path)
    with pytest.raises(flip.FormatError):
        flip.Model.from_bytes(b"")
    with pytest.raises(flip.FileError) as caught:
        flip.load(tmp_path / "none")
    assert isinstance(caught.value, OSError) and "none" in str(caught.value)
    table.write_hdf5(path)
    with pytest.raises(flip.FormatError):
        flip.load(path)
    assert flip.file_check(path)["usable"] is False


def test_other_rows_make_other_models_and_the_same_shape_of_ledger(schema, plan):
    """Two tables of different size: the ledgers name the same releases, counts and assumptions."""
    a, b = (flip.train(flip.Table.from_pandas(make_frame(n, seed=n), schema), plan, progress=False).ledger
            for n in (600, 900))
    assert a["assumptions"] == b["assumptions"]
    assert [(r["name"], r["count"]) for r in a["releases"]] == [(r["name"], r["count"]) for r in b["releases"]]


def test_canary_cells_appear_nowhere(schema, plan, tmp_path):
    """A value of one row is in no file, ledger, message or progress of its training."""
    frame = make_frame(600, seed=3)
    frame.loc[17, "weight"] = 123.45678901234567
    import struct
    needle = struct.pack("<d", 123.45678901234567)
    table = flip.Table.from_pandas(frame, schema)
    with flip.Trainer(plan, table) as trainer:
        trainer.step(max_steps=10, max_seconds=0)
        trainer.checkpoint(tmp_path / "c")
        while not trainer.step().done:
            pass
        model = trainer.finish()
    for data in (model.to_bytes(), (tmp_path / "c").read_bytes(), repr(model.ledger).encode(),
                 repr(model.info).encode()):
        assert needle not in data and b"123.4567" not in data
