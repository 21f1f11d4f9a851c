#!/usr/bin/env python3
"""ε of a model file, group by group, recomputed with h5py and dp_accounting alone: none of libflip's code takes part.

    python recompute_epsilon.py MODEL.flip.h5 ...       exit code 1 when a figure differs by more than 1e-6, or is above the promise

Reads the text /ledger/json. Every release is for each group a Poisson-sampled Gaussian (sampling_rate, noise_multiplier), or for all of
them rho-zCDP (rho), a Laplace mechanism (laplace: scale over sensitivity), or a choice that fails with a probability (delta). Releases are composed at
the ledger's own order under "one row added or removed"; what fails with probability d leaves delta - d and adds -log(1 - d).
"""
import json, math, sys

import dp_accounting, h5py
from dp_accounting.rdp import RdpAccountant


def read(path):
    """The ledger as a dict."""
    with h5py.File(path, "r") as f:
        return json.loads(f["ledger/json"].asstr()[()])


def recompute(ledger):
    """{group: ε} at the ledger's order and δ."""
    if (ledger["accountant"], ledger["neighbouring"]) != ("renyi", "add/remove one row"):
        raise ValueError("only Rényi ledgers for one row added or removed")
    epsilons = {}
    for group in ledger["groups"]:
        accountant, fails = RdpAccountant([ledger["order"]], dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE), 0.0
        for r in ledger["releases"]:
            kind = set(r) - {"name", "count"}
            if kind == {"groups"}:
                q, sigma = r["groups"][group]["sampling_rate"], r["groups"][group]["noise_multiplier"]
                event = dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(sigma))
            elif kind == {"rho"}:
                event = dp_accounting.ZCDpEvent(r["rho"])
            elif kind == {"laplace"}:
                event = dp_accounting.LaplaceDpEvent(r["laplace"])
            elif kind == {"delta"}:
                fails += r["count"] * r["delta"]
                continue
            else:
                raise ValueError(f"release {r['name']!r}: of no kind that is known here, so ε would be a guess")
            accountant.compose(event, r["count"])
        epsilons[group] = float(accountant.get_epsilon(ledger["delta"] - fails)) - math.log1p(-fails)
    return epsilons


def main(paths):
    good = True
    for path, ledger in ((p, read(p)) for p in paths):
        found = recompute(ledger)
        fine = all(abs(e - ledger["groups"][g]) <= 1e-6 * max(e, 1e-6) for g, e in found.items()) and max(found.values()) <= ledger["epsilon"] * (1 + 1e-9)
        good &= fine
        print(json.dumps({"model": path, "promise": ledger["epsilon"], "delta": ledger["delta"], "order": ledger["order"], "claimed": ledger["groups"],
                          "recomputed": found, "agrees": fine, "private": "deterministic noise: not private" not in ledger["assumptions"]}, ensure_ascii=False))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] and sys.argv[1] not in ("-h", "--help") else __doc__)
