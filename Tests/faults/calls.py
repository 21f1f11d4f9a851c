"""Every call of libflip that touches a file, as a function with what has to be true before and after it.

A Call has `make(folder)`, which prepares files and handles and returns what is then called under a fault; `target`, the
file that the call replaces; and `whole(path)`, which fails unless that file is complete.
"""
import ctypes
import shutil
import sys
from pathlib import Path
from typing import Callable, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bindings" / "python"))
sys.path.insert(0, str(ROOT / "Tests" / "fuzz"))

import flip
from flip._library import CALLBACK, call, lib, new

from seeds import NARROW, SMALL, narrow_csv

BUDGET = {"epsilon": 30.0, "delta": 1e-3, "selection_delta": 1e-4}
STEPS = {"preset": "published", "rows": {"guess": 400}, **{part: {**SMALL[part], "steps": 40} for part in (
    "autoencoder", "diffusion")}}


class Call(NamedTuple):
    make: Callable[[Path], Callable[[], object]]
    target: Optional[str] = None                         # the file that is replaced
    whole: Optional[Callable[[Path], object]] = None
    takes_handle: bool = False
    once: bool = False                                   # makes a release that is never made a second time


class Things:
    """What is made once, without faults."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "rows.csv").write_text(narrow_csv())
        self.schema = flip.Schema(NARROW)
        self.table = flip.Table.read_csv(folder / "rows.csv", self.schema)
        self.table.write_hdf5(folder / "rows.h5")
        self.plan = flip.plan(self.schema, epsilon=8.0, delta=1e-3, config=SMALL)
        self.model = flip.train(self.table, self.plan, progress=False)
        self.model.save(folder / "model.h5")
        trainer = flip.Trainer(self.plan, self.table)
        trainer.step(max_steps=1)
        trainer.checkpoint(folder / "checkpoint.h5")

    def again(self):
        """The same things with handles of this process, after a fork."""
        self.schema = flip.Schema(NARROW)
        self.table = flip.Table.read_hdf5(self.folder / "rows.h5")
        self.plan = flip.plan(self.schema, epsilon=8.0, delta=1e-3, config=SMALL)
        self.model = flip.load(self.folder / "model.h5")
        return self

    def copy(self, name, folder, to=None):
        shutil.copy(self.folder / name, folder / (to or name))
        return folder / (to or name)


def resume(things, path):
    flip.Trainer.resume(path, things.table).close()


kept = []                                                # trainers that are not freed under a fault


def calls(things):
    """name: Call."""
    def reading(function, name):
        def make(folder):
            path = things.copy(name, folder)
            return lambda: function(path)
        return Call(make)

    def budget(folder):
        return flip.Budget(folder / "budget.h5", **BUDGET)

    def charge(folder):
        held = budget(folder)
        return lambda: held.charge("mine", noise_multiplier=40.0)

    def settle(folder):
        held = budget(folder)
        plan = flip.plan(things.schema, budget=held, epsilon=9.0, config=SMALL)
        trainer = flip.Trainer(plan, things.table)
        trainer.step(max_steps=1)
        trainer.checkpoint(folder / "c.h5")
        trainer.close()
        run = held.report()["runs"][0]["run"]
        return lambda: held.settle(run)

    def shared(folder):
        held = budget(folder)
        plan = flip.plan(things.schema, budget=held, epsilon=9.0, config=SMALL)
        return lambda: kept.append(flip.Trainer(plan, things.table))       # freeing it settles, which cannot fail

    def step(done):
        def make(folder):
            trainer = flip.Trainer(flip.plan(things.schema, epsilon=8.0, delta=1e-3, config=STEPS), things.table)
            if done:
                trainer.step(max_steps=done)
            trainer.checkpoint(folder / "c.h5")
            return lambda: trainer.step(max_steps=20)
        return make

    def checkpoint(folder):
        trainer = flip.Trainer(things.plan, things.table)
        things.copy("checkpoint.h5", folder, "c.h5")
        return lambda: trainer.checkpoint(folder / "c.h5")

    def buy(folder):
        held, csv = budget(folder), bytes(things.copy("rows.csv", folder))
        sketch = b'{"fields": [{"name": "age", "type": "integer"}, {"name": "sex", "type": "string"}]}'

        def run():
            schema, report = ctypes.c_void_p(), ctypes.c_void_p()
            call("flip_domain_buy", held._pointer, sketch, len(sketch), csv,
                 b'{"epsilon": 9, "selection_delta": 1e-5}', CALLBACK(), None, ctypes.byref(schema),
                 ctypes.byref(report))
            lib.flip_buffer_free(report)
            lib.flip_schema_free(schema)
        return run

    def writing(function, old):
        def make(folder):
            target = things.copy(old, folder, "target" + Path(old).suffix)
            return lambda: function(target)
        return make

    def convert(folder):
        source = things.copy("rows.csv", folder)
        things.copy("rows.h5", folder, "target.h5")
        return lambda: flip.convert(source, folder / "target.h5", things.schema)

    def read_table(path):
        assert flip.Table.read_hdf5(path).rows == 400

    def open_budget(path):
        report = flip.Budget(path).report()
        assert report["spent"] <= report["epsilon"]

    def whole_csv(path):
        assert flip.Table.read_csv(path, things.schema).rows == 400

    return {
        "flip_table_read_csv": reading(lambda path: flip.Table.read_csv(path, things.schema), "rows.csv"),
        "flip_schema_check_csv": reading(lambda path: things.schema.check(path), "rows.csv"),
        "flip_schema_infer_csv": reading(flip.Schema.infer, "rows.csv"),
        "flip_table_read_hdf5": reading(lambda path: flip.Table.read_hdf5(path, things.schema), "rows.h5"),
        "flip_schema_infer_hdf5": reading(flip.Schema.infer, "rows.h5"),
        "flip_file_check": reading(flip.file_check, "model.h5"),
        "flip_model_load": reading(flip.load, "model.h5"),
        "flip_trainer_resume": reading(lambda path: resume(things, path), "checkpoint.h5"),
        "flip_table_write_csv": Call(writing(lambda path: things.table.to_csv(path), "rows.csv"), "target.csv",
                                     whole_csv, True),
        "flip_table_write_hdf5": Call(writing(lambda path: things.table.write_hdf5(path), "rows.h5"), "target.h5",
                                      read_table, True),
        "flip_table_convert": Call(convert, "target.h5", read_table),
        "flip_model_save": Call(writing(lambda path: things.model.save(path), "model.h5"), "target.h5", flip.load,
                                True),
        "flip_trainer_checkpoint": Call(checkpoint, "c.h5", lambda path: resume(things, path), True),
        "flip_trainer_step": Call(step(1), "c.h5", lambda path: resume(things, path), True),
        "flip_trainer_step, first": Call(step(0), "c.h5", lambda path: resume(things, path), True, True),
        "flip_trainer_create": Call(shared, "budget.h5", open_budget, True),
        "flip_budget_create": Call(lambda folder: lambda: new("flip_budget_create", bytes(folder / "new.h5"),
                                                              b'{"epsilon": 3, "delta": 1e-3}'), "new.h5", open_budget),
        "flip_budget_charge": Call(charge, "budget.h5", open_budget, True),
        "flip_budget_settle": Call(settle, "budget.h5", open_budget, True),
        "flip_domain_buy": Call(buy, "budget.h5", open_budget, True),
    }
