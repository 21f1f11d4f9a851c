"""Table: rows that fit a schema, private ones or sampled ones.

pandas and NumPy are imported only by the calls that name them.
"""

from __future__ import annotations

import os
import warnings
from ctypes import c_int64
from typing import TYPE_CHECKING, Any, Mapping, Optional, TypedDict

from ._budget import Budget
from ._deprecated import warn
from ._domain import release_domain
from ._errors import ArgumentError, SchemaError
from ._frames import without_index
from ._library import Handle, Path, call, config_bytes, group_bytes, lib, new, path_bytes, take_json
from ._progress import Callback, Report, reporter
from ._schema import Schema, SchemaLike, is_hdf5

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _OldDomainOptions(TypedDict, total=False):
    """What read_csv(domain="private") took; release_domain has them all."""

    budget: Optional[Budget]
    epsilon: Optional[float]
    share: Optional[float]
    selection_delta: Optional[float]


class Table(Handle):
    """At least one row under a schema. len(table) is its number of rows; for a private table that number is private."""

    _free = "flip_table_free"

    @classmethod
    def read_csv(cls, path: Path, schema: Optional[SchemaLike] = None, invalid: Optional[str] = None,
                 extra: Optional[str] = None, delimiter: Optional[str] = None, progress: Report = False,
                 person: Optional[str] = None, max_rows_per_person: Optional[int] = None, domain: Optional[str] = None,
                 **deprecated: Unpack[_OldDomainOptions]) -> Table:
        """Reads a CSV file with a header. schema: a Schema, a dict or the path of one.

        invalid: "refuse" (the default) or "coerce", which makes a bad cell its nearest bound or missing; text that is
        no value of a required column is refused still. A warning, and the property `replaced`, then say how many cells
        of which column that were.
        extra: "refuse" (the default) or "ignore", which does not read columns that the schema does not name.
        delimiter: one character; "," unless given.
        person, max_rows_per_person: a column outside the schema that says who a row belongs to, and how many rows of
        one person are kept, 1 to 1024. Which ones depends on that person's rows alone; a training's promise is then for
        persons.
        domain: "assume-public" reads the schema off the rows, which every ledger under it says; give no schema then. A
        schema that is estimated under a budget is made by release_domain first.

        FileError; FormatError for broken quoting or text that is not UTF-8; SchemaError for a missing or unknown
        column, a cell that breaks its rule (column, line and rule are named, the value never is) and for a file without
        rows.
        """
        if domain == "private":
            schema = _released(path, schema, deprecated, {"invalid": invalid, "extra": extra, "delimiter": delimiter,
                                                          "person": person, "max_rows_per_person": max_rows_per_person})
        elif deprecated:
            raise TypeError(f"read_csv takes no {', '.join(deprecated)}")
        elif domain == "assume-public":
            if schema is not None:
                raise TypeError('domain="assume-public" reads the schema off the rows: give none')
            schema = Schema.infer(path, skip=None if person is None else [person], delimiter=delimiter)
        elif domain is not None:
            raise ArgumentError('domain: must be "assume-public"')
        if schema is None:
            raise TypeError("schema is missing; domain= says where it may come from")
        callback = Callback(reporter(progress))
        config = config_bytes({"invalid": invalid, "extra": extra, "delimiter": delimiter, "person": person,
                               "max_rows_per_person": max_rows_per_person})
        checked = Schema.of(schema)
        table = callback.run(
            lambda: cls(new("flip_table_read_csv", checked._pointer, path_bytes(path), config, callback.c, None)))
        _warn_of(table.replaced, os.fspath(path), table.dropped)
        return table

    @classmethod
    def read_hdf5(cls, path: Path, schema: Optional[SchemaLike] = None, group: Optional[str] = None,
                  invalid: Optional[str] = None) -> Table:
        """Reads a dataframe in AnnData's encoding. Without `schema` the one stored with it is used.

        group: where the dataframe is in the file, "/" for the root; unless given "/data", else the root, else "/obs",
        where AnnData keeps its table of observations. invalid: as in read_csv. FileError, FormatError, VersionError,
        SchemaError.
        """
        checked = Schema.maybe(schema)
        table = cls(new("flip_table_read_hdf5_with", checked and checked._pointer, path_bytes(path), group_bytes(group),
                        config_bytes({"invalid": invalid})))
        _warn_of(table.replaced, os.fspath(path), table.dropped)
        return table

    @classmethod
    def from_pandas(cls, frame: Any, schema: SchemaLike, person: Optional[str] = None,
                    max_rows_per_person: Optional[int] = None, invalid: Optional[str] = None) -> Table:
        """Copies a pandas data frame; its columns are found by name, in any order, others are an error. person,
        max_rows_per_person, invalid: as in read_csv; with a person no row may be left out."""
        from . import _pandas
        checked = Schema.of(schema)
        if not hasattr(frame, "columns") or not hasattr(frame, "__getitem__"):
            raise ArgumentError(f"{type(frame).__name__} is no pandas data frame")
        if (person is None) != (max_rows_per_person is None):
            raise TypeError("person and max_rows_per_person belong together")
        if person in checked.names:
            raise SchemaError(
                f"column {person!r}: says who a row belongs to: leave it out of the schema, it is not to be learned")
        if person is not None and person not in frame.columns:
            raise SchemaError(f'column "{person}": the frame has none of that name')
        table = cls(new("flip_table_create_with", checked._pointer, len(frame), config_bytes({"invalid": invalid})))
        _pandas.fill(table._pointer, frame if person is None else frame.drop(columns=[person]), checked.dict)
        _warn_of(table.replaced, f"the {type(frame).__name__}", table.dropped)
        if person is None or max_rows_per_person is None:
            return table
        if table.dropped:
            raise SchemaError("rows that break the schema's rules were left out, and whose the others are is not known "
                              "any more: leave them out of the frame, or read a CSV file")
        return table.bound_persons(frame[person], max_rows_per_person)

    def bound_persons(self, persons: Any, max_rows: int) -> Table:
        """At most `max_rows` (1 to 1024) of the rows of each person, as a table of its own. persons: one value a row,
        such as a pandas column. SchemaError where a row belongs to nobody; StateError for a table that is bounded
        already."""
        from . import _columns, _pandas
        codes = _pandas.person_codes(persons, self.rows)
        return type(self)(new("flip_table_bound_persons", self._pointer, _columns.pointer(codes, c_int64), max_rows))

    @property
    def max_rows_per_person(self) -> int:
        """The bound on each person's rows; 0 where there is none."""
        return int(lib.flip_table_max_rows_per_person(self._pointer))

    @classmethod
    def from_arrow(cls, x: Any, schema: SchemaLike, invalid: Optional[str] = None, extra: Optional[str] = None,
                   progress: Report = False) -> Table:
        """Copies rows from anything with __arrow_c_stream__ (pandas from 2.2 on, polars, pyarrow, duckdb) or
        __arrow_c_array__, without any further package. invalid, extra: as in read_csv. Columns are found by name;
        flip.h says which types fill which fields. pandas' index is left out where it has no name, and so is the column
        __index_level_0__ that it becomes in Arrow.

        FormatError for arrays that break Arrow's rules; SchemaError for columns, types and cells that break the schema;
        FileError when the stream itself fails.
        """
        from . import _arrow
        checked, callback = Schema.of(schema), Callback(reporter(progress))
        source = _arrow.Source(without_index(x, checked.names))
        config = config_bytes({"invalid": invalid, "extra": extra})
        table = callback.run(
            lambda: cls(new("flip_table_import", checked._pointer, source.address, config, callback.c, None)))
        _warn_of(table.replaced, f"the {type(x).__name__}", table.dropped)
        return table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow stream in a PyCapsule, so that pyarrow.table(t), polars.DataFrame(t), duckdb and others
        read a table as it is. Text levels are a dictionary, datetimes timestamps in UTC. `requested_schema` is not
        looked at, as the protocol allows."""
        from . import _arrow
        return _arrow.capsule("flip_table_export", self._pointer)

    @property
    def schema(self) -> Schema:
        """The schema its rows fit."""
        return Schema(new("flip_table_schema", self._pointer))

    @property
    def rows(self) -> int:
        """Its number of rows; for a private table that number is private."""
        return int(lib.flip_table_rows(self._pointer))

    @property
    def replaced(self) -> dict[str, int]:
        """How many cells of which column invalid="coerce" replaced: not private, since the counts come from the
        rows."""
        counts: dict[str, int] = take_json("flip_table_replaced", self._pointer)["replaced"]
        return counts

    @property
    def dropped(self) -> int:
        """How many rows invalid="coerce" left out because they broke a rule between columns: not private."""
        return int(take_json("flip_table_replaced", self._pointer)["dropped"])

    def __len__(self) -> int:
        return self.rows

    def to_csv(self, path: Path, delimiter: Optional[str] = None) -> None:
        """Writes the table: the old file or the complete new one."""
        call("flip_table_write_csv", self._pointer, path_bytes(path), config_bytes({"delimiter": delimiter}))

    def write_hdf5(self, path: Path, group: Optional[str] = None) -> None:
        """Writes a dataframe in AnnData's encoding, with its schema; group: "/data" unless given."""
        call("flip_table_write_hdf5", self._pointer, path_bytes(path), group_bytes(group))

    def to_pandas(self) -> Any:
        """A pandas data frame: categoricals with the schema's levels, Int64 and boolean where values are missing,
        datetimes. A labelled missing value that is a number, a date or a moment stands there as it is (-9), any other
        one as missing: missing_reasons tells."""
        from . import _pandas
        return _pandas.frame(self._pointer, self.rows, self.schema.dict)

    def missing_reasons(self, field: str) -> list[Optional[str]]:
        """Why each value of a field is missing: one of the missing values that the schema labels, by its text; None
        where there is a value, or no reason. A field with levels has its reasons among its levels. Needs NumPy."""
        from . import _columns, _pandas
        schema = self.schema.dict
        reasons = [_pandas.reasons_of(one, schema) for one in schema["fields"] if one["name"] == field]
        places = _columns.get_reasons(self._pointer, field, self.rows)
        return [reasons[0][place] if place >= 0 else None for place in places]

    def __repr__(self) -> str:
        return f"flip.Table({len(self.schema.fields)} columns)"     # not the number of rows: it may be private


