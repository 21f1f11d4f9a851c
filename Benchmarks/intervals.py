"""How often the intervals of Model.estimate hold the truth, over simulated trainings, beside naive ones.

    python Benchmarks/intervals.py [--trainings 500] [--rows 4000] [--epsilon 1,2] [--naive]

Every training draws a new table from one population whose figures are known, releases its noisy counts and answers.
Estimates need the releases alone, so the networks are trained for one step. --naive also draws as many rows as the
table has from the table that is fitted to the releases, and takes textbook intervals from them, as somebody does who
treats synthetic rows as real ones. One JSON object a line: what, epsilon, covered, mean width, naive.
"""

from __future__ import annotations

import argparse
import functools
import json
import math

import numpy
import pandas

import flip

SCHEMA = {"fields": [
    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c"], "required": True}},
    {"name": "sex", "type": "string", "constraints": {"enum": ["f", "m"], "required": True}},
    {"name": "age", "type": "number",
     "constraints": {"minimum": 18, "maximum": 100, "multipleOf": 0.1, "required": True}},
    {"name": "creatinine", "type": "number",
     "constraints": {"minimum": 0, "maximum": 5, "multipleOf": 0.01, "required": True}},
    {"name": "died", "type": "string", "constraints": {"enum": ["no", "yes"], "required": True}}]}
QUICK = {"autoencoder": {"steps": 1}, "diffusion": {"steps": 1}, "rake": {"enabled": False}, "calibrate_heads": False}
# The population: log odds of death, and creatinine, given the other columns.
LOGIT = {"(intercept)": -3.5, "age": 0.04, "sex=m": 0.5, "creatinine": 0.4}
LINEAR = {"(intercept)": 0.5, "age": 0.01, "sex=m": 0.2}


def population(n: int, rng: numpy.random.Generator) -> pandas.DataFrame:
    """Rows of the population: columns that depend on each other, two of them skewed."""
    ward = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    sex = numpy.where(rng.random(n) < 0.4 + 0.2 * (ward == "b"), "m", "f")
    age = numpy.clip(rng.normal(52 + 8 * (ward == "a") + 3 * (sex == "m"), 13, n), 18, 100).round(1)
    noise = rng.gamma(4.0, 0.15, n) - 0.6
    creatinine = numpy.clip(LINEAR["(intercept)"] + LINEAR["age"] * age + LINEAR["sex=m"] * (sex == "m") + noise, 0, 5)
    creatinine = creatinine.round(2)
    eta = LOGIT["(intercept)"] + LOGIT["age"] * age + LOGIT["sex=m"] * (sex == "m") + LOGIT["creatinine"] * creatinine
    died = numpy.where(rng.random(n) < 1 / (1 + numpy.exp(-eta)), "yes", "no")
    return pandas.DataFrame({"ward": ward, "sex": sex, "age": age, "creatinine": creatinine, "died": died})


@functools.lru_cache
def truths() -> dict[str, float]:
    """The population's figures, from four million rows of it."""
    d = population(4_000_000, numpy.random.default_rng(99))
    t = {"mean age": d.age.mean(), "mean creatinine": d.creatinine.mean(), "share died": (d.died == "yes").mean(),
         "share ward c": (d.ward == "c").mean()}
    for w, g in d.groupby("ward"):
        t[f"mean creatinine in {w}"] = g.creatinine.mean()
        t[f"mean age in {w}"] = g.age.mean()
        t[f"share died in {w}"] = (g.died == "yes").mean()
    for w in "bc":
        t[f"difference of creatinine {w}-a"] = t[f"mean creatinine in {w}"] - t["mean creatinine in a"]
        t[f"difference of died {w}-a"] = t[f"share died in {w}"] - t["share died in a"]
        t[f"ratio of died {w}/a"] = t[f"share died in {w}"] / t["share died in a"]
    for q in (0.1, 0.5, 0.9):
        t[f"quantile {q} of age"] = float(numpy.quantile(d.age, q))
        t[f"quantile {q} of creatinine"] = float(numpy.quantile(d.creatinine, q))
    t["quantile 0.5 of age in b"] = float(numpy.quantile(d.age[d.ward == "b"], 0.5))
    for (w, x), count in d.groupby(["ward", "died"]).size().items():
        t[f"cell {w}, {x}"] = count / len(d)
    t |= {f"linear {k}": v for k, v in LINEAR.items()}
    t |= {f"logistic {k}": v for k, v in LOGIT.items()}
    return t


