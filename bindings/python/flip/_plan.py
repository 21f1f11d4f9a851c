"""Plan: every release of a training and its ceiling, made without data."""

from __future__ import annotations

import json
from ctypes import byref, c_double, c_int64
from typing import Any, Iterable, Mapping, Optional, Union

from ._budget import Budget
from ._library import Handle, call, config_bytes, new, take_bytes, take_json
from ._schema import Schema, SchemaLike
from ._types import Explanation, PlanRecord


class Plan(Handle):
    """Made by flip.plan(). Never changes."""

    _free = "flip_plan_free"
    budget: Optional[Budget] = None
    """The flip.Budget that its trainings spend from, if it was made under one."""

    def explain(self) -> Explanation:
        """Stages, every release with its share of the budget and the noise of what it measures, what a row of each group
        pays, memory, and the configuration as resolved (flip.Explanation). Depends on no row."""
        explained: Explanation = take_json("flip_plan_explain", self._pointer)
        return explained

    def explanation(self) -> str:
        """The explanation as text for people, a line a stage; print(plan) shows it."""
        return take_bytes("flip_plan_explanation", self._pointer).decode()

    def __str__(self) -> str:
        return self.explanation()

    @property
    def json(self) -> str:
        """Canonical JSON text: schema, promise, every option as resolved. Two plans are the same when their texts are."""
        return take_bytes("flip_plan_json", self._pointer).decode()

    @property
    def dict(self) -> PlanRecord:
        """What `json` says: schema, promise and every option as resolved (flip.PlanRecord)."""
        record: PlanRecord = json.loads(self.json)
        return record

    def epsilon_at(self, delta: float, accountant: str = "renyi") -> float:
        """The epsilon all planned releases together may cost at `delta`."""
        out = c_double()
        call("flip_plan_epsilon", self._pointer, accountant.encode(), delta, byref(out))
        return out.value

    @property
    def epsilon(self) -> float:
        """The epsilon of the promise, at the plan's delta."""
        return float(self.explain()["epsilon"])

    @property
    def delta(self) -> float:
        """The delta of the promise."""
        return float(self.explain()["delta"])

    def memory(self, rows: int) -> int:
        """Bytes a training on `rows` rows needs besides the table: an upper estimate."""
        out = c_int64()
        call("flip_plan_memory", self._pointer, rows, byref(out))
        return out.value

    def __repr__(self) -> str:
        return f"flip.Plan(epsilon={self.epsilon:g}, delta={self.delta:g})"


def plan(schema: SchemaLike, protected: Union[str, Iterable[str], None] = None, epsilon: Optional[float] = None, delta: Optional[float] = None,
         preset: Optional[str] = None, config: Optional[Mapping[str, Any]] = None,
         budget: Optional[Budget] = None, share: Optional[float] = None, name: Optional[str] = None) -> Plan:
    """A plan for tables under `schema`.

    protected: names of the protected columns; their joint levels are the groups. config {"fairness": {"strength": s}}
    is 1 for them: no network sees them, and groups are aligned; 0 makes them ordinary columns. A number needs {"fairness": {"cuts":
    {"age": [25, 45]}}}. epsilon, delta: the promise for one row added or removed; delta below 1/n.
    preset: "best", the default (marginals released once, networks trained for free on rows of a table that is fitted to them), or
    "published" (networks trained on private rows by DP-SGD). config: dict of further options; flip.config_schema("plan") lists them, with default_by_preset where
    the presets differ. What is left out has a default.

    budget: a flip.Budget that the plan's trainings spend from. It fixes delta and the order; epsilon is the part that one training may spend
    (alone it is (epsilon, delta)-private), or share, in (0, 1], names a part of the whole: shares add up, epsilons do not. name: what the
    trainings are called in the budget's report.
    """
    options = dict(config or {})
    named: dict[str, Any] = {"protected": None if protected is None else [protected] if isinstance(protected, str) else list(protected),
             "epsilon": epsilon, "delta": delta, "preset": preset, "share": share, "name": name}
    if budget is None and (share is not None or name is not None):
        raise TypeError("share and name are of a training under a budget")
    for key, value in named.items():
        if value is None:
            continue
        if key in options and options[key] != value:
            raise TypeError(f"{key} is given twice, with different values")
        options[key] = value
    schema = Schema.of(schema)                  # kept until the call returns: a pointer alone would not
    if budget is None:
        return Plan(new("flip_plan_create", schema._pointer, config_bytes(options)))
    made = Plan(new("flip_plan_create_under", schema._pointer, budget._pointer, config_bytes(options)))
    made.budget = budget
    return made
