"""Parquet files of a Spark frame, read by the executors' Python itself rather than by Spark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable, Iterator

from ._errors import Unsupported

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What a plain scan may consist of, and what its line says where nothing is filtered.
_SCAN = {"FileScan", "ColumnarToRow"}
_WHOLE = ("Format: Parquet", "DataFilters: []", "PartitionFilters: []")


def plain_files(df: DataFrame, lines: list[tuple[str, str]]) -> list[str]:
    """The addresses of the files that the frame is a plain scan of. lines: operator and line of its physical plan.

    Unsupported for a frame that is more, a view or a filter for instance: those would not be applied."""
    scans = [line for operator, line in lines if operator == "FileScan"]
    others = {operator for operator, _ in lines} - _SCAN
    if others or len(scans) != 1 or not all(word in scans[0] for word in _WHOLE):
        raise Unsupported('read="files" is for a frame that is nothing but a scan of Parquet files: what Spark '
                          'filters, computes or hides would not be applied; use read="spark"')
    return sorted(df.inputFiles())


def counter(ask: bytes, slices: int, files: list[str], names: list[str]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What a task does with the numbers of its files: a row of (part, slice, sums) for each file and slice."""
    def run(batches: Iterator[Any]) -> Iterator[Any]:
        from flip import _spark_files, remote, spark
        for batch in batches:
            for part in batch.column(0).to_pylist():
                with remote.Sums(ask) as sums:
                    sums.add(part, _spark_files.opened(files[part], names))
                    for k in range(slices):
                        yield spark._partial(part, k, sums.export(k, slices))

    return run


def opened(address: str, names: list[str]) -> Any:
    """Some columns of a Parquet file as a stream, from any storage that pyarrow knows."""
    import pyarrow.fs as storage
    from ._files import read_parquet
    local = re.match(r"file:/*(/.*)", address)
    if local:
        from urllib.parse import unquote
        return read_parquet(unquote(local[1]), names)
    system, path = storage.FileSystem.from_uri(address)
    return read_parquet(system.open_input_file(path), names)
