"""Table: rows that fit a schema, private ones or sampled ones. pandas and numpy are imported only by the calls that name them."""

from __future__ import annotations

from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint8, cast

from typing import Any, Optional, Sequence

from ._budget import Budget
from ._domain import buy_domain
from ._errors import ArgumentError, SchemaError
from ._library import Handle, Path, call, config_bytes, lib, new, path_bytes
from ._progress import Callback, Report, reporter
from ._schema import Schema, SchemaLike


class Table(Handle):
    """At least one row under a schema. len(table) is its number of rows; for a private table that number is private."""

    _free = "flip_table_free"

    @classmethod
    def read_csv(cls, path: Path, schema: Optional[SchemaLike] = None, invalid: Optional[str] = None, extra: Optional[str] = None, delimiter: Optional[str] = None,
                 progress: Report = False, person: Optional[str] = None, max_rows_per_person: Optional[int] = None, domain: Optional[str] = None,
                 budget: Optional[Budget] = None, epsilon: Optional[float] = None, share: Optional[float] = None, selection_delta: Optional[float] = None) -> Table:
        """Reads a CSV file with a header. schema: a Schema, a dict or the path of one.

        invalid: "refuse" (the default) or "coerce", which makes a bad cell missing or its nearest bound.
        extra: "refuse" (the default) or "ignore", which does not read columns that the schema does not name.
        person, max_rows_per_person: a column outside the schema that says who a row belongs to, and how many rows of one person are kept. Which
        ones depends on that person's rows alone; a training's promise is then for persons.
        domain: "private" buys the bounds and levels that `schema` leaves open from `budget`, for epsilon or share and selection_delta (buy_domain);
        "assume-public" reads the schema off the rows for nothing, which every ledger under it says.
        """
        if domain == "private":
            if schema is None or budget is None:
                raise TypeError('domain="private" needs a schema with names and types, and a budget')
            sketch = schema.json if isinstance(schema, Schema) else schema
            schema = buy_domain(path, sketch, budget, epsilon=epsilon, share=share, selection_delta=selection_delta, invalid=invalid, extra=extra, delimiter=delimiter,
                                person=person, max_rows_per_person=max_rows_per_person).schema
        elif budget is not None or epsilon is not None or share is not None or selection_delta is not None:
            raise TypeError('budget, epsilon, share and selection_delta go with domain="private"')
        elif domain == "assume-public":
            if schema is not None:
                raise TypeError('domain="assume-public" reads the schema off the rows: give none')
            schema = Schema.infer(path, skip=None if person is None else [person], delimiter=delimiter)
        elif domain is not None:
            raise ArgumentError('domain: must be "private" or "assume-public"')
        if schema is None:
            raise TypeError("schema is missing; domain= says where it may come from")
        callback = Callback(reporter(progress))
        config = config_bytes({"invalid": invalid, "extra": extra, "delimiter": delimiter, "person": person, "max_rows_per_person": max_rows_per_person})
        checked = Schema.of(schema)
        return callback.run(lambda: cls(new("flip_table_read_csv", checked._pointer, path_bytes(path), config, callback.c, None)))

    @classmethod
    def read_hdf5(cls, path: Path, schema: Optional[SchemaLike] = None, group: Optional[str] = None) -> Table:
        """Reads a dataframe in AnnData's encoding. Without `schema` the one stored with it is used; group: "/data" unless given."""
        checked = Schema.maybe(schema)
        return cls(new("flip_table_read_hdf5", checked and checked._pointer, path_bytes(path), group and group.encode()))

    @classmethod
    def from_pandas(cls, frame: Any, schema: SchemaLike, person: Optional[str] = None, max_rows_per_person: Optional[int] = None) -> Table:
        """Copies a pandas data frame; its columns are found by name, in any order, others are an error. person, max_rows_per_person: as in
        read_csv."""
        from . import _pandas
        checked = Schema.of(schema)
        if person is None and max_rows_per_person is None:
            return _pandas.fill(cls(new("flip_table_create", checked._pointer, len(frame))), frame, checked)
        if person is None or max_rows_per_person is None:
            raise TypeError("person and max_rows_per_person belong together")
        if person in checked.names:
            raise SchemaError(f"column {person!r}: says who a row belongs to: leave it out of the schema, it is not to be learned")
        table = _pandas.fill(cls(new("flip_table_create", checked._pointer, len(frame))), frame.drop(columns=[person]), checked)
        return table.bound_persons(frame[person], max_rows_per_person)

    def bound_persons(self, persons: Any, max_rows: int) -> Table:
        """At most `max_rows` of the rows of each person, as a table of its own. persons: one value a row, such as a pandas column."""
        import numpy
        import pandas
        codes = numpy.ascontiguousarray(pandas.factorize(pandas.Series(persons))[0], dtype=numpy.int64)
        if len(codes) != self.rows or (codes < 0).any():
            raise SchemaError("persons: every row must belong to a person")
        return type(self)(new("flip_table_bound_persons", self._pointer, _pointer(codes, c_int64), max_rows))

    @property
    def max_rows_per_person(self) -> int:
        """The bound on each person's rows; 0 where there is none."""
        return int(lib.flip_table_max_rows_per_person(self._pointer))

    @classmethod
    def from_arrow(cls, x: Any, schema: SchemaLike, invalid: Optional[str] = None, extra: Optional[str] = None, progress: Report = False) -> Table:
        """Copies rows from anything with __arrow_c_stream__ (pandas from 2.2 on, polars, pyarrow, duckdb) or __arrow_c_array__, without any
        further package. invalid, extra: as in read_csv. Columns are found by name; flip.h says which types fill which fields.

        FormatError for arrays that break Arrow's rules; SchemaError for columns, types and cells that break the schema; FileError when the
        stream itself fails.
        """
        from . import _arrow
        source, checked, callback = _arrow.Source(x), Schema.of(schema), Callback(reporter(progress))
        config = config_bytes({"invalid": invalid, "extra": extra})
        return callback.run(lambda: cls(new("flip_table_import", checked._pointer, source.address, config, callback.c, None)))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow stream in a PyCapsule, so that pyarrow.table(t), polars.DataFrame(t), duckdb and others read a table as it is.
        Text levels are a dictionary, datetimes timestamps in UTC. `requested_schema` is not looked at, as the protocol allows."""
        from . import _arrow
        return _arrow.capsule(self._pointer)

    @property
    def schema(self) -> Schema:
        """The schema its rows fit."""
        return Schema(new("flip_table_schema", self._pointer))

    @property
    def rows(self) -> int:
        """Its number of rows; for a private table that number is private."""
        return int(lib.flip_table_rows(self._pointer))

    def __len__(self) -> int:
        return self.rows

    def to_csv(self, path: Path, delimiter: Optional[str] = None) -> None:
        """Writes the table: the old file or the complete new one."""
        call("flip_table_write_csv", self._pointer, path_bytes(path), config_bytes({"delimiter": delimiter}))

    def write_hdf5(self, path: Path, group: Optional[str] = None) -> None:
        """Writes a dataframe in AnnData's encoding, with its schema; group: "/data" unless given."""
        call("flip_table_write_hdf5", self._pointer, path_bytes(path), group and group.encode())

    def to_pandas(self) -> Any:
        """A pandas data frame: categoricals with the schema's levels, Int64 and boolean where values are missing, datetimes."""
        from . import _pandas
        return _pandas.frame(self)

    def __repr__(self) -> str:
        return f"flip.Table({len(self.schema.fields)} columns)"     # not the number of rows: it may be private

    # What _pandas uses. x, valid: numpy arrays, contiguous, of the type that is named.

    def _set_float64(self, name: str, x: Any, valid: Any) -> None:
        call("flip_table_set_float64", self._pointer, name.encode(), _pointer(x, c_double), _pointer(valid, c_uint8))

    def _set_int64(self, name: str, x: Any, valid: Any) -> None:
        call("flip_table_set_int64", self._pointer, name.encode(), _pointer(x, c_int64), _pointer(valid, c_uint8))

    def _set_codes(self, name: str, codes: Any, levels: Sequence[str]) -> None:
        if any("\0" in level for level in levels):
            raise SchemaError(f"column {name!r}: text with a NUL in it")
        texts = (c_char_p * max(1, len(levels)))(*[level.encode() for level in levels])
        call("flip_table_set_codes", self._pointer, name.encode(), _pointer(codes, c_int32), texts, len(levels))

    def _set_strings(self, name: str, codes: Any, texts: Sequence[str]) -> None:
        """Row i is texts[codes[i]]; code -1 is missing."""
        import numpy
        encoded = [text.encode() for text in texts] + [b""]
        lengths = numpy.array([len(text) for text in encoded], numpy.int64)
        offsets = numpy.zeros(len(codes) + 1, numpy.int64)
        numpy.cumsum(lengths[codes], out=offsets[1:])
        valid = numpy.ascontiguousarray(codes >= 0, dtype=numpy.uint8)
        data = b"".join(encoded[code] for code in codes)
        call("flip_table_set_strings", self._pointer, name.encode(), data, _pointer(offsets, c_int64), _pointer(valid, c_uint8))

    def _get(self, kind: str, name: str, *arrays: Any) -> None:
        types: dict[str, Any] = {"float64": c_double, "int64": c_int64, "codes": c_int32}
        pointers: list[Any] = [_pointer(arrays[0], types[kind])] + [_pointer(a, c_uint8) for a in arrays[1:]]
        call(f"flip_table_get_{kind}", self._pointer, name.encode(), 0, self.rows, *pointers)


def _pointer(array: Any, kind: Any) -> Any:
    """A pointer to a numpy array's memory; `array` must live longer. array.ctypes would take ten times as long."""
    return None if array is None else cast(array.__array_interface__["data"][0], POINTER(kind))


def convert(source: Path, target: Path, schema: Optional[SchemaLike] = None, invalid: Optional[str] = None, extra: Optional[str] = None,
            delimiter: Optional[str] = None, progress: Report = False) -> None:
    """Reads one file and writes another; names that end in .h5, .hdf5 or .h5ad are HDF5, all others CSV. Options as in Table.read_csv."""
    callback = Callback(reporter(progress))
    config = config_bytes({"invalid": invalid, "extra": extra, "delimiter": delimiter})
    checked = Schema.maybe(schema)
    callback.run(lambda: call("flip_table_convert", checked and checked._pointer, path_bytes(source), path_bytes(target), config,
                              callback.c, None))
