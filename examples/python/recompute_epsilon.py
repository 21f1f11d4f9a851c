#!/usr/bin/env python3
"""ε of a model file, group by group, recomputed with h5py and dp_accounting: none of libflip's code takes part.

    python recompute_epsilon.py MODEL.flip.h5 ...

The exit code is 1 when a figure is above the promise or is not what the releases cost.
It reads /ledger/json. A release is for each group a Poisson-sampled Gaussian sum (sampling_rate,
noise_multiplier), or for all rho-zCDP (rho), or a threshold that fails with a probability (selection_delta).
Neighbours differ by one row, or by one person of up to k rows (max_rows_per_person): how many of these are in
a batch is binomial. There are two routes.

Rényi: divergences add at the ledger's order and become ε once; thresholds take their part of delta. Where a
schema was bought (domain), ε of that and of the training together is recomputed as well. Figures agree within
1e-6. Those of persons may be up to 12 % above it: earlier versions charged more than a person pays.

Exact, where the ledger's accountant is "exact" (all parameters were constants of the plan) or "gaussian" (a
shared budget of Gaussian releases alone): distributions of the privacy loss are composed, and Rényi figures
stand beside them. Noise in whole steps (sensitivity: L2, in steps) is about 1/(24 s²) worse than Gaussian noise
of s steps. Figures agree within 1 %, those of risk within 1e-3 where riskcal is installed.
"""
import json
import math
import sys

import dp_accounting as dp
import h5py
import numpy as np
from dp_accounting.pld import pld_pmf, privacy_loss_distribution as pld
from dp_accounting.rdp import RdpAccountant
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

RATES, VALUES = (0.1, 0.01, 0.001), (2, 10, 100)
ACCOUNTANTS = ("renyi", "exact", "gaussian")


def read(path):
    with h5py.File(path, "r") as f:
        return json.loads(f["ledger/json"].asstr()[()])


def share(release, group, k):
    """Rate and noise that a row of the group meets, or a person of k rows, whose rows may be of any groups."""
    shares = [release["groups"][group]] if k == 1 else release["groups"].values()
    return max(s["sampling_rate"] for s in shares), min(s["noise_multiplier"] for s in shares)


def drawn(q, k):
    """Log-probabilities that 0 … k of k rows are in a batch."""
    j = np.arange(k + 1)
    return gammaln(k + 1) - gammaln(j + 1) - gammaln(k - j + 1) + j * math.log(q) + (k - j) * math.log1p(-q)


# Rényi divergences

def conversion(order, delta):
    """ε minus the divergence (arXiv 2004.00010v4, Proposition 12)."""
    return math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)


def divergence(release, group, order, k):
    def of(event):
        return RdpAccountant([order]).compose(event).get_epsilon(1e-12) - conversion(order, 1e-12)

    if "rho" in release:
        return of(dp.ZCDpEvent(k * k * release["rho"]))
    q, sigma = share(release, group, k)
    if k == 1 or q in (0, 1):
        return of(dp.PoissonSampledDpEvent(q, dp.GaussianDpEvent(sigma / k))) if q else 0.0
    # The ratio of the mixture over how many rows were drawn to plain noise; its moments, in both directions.
    weights, h = drawn(q, k), 0.02 / max(1.0, k / sigma)
    x = np.arange(-12 - math.sqrt(-2 * (order - 1) * weights[0]), 12 + k * order / sigma, h)
    ratio = logsumexp([w + j * x / sigma - 0.5 * (j / sigma) ** 2 for j, w in enumerate(weights)], axis=0)
    largest = max(logsumexp(a * ratio - x * x / 2) for a in (order, 1 - order))
    return (largest + math.log(h) - 0.5 * math.log(2 * math.pi)) / (order - 1)


