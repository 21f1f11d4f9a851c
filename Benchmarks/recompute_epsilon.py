#!/usr/bin/env python3
"""Recompute ε from a model file with h5py and dp_accounting alone; none of our code takes part.

    python Benchmarks/recompute_epsilon.py MODEL.flip.h5 [...]        exits 1 when a figure is off by more than 1e-6 relative, or above the target

Reads /ledger: its attributes spent, delta and order, and /ledger/events, one row per release and group (AnnData's dataframe encoding:
columns name, group, sampling_rate, noise_multiplier, count, and rho where a release is zCDP); and from /plan the epsilon that was asked for. For
every group the releases are composed under add/remove-one neighbours at the ledger's own order; a release at rate 1 is an unsampled Gaussian, one
with rho above 0 is ρ-zCDP. ε is the largest over groups.
"""
import json, sys

import dp_accounting
import h5py
from dp_accounting.rdp import RdpAccountant


def text(x):
    x = x[()] if isinstance(x, h5py.Dataset) else x
    return x.decode() if isinstance(x, bytes) else str(x)


def column(frame, name):
    """A column of an AnnData dataframe as a list; categoricals are looked up, nullable values taken as they are."""
    c = frame[name]
    if isinstance(c, h5py.Dataset):
        return [v.decode() if isinstance(v, bytes) else v for v in c[()].tolist()]
    if text(c.attrs["encoding-type"]) == "categorical":
        levels = [v.decode() if isinstance(v, bytes) else v for v in c["categories"][()].tolist()]
        return [levels[i] for i in c["codes"][()].tolist()]
    return c["values"][()].tolist()


def read(path):
    with h5py.File(path, "r") as f:
        ledger = f["ledger"]
        scalars = {k: float(ledger.attrs[k]) for k in ("spent", "delta", "order")}
        scalars["target"] = float(json.loads(text(f["plan"]))["epsilon"])
        events = ledger["events"]
        columns = [column(events, n) for n in ("name", "group", "sampling_rate", "noise_multiplier", "count")]
        rows = list(zip(*columns, column(events, "rho") if "rho" in events else [0.0] * len(columns[0])))
    return scalars, rows


def recompute(scalars, rows):
    """{group: ε} at the ledger's order and δ."""
    out = {}
    for group in sorted({r[1] for r in rows}):
        accountant = RdpAccountant(orders=[int(scalars["order"])], neighboring_relation=dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
        for _, g, q, sigma, count, rho in rows:
            if g == group and rho > 0:
                accountant.compose(dp_accounting.ZCDpEvent(rho), int(count))
            elif g == group:
                event = dp_accounting.GaussianDpEvent(sigma)
                accountant.compose(event if q >= 1 else dp_accounting.PoissonSampledDpEvent(q, event), int(count))
        out[group] = float(accountant.get_epsilon(scalars["delta"]))
    return out


def main(paths):
    good = True
    for path in paths:
        scalars, rows = read(path)
        groups = recompute(scalars, rows)
        worst = max(groups.values())
        off = abs(worst - scalars["spent"]) / worst
        fine = bool(off <= 1e-6 and worst <= scalars["target"])
        good &= fine
        print(json.dumps({"model": path, "epsilon": worst, "claimed": scalars["spent"], "relative_difference": off, "target": scalars["target"],
                          "order": int(scalars["order"]), "groups": groups, "releases": len(rows), "agrees": fine}))
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
