#!/usr/bin/env bash
# pyspark 3.5: rows dealt by a random key are lost and doubled, without a word, when an executor ends in the middle.
#
# Expected: a job that survives the loss of an executor returns every row once, or it fails.
# A user-defined function that says asNondeterministic() tells Spark that it cannot be run again for the same answer.
# Happens: Spark runs the lost tasks of the shuffle's first half again, which draws other keys and deals other rows.
# Tasks of the second half that had ended keep what they had from the first dealing.
# The job succeeds; some rows are in two parts and some in none, one in twenty here, or one in five.
# It is so with a function that is marked and with a key added by mapInArrow.
# Spark 4.3.0 refuses an unmarked function as the key ("indeterminate output"); the others were not tried there.
# rand() is fine in both: its seed is fixed by the plan.
# With: pyspark 3.5.9 (Java 17), pyarrow 17.0.0, numpy 1.26.4.
# Matters: counts of such a frame are wrong by thousands, and nothing in the result shows it.
# With differential privacy a row that counts twice has twice the sensitivity that the noise was drawn for.
# Do: deal rows by columns of theirs, or write the frame to files before anything is counted.
# Add up a keyed hash of the rows in every pass, and compare.
set -eu
command -v java > /dev/null || { echo "needs Java 17" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q --disable-pip-version-check pyspark==3.5.9 pyarrow==17.0.0 numpy==1.26.4 pandas==2.3.3 \
    setuptools
cd "$dir"
PYSPARK_PYTHON="$dir/env/bin/python" "$dir/env/bin/python" - 2> /dev/null << 'PY'
import os

import pyarrow
import pyspark
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import IntegerType

ROWS, mark = 60_000, os.path.abspath("killed")
spark = (SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
         .config("spark.executor.memory", "600m").config("spark.sql.adaptive.enabled", "false").getOrCreate())


def ids(batches):
    """Ends the executor of task 4 once, then hands the numbers on."""
    import signal
    from pyspark import TaskContext
    if TaskContext.get().partitionId() == 4 and not os.path.exists(mark):
        open(mark, "w").close()
        executor = open(f"/proc/{os.getppid()}/stat").read().rsplit(")", 1)[1].split()[1]
        os.kill(int(executor), signal.SIGKILL)
    yield from batches


def add(batches):
    for batch in batches:
        yield batch.append_column("key", pyarrow.array(list(os.urandom(batch.num_rows)), pyarrow.int32()))


def wrong(name, frame):
    found = [row.id for row in frame.repartition(6, "key").select("id").mapInArrow(ids, "id long").collect()]
    os.unlink(mark)
    lost, twice = ROWS - len(set(found)), len(found) - len(set(found))
    print(f"{name}: {len(found)} of {ROWS} rows, {lost} lost, {twice} twice")
    return lost + twice


print("pyspark", pyspark.__version__)
rows = spark.range(0, ROWS, 1, 8)
dice = F.udf(lambda _: int.from_bytes(os.urandom(2), "little"), IntegerType()).asNondeterministic()
marked = wrong("a function marked as nondeterministic", rows.withColumn("key", dice("id")))
added = wrong("a key added by mapInArrow", rows.mapInArrow(add, "id long, key int"))
spark.stop()
assert marked and added
PY