def recompute(ledger, bought=()):
    """{group: ε} by Rényi divergences; bought: noise multipliers of what was bought before."""
    k, fails, order = ledger.get("max_rows_per_person", 1), ledger.get("selection_delta", 0.0), ledger["order"]
    releases, kinds = ledger["releases"], ({"groups"}, {"rho"}, {"selection_delta"})
    unknown = [r["name"] for r in releases if set(r) - {"name", "count", "sensitivity"} not in kinds]
    failing = sum(r.get("selection_delta", 0) for r in releases)
    if unknown or ledger["accountant"] not in ACCOUNTANTS or failing > fails * (1 + 1e-9):
        raise ValueError(f"not understood, so ε would be a guess: {unknown or ledger['accountant']}")
    delta, paid = ledger["delta"] - fails, [r for r in releases if "selection_delta" not in r]
    for sigma in bought:
        everybody = {"sampling_rate": 1, "noise_multiplier": sigma}
        paid.append({"count": 1, "groups": dict.fromkeys(ledger["groups"], everybody)})

    def epsilon(s):
        return 0.0 if delta ** 2 > -math.expm1(-s) else max(0.0, s + conversion(order, delta)) - math.log1p(-fails)

    return {g: epsilon(sum(r["count"] * divergence(r, g, order, k) for r in paid)) for g in ledger["groups"]}


# distributions of the privacy loss

def excess(s):
    """By how much noise in whole steps, of standard deviation s, is worse than Gaussian noise."""
    z = np.arange(1, int(14 * s) + 3)
    above = np.cumsum(np.exp(-z[::-1] ** 2 / (2 * s * s)))[::-1]
    t = norm.isf(above[above > 1e-29] / (2 * above[0] + 1))
    return max(0.0, s * max(2 * t[0], np.diff(t).max()) - 1)


def concentrated(rho, step):
    """The largest curve of what is rho-zCDP: the convex hull, in e^ε, of what the conversion allows."""
    n = int((rho + 9 * math.sqrt(2 * rho)) / step) + 1
    up, orders = step * np.arange(n + 1), 1 + np.exp(np.linspace(-8, math.log(4 * (rho + 20) / rho) + 4, 1500))
    limit = math.sqrt(-math.expm1(-rho))
    constant = (orders - 1) * (rho * orders + np.log1p(-1 / orders)) - np.log(orders)
    bound = np.minimum.accumulate([min(limit, np.exp((constant - (orders - 1) * e).min())) for e in up])
    e = np.concatenate([-up[:0:-1], up])
    y = np.concatenate([[0], np.exp(e)])
    d = np.concatenate([[1], 1 - np.exp(-up[:0:-1]) * (1 - bound[:0:-1]), bound])
    hull = []
    for i in range(len(y)):
        while len(hull) > 1:
            a, b = hull[-2:]
            if (d[b] - d[a]) * (y[i] - y[a]) < (d[i] - d[a]) * (y[b] - y[a]):
                break
            hull.pop()
        hull.append(i)
    curve = np.interp(np.exp(e), y[hull], d[hull])
    return pld.PrivacyLossDistribution(pld_pmf.create_pmf_pessimistic_connect_dots(step, np.arange(-n, n + 1), curve))


def composed(ledger, group, step):
    """The distribution of all releases for a row of the group, or for a person; None where nothing was released."""
    k, gaussian, rho, parts = ledger.get("max_rows_per_person", 1), 0.0, 0.0, []
    for r in ledger["releases"]:
        if "rho" in r:
            rho += k * k * r["rho"] * r["count"]
        elif "groups" in r:
            q, sigma = share(r, group, k)
            if q == 1:
                worse = 1 + (excess(r["sensitivity"] * sigma) if "sensitivity" in r else 0)
                gaussian += r["count"] * (k * worse / sigma) ** 2
            elif q:
                weights = np.exp(drawn(q, k))
                one = pld.from_mixture_gaussian_mechanism(
                    sigma, range(k + 1), weights, value_discretization_interval=step)
                parts.append(one.self_compose(r["count"]))
    if gaussian:
        parts.append(pld.from_gaussian_mechanism(1 / math.sqrt(gaussian), value_discretization_interval=step))
    if rho:
        parts.append(concentrated(rho, step))
    while len(parts) > 1:
        parts.append(parts.pop().compose(parts.pop()))
    return parts[0] if parts else None