def _released(path: Path, schema: Optional[SchemaLike], options: _OldDomainOptions, reading: dict[str, Any]) -> Schema:
    """The schema of read_csv(domain="private"), the old way to release_domain."""
    warn('read_csv(domain="private")', "flip.release_domain, then read_csv with its schema", 3)
    budget = options.get("budget")
    if schema is None or budget is None:
        raise TypeError('domain="private" needs a schema with names and types, and a budget')
    unknown = set(options) - set(_OldDomainOptions.__annotations__)
    if unknown:
        raise TypeError(f"read_csv takes no {', '.join(sorted(unknown))}")
    sketch = schema.json if isinstance(schema, Schema) else schema
    return release_domain(path, sketch, budget, epsilon=options.get("epsilon"), share=options.get("share"),
                          selection_delta=options.get("selection_delta"), **reading).schema


def _warn_of(replaced: Mapping[str, int], name: str, dropped: int = 0) -> None:
    """A warning to the caller's caller where cells were replaced or rows were left out. name: what it calls the
    rows."""
    if replaced:
        told = ", ".join(f'{count} of column "{column}"' for column, count in replaced.items())
        warnings.warn(f"{name}: cells were replaced that break the schema: {told}", stacklevel=3)
    if dropped:
        warnings.warn(f"{name}: rows were left out that break the rules of the schema: {dropped}", stacklevel=3)


