#!/usr/bin/env bash
# polars: an Enum crosses Arrow only in the metadata of its field, and an ordered dictionary alone is no Enum.
#
# Expected: a column that left polars as an ordered Arrow dictionary comes back as an Enum of the same levels.
# Happens: it does as part of a table whose field keeps the key _PL_ENUM_VALUES2.
# The column by itself has no field, and is read as a Categorical, though its type says ordered=1.
# So is an ordered dictionary made by pyarrow, whose levels polars has never seen.
# A Categorical sorts by the alphabet, and its unused levels are no longer to be had: max of high and low is "low".
# On the way out again that column says ordered=0.
# With: polars 2.1.0, pyarrow 26.0.1; Series.cat.get_categories, which once listed the levels, went with polars 2.
# Matters: an ordered column (dose, grade, pandas' ordered categories, AnnData's) gets another order without a word.
# Marginals over ranges of levels, and the public list of levels, then come out wrong.
# Do: on export, hand over a table or a stream with its fields, not a bare array.
# On import into polars, cast to pl.Enum with the declared levels.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check polars==2.1.0 pyarrow==26.0.1
"$dir/env/bin/python" - << 'PY'
import polars as pl
import pyarrow as pa

print("polars", pl.__version__, "pyarrow", pa.__version__)
levels = ["none", "low", "mid", "high"]
table = pl.DataFrame({"a": pl.Series(["high", "low"], dtype=pl.Enum(levels))}).to_arrow()
print("left as:", table["a"].type, "metadata:", table.schema.field("a").metadata)
whole = pl.from_arrow(table).schema["a"]
column = pl.from_arrow(table["a"]).dtype
print("back as a table:", whole, "back as a column:", column)
codes = pa.array([3, 1], pa.int8())
made = pa.table({"a": pa.DictionaryArray.from_arrays(codes, pa.array(levels), ordered=True)})
read = pl.from_arrow(made)
again = read.to_arrow()["a"].type
print("by pyarrow:", made["a"].type, "read as:", read.schema["a"], "max:", read["a"].max(), "out again:", again)
assert table["a"].type.ordered and whole == pl.Enum(levels) and column == pl.Categorical
assert read.schema["a"] == pl.Categorical and read["a"].max() == "low" and not again.ordered
PY
