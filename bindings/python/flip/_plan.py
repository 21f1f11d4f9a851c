"""Plan: every release of a training and its ceiling, made without data."""

from __future__ import annotations

import json
from ctypes import byref, c_double, c_int64
from typing import Any, Iterable, Mapping, Optional, Union

from ._budget import Budget
from ._library import Handle, call, config_bytes, names_of, new, take_bytes, take_json
from ._schema import Schema, SchemaLike
from ._types import Explanation, PlanRecord


class Plan(Handle):
    """Made by flip.plan(). Never changes."""

    _free = "flip_plan_free"
    budget: Optional[Budget] = None
    """The flip.Budget that its trainings spend from, if it was made under one."""

    def explain(self) -> Explanation:
        """Stages, every release with its share of the budget and the noise of what it measures, what a row of each
        group pays, memory, and the configuration as resolved (flip.Explanation). Depends on no row."""
        explained: Explanation = take_json("flip_plan_explain", self._pointer)
        return explained

    def explanation(self) -> str:
        """The explanation as text for people, a line a stage; print(plan) shows it."""
        return take_bytes("flip_plan_explanation", self._pointer).decode()

    def __str__(self) -> str:
        return self.explanation()

    @property
    def json(self) -> str:
        """Canonical JSON text: schema, promise, every option as resolved. Two plans are equal if their texts are."""
        return take_bytes("flip_plan_json", self._pointer).decode()

    @property
    def dict(self) -> PlanRecord:
        """What `json` says: schema, promise and every option as resolved (flip.PlanRecord)."""
        record: PlanRecord = json.loads(self.json)
        return record

    def epsilon_at(self, delta: float, accountant: str = "renyi") -> float:
        """The epsilon that all planned releases together may cost at `delta` (between 0 and 1), at most.

        accountant: "renyi" or "pld"; Unsupported for "pld" where rates or noise follow from noisy counts.
        """
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


def plan(schema: SchemaLike, protected: Union[str, Iterable[str], None] = None, epsilon: Optional[float] = None,
         delta: Optional[float] = None, preset: Optional[str] = None, config: Optional[Mapping[str, Any]] = None,
         budget: Optional[Budget] = None, share: Optional[float] = None, name: Optional[str] = None) -> Plan:
    """A plan for tables under `schema`, priced before any row is read.

    protected: names of the protected columns; their joint levels are the groups. With the option "fairness.strength" at
    1, the default, no network sees these columns and the groups are aligned; at 0 they are ordinary columns. A number
    needs edges to be protected: config={"fairness": {"cuts": {"age": [25, 45]}}}.
    epsilon, delta: the promise for one row added or removed. epsilon: above 0, at most 1000; delta: above 0, below 1/n.
    preset: "best", the default (marginals are released once, and networks are trained at no cost on rows of a table
    that is fitted to them), or "published" (networks are trained on private rows by DP-SGD).
    config: further options; flip.config_schema("plan") lists them with their defaults, ranges and units.
    budget: a flip.Budget that the plan's trainings spend from. It fixes delta and the order. epsilon is then the part
    that one training may spend; share, above 0 and at most 1, names a part of the whole instead. Shares add up,
    epsilons do not. name: what the budget's report calls the trainings.

    ArgumentError for an option that is unknown or out of range, BudgetError for an epsilon that no noise can meet.
    """
    options = dict(config or {})
    named: dict[str, Any] = {
        "protected": names_of(protected),
        "epsilon": epsilon, "delta": delta, "preset": preset, "share": share, "name": name
    }
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
