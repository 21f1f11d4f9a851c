"""The picture of a model's trade-off curve: what a membership test can gain at most."""

from __future__ import annotations

import os
from typing import Callable, Optional, Sequence

from ._library import Path
from ._types import Ledger


def draw(ledger: Ledger, curve: Callable[[Sequence[float]], list[float]], path: Path, group: Optional[str]) -> None:
    """True-positive over false-positive rate: linear, and in logarithms, where small rates are seen."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    risk = ledger["risk"]["whole"] if group is None else ledger["risk"]["groups"][group]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.8))
    for axes, rates in ((left, [i / 400 for i in range(401)]), (right, [10 ** (i / 100 - 5) for i in range(501)])):
        axes.plot(rates, curve(rates), label="the most that any attack can reach")
        axes.plot(rates, rates, linestyle=":", color="grey", label="guessing without the model")
        axes.set(xlabel="false-positive rate: rows called in that are not", xlim=(rates[0], 1),
                 ylabel="true-positive rate: rows called in that are", ylim=(rates[0], 1))
    right.set(xscale="log", yscale="log", xlim=(1e-5, 1), ylim=(1e-5, 1))
    for point in risk["true_positive_rates"]:
        a, b = point["false_positive_rate"], point["true_positive_rate"]
        right.plot([a], [b], marker="o", color="black")
        right.annotate(f"{100 * b:.3g} % at {100 * a:g} %", (a, b), textcoords="offset points", xytext=(-70, 6))
    left.legend(loc="lower right")
    figure.suptitle(f"ε {ledger['spent']:.4g} at δ {ledger['delta']:g}, {ledger['accountant']} accountant: "
                    f"advantage at most {100 * risk['advantage']:.3g} %")
    figure.tight_layout()
    figure.savefig(os.fspath(path), dpi=150)
    pyplot.close(figure)
