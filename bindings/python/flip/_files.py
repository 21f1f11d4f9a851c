"""Rows in Parquet and CSV files of this machine, read batch by batch: an engine of flip.remote."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

from ._errors import ArgumentError, SchemaError, Unsupported
from ._library import Path
from ._schema import Schema, SchemaLike
from ._sums import Sums

# Rows of a batch, and about how many rows are held at once where they are dealt by person.
_BATCH, _DEALT = 1 << 16, 2_000_000


class Files:
    """Rows in files of this machine, read batch by batch: they may be larger than memory. Each file is a part.

    paths: a folder, a file, or several files; CSV with a header, or Parquet (needs pyarrow), by their names. schema: a
    Schema, a dict or the path of one. delimiter, extra: as in Table.read_csv.
    person, max_rows_per_person: as in Table.read_csv, for Parquet files. The rows are then dealt by the name of the
    person into parts of about two million rows, and all files are read for each of them.
    """

    def __init__(self, paths: Union[Path, Iterable[Path]], schema: SchemaLike, delimiter: Optional[str] = None,
                 extra: Optional[str] = None, person: Optional[str] = None,
                 max_rows_per_person: Optional[int] = None) -> None:
        """FileError where there is no such file or folder, ArgumentError for a folder without CSV or Parquet files,
        Unsupported for persons in CSV files."""
        self.files = named_files(paths)
        self.schema = Schema.of(schema)
        self.delimiter = delimiter
        self.extra = extra
        if (person is None) != (max_rows_per_person is None):
            raise TypeError("person and max_rows_per_person belong together")
        if person is not None and not all(map(is_parquet, self.files)):
            raise Unsupported("person: rows of persons are bounded for Parquet files, or for one table")
        self.person, self.max_rows = person, max_rows_per_person or 0

    def parts(self) -> int:
        """The number of files, or of the parts that persons are dealt into."""
        if self.person is None:
            return len(self.files)
        import pyarrow.parquet as parquet
        rows: int = sum(parquet.read_metadata(file).num_rows for file in self.files)
        return rows // _DEALT + 1

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """Sums of all files."""
        with Sums(ask) as total:
            for part in range(self.parts()):
                if self.person is None:
                    add_file(total, part, self.files[part], self.delimiter, self.extra, self.schema.names)
                else:
                    total.add(part, self._persons(self.person, part, self.parts()))
            yield total.export()

    def _persons(self, person: str, part: int, parts: int) -> Any:
        """The rows of the persons of a part, bounded."""
        import pyarrow as pa
        from . import _persons
        names = self.schema.names
        found = [rows for file in self.files
                 for rows in _persons.dealt(_batches(file, names, self.extra, person), person, part, parts)]
        return _persons.bounded(pa.Table.from_batches(found), person, self.schema, self.max_rows)


def add_file(sums: Sums, part: int, path: str, delimiter: Optional[str] = None, extra: Optional[str] = None,
             names: Optional[Sequence[str]] = None) -> None:
    """Adds the rows of a CSV or Parquet file as a part, batch by batch. names: with extra="ignore" the columns of a
    Parquet file that are read."""
    if is_parquet(path):
        sums.add(part, read_parquet(path, names if extra == "ignore" else None), extra)
    else:
        sums.add_csv(part, path, delimiter, extra)


def is_parquet(path: str) -> bool:
    """Whether a path is taken for a Parquet file."""
    return path.lower().endswith((".parquet", ".pq"))


def named_files(paths: Union[Path, Iterable[Path]]) -> list[str]:
    """The Parquet and CSV files that some paths name, sorted. ArgumentError where there are none."""
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    found = sorted({file for path in given for file in _files(os.fspath(path))})
    if not found:
        raise ArgumentError("there is no .csv or .parquet file in " + ", ".join(os.fspath(path) for path in given))
    return found


def _files(path: str) -> list[str]:
    """The files that a path names, in the folders below it as well; hidden ones and those that Spark calls its own are
    none."""
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        found += [os.path.join(folder, name) for name in sorted(names)
                  if not name.startswith((".", "_")) and (is_parquet(name) or name.lower().endswith(".csv"))]
    return found


def read_parquet(source: Any, names: Optional[Sequence[str]] = None) -> Any:
    """A Parquet file, by its path or opened, as a stream of batches; a few columns' pages are in memory at a time.
    names: those of its columns that are wanted; all unless given."""
    import pyarrow as pa
    import pyarrow.parquet as parquet
    mapped = isinstance(source, str)
    plain = parquet.ParquetFile(source, memory_map=mapped)
    # Texts as dictionaries: each is read once in a batch, and rows hold its number.
    texts = [field.name for field in plain.schema_arrow if pa.types.is_string(field.type)]
    file = parquet.ParquetFile(source, memory_map=mapped, read_dictionary=texts, metadata=plain.metadata)
    there = file.schema_arrow.names
    wanted = there if names is None else [name for name in names if name in there]
    kinds = pa.schema([file.schema_arrow.field(name) for name in wanted])
    # On one thread: with more of them the pages of 65,536 rows cost twice the work, and no time is gained.
    batches = file.iter_batches(batch_size=_BATCH, columns=wanted, use_threads=False)
    return pa.RecordBatchReader.from_batches(kinds, batches)


def _batches(path: str, names: list[str], extra: Optional[str], person: str) -> Any:
    """A Parquet file's batches with the columns of the schema and the person's."""
    rows = read_parquet(path, [*names, person] if extra == "ignore" else None)
    there = set(rows.schema.names)
    lacking, more = [name for name in [*names, person] if name not in there], sorted(there - {*names, person})
    if lacking:
        raise SchemaError(f"{path}: lacks the column {lacking[0]!r}")
    if more:
        raise SchemaError(f"{path}: the column {more[0]!r} is not in the schema; extra=\"ignore\" skips it")
    return rows
