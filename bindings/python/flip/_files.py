"""Rows in Parquet and CSV files of this machine, read batch by batch: an engine of flip.remote."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

from ._errors import ArgumentError, FormatError, SchemaError
from ._library import Path
from ._schema import Schema, SchemaLike
from ._sums import Sums

# Rows of a batch; and about how many rows of Parquet, or bytes of CSV, are held at once where they are dealt by person.
_BATCH, _DEALT, _DEALT_BYTES = 1 << 16, 2_000_000, 200_000_000


class Reader:
    """Files whose columns are named, read batch by batch, as an engine of flip.remote. Each is a part; rows of persons
    are dealt by name into parts of some million rows, and all files are read for each."""

    def __init__(self, paths: Union[Path, Iterable[Path]], names: Sequence[str], delimiter: Optional[str] = None,
                 extra: Optional[str] = None, person: Optional[str] = None) -> None:
        """FileError where there is no such file or folder, ArgumentError for a folder without CSV or Parquet files."""
        self.files = named_files(paths)
        self.names, self.delimiter, self.extra, self.person = list(names), delimiter, extra, person

    def parts(self) -> int:
        """The number of files, or of the parts that persons are dealt into."""
        if self.person is None:
            return len(self.files)
        import pyarrow.parquet as parquet
        rows = sum(parquet.read_metadata(file).num_rows for file in self.files if is_parquet(file))
        size = sum(os.path.getsize(file) for file in self.files if not is_parquet(file))
        return int(rows // _DEALT + size // _DEALT_BYTES + 1)

    def sums(self, ask: bytes) -> Iterator[bytes]:
        """Sums of all files."""
        with Sums(ask) as total:
            parts = self.parts()
            for part in range(parts):
                if self.person is None:
                    add_file(total, part, self.files[part], self.delimiter, self.extra, self.names)
                else:
                    total.add(part, self.persons(self.person, part, parts))
            yield total.export()

    def persons(self, person: str, part: int, parts: int) -> Any:
        """The rows of the persons of a part."""
        import pyarrow as pa
        from . import _persons
        wanted, found = [*self.names, person], []
        for file in self.files:
            batches = _batches(file, self.names, self.delimiter, self.extra, person)
            found += [batch.select(wanted) for batch in _persons.dealt(batches, person, part, parts)]
        return pa.Table.from_batches(found) if found else pa.table({name: pa.nulls(0) for name in wanted})


class Files(Reader):
    """Rows in files of this machine, read batch by batch: they may be larger than memory. Each file is a part.

    paths: a folder, a file, or several files; CSV with a header, or Parquet (needs pyarrow), by their names. schema: a
    Schema, a dict or the path of one. delimiter, extra: as in Table.read_csv.
    person, max_rows_per_person: as in Table.read_csv; needs pyarrow. The rows are then dealt by the name of the person
    into parts of about two million rows (200 MB of CSV), and all files are read for each of them.
    """

    def __init__(self, paths: Union[Path, Iterable[Path]], schema: SchemaLike, delimiter: Optional[str] = None,
                 extra: Optional[str] = None, person: Optional[str] = None,
                 max_rows_per_person: Optional[int] = None) -> None:
        """FileError where there is no such file or folder, ArgumentError for a folder without CSV or Parquet files."""
        self.schema = Schema.of(schema)
        if (person is None) != (max_rows_per_person is None):
            raise TypeError("person and max_rows_per_person belong together")
        super().__init__(paths, self.schema.names, delimiter, extra, person)
        self.max_rows = max_rows_per_person or 0

    def persons(self, person: str, part: int, parts: int) -> Any:
        """The rows of the persons of a part, bounded."""
        from ._persons import bounded
        return bounded(super().persons(person, part, parts), person, self.schema, self.max_rows)


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


def _batches(path: str, names: list[str], delimiter: Optional[str], extra: Optional[str], person: str) -> Iterator[Any]:
    """A file's batches with the columns that are wanted and the person's; the cells of a CSV file as texts."""
    rows: Any
    if is_parquet(path):
        rows = read_parquet(path, [*names, person] if extra == "ignore" else None)
        there = set(rows.schema.names)
    else:
        rows, there = _csv(path, delimiter)
    lacking, more = [name for name in [*names, person] if name not in there], sorted(there - {*names, person})
    if lacking:
        raise SchemaError(f"{path}: lacks the column {lacking[0]!r}")
    if more and extra != "ignore":
        raise SchemaError(f"{path}: the column {more[0]!r} is not in the schema; extra=\"ignore\" skips it")
    yield from rows


def _csv(path: str, delimiter: Optional[str]) -> tuple[Iterator[Any], set[str]]:
    """A CSV file's batches, all cells as texts, and its columns. What pyarrow says of a broken line would show it."""
    import pyarrow as pa
    import pyarrow.csv as csv
    parse = csv.ParseOptions(delimiter=delimiter or ",", newlines_in_values=True)
    broken = FormatError(f"{path}: is no CSV text in UTF-8 with the same number of cells in every line")
    try:
        with csv.open_csv(path, parse_options=parse) as file:
            names = file.schema.names
    except pa.ArrowInvalid:
        raise broken from None
    options = csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)

    def batches() -> Iterator[Any]:
        try:
            with csv.open_csv(path, parse_options=parse, convert_options=options) as file:
                yield from file
        except pa.ArrowInvalid:
            raise broken from None

    return batches(), set(names)

