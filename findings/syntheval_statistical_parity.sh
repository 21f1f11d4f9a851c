#!/usr/bin/env bash
# syntheval: the statistical parity of a column with three levels leaves out the third, and of two the larger by name.
#
# Expected: a disparity of a protected column counts every group, or the metric says which two it compares.
# Happens: levels become codes by the alphabet, and only codes 1 and 0 are compared. The rest is not mentioned.
# Of 4000 rows with the groups Asian, Black and White, whites are chosen in 90 % and the others in 10 %.
# The figure is near 0, "normalised" 1 - |figure| near 1: as fair as can be. Called "A-White", the same rows give -.9.
# With: syntheval 1.6.2, pandas 3.0.6, numpy 1.26.4.
# Matters: race in census tables has five levels or more, and its largest group is often the last by name.
# Do: hand the protected column over as two levels, "0" for one group and "1" for the rest, one call for each group.
# The metric also needs a target of two levels, "no" before "yes" by the alphabet, for positive_class=1 to be "yes".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check syntheval==1.6.2 pandas==3.0.6 numpy==1.26.4
cd "$dir"
"$dir/env/bin/python" - << 'PY'
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from syntheval import SynthEval

print("syntheval", version("syntheval"), "pandas", version("pandas"), "numpy", version("numpy"))
r, found = np.random.default_rng(1), {}
np.random.seed(1)
race = r.choice(["Asian", "Black", "White"], 4000, p=[.1, .2, .7])
chosen = np.where(r.random(4000) < np.where(race == "White", .9, .1), "yes", "no")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name in ("White", "A-White"):
        rows = pd.DataFrame({"race": np.where(race == "White", name, race), "x": r.normal(size=4000), "chosen": chosen})
        judge = SynthEval(rows, cat_cols=["race", "chosen"], verbose=False)
        table = judge.evaluate(rows, "chosen", statistical_parity={"protected_attribute": "race", "positive_class": 1})
        found[name] = table["val"].iloc[0]
        print(f"{name:8} statistical_parity {found[name]:+.3f}, normalised {table['n_val'].iloc[0]:.3f}")
assert abs(found["White"]) < .1, "near 0 although whites are chosen nine times as often"
assert found["A-White"] < -.5, "the same rows, the group renamed"
assert not [w for w in said if "statistical" in str(w.message) or "level" in str(w.message)], "nothing is said"
PY
