#!/usr/bin/env python3
"""What pricing costs, and how near it is, one JSON object a line.  python Benchmarks/accounting.py [rounds [points]]

    price     median milliseconds to price 10 000 steps (a histogram, two stages of sampled steps) by either accountant;
    dp_accounting's where it is there plan      the same for a whole plan with a declared row count typical   epsilon of
    400 steps at q = .03, sigma = 2, delta = 1e-5 by both accountants, and what distributions save near      `points`
    random releases repeated, and a fifth as many compositions of up to five: largest relative distance from
    dp_accounting's
              distributions, above and below, how many are further than 1 % above, and our slowest milliseconds

Nothing fails here; figures are compared in one run.
"""
import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bindings", "python"))
import flip  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
POINTS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
LEDGER = [(1.0, 12.0, 1), (0.02, 1.1, 6000), (0.01, 1.3, 4000)]


def emit(**line):
    print(json.dumps(line), flush=True)


def median_ms(run):
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        value = run()
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 2), value


def ours(kind, releases, delta):
    a = flip.Accountant(kind)
    for q, sigma, count in releases:
        a.compose(sigma, q, count)
    return a.epsilon(delta)


def theirs(kind, releases, delta, step=1e-4):
    import dp_accounting as dp
    from dp_accounting.pld import PLDAccountant
    from dp_accounting.rdp import RdpAccountant
    a = PLDAccountant(value_discretization_interval=step) if kind == "pld" else RdpAccountant(list(range(2, 65))
        + [128, 256, 512, 1024])
    for q, sigma, count in releases:
        a.compose(dp.PoissonSampledDpEvent(q, dp.GaussianDpEvent(sigma)), count)
    return float(a.get_epsilon(delta))


try:
    import dp_accounting  # noqa: F401
    peer = True
except ImportError:
    peer = print("accounting: dp_accounting is missing: ours alone", file=sys.stderr)

for kind in ("renyi", "pld"):
    ms, epsilon = median_ms(lambda: ours(kind, LEDGER, 1e-5))
    line = {"bench": "price", "accountant": kind, "steps": 10_000, "milliseconds": ms, "epsilon": epsilon}
    if peer:
        line["dp_accounting_milliseconds"], line["dp_accounting_epsilon"] = median_ms(lambda: theirs(kind, LEDGER,
            1e-5))
    emit(**line)

schema = {"fields": [{"name": f"c{i}", "type": "integer", "constraints": {"minimum": 0, "maximum": 99}}
                     for i in range(10)]}
plan = flip.plan(schema, epsilon=2, delta=1e-6,
                 config={"rows": {"declared": 50_000}, "autoencoder": {"steps": 6000}, "diffusion": {"steps": 4000}})
for kind in ("renyi", "pld"):
    ms, epsilon = median_ms(lambda: plan.epsilon_at(1e-6, kind))
    emit(bench="plan", accountant=kind, steps=10_000, milliseconds=ms, epsilon=epsilon)

typical = [(0.03, 2.0, 400)]
r, p = ours("renyi", typical, 1e-5), ours("pld", typical, 1e-5)
emit(bench="typical", renyi=r, pld=p, saved=round(1 - p / r, 4))

def release(rng):
    return 10 ** rng.uniform(-3, -0.5), 10 ** rng.uniform(-0.2, 1), int(10 ** rng.uniform(0, 3.5))


def near(name, points, make):
    rng, ratios, slowest = random.Random(11), [], 0.0
    while len(ratios) < points:
        releases, delta = make(rng), 10 ** rng.uniform(-9, -3)
        rough = ours("renyi", releases, delta)
        if not 0.05 < rough < 30:
            continue
        start = time.perf_counter()
        e = ours("pld", releases, delta)
        slowest = max(slowest, time.perf_counter() - start)
        # Their step: a little of what one of ours would lose, within what memory allows.
        ratios.append(e / theirs("pld", releases, delta, min(max(e * 5e-5, 1e-6), 1e-3)) - 1)
    emit(bench="near", what=name, points=points, largest_above=max(ratios), largest_below=-min(ratios),
         further_than_1_percent=sum(r > 0.01 for r in ratios),
         slowest_milliseconds=round(1e3 * slowest))


if peer:
    near("one release, repeated", POINTS, lambda rng: [release(rng)])
    near("compositions", max(POINTS // 5, 1), lambda rng: [release(rng) for _ in range(rng.randint(2, 5))])
