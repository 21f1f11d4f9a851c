"""Accounting without data: what Gaussian releases on Poisson samples cost together."""

import json
from ctypes import byref, c_double

from ._library import Handle, call, new


class Accountant(Handle):
    """Composes releases for neighbours that differ in one row added or removed."""

    _free = "flip_accountant_free"

    def __init__(self, kind="renyi"):
        super().__init__(kind if isinstance(kind, int) else new("flip_accountant_create", kind.encode()))

    @classmethod
    def of_model(cls, model, kind="renyi", group=None):
        """All releases of a model's ledger, as a row of `group` meets them; None: the group that pays most."""
        return cls(new("flip_accountant_of_model", model._pointer, kind.encode(), None if group is None else group.encode()))

    def compose(self, noise_multiplier, sampling_rate=1.0, count=1):
        """Adds `count` releases; returns itself, so calls may be chained."""
        call("flip_accountant_compose_gaussian", self._pointer, sampling_rate, noise_multiplier, count)
        return self

    def epsilon(self, delta):
        out = c_double()
        call("flip_accountant_epsilon", self._pointer, delta, byref(out))
        return out.value

    def delta(self, epsilon):
        out = c_double()
        call("flip_accountant_delta", self._pointer, epsilon, byref(out))
        return out.value


def calibrate(events=None, *, epsilon, delta, sampling_rate=None, count=1, kind="renyi"):
    """The least noise that meets (epsilon, delta).

    With `sampling_rate` and `count`: the noise multiplier of that many equal releases. With `events`, a list of
    {"sampling_rate", "noise_multiplier", "count"}: the factor by which all their noise multipliers must be scaled.
    """
    if (events is None) == (sampling_rate is None):
        raise TypeError("give either events or sampling_rate")
    if events is None:
        events = [{"sampling_rate": sampling_rate, "noise_multiplier": 1.0, "count": count}]
    out = c_double()
    call("flip_calibrate", kind.encode(), json.dumps(list(events), allow_nan=False).encode(), epsilon, delta, byref(out))
    return out.value
