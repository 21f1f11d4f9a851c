"""Rows that stay where they are: training from sums.

    engine = flip.remote.Files("admissions/", "admissions.schema.json")           # Parquet or CSV, larger than memory
    plan = flip.plan("admissions.schema.json", protected=["sex"], epsilon=2, delta=1e-7)
    model = flip.remote.train(engine, plan)

The trainer says which sums over rows it needs next (an ask). An engine gathers them wherever the rows are: `part_sums`
makes those of one part, `merge` adds some up. The trainer charges, draws its noise and wipes them. flip.spark and
flip.dask are such engines. Sums are as secret as the rows; docs/CLUSTER.md says who may see what.
"""

from __future__ import annotations

from ctypes import byref, sizeof
from typing import Iterable, Optional, Protocol

from ._domain_sums import release_domain
from ._files import Files, add_file
from ._library import CProgress, Path, call, config_bytes, new, path_bytes, take_bytes
from ._model import Model
from ._plan import Plan
from ._progress import Progress, Report, from_c
from ._sums import Sums, ask_info, merge, part_sums
from ._train import Trainer, carry_out

__all__ = ["Engine", "Files", "Sums", "add_file", "ask_info", "merge", "part_sums", "release_domain", "train"]


class Engine(Protocol):
    """What gathers sums where the rows are."""

    def parts(self) -> int:
        """Into how many parts the rows are dealt; they are numbered from 0. Asked before every reading."""

    def sums(self, ask: bytes) -> Iterable[bytes]:
        """Exported sums that together hold every part of the ask once."""


class RemoteTrainer(Trainer):
    """A plan being carried out on rows elsewhere: `step` asks the engine where a release needs sums."""

    def __init__(self, engine: Engine, pointer: int) -> None:
        """Used by `train`."""
        super().__init__(pointer, None)
        self.engine = engine

    def step(self, max_steps: int = 0, max_seconds: float = 0.1) -> Progress:
        """As Trainer.step; where the next step needs sums of rows, it is that step alone."""
        if not take_bytes("flip_trainer_ask", self._pointer, 1):
            return super().step(max_steps, max_seconds)
        ask = take_bytes("flip_trainer_ask", self._pointer, self.engine.parts())
        c = CProgress(size=sizeof(CProgress))
        with Sums(ask) as total:
            for exported in self.engine.sums(ask):
                total.merge(exported)
            call("flip_trainer_answer", self._pointer, total._pointer, byref(c))
        return from_c(c)


def train(engine: Engine, plan: Plan, *, checkpoint: Optional[Path] = None, resume: bool = False,
          progress: Report = None, roll_call: str = "auto", invalid: str = "refuse") -> Model:
    """Trains on rows that an engine reads, and returns the Model: the preset "best" without finetuning.

    checkpoint, resume, progress: as in flip.train.
    roll_call: "once" reads the rows once more, before anything is charged, so that rows which change while they are
    read are seen before the first charge rather than before the second; "none" does not; "auto" does what the engine
    advises, by its attribute `roll_call`.
    invalid: "refuse" or "coerce", for cells that break the schema.

    Refused before anything is charged: StateError for parts that are missing or come twice and for rows that changed
    between two readings, SchemaError for no rows and for cells that break the schema; after the first charge these are
    replaced. Unsupported for a plan that samples single rows. Otherwise the errors of flip.train.
    """
    if not isinstance(plan, Plan):
        raise TypeError("plan must be a flip.Plan")
    if roll_call == "auto":
        roll_call = getattr(engine, "roll_call", "none")
    config = config_bytes({"roll_call": roll_call, "invalid": invalid})

    def begin() -> Trainer:
        return RemoteTrainer(engine, new("flip_trainer_create_remote", plan._pointer, config))

    def go_on(path: Path) -> Trainer:
        budget = plan.budget._pointer if plan.budget else None
        return RemoteTrainer(engine, new("flip_trainer_resume_remote", path_bytes(path), budget, config))

    return carry_out(plan, begin, go_on, progress, checkpoint, resume)
