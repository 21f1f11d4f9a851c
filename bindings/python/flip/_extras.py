"""Measures of other packages, where the host has them: Anonymeter's attacks and SynthEval's list. NOT PRIVATE.

Each package computes its own figures; this module hands over the rows in a form that both read rightly: levels as
codes, dates as numbers, a missing number as the median beside a column that says so.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import math
import warnings
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from ._errors import ArgumentError, Unsupported

ATTACKS = 500           # of each kind; more make intervals narrower
ATTEMPTS = 100_000      # queries that may be tried until so many single out a synthetic row
ROWS = 2000             # of each table for SynthEval, whose distances need memory by the square of the rows
SEED = 1
PARITY = "statistical_parity"
MAKERS = ("anonymeter", "syntheval")


def chosen(names: Union[str, Sequence[str]]) -> list[str]:
    """The names of packages, checked."""
    names = [names] if isinstance(names, str) else list(names)
    if not set(names) <= set(MAKERS):
        raise ArgumentError('extras: must be of "anonymeter" and "syntheval"')
    return names


def figures(names: Sequence[str], real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str],
            protected: Sequence[str], positive: Any = None) -> dict[str, Any]:
    """{"anonymeter": {...}, "syntheval": {...}} of the packages asked for, from data frames of pandas."""
    out: dict[str, Any] = {}
    for name in chosen(names):
        maker = _anonymeter if name == "anonymeter" else _syntheval
        with _quiet():
            out[name] = maker(real, synthetic, holdout, target, list(protected), positive)
    return out


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is printed or logged, numpy's shared generator starts at a fixed seed, and is put back afterwards."""
    import numpy
    state, level = numpy.random.get_state(), logging.root.manager.disable
    try:
        numpy.random.seed(SEED)
        logging.disable(logging.WARNING)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        numpy.random.set_state(state)


def _module(name: str) -> Any:
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise Unsupported(f"extras: the package {package} cannot be imported ({e.name}); pip install {package}") from e


def _number(x: Any) -> Optional[float]:
    try:
        value = float(x)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def plain(frames: Sequence[Any]) -> tuple[list[Any], list[str], dict[str, list[str]]]:
    """The frames with numbers as float64 and everything else as codes in text, the same in all of them.

    Also the names of columns of text, and {column: [its columns here]}: a column of numbers that has missing cells
    anywhere gets a second one, which says where.
    """
    import pandas
    whole = pandas.concat(frames, ignore_index=True)
    out: dict[str, Any] = {}
    words: list[str] = []
    parts: dict[str, list[str]] = {}
    for name in whole.columns:
        column, parts[name] = whole[name], [name]
        if pandas.api.types.is_datetime64_any_dtype(column):
            first = column.min()
            column = (column - first).dt.total_seconds() / 86400
        if not pandas.api.types.is_numeric_dtype(column) or pandas.api.types.is_bool_dtype(column):
            codes = pandas.factorize(column.astype(object), sort=False, use_na_sentinel=False)[0]
            out[name] = pandas.Series(codes).map("c{}".format)
            words.append(name)
            continue
        out[name] = column.astype("float64")
        missing = out[name].isna()
        if missing.any():
            middle = out[name].median()
            out[name] = out[name].fillna(0.0 if math.isnan(middle) else middle)
            flag = name + " missing"
            while flag in whole.columns:
                flag += "?"
            out[flag] = missing.map({False: "c0", True: "c1"})
            words.append(flag)
            parts[name].append(flag)
    table = pandas.DataFrame(out)
    starts = [0]
    for frame in frames:
        starts.append(starts[-1] + len(frame))
    return [table.iloc[a:b].reset_index(drop=True) for a, b in zip(starts, starts[1:])], words, parts


def _secret(frames: list[Any], words: list[str], name: str) -> None:
    """A column of numbers to guess becomes the tenth of the real values that it lies in: close enough is right."""
    if name not in words:
        edges = sorted(set(frames[0][name].quantile([k / 10 for k in range(1, 10)])))
        for frame in frames:
            frame[name] = frame[name].map(lambda x: f"c{sum(x > edge for edge in edges)}")


