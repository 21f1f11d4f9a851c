#!/usr/bin/env python3
"""Processes killed at a random moment of training, saving and charging: nothing is lost, nothing is overspent.

usage: kills.py [NUMBER]          kills of each of the three, 10 unless given; `kills.py 100` is the long form
A child process works and says what it has done; SIGKILL ends it after 0 to 60 milliseconds. Then, in this process:
- charging: every charge that the child knows of is in the budget file, at most one more, and no more than it holds;
- saving: the file is the old model or the new one, complete;
- training: the checkpoint is complete, holds the charge of every step that was done, goes on to the end, and the run
  stays inside its promise and the budget inside its own.
Prints one line for each and "kills: N passed, N failed". The exit code is 0 when none failed.
"""
import gc
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import calls
import flip

from seeds import NARROW, SMALL

LIMIT = 1 + 1e-9
STEPS = {**SMALL, "autoencoder": {**SMALL["autoencoder"], "steps": 60},
         "diffusion": {**SMALL["diffusion"], "steps": 60}}


def killed(work, seconds):
    """Runs `work(say)` in a child, kills the child so long after its first word, and returns how often it spoke."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        try:
            work(lambda: os.write(into, b"."))
        except BaseException as caught:
            os.write(2, f"the child: {caught!r}\n".encode())
        finally:
            os._exit(0)
    os.close(into)
    said = len(os.read(out, 1))
    assert said, "the child never began"
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while piece := os.read(out, 1 << 16):
        said += len(piece)
    os.close(out)
    return said


def charging(folder, things, seconds):
    path = folder / "budget.h5"
    flip.Budget(path, **calls.BUDGET).close()

    def work(say):
        budget = flip.Budget(path)
        say()
        while True:
            budget.charge("mine", noise_multiplier=60.0)
            say()
    known = killed(work, seconds) - 1
    report = flip.Budget(path).report()
    charges = sum(event["count"] for run in report["runs"] for event in run["ledger"]["releases"])
    assert known <= charges <= known + 1, f"{charges} charges, {known} known"
    assert report["spent"] <= report["epsilon"] * LIMIT


def saving(folder, things, seconds):
    path = folder / "model.h5"
    things.model.save(path)
    old, new = things.model.to_bytes(), things.other.to_bytes()

    def work(say):
        say()
        while True:
            flip.load(things.folder / "other.h5").save(path)
            flip.load(things.folder / "model.h5").save(path)
    killed(work, seconds)
    assert path.read_bytes() in (old, new), "neither the old model nor the new one"
    flip.load(path).sample(3, seed=1)


def training(folder, things, seconds):
    path, file = folder / "budget.h5", folder / "run.ckpt"
    flip.Budget(path, **calls.BUDGET).close()

    def work(say):
        budget = flip.Budget(path)
        table = flip.Table.read_csv(things.folder / "rows.csv", NARROW)
        trainer = flip.Trainer(flip.plan(table.schema, budget=budget, epsilon=12.0, config=STEPS), table)
        trainer.step(max_steps=1)
        trainer.checkpoint(file)
        say()
        while True:
            progress = trainer.step(max_steps=1)
            say()
            if progress.step == progress.total:
                time.sleep(60)
            if progress.step % 7 == 0:
                trainer.checkpoint(file)
    done = killed(work, seconds)
    budget = flip.Budget(path)
    assert budget.spent <= budget.epsilon * LIMIT, "overspent"
    trainer = flip.Trainer.resume(file, things.table, budget)
    counted = sum(release["count"] for release in trainer.ledger["releases"])
    assert counted >= done, f"{counted} charged, {done} done"
    try:
        while (progress := trainer.step(max_steps=50)).step < progress.total:
            pass
        model = trainer.finish()
        cost = flip.Accountant.of_model(model).epsilon(model.ledger["delta"])
        assert cost <= model.ledger["epsilon"] * LIMIT, "a run above its promise"
    except flip.BudgetError:
        pass                                             # what was charged and lost was too much to end with
    trainer.close()
    assert budget.spent <= budget.epsilon * LIMIT, "overspent in the end"


def main():
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    passed = failed = 0
    chance = random.Random(5)
    with tempfile.TemporaryDirectory(prefix="kills-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as place:
        place = Path(place)
        things = calls.Things(place)
        things.other = flip.train(things.table, things.plan, progress=False)
        things.other.save(place / "other.h5")
        for work in (charging, saving, training):
            good = 0
            for n in range(number):
                folder = place / f"{work.__name__}-{n}"
                folder.mkdir()
                try:
                    work(folder, things, chance.random() * 0.06)
                    good += 1
                except Exception as caught:
                    print(f"{work.__name__} {n}: {caught!r}", flush=True)
                gc.collect()
            print(f"{work.__name__}: {good} of {number} kills left everything whole", flush=True)
            passed, failed = passed + good, failed + number - good
    print(f"kills: {passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