def convert(source: Path, target: Path, schema: Optional[SchemaLike] = None, invalid: Optional[str] = None,
            extra: Optional[str] = None, delimiter: Optional[str] = None, progress: Report = False,
            group: Optional[str] = None, target_group: Optional[str] = None) -> None:
    """Reads one file and writes another; names that end in .h5, .hdf5 or .h5ad are HDF5, all others CSV.

    invalid, extra, delimiter: as in Table.read_csv; a warning says how many cells were replaced. group: where the
    dataframe is in the HDF5 file that is read, as in Table.read_hdf5; where a CSV file is read, in the one that is
    written. target_group: where the dataframe is in the HDF5 file that is written, "/data" unless given.
    Errors: those of reading, then those of writing.
    """
    if group is not None and target_group is None and not is_hdf5(source) and is_hdf5(target):
        group, target_group = None, group
    callback = Callback(reporter(progress))
    config = config_bytes({"invalid": invalid, "extra": extra, "delimiter": delimiter})
    checked = Schema.maybe(schema)
    read = callback.run(lambda: take_json(
        "flip_table_convert_group", checked and checked._pointer, path_bytes(source), group_bytes(group),
        path_bytes(target), group_bytes(target_group), config, callback.c, None))
    _warn_of(read["replaced"], os.fspath(source), read["dropped"])
