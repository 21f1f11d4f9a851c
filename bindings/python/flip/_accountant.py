"""Accounting without data: what Gaussian releases on Poisson samples cost together."""

from __future__ import annotations

import json
from ctypes import byref, c_double

from typing import Any, Iterable, Mapping, Optional, Union

from ._library import Handle, call, new
from ._model import Model


class Accountant(Handle):
    """Composes releases for neighbours that differ in one row added or removed."""

    _free = "flip_accountant_free"

    def __init__(self, kind: Union[str, int] = "renyi") -> None:
        """kind: "renyi". (A number is a pointer the library gave.)"""
        super().__init__(kind if isinstance(kind, int) else new("flip_accountant_create", kind.encode()))

    @classmethod
    def of_model(cls, model: Model, kind: str = "renyi", group: Optional[str] = None) -> Accountant:
        """All releases of a model's ledger, as a row of `group` meets them; None: the group that pays most."""
        return cls(new("flip_accountant_of_model", model._pointer, kind.encode(), None if group is None else group.encode()))

    def compose(self, noise_multiplier: float, sampling_rate: float = 1.0, count: int = 1) -> Accountant:
        """Adds `count` releases; returns itself, so calls may be chained."""
        call("flip_accountant_compose_gaussian", self._pointer, sampling_rate, noise_multiplier, count)
        return self

    def epsilon(self, delta: float) -> float:
        """The least epsilon these releases are known to have at `delta`; possibly infinite."""
        out = c_double()
        call("flip_accountant_epsilon", self._pointer, delta, byref(out))
        return out.value

    def delta(self, epsilon: float) -> float:
        """The least delta at `epsilon`, at most 1."""
        out = c_double()
        call("flip_accountant_delta", self._pointer, epsilon, byref(out))
        return out.value


def calibrate(events: Optional[Iterable[Mapping[str, Any]]] = None, *, epsilon: float, delta: float, sampling_rate: Optional[float] = None,
              count: int = 1, kind: str = "renyi") -> float:
    """The least noise that meets (epsilon, delta).

    With `sampling_rate` and `count`: the noise multiplier of that many equal releases. With `events`, a list of
    {"sampling_rate", "noise_multiplier", "count"}: the factor by which all their noise multipliers must be scaled.
    """
    if (events is None) == (sampling_rate is None):
        raise TypeError("give either events or sampling_rate")
    if events is None:
        events = [{"sampling_rate": sampling_rate, "noise_multiplier": 1.0, "count": count}]
    out = c_double()
    call("flip_calibrate", kind.encode(), json.dumps([dict(event) for event in events], allow_nan=False).encode(), epsilon, delta, byref(out))
    return out.value