def recompute_exactly(ledger, step=1e-4):
    """{group: ε} and {group: figures of risk}; without riskcal there are none of the latter."""
    try:
        from riskcal.analysis import get_advantage_from_pld, get_beta_from_pld
    except ImportError:
        get_advantage_from_pld = get_beta_from_pld = None
    fails, epsilons, risks = ledger.get("selection_delta", 0.0), {}, {}
    for g in ledger["groups"]:
        d = composed(ledger, g, step)
        epsilons[g] = (d.get_epsilon_for_delta(ledger["delta"] - fails) if d else 0.0) - math.log1p(-fails)
        if d and get_beta_from_pld and not fails:
            risks[g] = [float(get_advantage_from_pld(d))]
            risks[g] += [1 - float(get_beta_from_pld(d, a)) for a in RATES + tuple(1 / n for n in VALUES)]
    return epsilons, risks


def with_domain(ledger):
    """The ledger, and beside it what the estimate of the schema released under the same budget."""
    d = ledger["domain"]
    release = {**d, "count": 1, "groups": {g: {**d, "sampling_rate": 1.0} for g in ledger["groups"]}}
    return {**ledger, "releases": ledger["releases"] + [release]}


def stated_risk(risk):
    """The figures of a file in the order of `recompute_exactly`."""
    found = {x["false_positive_rate"]: x["true_positive_rate"] for x in risk["true_positive_rates"]}
    guesses = {x["values"]: x["probability"] for x in risk["guessing"]}
    return [risk["advantage"]] + [found[a] for a in RATES] + [guesses[n] for n in VALUES]


def check(path):
    """What there is to say of a file."""
    ledger = read(path)
    is_exact, more = ledger["accountant"] != "renyi", 0.12 if ledger.get("max_rows_per_person", 1) > 1 else 0.0

    def agrees(stated, e):
        return -1e-6 * max(e, 1e-6) <= stated - e <= (more + 1e-6) * max(e, 1e-6)

    found, risks, both = recompute(ledger), {}, None
    beside = ledger["renyi"]["groups"] if is_exact else ledger["groups"]
    fine = all(agrees(beside[g], e) for g, e in found.items())
    if "domain" in ledger and not is_exact:
        both = max(recompute(ledger, [ledger["domain"]["noise_multiplier"]]).values())
        fine &= agrees(ledger["domain"]["epsilon_together"], both)
    if is_exact:
        found, risks = recompute_exactly(ledger)
        if "domain" in ledger:                          # the figures of risk hold both as well
            both, risks = max(recompute_exactly(with_domain(ledger))[0].values()), {}
            fine &= abs(ledger["domain"]["epsilon_together"] - both) <= 0.01 * max(both, 0.01)
        fine &= all(abs(e - ledger["groups"][g]) <= 0.01 * max(e, 0.01) for g, e in found.items())
        stated = {g: stated_risk(x) for g, x in ledger.get("risk", {}).get("groups", {}).items()}
        fine &= all(abs(a - b) <= 1e-3 for g in stated if g in risks for a, b in zip(stated[g], risks[g]))
    fine &= all(e <= ledger["epsilon"] * (1.01 if is_exact else 1 + 1e-9) for e in found.values())
    return {
        "model": path,
        "promise": ledger["epsilon"],
        "claimed": ledger["groups"],
        "recomputed": found,
        "delta": ledger["delta"],
        "order": ledger["order"],
        "exact": is_exact,
        "risk": risks or None,
        "with_domain": both,
        "agrees": bool(fine),
        "private": "deterministic noise: not private" not in ledger["assumptions"],
    }


def main(paths):
    results = [check(path) for path in paths]
    for result in results:
        print(json.dumps(result, ensure_ascii=False))
    return 0 if all(result["agrees"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] and sys.argv[1] != "--help" else __doc__)
