"""Accounting without data: what releases cost together, those of a model and those of a host."""

from __future__ import annotations

import json
from ctypes import byref, c_double

from typing import Any, Iterable, Mapping, Optional, Union

from ._deprecated import warn
from ._library import Handle, call, new
from ._model import Model


class Accountant(Handle):
    """Composes releases for neighbours that differ in one row added or removed, or in up to `rows` of them.

    kind: "renyi" (Rényi divergences at integer orders) or "pld" (privacy-loss distributions: a smaller epsilon, in more
    time). Both give upper bounds where all parameters are constants, fixed before any row was read. rows: 1 to 1024.
    A method that adds releases returns the accountant, so calls may be chained. It raises ArgumentError for a parameter
    out of its range, and adds nothing then. count: how many equal releases, at least 1.
    """

    _free = "flip_accountant_free"

    def __init__(self, kind: Union[str, int] = "renyi", *, rows: int = 1) -> None:
        """kind: "renyi" or "pld". (A number is a pointer the library gave.)"""
        super().__init__(kind if isinstance(kind, int) else new("flip_accountant_create", kind.encode()))
        self._rows(rows)

    def _rows(self, rows: int) -> Accountant:
        if rows != 1:
            call("flip_accountant_set_rows", self._pointer, rows)
        return self

    @classmethod
    def of_model(cls, model: Model, kind: str = "renyi", group: Optional[str] = None, *, rows: int = 1) -> Accountant:
        """An accountant with all releases of a model's ledger, as a row of `group` meets them.

        group: its name in the ledger; None: the group that pays most. Unsupported for "pld" where rates or noise
        followed from noisy counts, since the answer would not be a bound; ArgumentError for an unknown group.
        """
        of = None if group is None else group.encode()
        return cls(new("flip_accountant_of_model", model._pointer, kind.encode(), of))._rows(rows)

    def compose(self, noise_multiplier: float, sampling_rate: float = 1.0, count: int = 1) -> Accountant:
        """Adds Gaussian releases, each on a fresh Poisson sample.

        noise_multiplier: standard deviation of the noise over the L2 sensitivity, at least 0 (and epsilon infinite).
        sampling_rate: probability that a row takes part, 0 to 1.
        """
        call("flip_accountant_compose_gaussian", self._pointer, sampling_rate, noise_multiplier, count)
        return self

    def laplace(self, noise_multiplier: float, count: int = 1) -> Accountant:
        """Adds releases with Laplace noise. noise_multiplier: its scale over the L1 sensitivity, at least 0."""
        call("flip_accountant_compose_laplace", self._pointer, noise_multiplier, count)
        return self

    def discrete_gaussian(self, standard_deviation: Optional[float] = None, sensitivity: int = 1, count: int = 1, *,
                          deviation: Optional[float] = None) -> Accountant:
        """Adds releases of a whole number with discrete Gaussian noise.

        standard_deviation: of the noise, at least 0, in the number's unit. sensitivity: the most that a row moves the
        number, 1 to 2^40. deviation: the deprecated name of standard_deviation.
        """
        if (standard_deviation is None) == (deviation is None):
            raise TypeError("discrete_gaussian takes standard_deviation")
        if deviation is not None:
            warn("deviation=", "standard_deviation=")
            standard_deviation = deviation
        call("flip_accountant_compose_discrete_gaussian", self._pointer, standard_deviation, sensitivity, count)
        return self

    def pure(self, epsilon: float, count: int = 1) -> Accountant:
        """Adds mechanisms that are (epsilon, 0)-private. epsilon: at least 0, in nats."""
        call("flip_accountant_compose_pure", self._pointer, epsilon, count)
        return self

    def zcdp(self, rho: float, count: int = 1) -> Accountant:
        """Adds mechanisms that are rho-zCDP. rho: at least 0."""
        call("flip_accountant_compose_zcdp", self._pointer, rho, count)
        return self

    def selection(self, delta: float, count: int = 1) -> Accountant:
        """Adds thresholded histograms and their like, which show with probability `delta` what a row alone holds.

        delta: from 0 to below 1, for all `rows` of the accountant together. The noise is a release of its own.
        """
        call("flip_accountant_compose_selection", self._pointer, delta, count)
        return self

    def epsilon(self, delta: float) -> float:
        """The least epsilon known at `delta` (between 0 and 1): an upper bound in nats, possibly infinite."""
        out = c_double()
        call("flip_accountant_epsilon", self._pointer, delta, byref(out))
        return out.value

    def delta(self, epsilon: float) -> float:
        """The least delta known at `epsilon` (at least 0): an upper bound, at most 1."""
        out = c_double()
        call("flip_accountant_delta", self._pointer, epsilon, byref(out))
        return out.value


def calibrate(events: Optional[Iterable[Mapping[str, Any]]] = None, *, epsilon: float, delta: float,
              sampling_rate: Optional[float] = None, count: int = 1, accountant: str = "renyi", rows: int = 1,
              kind: Optional[str] = None) -> float:
    """The least noise that meets (epsilon, delta), for neighbours that differ in up to `rows` rows (1 to 1024).

    With `sampling_rate` and `count`: the noise multiplier of that many equal Gaussian releases. With `events`, a list
    of {"sampling_rate", "noise_multiplier", "count"} and other mechanisms (docs/JSON.md, Events): the factor by which
    all their noise must be scaled. accountant: "renyi" or "pld"; `kind` is its deprecated name.
    BudgetError when no noise is enough, ArgumentError for what is out of range.
    """
    if (events is None) == (sampling_rate is None):
        raise TypeError("give either events or sampling_rate")
    if events is None:
        events = [{"sampling_rate": sampling_rate, "noise_multiplier": 1.0, "count": count}]
    out = c_double()
    listed = [dict(event) for event in events]
    asked = json.dumps(listed if rows == 1 else {"rows": rows, "events": listed}, allow_nan=False).encode()
    call("flip_calibrate", (kind or accountant).encode(), asked, epsilon, delta, byref(out))
    return out.value
