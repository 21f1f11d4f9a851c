"""A domain estimated under a budget from files that may be larger than memory: they are handed to the library as one
CSV text, through a pipe, and no row is written to a disk."""

from __future__ import annotations

import json
import os
import threading
from typing import Any, BinaryIO, Iterable, Iterator, Mapping, Optional, Union

from ._budget import Budget
from ._domain import Domain, release_domain as release
from ._errors import FormatError
from ._files import is_parquet, named_files
from ._library import Path
from ._progress import Progress

_ROWS = 1 << 16


def release_domain(paths: Union[Path, Iterable[Path]], sketch: Union[Mapping[str, Any], str, Path], budget: Budget,
                   *, delimiter: Optional[str] = None, **options: Any) -> Domain:
    """flip.release_domain for Parquet and CSV files that may be larger than memory: the same release, of all files
    together, read once. Needs pyarrow.

    paths, delimiter: as for Files. options: epsilon or share, selection_delta, other, name, invalid, extra, as in
    flip.release_domain. Persons: make one CSV file and use that function.

    The errors of flip.release_domain, and those of reading a file; nothing was charged then.
    """
    unknown = set(options) - {"epsilon", "share", "selection_delta", "other", "name", "invalid", "extra"}
    if unknown:
        raise TypeError(f"release_domain of files takes no {', '.join(sorted(unknown))}")
    files = named_files(paths)
    reading, writing = os.pipe()
    writer = _Writer(_texts(files, delimiter, _kinds(sketch)), os.fdopen(writing, "wb"))
    try:
        writer.start()
        return release(f"/dev/fd/{reading}", sketch, budget, progress=writer.look, **options)
    except Exception:
        writer.reraise()
        raise
    finally:
        os.close(reading)                                   # a writer that is still at it ends now
        writer.join()


class _Writer(threading.Thread):
    """Writes the rows of all files. The end of the text is reached only when all of them were written: a library that
    saw an early end would release, and charge for, a part of the rows."""

    def __init__(self, batches: Iterator[Any], pipe: BinaryIO) -> None:
        super().__init__(daemon=True)
        self.batches, self.pipe = batches, pipe
        self.problem: Optional[BaseException] = None

    def run(self) -> None:
        """Writes everything, or what nobody reads as CSV."""
        try:
            import pyarrow.csv as csv
            header = True
            for batch in self.batches:
                csv.write_csv(batch, self.pipe, csv.WriteOptions(include_header=header))
                header = False
            self.pipe.close()
        except BrokenPipeError:
            pass                                            # the library has refused: its error says why
        except BaseException as problem:
            self.problem = problem
            self._spoil()

    def _spoil(self) -> None:
        try:
            while True:                                     # until the library refuses, or hears of the problem
                self.pipe.write(b'"\0' * 4096)
                self.pipe.flush()
        except (BrokenPipeError, ValueError):
            pass

    def look(self, _: Progress) -> None:
        """Stops the library where a file could not be read."""
        self.reraise()

    def reraise(self) -> None:
        """Raises what happened to the writer."""
        if self.problem is not None:
            raise self.problem


def _kinds(sketch: Union[Mapping[str, Any], str, Path]) -> dict[str, str]:
    """The type of each column that a sketch names."""
    if not isinstance(sketch, Mapping):
        if isinstance(sketch, str) and sketch.lstrip()[:1] == "{":
            sketch = json.loads(sketch)
        else:
            with open(os.fspath(sketch), encoding="utf-8") as file:
                sketch = json.load(file)
    fields = sketch.get("fields", ()) if isinstance(sketch, Mapping) else ()
    return {field["name"]: field["type"] for field in fields
            if isinstance(field, Mapping) and isinstance(field.get("name"), str) and "type" in field}


def _texts(files: list[str], delimiter: Optional[str], kinds: dict[str, str]) -> Iterator[Any]:
    """Batches of all files with the columns of the first, as texts."""
    names: Optional[list[str]] = None
    for path in files:
        for batch in _parquet(path, kinds) if is_parquet(path) else _csv(path, delimiter):
            if names is None:
                names = batch.schema.names
            if sorted(batch.schema.names) != sorted(names):
                raise FormatError(f"{path}: has other columns than {files[0]}")
            yield batch.select(names)


def _csv(path: str, delimiter: Optional[str]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.csv as csv
    parse = csv.ParseOptions(delimiter=delimiter or ",", newlines_in_values=True)
    with csv.open_csv(path, parse_options=parse) as file:
        names = file.schema.names
    options = csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)
    with csv.open_csv(path, parse_options=parse, convert_options=options) as file:
        yield from file


def _parquet(path: str, kinds: dict[str, str]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as parquet
    for batch in parquet.ParquetFile(path, memory_map=True).iter_batches(_ROWS, use_threads=False):
        names = batch.schema.names
        yield pa.RecordBatch.from_arrays([_text(column, kinds.get(name, "")) for column, name
                                          in zip(batch.columns, names)], names)


def _text(column: Any, kind: str) -> Any:
    """A column's cells as a CSV file would have them for a field of that type; nothing for what is missing. Moments at
    midnight are dates, and numbers without a fraction are whole, where the field wants that."""
    import pyarrow as pa
    import pyarrow.compute as compute
    have = column.type
    if pa.types.is_dictionary(have):
        return _text(column.cast(have.value_type), kind)
    if pa.types.is_timestamp(have):
        text = compute.strftime(column, "%Y-%m-%dT%H:%M:%SZ" if have.tz else "%Y-%m-%dT%H:%M:%S")
        if kind != "date":
            return text
        midnight = compute.equal(compute.floor_temporal(column, unit="day"), column)
        return compute.if_else(midnight, compute.strftime(column, "%Y-%m-%d"), text)
    if pa.types.is_floating(have):
        column = compute.if_else(compute.is_nan(column), pa.scalar(None, have), column)
        if kind == "integer":
            small = compute.less(compute.abs(column), 2 ** 53)
            whole = compute.and_(compute.equal(compute.floor(column), column), small)
            numbers = compute.if_else(whole, column, pa.scalar(0, have)).cast(pa.int64()).cast(pa.string())
            return compute.if_else(whole, numbers, column.cast(pa.string()))
    return column.cast(pa.string())