def answers(model: flip.Model) -> dict[str, tuple[float, float]]:
    """Intervals of every figure, from the model's releases."""
    def pick(answer):
        return [(e["low"], e["high"]) for e in answer["estimates"]]
    out = {"mean age": pick(model.estimate("mean", "age"))[0],
           "mean creatinine": pick(model.estimate("mean", "creatinine"))[0],
           "share died": pick(model.estimate("share", "died", level="yes"))[0],
           "share ward c": pick(model.estimate("share", "ward", level="c"))[0]}
    creatinine = model.estimate("mean", "creatinine", by="ward", contrast="difference", reference="a")
    age = model.estimate("mean", "age", by="ward")
    died = model.estimate("share", "died", level="yes", by="ward", contrast="difference", reference="a")
    ratio = model.estimate("share", "died", level="yes", by="ward", contrast="ratio", reference="a")
    for answer, title in ((creatinine, "mean creatinine"), (age, "mean age"), (died, "share died")):
        for e in answer["estimates"]:
            out[f"{title} in {e['group']}"] = (e["low"], e["high"])
    for answer, title in ((creatinine, "difference of creatinine {}-a"), (died, "difference of died {}-a"),
                          (ratio, "ratio of died {}/a")):
        for e in answer["contrasts"]:
            out[title.format(e["group"])] = (e["low"], math.inf if e["high"] is None else e["high"])
    for q in (0.1, 0.5, 0.9):
        for column in ("age", "creatinine"):
            out[f"quantile {q} of {column}"] = pick(model.estimate("quantile", column, quantile=q))[0]
    for e in model.estimate("quantile", "age", quantile=0.5, by="ward")["estimates"]:
        if e["group"] == "b":
            out["quantile 0.5 of age in b"] = (e["low"], e["high"])
    for e in model.estimate("cells", "ward", with_="died")["estimates"]:
        out[f"cell {e['level']}, {e['with_level']}"] = (e["low"], e["high"])
    for what, column, predictors in (("linear", "creatinine", ["age", "sex"]),
                                     ("logistic", "died", ["age", "sex", "creatinine"])):
        try:
            for e in model.estimate(what, column, predictors=predictors)["estimates"]:
                out[f"{what} {e['term']}"] = (e["low"], e["high"])
        except flip.Unsupported:                # too noisy: nothing is claimed, and the training does not count
            pass
    return out


def naive(rows: pandas.DataFrame) -> dict[str, tuple[float, float]]:
    """Textbook intervals from rows that are taken for real ones."""
    out = {}

    def put(name, value, error):
        out[name] = (value - 1.96 * error, value + 1.96 * error)

    def mean(x):
        return x.mean(), x.std(ddof=1) / math.sqrt(len(x))
    d = rows.assign(y=(rows.died == "yes").astype(float), c=(rows.ward == "c").astype(float))
    for name, x in (("mean age", d.age), ("mean creatinine", d.creatinine), ("share died", d.y), ("share ward c", d.c)):
        put(name, *mean(x))
    groups = {w: g for w, g in d.groupby("ward")}
    for w, g in groups.items():
        put(f"mean creatinine in {w}", *mean(g.creatinine))
        put(f"mean age in {w}", *mean(g.age))
        put(f"share died in {w}", *mean(g.y))
    for w in "bc":
        for column, name in (("creatinine", "creatinine"), ("y", "died")):
            (a, s), (b, t) = mean(groups[w][column]), mean(groups["a"][column])
            put(f"difference of {name} {w}-a", a - b, math.hypot(s, t))
    n = len(d)
    for q in (0.1, 0.5, 0.9):
        reach = 1.96 * math.sqrt(q * (1 - q) / n)
        for column in ("age", "creatinine"):
            out[f"quantile {q} of {column}"] = tuple(numpy.quantile(d[column], [max(q - reach, 0), min(q + reach, 1)]))
    for (w, x), count in d.groupby(["ward", "died"]).size().items():
        put(f"cell {w}, {x}", count / n, math.sqrt(count / n * (1 - count / n) / n))
    x = numpy.column_stack([numpy.ones(n), d.age, d.sex == "m"]).astype(float)
    inverse = numpy.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ d.creatinine
    residual = float(((d.creatinine - x @ beta) ** 2).sum() / (n - 3))
    for k, b, v in zip(LINEAR, beta, numpy.diag(inverse)):
        put(f"linear {k}", b, math.sqrt(residual * v))
    x = numpy.column_stack([x, d.creatinine])
    beta = numpy.zeros(4)
    for _ in range(25):
        p = 1 / (1 + numpy.exp(-x @ beta))
        information = (x * (p * (1 - p))[:, None]).T @ x
        beta = beta + numpy.linalg.solve(information, x.T @ (d.y - p))
    for k, b, v in zip(LOGIT, beta, numpy.diag(numpy.linalg.inv(information))):
        put(f"logistic {k}", b, math.sqrt(v))
    return out


def simulate(trainings: int, rows: int, epsilon: float, with_naive: bool, seed: int = 0) -> list[dict]:
    """One record for each figure: how many of the intervals hold it, and how wide they are."""
    truth, found, plain = truths(), {}, {}
    for k in range(trainings):
        table = flip.Table.from_pandas(population(rows, numpy.random.default_rng([seed, k])), SCHEMA)
        fit = {} if with_naive else {"projection": {"steps": 1, "rows": 16}}
        model = flip.train(table, epsilon=epsilon, delta=1e-5, config={**QUICK, "threads": 1, **fit})
        for name, interval in answers(model).items():
            found.setdefault(name, []).append(interval)
        if with_naive:
            synthetic = model.sample(rows, seed=k, stage="projection", threads=1).to_pandas()
            for name, interval in naive(synthetic).items():
                plain.setdefault(name, []).append(interval)
    out = []
    for name, intervals in found.items():
        low, high = numpy.array(intervals, dtype=float).T
        record = {"figure": name, "epsilon": epsilon, "trainings": len(intervals), "truth": round(truth[name], 5),
                  "covered": round(float(((low <= truth[name]) & (truth[name] <= high)).mean()), 4),
                  "width": round(float((high - low).mean()), 5)}
        if name in plain:
            a, b = numpy.array(plain[name], dtype=float).T
            record |= {"naive": round(float(((a <= truth[name]) & (truth[name] <= b)).mean()), 4),
                       "naive_width": round(float((b - a).mean()), 5)}
        out.append(record)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainings", type=int, default=500)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--epsilon", default="1,2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--naive", action="store_true")
    a = parser.parse_args()
    for epsilon in a.epsilon.split(","):
        for record in simulate(a.trainings, a.rows, float(epsilon), a.naive, a.seed):
            print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