def _anonymeter(real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str], protected: list[str],
                positive: Any) -> dict[str, Any]:
    """Risks of singling out, linkability and inference, each {value, low, high, baseline}: with a hold-out 0 is no more
    than against rows that nothing was learned from (Giomi et al. 2023, arXiv:2211.10459). Without one the value is the
    attack's rate of success, with what any model of the population tells. baseline: the rate of guessing blindly."""
    attack = _module("anonymeter.evaluators")
    frames, words, parts = plain([real, synthetic] + ([] if holdout is None else [holdout]))
    names = list(parts)
    attacks = min(ATTACKS, *(len(frame) for frame in frames))
    half = [sum((parts[n] for n in side), []) for side in (names[:len(names) // 2], names[len(names) // 2:])]
    secret = target or (protected[0] if protected else names[-1])
    others = [c for n in names if n != secret for c in parts[n]]

    def risk(kind: str, tables: list[Any], options: dict[str, Any], how: dict[str, Any]) -> Optional[dict[str, Any]]:
        given = {"ori": tables[0], "syn": tables[1], "n_attacks": attacks, **options}
        if holdout is not None:
            given["control"] = tables[2]
        try:
            evaluator = getattr(attack, kind)(**given).evaluate(**how)
            found, guessed = evaluator.risk(confidence_level=0.95), evaluator.risk(confidence_level=0.95, baseline=True)
        except (RuntimeError, ZeroDivisionError):   # too few attacks succeeded to say anything
            return None
        value = {"value": _number(found.value), "low": _number(found.ci[0]), "high": _number(found.ci[1]),
                 "baseline": _number(guessed.value)}
        return None if None in value.values() else value
    out = {"singling_out": risk("SinglingOutEvaluator", frames, {"seed": SEED, "max_attempts": ATTEMPTS},
                                {"mode": "multivariate" if len(frames[0].columns) > 3 else "univariate"}),
           "linkability": None, "inference": None, "secret": secret, "attacks": attacks}
    if len(names) > 1:
        out["linkability"] = risk("LinkabilityEvaluator", frames, {"n_neighbors": 10, "aux_cols": tuple(half)}, {})
        told = [frame.copy() for frame in frames]
        _secret(told, words, secret)
        found = risk("InferenceEvaluator", told, {"secret": secret, "aux_cols": others}, {})
        if found is not None:
            # Anonymeter 1.1.0 finds no random guess right: it aligns them by row number with other rows.
            shares = [frame[secret].value_counts(normalize=True) for frame in told[:2]]
            found["baseline"] = float((shares[0] * shares[1]).sum())
        out["inference"] = found
    return out


def _syntheval(real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str], protected: list[str],
               positive: Any) -> dict[str, Any]:
    """SynthEval's fast list, {metric: value}, and where a target and a protected column are given its statistical
    parity, of the synthetic rows and of the real ones."""
    judge = _module("syntheval").SynthEval
    some = [frame if len(frame) <= ROWS else frame.sample(ROWS, random_state=SEED)
            for frame in ([real, synthetic] + ([] if holdout is None else [holdout]))]
    frames, words, _ = plain(some)
    evaluator = judge(frames[0], holdout_dataframe=frames[2] if holdout is not None else None, cat_cols=words,
                      verbose=False)
    table = evaluator.evaluate(frames[1], target if target in words else None, presets_file="fast_eval")
    out: dict[str, Any] = {} if table is None else {
        str(r["metric"]): _number(r["val"]) for r in table.to_dict("records")}
    out["rows"] = [len(frame) for frame in frames]
    if target is not None and protected:
        both = {"real": real, "synthetic": synthetic}
        out[PARITY] = {name: parity(real, both, target, name, positive) for name in protected if name != target}
    return out


def _two(column: Any, one: Any) -> Any:
    """The column as "0" and "1", which SynthEval keeps as they are."""
    return (column.astype(object) == one).map({False: "0", True: "1"})


def parity(real: Any, tables: Mapping[str, Any], target: str, protected: str,
           positive: Any = None) -> Optional[dict[str, Any]]:
    """SynthEval's statistical parity of each table: how much more often a random forest, trained and tried on these
    rows alone, predicts `positive` (the last real level of the target unless given, as everywhere) for the largest real
    group than for the others.

    {name: {"value", "error"}, "group": ..., "positive": ...}. SynthEval compares the codes 1 and 0 of both columns
    whatever else there is, so both are handed over as two levels. None for columns of numbers.
    """
    judge = _module("syntheval").SynthEval
    kinds = [real[name].dtype for name in (target, protected)]
    if any(getattr(kind, "kind", "O") in "iufM" for kind in kinds):
        return None
    if positive is None:
        positive = max(real[target].dropna().unique(), key=lambda level: str(level).encode())
    group = real[protected].value_counts().index[0]
    whole, words, _ = plain([real, *tables.values()])
    words = list(dict.fromkeys([*words, target, protected]))
    for frame, rows in zip(whole, (real, *tables.values())):
        frame[target] = _two(rows[target], positive).to_numpy()
        frame[protected] = _two(rows[protected], group).to_numpy()
    out: dict[str, Any] = {"group": str(group), "positive": str(positive)}
    for name, frame in zip(tables, whole[1:]):
        out[name] = {"value": None, "error": None}
        # Both levels of both columns must stand in what SynthEval reads, or its codes mean something else.
        if all(set(whole[0][c]) | set(frame[c]) == {"0", "1"} for c in (target, protected)):
            found = judge(whole[0], cat_cols=words, verbose=False).evaluate(
                frame, target, **{PARITY: {"protected_attribute": protected, "positive_class": 1}})
            if found is not None:
                out[name] = {"value": _number(found["val"].iloc[0]), "error": _number(found["err"].iloc[0])}
    return out
