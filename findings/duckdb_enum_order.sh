#!/usr/bin/env bash
# duckdb: an ordered Arrow dictionary is sorted by the alphabet, and duckdb's own ENUM leaves as an unordered one.
#
# Expected: a polars Enum reaches duckdb as an ENUM, since both have a fixed, ordered list of levels.
# Happens: polars hands over an Arrow dictionary with ordered=1 and all four levels, and duckdb makes it VARCHAR.
# Levels that no row uses are gone, and max() of "high" and "low" is "low".
# A cast to ENUM inside duckdb sorts as declared, and gives all levels back to Arrow.
# Yet the dictionary that comes back says ordered=0, so polars reads it as a Categorical, not an Enum.
# With: duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1.
# Matters: a synthesiser that takes the levels of a column as public knowledge must not learn them from the rows.
# After a query in duckdb, the levels that are left are those of the private rows.
# Do: take the levels from a schema kept beside the data, never from the column type after a query.
# In SQL, cast to ENUM with the declared list before any ORDER BY, min or max.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
"$dir/env/bin/python" - << 'PY'
import duckdb
import polars as pl
import pyarrow as pa

print("duckdb", duckdb.__version__, "polars", pl.__version__, "pyarrow", pa.__version__)
levels = ["none", "low", "mid", "high"]
handed = pl.DataFrame({"a": pl.Series(["high", "low"], dtype=pl.Enum(levels))}).to_arrow()
print("handed over:", handed["a"].type, handed["a"].chunk(0).dictionary.to_pylist())
db = duckdb.connect()
kind = db.sql("SELECT typeof(a) FROM handed").fetchall()[0][0]
top = db.sql("SELECT max(a) FROM handed").fetchall()[0][0]
back = db.sql("SELECT a FROM handed").to_arrow_table()["a"].type
print("in duckdb:", kind, "max:", top, "back in Arrow:", back)
names = ", ".join(f"'{level}'" for level in levels)
db.sql(f"CREATE TABLE e AS SELECT a::ENUM({names}) AS a FROM handed")
enum_top = db.sql("SELECT max(a) FROM e").fetchall()[0][0]
left = db.sql("SELECT a FROM e").to_arrow_table()
enum_back = left["a"].type
enum_levels = left["a"].chunk(0).dictionary.to_pylist()
read = pl.from_arrow(left).schema["a"]
print("ENUM: max:", enum_top, "back in Arrow:", enum_back, enum_levels, "read by polars:", read)
assert handed["a"].type.ordered and kind == "VARCHAR" and top == "low" and back == pa.string()
assert enum_top == "high" and not enum_back.ordered and enum_levels == levels and read == pl.Categorical
PY
