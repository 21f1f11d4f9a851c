"""Budget: what several trainings on the same rows may cost together, in a file."""

from __future__ import annotations

import json
import os
from ctypes import byref, c_double
from typing import Any, Optional

from ._errors import ArgumentError, StateError
from ._library import Handle, Path, call, config_bytes, new, path_bytes, take_json
from ._types import BudgetReport


class Budget(Handle):
    """A file of charges that several trainings, and a host's own mechanisms, share; several processes may.

        b = flip.Budget("study.budget", epsilon=3, delta=1e-6)          # made, or opened when it is there
        model = flip.train(table, budget=b, share=0.4, protected=["sex"])
        b.charge("mean age", noise_multiplier=30)                       # before drawing noise of one's own
        print(b)                                                        # what was spent by which run

    All runs together are (epsilon, delta)-private; what would overspend raises BudgetError before anything is drawn.
    Charges are on the disk before what they pay for.
    """

    _free = "flip_budget_free"

    def __init__(self, path: Path, epsilon: Optional[float] = None, delta: Optional[float] = None,
                 order: Optional[int] = None, selection_delta: Optional[float] = None,
                 max_rows_per_person: Optional[int] = None, filter: Optional[str] = None) -> None:
        """Makes the file when there is none and epsilon and delta are given; opens it otherwise.

        epsilon, delta: what all runs together may cost. order: the Rényi order at which divergences are added; fitted
        to usual trainings when it is left out. selection_delta: the part of delta that thresholded histograms may use.
        max_rows_per_person: all runs are for persons with up to so many rows, 1 to 1024. filter: "renyi" (unless given)
        takes releases of any kind; "gaussian" adds Gaussian releases of all rows exactly, with less noise for each, and
        takes nothing else: trainings of the preset "best" without finetuning and without a selection of pairs, private
        domains, and such mechanisms of your own.

        ArgumentError where the file was made with other terms; BudgetError for terms that allow nothing; FileError,
        FormatError.
        """
        super().__init__(None)
        terms: dict[str, Any] = {"epsilon": epsilon, "delta": delta, "order": order, "selection_delta": selection_delta,
                                 "max_rows_per_person": max_rows_per_person, "filter": filter}
        self.path = os.fspath(path)
        if not os.path.lexists(path) and epsilon is not None:
            try:
                self._pointer = new("flip_budget_create", path_bytes(path), config_bytes(terms))
                return
            except StateError:                  # another process was faster
                pass
        self._pointer = new("flip_budget_open", path_bytes(path))
        report = self.report()
        for key, value in terms.items():
            held = report.get(key)
            if value is not None and value != held:
                self.close()
                raise ArgumentError(f"{self.path}: was made with {key} {held}, not {value}")

    @property
    def epsilon(self) -> float:
        """What all runs together may cost."""
        return float(self.report()["epsilon"])

    @property
    def delta(self) -> float:
        """Its failure probability."""
        return float(self.report()["delta"])

    @property
    def spent(self) -> float:
        """epsilon, at the budget's delta, of all that was spent or set aside."""
        return self._number("flip_budget_spent")

    @property
    def remaining(self) -> float:
        """The largest epsilon that one further training may be given."""
        return self._number("flip_budget_remaining")

    def charge(self, name: str, mechanism: str = "gaussian", **parameters: float) -> None:
        """Charges a mechanism of your own on these rows, before its noise is drawn. BudgetError: release nothing.

        mechanism and parameters, for one row: "gaussian" or "discrete_gaussian" (noise_multiplier, sampling_rate=1),
        "laplace" (scale), "pure" (epsilon), "zcdp" (rho), count=1 of each; "selection" (delta) for what a thresholded
        histogram may show of one row alone.
        """
        call("flip_budget_charge", self._pointer, name.encode(),
             json.dumps({"mechanism": mechanism, **parameters}, allow_nan=False).encode())

    def settle(self, run: str) -> None:
        """Ends a run that will not go on, such as one that was killed. What was set aside for it and not charged comes
        back. run: its name in the report, under "run"; ArgumentError for an unknown one."""
        call("flip_budget_settle", self._pointer, run.encode())

    def report(self) -> BudgetReport:
        """What was spent by which run, each with its own ledger. Shares add up, epsilons do not."""
        found: BudgetReport = take_json("flip_budget_report", self._pointer)
        return found

    def _number(self, function: str) -> float:
        out = c_double()
        call(function, self._pointer, byref(out))
        return out.value

    def __str__(self) -> str:
        r = self.report()
        lines = [
            f"budget     ε {r['epsilon']:g} at δ {r['delta']:g}, "
            + ("exact sums of Gaussian releases" if r["filter"] == "gaussian" else f"order {r['order']}"),
            f"spent      ε {r['spent']:.4g}, {100 * r['spent_share']:.1f} %; "
            f"a further run may have ε {r['remaining']:.4g}",
        ]
        lines += [
            f"{run['name']:<10} ε {run['epsilon']:.4g} alone, {100 * run['committed_share']:.1f} %" +
            (" set aside, open" if run["open"] else "") for run in r["runs"]
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"flip.Budget({self.path!r})"
