#!/usr/bin/env bash
# anonymeter: an inference attack on a number below zero succeeds nearly always, whatever is guessed.
#
# Expected: the risk of a secret number does not depend on its sign (a balance, or a debt).
# Happens: with regression=True, guesses of independent noise around 1000 are right in 9 % of the attacks.
# The same noise around -1000 is "guessed" in more than 99 %, so that the risk is reported as .99 or more.
# The relative difference is |guess - secret| / guess. Below zero that is negative, and so below any tolerance.
# With: anonymeter 1.1.0, pandas 3.0.6, numpy 1.26.4.
# Matters: temperatures, changes, balances, scores and centred columns look wholly exposed.
# Beside a control table both rates are near 1, and the risk then says nothing at all.
# Do: hand such a secret over as text, for example as the tenth of the values that it lies in.
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
warnings.simplefilter("ignore")
r = np.random.default_rng(1)
np.random.seed(1)


def table(rows):
    a, b = r.integers(0, 50, rows), r.integers(0, 50, rows)
    return pd.DataFrame({"a": a, "b": b, "secret": r.normal(1000, 300, rows)})


real, synthetic, risks = table(5000), table(5000), {}
for sign in (1, -1):
    signed = [t.assign(secret=sign * t["secret"]) for t in (real, synthetic)]
    found = InferenceEvaluator(ori=signed[0], syn=signed[1], aux_cols=["a", "b"], secret="secret", regression=True,
                               n_attacks=1000).evaluate()
    risks[sign] = found.risk().value
    print(f"secret around {sign * 1000}: risk {risks[sign]:.3f}")
assert risks[1] < .15, "noise is not guessed"
assert risks[-1] > .95, "the same noise below zero is"
PY
