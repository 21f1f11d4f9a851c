"""How often other intervals hold the truth: of several tables put together, of dates, of samples from a real table.

    python Benchmarks/coverage.py many  [--trainings 100] [--rows 4000] [--epsilon 1] [--tables 20]
    python Benchmarks/coverage.py dates [--trainings 100] [--rows 4000] [--epsilon 1]
    FLIP_DATA=DIR python Benchmarks/coverage.py real [--trainings 100] [--rows 4000] [--epsilon 1] [--table adult]

many: Model.sample_many and flip.combine over the population of intervals.py, with textbook variances in each table.
dates: means, quantiles and differences of date and datetime columns. real: DIR/NAME_train.csv and DIR/NAME.schema.json
are the population, from which each training draws rows with replacement: means, shares of levels, differences between
groups. One JSON object a figure, as intervals.py prints them, with the standard error that `covered` has where it is
.95; at the end one for each kind, over figures that nine trainings of ten answered.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from typing import Callable, Iterator

import numpy
import pandas

import flip
import intervals

Answers = dict[str, tuple[float, float]]
DAYS = {"fields": [
    {"name": "ward", "type": "string", "constraints": {"enum": ["a", "b", "c"], "required": True}},
    {"name": "born", "type": "date",
     "constraints": {"minimum": "1920-01-01", "maximum": "2009-12-31", "required": True}},
    {"name": "seen", "type": "datetime",
     "constraints": {"minimum": "2020-01-01T00:00:00Z", "maximum": "2022-12-31T23:59:00Z", "multipleOf": 60,
                     "required": True}}]}
COUNTS = {"projection": {"steps": 1, "rows": 16}}       # estimates stand on the counts; no table need be fitted


def estimates(rows: pandas.DataFrame) -> dict[str, tuple[float, float]]:
    """(estimate, variance) of an analysis by the textbook, rows taken for real ones."""
    def mean(x: pandas.Series) -> tuple[float, float]:
        return float(x.mean()), float(x.var(ddof=1)) / len(x)
    died = (rows.died == "yes").astype(float)
    out = {"mean age": mean(rows.age), "mean creatinine": mean(rows.creatinine), "share died": mean(died),
           "share ward c": mean((rows.ward == "c").astype(float))}
    for name, column in (("creatinine", rows.creatinine), ("died", died)):
        parts = {w: mean(column[rows.ward == w]) for w in "abc"}
        for w in "bc":
            out[f"difference of {name} {w}-a"] = (parts[w][0] - parts["a"][0], parts[w][1] + parts["a"][1])
    x = numpy.column_stack([numpy.ones(len(rows)), rows.age, rows.sex == "m"]).astype(float)
    inverse = numpy.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ rows.creatinine.to_numpy()
    residual = float(((rows.creatinine.to_numpy() - x @ beta) ** 2).sum() / (len(rows) - 3))
    out |= {f"linear {k}": (float(b), residual * float(v))
            for k, b, v in zip(intervals.LINEAR, beta, numpy.diag(inverse))}
    return out


def many(a: argparse.Namespace) -> Iterator[tuple[dict[str, float], Answers]]:
    for k in range(a.trainings):
        rows = intervals.population(a.rows, numpy.random.default_rng([a.seed, k]))
        model = flip.train(flip.Table.from_pandas(rows, intervals.SCHEMA), epsilon=a.epsilon, delta=1e-5,
                           config={**intervals.QUICK, "threads": 1})
        found = [estimates(t.to_pandas()) for t in model.sample_many(m=a.tables, seed=k, threads=1)]
        put = {name: flip.combine([f[name][0] for f in found], [f[name][1] for f in found]) for name in found[0]}
        yield intervals.truths(), {name: (c["low"], c["high"]) for name, c in put.items()}


def calendar(n: int, rng: numpy.random.Generator) -> pandas.DataFrame:
    ward = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    born = 365.25 * (rng.normal(-10 + 6 * (ward == "b"), 15, n)).clip(-49, 39)
    seen = 1440 * 1000 * rng.beta(2, 1 + (ward == "c"), n)
    return pandas.DataFrame({
        "ward": ward, "born": numpy.datetime64("1970-01-01") + born.round().astype("timedelta64[D]"),
        "seen": numpy.datetime64("2020-01-01T00:00") + seen.round().astype("timedelta64[m]")})


def dates(a: argparse.Namespace) -> Iterator[tuple[dict[str, float], Answers]]:
    def count(column: pandas.Series, name: str) -> pandas.Series:
        since = column - pandas.Timestamp(0)
        return since.dt.days if name == "born" else since.dt.total_seconds() * 1e6
    whole, truth = calendar(2_000_000, numpy.random.default_rng(99)), {}
    for name in ("born", "seen"):
        values = count(whole[name], name)
        truth[f"mean {name}"] = values.mean()
        groups = values.groupby(whole.ward).mean()
        truth |= {f"difference of {name} {w}-a": groups[w] - groups["a"] for w in "bc"}
        truth |= {f"quantile {q} of {name}": float(values.quantile(q)) for q in (0.1, 0.5, 0.9)}
    for k in range(a.trainings):
        rows = calendar(a.rows, numpy.random.default_rng([a.seed, k]))
        model = flip.train(flip.Table.from_pandas(rows, DAYS), epsilon=a.epsilon, delta=1e-5,
                           config={**intervals.QUICK, **COUNTS, "threads": 1})
        out: Answers = {}
        for name in ("born", "seen"):
            answer = model.estimate("mean", name, by="ward", contrast="difference", reference="a")
            out |= {f"difference of {name} {e['group']}-a": (e["low"], e["high"]) for e in answer["contrasts"]}
            for title, e in [(f"mean {name}", model.estimate("mean", name))] + [
                    (f"quantile {q} of {name}", model.estimate("quantile", name, quantile=q)) for q in (0.1, 0.5, 0.9)]:
                out[title] = (e["estimates"][0]["low"], e["estimates"][0]["high"])
        yield truth, out


def real(a: argparse.Namespace) -> Iterator[tuple[dict[str, float], Answers]]:
    path = os.path.join(os.environ.get("FLIP_DATA", "."), a.table)
    schema = flip.Schema(path + ".schema.json")
    table = flip.Table.read_csv(path + "_train.csv", schema)
    rows, fields = table.to_pandas(), schema.dict["fields"]
    texts = {f["name"]: f["constraints"]["enum"] for f in fields if f["type"] == "string"}
    numbers = [f["name"] for f in fields if f["type"] in ("integer", "number") and "enum" not in f["constraints"]]
    by = {"adult": "sex", "law": "race", "compas": "race"}.get(a.table, next(iter(texts)))
    truth = {f"mean {c}": float(rows[c].mean()) for c in numbers}
    shares = {c: rows[c].value_counts(normalize=True) for c in texts}
    truth |= {f"share {c}={level}": float(shares[c].get(level, 0)) for c in texts for level in texts[c]}
    first = str(shares[by].index[0])
    for c in numbers:
        groups = rows.groupby(by, observed=True)[c].mean()
        truth |= {f"difference of {c} {g}-{first}": float(groups[g] - groups[first]) for g in groups.index}
    for k in range(a.trainings):
        drawn = rows.iloc[numpy.random.default_rng([a.seed, k]).integers(0, len(rows), a.rows)].reset_index(drop=True)
        model = flip.train(flip.Table.from_pandas(drawn, schema), epsilon=a.epsilon, delta=1e-5,
                           config={**intervals.QUICK, **COUNTS, "threads": 1})
        out: Answers = {}
        for c in numbers:
            answer = model.estimate("mean", c, by=by, contrast="difference", reference=first)
            out |= {f"difference of {c} {e['group']}-{first}": (e["low"], e["high"])
                    for e in answer["contrasts"] if e["told"]}
            e = model.estimate("mean", c)["estimates"][0]
            out[f"mean {c}"] = (e["low"], e["high"])
        for c in texts:                                 # levels that were counted together are no single level
            out |= {f"share {c}={e['level']}": (e["low"], e["high"])
                    for e in model.estimate("share", c)["estimates"] if e["told"]}
        yield truth, {name: ends for name, ends in out.items() if name in truth}


def report(found: Iterator[tuple[dict[str, float], Answers]], epsilon: float) -> None:
    hits: dict[str, list[tuple[bool, float]]] = {}
    for truth, answers in found:
        for name, (low, high) in answers.items():
            low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
            hits.setdefault(name, []).append((low <= truth[name] <= high, high - low))
    kinds: dict[str, list[float]] = {}
    most = max(len(seen) for seen in hits.values())
    for name, seen in hits.items():
        covered = sum(hit for hit, _ in seen) / len(seen)
        if len(seen) > 0.9 * most:                      # told now and then is told by chance: no coverage follows
            kinds.setdefault(name.split()[0], []).append(covered)
        print(json.dumps({"figure": name, "epsilon": epsilon, "trainings": len(seen), "covered": round(covered, 4),
                          "error": round(math.sqrt(0.95 * 0.05 / len(seen)), 4),
                          "width": round(sum(width for _, width in seen) / len(seen), 5)}), flush=True)
    for kind, all_of in kinds.items():
        print(json.dumps({"kind": kind, "figures": len(all_of), "covered": round(sum(all_of) / len(all_of), 4),
                          "least": min(all_of), "most": max(all_of)}), flush=True)


def main() -> None:
    measures: dict[str, Callable[[argparse.Namespace], Iterator[tuple[dict[str, float], Answers]]]] = {
        "many": many, "dates": dates, "real": real}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=list(measures))
    parser.add_argument("--trainings", type=int, default=100)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--epsilon", type=float, default=1)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--table", default="adult")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    report(measures[a.what](a), a.epsilon)


if __name__ == "__main__":
    main()
