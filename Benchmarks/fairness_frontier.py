#!/usr/bin/env python3
"""Fairness against usefulness, three curves side by side: what `model.frontier()` tells from released values alone,
what generators of these strengths turn out to be on real rows, and how far a classifier of the real rows gets.

    FLIP_DATA=DIR FLIP_JUDGE=judge.py python Benchmarks/fairness_frontier.py [--tables law compas adult] [--seed 1]
        [--epsilon 2] [--strengths 0 0.25 0.5 1 2] [--weights 0 0.3 1 3 10] [--steps 400] [--out DIR]

DIR and the judge are as for judge_tables.py. One model is trained for each table, at strength 0; the others are made of
its releases by `refit`. The limit is a network of one hidden layer for each column, which never sees the protected
column, trained on the real rows without privacy, with `weight` times the squared differences between groups of the
share that it selects, softly. Disparities are those of the judge: the largest difference between two groups of at least
30 rows of the hold-out, of the share selected, as many rows as the task has. Needs numpy, pandas and scikit-learn.

The second and the third curve read real rows: they are NOT PRIVATE. The first is.
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bindings" / "python")]
import flip  # noqa: E402
from judge_tables import judged  # noqa: E402

HIDDEN, SHARPNESS, LEAST_ROWS = 32, 0.2, 30


def tasks(frame, schema, target, protected):
    """{column: function from a frame to 0 and 1}: above the median, the last level of the target, the most frequent."""
    found = {}
    for field in schema["fields"]:
        name, levels = field["name"], field.get("constraints", {}).get("enum")
        if name == protected:
            continue
        if levels is None:
            task = (lambda d, n=name, m=frame[name].median(): (d[n] > m).to_numpy(float))
        else:
            level = sorted(levels)[-1] if name == target else frame[name].mode()[0]
            task = (lambda d, n=name, v=level: (d[n] == v).to_numpy(float))
        if 0.05 <= task(frame).mean() <= 0.95:
            found[name] = task
    return found


def features(frame, real, schema, drop):
    """Every column but those to drop as numbers of mean 0 and deviation 1 in the real rows, within ±5."""
    import pandas as pd
    parts, own = [], []
    for field in schema["fields"]:
        name, levels = field["name"], field.get("constraints", {}).get("enum")
        if name in drop:
            continue
        for rows, into in ((frame, parts), (real, own)):
            if levels is None:
                into.append(rows[[name]].to_numpy(float))
            else:
                into.append(np.eye(len(levels))[pd.Categorical(rows[name], categories=levels).codes])
    x, y = np.hstack(parts), np.hstack(own)
    return np.clip((x - y.mean(0)) / (y.std(0) + 1e-6), -5, 5).astype(np.float32)


def train(x, y, groups, weight, steps, seed=0):
    """A score of rows: cross-entropy plus `weight` times Σ_g (soft share selected in g − mean of the groups)²."""
    random = np.random.default_rng(seed)
    p = [random.normal(0, x.shape[1] ** -0.5, (x.shape[1], HIDDEN)), np.zeros(HIDDEN),
         random.normal(0, HIDDEN ** -0.5, HIDDEN), np.zeros(1)]
    p = [a.astype(np.float32) for a in p]
    first, second = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    member = np.stack([(groups == g) / (groups == g).sum() for g in np.unique(groups)]).astype(np.float32)
    for step in range(1, steps + 1):
        inner = x @ p[0] + p[1]
        active = np.maximum(inner, 0)
        z = active @ p[2] + p[3][0]
        slope = (1 / (1 + np.exp(-np.clip(z, -30, 30))) - y) / len(y)
        if weight > 0:
            h = SHARPNESS * (z.std() + 1e-6)
            soft = 1 / (1 + np.exp(-np.clip((z - np.quantile(z, 1 - y.mean())) / h, -30, 30)))
            gap = member @ soft
            gap -= gap.mean()
            slope = slope + weight * 2 * (gap @ member) * soft * (1 - soft) / h
        back = np.outer(slope, p[2]) * (inner > 0)
        for i, g in enumerate([x.T @ back, back.sum(0), slope @ active, slope.sum(keepdims=True)]):
            g = g.astype(np.float32) + 1e-4 * p[i]
            first[i], second[i] = 0.9 * first[i] + 0.1 * g, 0.999 * second[i] + 0.001 * g * g
            p[i] = p[i] - 3e-3 * (first[i] / (1 - 0.9 ** step)) / (np.sqrt(second[i] / (1 - 0.999 ** step)) + 1e-8)
    return lambda rows: np.maximum(rows @ p[0] + p[1], 0) @ p[2] + p[3][0]


def disparity(score, answers, groups):
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(-score, kind="stable")[:int(round(answers.mean() * len(score)))]] = True
    shares = [chosen[groups == g].mean() for g in np.unique(groups) if (groups == g).sum() >= LEAST_ROWS]
    return max(shares) - min(shares)


def limit(real, holdout, schema, target, protected, weights, steps):
    """{weight: mean figures over tasks, and those of the target}."""
    from sklearn.metrics import roc_auc_score
    groups, held, found = real[protected].to_numpy(), holdout[protected].to_numpy(), {w: {} for w in weights}
    counts = {g: (groups == g).sum() for g in np.unique(groups)}
    big = np.array([counts[g] >= 2 * LEAST_ROWS for g in groups])
    for name, task in tasks(real, schema, target, protected).items():
        x, there = (features(d, real, schema, {name, protected}) for d in (real, holdout))
        for w in weights:
            score = train(x[big], task(real)[big].astype(np.float32), groups[big], w, steps)(there)
            found[w][name] = roc_auc_score(task(holdout), score), disparity(score, task(holdout), held)
    return {w: {"target_auc": t[target][0], "target_dpd": t[target][1],
                "tasks_auc": float(np.mean([a for a, _ in t.values()])),
                "tasks_dpd": float(np.mean([d for _, d in t.values()]))} for w, t in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["law", "compas", "adult"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epsilon", type=float, default=2)
    parser.add_argument("--strengths", nargs="+", type=float, default=[0, 0.25, 0.5, 1, 2])
    parser.add_argument("--weights", nargs="+", type=float, default=[0, 0.3, 1, 3, 10])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    data, judge = os.environ.get("FLIP_DATA"), os.environ.get("FLIP_JUDGE")
    if not data or not judge:
        print("fairness_frontier: SKIPPED: set FLIP_DATA (a folder of tables) and FLIP_JUDGE (a script that scores "
              "them)")
        return
    for table in a.tables:
        path = Path(data) / table
        schema, task = json.loads(Path(f"{path}.schema.json").read_text()), json.loads(Path(f"{path}.task.json")
                                                                                       .read_text())
        rows = flip.Table.read_csv(f"{path}_train.csv", schema)
        model = flip.train(rows, protected=task["protected"], epsilon=a.epsilon, delta=1e-5, progress=False,
                           config={"seed": a.seed, "fairness": {"strength": 0}})
        estimated = {p["strength"]: p for p in model.frontier(a.strengths)["points"]}
        print(f"\n{table}, ε = {a.epsilon:g}: by released values alone, then on real rows")
        with tempfile.TemporaryDirectory() as scratch:
            folder = a.out or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            for s in a.strengths:
                made = model.refit({"fairness": {"strength": s}}) if s > 0 else model
                file = folder / f"{table}-{s:g}-{a.seed}.csv"
                made.sample(len(rows), seed=a.seed).to_csv(str(file))
                f, e = judged(judge, table, str(file), data, False), estimated[s]
                line(f"strength {s:g}", e["auc"], e["disparity"], f)
        print(f"{table}: the limit, classifiers of the real rows")
        real, holdout = (flip.Table.read_csv(f"{path}_{part}.csv", schema).to_pandas() for part in ("train", "test"))
        for w, f in limit(real, holdout, schema, task["target"], task["protected"][0], a.weights, a.steps).items():
            line(f"weight {w:g}", None, None, f)


def line(name, auc, gap, f):
    told = "                      " if auc is None else f"estimate {auc:.3f} / {gap:.3f}"
    print(f"  {name:14}{told:24} target {f['target_auc']:.3f} / {f['target_dpd']:.3f}   "
          f"tasks {f['tasks_auc']:.3f} / {f['tasks_dpd']:.3f}", flush=True)


if __name__ == "__main__":
    main()
