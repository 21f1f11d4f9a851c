#!/usr/bin/env bash
# anonymeter: the blind guesser of the inference attack, who is the baseline, finds almost nothing right.
#
# Expected: of a secret that is a fair coin, 1000 blind guesses are right about 500 times.
# Happens: they are right about 30 times, while the attack itself, which knows nothing either, is right 500 times.
# The baseline is drawn from the synthetic rows and then aligned with the targets by row label (reindex_like).
# Where the label was not drawn as well, the guess is missing, and a missing guess is wrong.
# With as many targets as there are rows in both tables every label meets, and the rate is .5.
# With: anonymeter 1.1.0, pandas 3.0.6, numpy 1.26.4.
# Matters: the baseline says whether an attack is worth its name. "Attack is as good or worse as baseline model" is
# never said, and an attack without any effect looks fifteen times better than guessing.
# The risk beside a control table does not use the baseline and is right.
# Do: compute it: the sum over values of their share in the targets times their share in the synthetic rows.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check anonymeter==1.1.0 pandas==3.0.6 numpy==1.26.4
"$dir/env/bin/python" - << 'PY'
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator

print("anonymeter", version("anonymeter"), "pandas", version("pandas"), "numpy", version("numpy"))
warnings.simplefilter("error")                  # "as good or worse as baseline" would be one
r = np.random.default_rng(1)
np.random.seed(1)


def table(rows):
    a, b = r.integers(0, 50, rows), r.integers(0, 50, rows)
    return pd.DataFrame({"a": a, "b": b, "secret": r.choice(["y", "n"], rows)})


real, synthetic = table(20000), table(20000)
found = InferenceEvaluator(ori=real, syn=synthetic, aux_cols=["a", "b"], secret="secret", n_attacks=1000).evaluate()
rates = found.results()
print(f"1000 of 20000 rows: blind guess {rates.baseline_rate.value:.3f}, attack {rates.attack_rate.value:.3f}")
warnings.simplefilter("ignore")
real, synthetic = real[:1000], synthetic[:1000]
whole = InferenceEvaluator(ori=real, syn=synthetic, aux_cols=["a", "b"], secret="secret", n_attacks=1000).evaluate()
print(f"1000 of 1000 rows:  blind guess {whole.results().baseline_rate.value:.3f}")
assert rates.baseline_rate.value < .06, "the blind guess of a coin is hardly ever right"
assert .45 < rates.attack_rate.value < .55, "the attack is right half the time"
assert .45 < whole.results().baseline_rate.value < .55, "right where every label meets"
PY
