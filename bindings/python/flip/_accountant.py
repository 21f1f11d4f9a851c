"""Accounting without data: what releases cost together, a model's or a host's own."""

from __future__ import annotations

import json
from ctypes import byref, c_double

from typing import Any, Iterable, Mapping, Optional, Union

from ._library import Handle, call, new
from ._model import Model


class Accountant(Handle):
    """Composes releases for neighbours that differ in one row added or removed, or in up to `rows` of them.

    kind: "renyi" (divergences at integer orders) or "pld" (privacy-loss distributions: a smaller epsilon, in more
    time). Both are bounds where all parameters are constants, fixed before any row was read. Methods that add return
    the accountant, so calls may be chained.
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
        """All releases of a model's ledger, as a row of `group` meets them; None: the group that pays most. "pld"
        raises Unsupported where rates or noise followed from noisy counts: it would not be a bound then."""
        of = None if group is None else group.encode()
        return cls(new("flip_accountant_of_model", model._pointer, kind.encode(), of))._rows(rows)

    def compose(self, noise_multiplier: float, sampling_rate: float = 1.0, count: int = 1) -> Accountant:
        """Adds `count` Gaussian releases: noise in lengths of a row, each on a fresh Poisson sample."""
        call("flip_accountant_compose_gaussian", self._pointer, sampling_rate, noise_multiplier, count)
        return self

    def laplace(self, noise_multiplier: float, count: int = 1) -> Accountant:
        """Laplace noise of this scale over the most (L1) that a row adds."""
        call("flip_accountant_compose_laplace", self._pointer, noise_multiplier, count)
        return self

    def discrete_gaussian(self, deviation: float, sensitivity: int = 1, count: int = 1) -> Accountant:
        """Discrete Gaussian noise on a whole number that a row moves by at most `sensitivity`."""
        call("flip_accountant_compose_discrete_gaussian", self._pointer, deviation, sensitivity, count)
        return self

    def pure(self, epsilon: float, count: int = 1) -> Accountant:
        """Mechanisms that are (epsilon, 0)-private."""
        call("flip_accountant_compose_pure", self._pointer, epsilon, count)
        return self

    def zcdp(self, rho: float, count: int = 1) -> Accountant:
        """Mechanisms that are rho-zCDP."""
        call("flip_accountant_compose_zcdp", self._pointer, rho, count)
        return self

    def selection(self, delta: float, count: int = 1) -> Accountant:
        """With probability `delta` something shows that the rows in question alone hold, as a rare level in a
        thresholded histogram."""
        call("flip_accountant_compose_selection", self._pointer, delta, count)
        return self

    def epsilon(self, delta: float) -> float:
        """The least epsilon known at `delta`: an upper bound, possibly infinite."""
        out = c_double()
        call("flip_accountant_epsilon", self._pointer, delta, byref(out))
        return out.value

    def delta(self, epsilon: float) -> float:
        """The least delta known at `epsilon`: an upper bound, at most 1."""
        out = c_double()
        call("flip_accountant_delta", self._pointer, epsilon, byref(out))
        return out.value


def calibrate(events: Optional[Iterable[Mapping[str, Any]]] = None, *, epsilon: float, delta: float,
              sampling_rate: Optional[float] = None, count: int = 1, accountant: str = "renyi", rows: int = 1,
              kind: Optional[str] = None) -> float:
    """The least noise that meets (epsilon, delta) by either accountant, for neighbours of up to `rows` rows.

    With `sampling_rate` and `count`: the noise multiplier of that many equal releases. With `events`, a list of
    {"sampling_rate", "noise_multiplier", "count"} and other mechanisms as flip.h names them: the factor by which all
    their noise must be scaled. `kind` is another name of `accountant`.
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
