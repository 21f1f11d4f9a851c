#!/usr/bin/env python3
"""ε of a model file, group by group, recomputed with h5py and dp_accounting alone: none of libflip's code takes part.

    python recompute_epsilon.py MODEL.flip.h5 ...       exit code 1 when a figure differs by more than 1e-6, or is above the promise

Reads /ledger/json. A release is for each group a Poisson-sampled Gaussian sum (sampling_rate, noise_multiplier), or for all rho-zCDP (rho), or a
threshold that fails with a probability (selection_delta). Rényi divergences add at the ledger's order and become ε once; thresholds take their part of
delta. Neighbours differ by one row, or by one person of up to k rows (max_rows_per_person): the number of them in a batch is binomial. domain: what a
bought schema cost; for it and the training together ε is recomputed as well.
"""
import json, math, sys

import dp_accounting as dp, h5py
from dp_accounting.rdp import RdpAccountant


def read(path):
    with h5py.File(path, "r") as f:
        return json.loads(f["ledger/json"].asstr()[()])


def conversion(order, delta):  # ε minus the divergence (arXiv 2004.00010v4, Proposition 12)
    return math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)


def divergence(r, group, order, k):  # of one release for a row of the group, or for a person of k rows whatever their groups
    of = lambda event: RdpAccountant([order]).compose(event).get_epsilon(1e-12) - conversion(order, 1e-12)
    if "rho" in r:
        return of(dp.ZCDpEvent(k * k * r["rho"]))
    shares = [r["groups"][group]] if k == 1 else r["groups"].values()
    q, sigma = max(s["sampling_rate"] for s in shares), min(s["noise_multiplier"] for s in shares)
    drawn = [math.comb(k, j) * q ** j * (1 - q) ** (k - j) for j in range(1, k + 1)]
    parts = [p and p * math.exp((order - 1) * of(dp.PoissonSampledDpEvent(min(1, sum(drawn)), dp.GaussianDpEvent(sigma / (j + 1))))) for j, p in enumerate(drawn)]
    return math.log(sum(parts) / sum(drawn)) / (order - 1) if q else 0.0


def recompute(ledger, bought=()):  # {group: ε}
    k, fails, order = ledger.get("max_rows_per_person", 1), ledger.get("selection_delta", 0.0), ledger["order"]
    unknown = [r["name"] for r in ledger["releases"] if len(r) != 3 or not set(r) & {"groups", "rho", "selection_delta"}]
    if unknown or ledger["accountant"] != "renyi" or sum(r.get("selection_delta", 0) for r in ledger["releases"]) > fails * (1 + 1e-9):
        raise ValueError(f"not understood, so ε would be a guess: {unknown or ledger['accountant']}")
    delta, paid = ledger["delta"] - fails, [r for r in ledger["releases"] if "selection_delta" not in r]
    paid += [{"count": 1, "groups": {g: {"sampling_rate": 1, "noise_multiplier": sigma} for g in ledger["groups"]}} for sigma in bought]
    spent = {g: sum(r["count"] * divergence(r, g, order, k) for r in paid) for g in ledger["groups"]}
    return {g: 0.0 if delta ** 2 > -math.expm1(-s) else max(0.0, s + conversion(order, delta)) - math.log1p(-fails) for g, s in spent.items()}


def main(paths):
    good = True
    for path, ledger in ((p, read(p)) for p in paths):
        found, both = recompute(ledger), "domain" in ledger and max(recompute(ledger, [ledger["domain"]["noise_multiplier"]]).values())
        fine = all(abs(e - ledger["groups"][g]) <= 1e-6 * max(e, 1e-6) and e <= ledger["epsilon"] * (1 + 1e-9) for g, e in found.items())
        good &= (fine := fine and not (both and abs(both - ledger["domain"]["epsilon_together"]) > 1e-6 * both))
        print(json.dumps({"model": path, "promise": ledger["epsilon"], "claimed": ledger["groups"], "recomputed": found, "delta": ledger["delta"], "order": ledger["order"],
                          "with_domain": both or None, "agrees": fine, "private": "deterministic noise: not private" not in ledger["assumptions"]}, ensure_ascii=False))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] and sys.argv[1] != "--help" else __doc__)
