"""Measures of other packages, where the host has them: Anonymeter's attacks and SynthEval's list. NOT PRIVATE.

They read real rows as they are. Each package computes its own figures; this module hands over the frames.
"""

from __future__ import annotations

import importlib
import math
from typing import Any, Optional, Sequence

from ._errors import Unsupported

ATTACKS = 500


def figures(names: Sequence[str], real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str],
            protected: Sequence[str]) -> dict[str, Any]:
    """{"anonymeter": {...}, "syntheval": {...}} of the packages asked for, from data frames of pandas."""
    out: dict[str, Any] = {}
    for name in names:
        if name == "anonymeter":
            out[name] = _anonymeter(real, synthetic, holdout, target, protected)
        elif name == "syntheval":
            out[name] = _syntheval(real, synthetic, holdout, target)
        else:
            raise ValueError('extras: "anonymeter" or "syntheval"')
    return out


def _missing(package: str) -> Unsupported:
    return Unsupported(f"extras: the package {package} is not installed; pip install {package}")


def _anonymeter(real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str],
                protected: Sequence[str]) -> dict[str, Any]:
    """Risks of singling out, linkability and inference, each {value, low, high}: 0 is none beyond chance
    (Giomi et al. 2023, arXiv:2211.10459). Without a hold-out the risk holds what any model of the population tells."""
    try:
        attack = importlib.import_module("anonymeter.evaluators")
    except ImportError as e:
        raise _missing("anonymeter") from e
    columns = list(real.columns)
    attacks = min(ATTACKS, len(real) // 2 if holdout is None else min(len(real), len(holdout)))
    control = {} if holdout is None else {"control": holdout}

    def risk(evaluator: Any, **options: Any) -> Optional[dict[str, float]]:
        try:
            found = evaluator.evaluate(**options).risk(confidence_level=0.95)
        except RuntimeError:                    # too few attacks succeeded to say anything
            return None
        return {"value": float(found.value), "low": float(found.ci[0]), "high": float(found.ci[1])}
    half = len(columns) // 2
    secret = target or (protected[0] if protected else columns[-1])
    return {"singling_out": risk(attack.SinglingOutEvaluator(ori=real, syn=synthetic, n_attacks=attacks, **control),
                                 mode="multivariate" if len(columns) > 3 else "univariate"),
            "linkability": risk(attack.LinkabilityEvaluator(ori=real, syn=synthetic, n_attacks=attacks, n_neighbors=10,
                                                            aux_cols=(columns[:half], columns[half:]), **control)),
            "inference": risk(attack.InferenceEvaluator(ori=real, syn=synthetic, n_attacks=attacks, secret=secret,
                                                        aux_cols=[c for c in columns if c != secret], **control)),
            "secret": secret, "attacks": attacks}


def _syntheval(real: Any, synthetic: Any, holdout: Optional[Any], target: Optional[str]) -> dict[str, Any]:
    """SynthEval's fast list: {metric: value}."""
    try:
        SynthEval = importlib.import_module("syntheval").SynthEval
    except ImportError as e:
        raise _missing("syntheval") from e
    words = [c for c in real.columns if not hasattr(real[c].dtype, "kind") or real[c].dtype.kind in "OUSb"]
    plain = [frame.astype({c: str for c in words}) if frame is not None else None
             for frame in (real, synthetic, holdout)]
    evaluator = SynthEval(plain[0], holdout_dataframe=plain[2], cat_cols=words, verbose=False)
    table = evaluator.evaluate(plain[1], target, presets_file="fast_eval")
    if table is None:
        table = evaluator._raw_results
    if hasattr(table, "to_dict"):
        records = table.reset_index().to_dict("records")
        return {str(r.get("metric", i)): _number(r.get("val")) for i, r in enumerate(records)}
    return {str(key): value for key, value in dict(table).items()}


def _number(x: Any) -> Optional[float]:
    try:
        value = float(x)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
