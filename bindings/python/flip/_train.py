"""Training: Python owns the loop and runs the library in slices of a tenth of a second."""

from __future__ import annotations

import os
import time
import warnings
from ctypes import byref, sizeof
from typing import Any, Callable, Optional, Union

from ._budget import Budget
from ._errors import FlipError, StateError
from ._library import CProgress, Handle, Path, call, lib, new, path_bytes, take_json
from ._model import Model
from ._plan import Plan, plan as make_plan
from ._progress import Progress, Report, from_c, reporter
from ._table import Table
from ._types import Ledger


class Trainer(Handle):
    """A plan being carried out on a table, step by step. A context manager: leaving it frees it."""

    _free = "flip_trainer_free"

    def __init__(self, plan: Union[Plan, int], table: Optional[Table]) -> None:
        """Begins a training; reads nothing yet. (A number is a pointer the library gave.)"""
        if isinstance(plan, int):
            super().__init__(plan)
        elif table is None:
            raise TypeError("a training needs a table; flip.remote.train has one for rows elsewhere")
        else:
            super().__init__(new("flip_trainer_create", plan._pointer, table._pointer))

    @classmethod
    def resume(cls, path: Path, table: Table, budget: Optional[Budget] = None) -> Trainer:
        """Goes on from a checkpoint. You vouch that `table` is the same table. budget: the flip.Budget it was begun
        under, if any."""
        if budget is not None:
            return cls(new("flip_trainer_resume_under", path_bytes(path), table._pointer, budget._pointer), table)
        return cls(new("flip_trainer_resume", path_bytes(path), table._pointer), table)

    def step(self, max_steps: int = 0, max_seconds: float = 0.1) -> Progress:
        """Does at least one step, then goes on for `max_steps` or `max_seconds` (0: no such limit).

        Returns the Progress. Cancelled after `cancel`: the next call goes on. BudgetError when the released row count
        shows that delta is not below 1/n: this training cannot be finished. FileError when the checkpoint that is bound
        to the trainer cannot be charged, EntropyError and OutOfMemory: the trainer stays where it was.
        """
        c = CProgress(size=sizeof(CProgress))
        call("flip_trainer_step", self._pointer, max_steps, max_seconds, byref(c))
        return from_c(c)

    def checkpoint(self, path: Path) -> None:
        """Writes all that is needed to go on later, and no row. Later steps are charged to this file before they are
        drawn. FileError: the file that was there stays."""
        call("flip_trainer_checkpoint", self._pointer, path_bytes(path))

    @property
    def plan(self) -> Plan:
        """The plan that is carried out; after `resume` the one in the checkpoint."""
        return Plan(new("flip_trainer_plan", self._pointer))

    @property
    def ledger(self) -> Ledger:
        """What was spent so far, as Model.ledger says it."""
        ledger: Ledger = take_json("flip_trainer_ledger", self._pointer)
        return ledger

    def cancel(self) -> None:
        """Stops the step that runs when its micro-batch is done, or else the next step, with Cancelled.

        Any thread may call it. What was charged stays charged, and the trainer can be continued.
        """
        lib.flip_trainer_cancel(self._pointer)

    def finish(self) -> Model:
        """The model. StateError before the last step was done."""
        return Model(new("flip_trainer_finish", self._pointer))

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def finished(trainer: Trainer) -> Optional[Model]:
    """The model of a training whose last step was done, else None."""
    try:
        return trainer.finish()
    except StateError:
        return None


def train(table: Table, plan: Optional[Plan] = None, progress: Report = None, checkpoint: Optional[Path] = None,
          resume: bool = False, **options: Any) -> Model:
    """Trains and returns the Model. For a table whose persons have a bounded number of rows the promise is for persons.

    plan: a flip.Plan; without one, `options` are those of flip.plan(), `budget` among them.
    progress: None (a bar on a terminal), True, False, or a function that takes a Progress.
    checkpoint: a path, written at the start, twice a minute and when the training is interrupted. Whatever is drawn is
    charged to it first. A file that is there already is an error, StateError, unless it is resumed.
    resume: whether to go on from the checkpoint where there is one; StateError if it was begun with another plan.

    Ctrl-C is heard between steps: about ten times a second, except where one step takes longer. What was charged stays
    charged. If the last step was done by then, the model is returned, with a warning.
    SchemaError for a table of another schema, StateError for a plan for persons and a table without a bound on their
    rows, or the other way round, and the errors of Trainer.step.
    """
    if plan is not None and options:
        raise TypeError("give a plan, or the options of one: " + ", ".join(options))
    if plan is not None and not isinstance(plan, Plan):
        raise TypeError("plan must be a flip.Plan")
    if plan is None:
        bound = table.max_rows_per_person
        if bound and "max_rows_per_person" not in (options.get("config") or {}):
            options["config"] = {**(options.get("config") or {}), "max_rows_per_person": bound}
        plan = make_plan(table.schema, **options)
    return carry_out(plan, lambda: Trainer(plan, table), lambda path: Trainer.resume(path, table, plan.budget),
                     progress, checkpoint, resume)


def carry_out(plan: Plan, begin: Callable[[], Trainer], go_on: Callable[[Path], Trainer], progress: Report,
              checkpoint: Optional[Path], resume: bool) -> Model:
    """The loop of `train`: begins a trainer, or goes on with the one in the checkpoint, and steps it to its end."""
    there = checkpoint if checkpoint and os.path.lexists(checkpoint) else None
    if there and not resume:
        raise StateError(
            f"{os.fspath(there)}: exists; pass resume=True to continue it, or delete it: its charges would be lost")
    if there:
        trainer = go_on(there)
        if trainer.plan.json != plan.json:
            trainer.close()
            raise StateError(
                f"{os.fspath(there)}: was begun with another plan; use that one, or begin anew with another file")
    else:
        trainer = begin()
    report = reporter(progress)
    with trainer:
        if checkpoint and not there:
            trainer.checkpoint(checkpoint)  # bound before the first release: a crash loses steps and never their charge
        saved = time.monotonic()
        try:
            while True:
                state = trainer.step()
                if report:
                    report(state)
                if state.done:
                    return trainer.finish()
                if checkpoint and time.monotonic() - saved > 30:
                    trainer.checkpoint(checkpoint)
                    saved = time.monotonic()
        except BaseException as stopped:
            whole = finished(trainer) if isinstance(stopped, KeyboardInterrupt) else None
            if whole is not None:
                warnings.warn("interrupted after the last step: the model is complete", stacklevel=2)
                return whole
            if checkpoint:
                try:
                    trainer.checkpoint(checkpoint)
                except FlipError as problem:
                    warnings.warn(f"the checkpoint was not written: {problem}", stacklevel=2)
            raise
        finally:
            close = getattr(report, "close", None)
            if close:
                close()
