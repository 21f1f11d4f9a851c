"""Schema: what the columns may hold. Public by declaration."""

from __future__ import annotations

import builtins
import json
import os
from typing import Any, Iterable, Mapping, Optional, Union

from ._errors import ArgumentError
from ._frames import as_pandas, is_path
from ._library import Handle, config_bytes, group_bytes, new, path_bytes, take_bytes, take_json
from ._progress import Callback, Report, reporter
from ._types import TableCheck


class Schema(Handle):
    """A Frictionless Table Schema that was checked. Made from JSON text, a dict or a file; never changes."""

    _free = "flip_schema_free"

    def __init__(self, source: Union[Mapping[str, Any], str, "os.PathLike[str]", int]) -> None:
        """source: a dict, JSON text (it begins with "{"), or the path of a file."""
        super().__init__(None)
        if isinstance(source, int):             # a pointer the library gave
            self._pointer = source
            return
        if isinstance(source, Mapping):
            text = json.dumps(dict(source), allow_nan=False).encode()
        elif isinstance(source, str) and source.lstrip()[:1] == "{":
            text = source.encode()
        else:
            with open(os.fspath(source), "rb") as file:
                text = file.read()
        self._pointer = new("flip_schema_parse", text, len(text))

    @classmethod
    def of(cls, source: SchemaLike) -> Schema:
        """`source` itself when it is a schema, else a schema made from it."""
        return source if isinstance(source, Schema) else cls(source)

    @classmethod
    def maybe(cls, source: Optional[SchemaLike]) -> Optional[Schema]:
        """As `of`; None stays None."""
        return None if source is None else cls.of(source)

    @classmethod
    def infer(cls, source: Any, levels: Optional[int] = None, skip: Optional[Iterable[str]] = None,
              delimiter: Optional[str] = None, group: Optional[str] = None, progress: Report = False) -> Schema:
        """A schema read off rows, for you to edit.

        source: the path of a CSV or HDF5 file, a pandas data frame, or anything with an Arrow stream (polars, pyarrow,
        duckdb; pandas and pyarrow must be there to read it).

        Types are those that every cell bears out, bounds are rounded outward, texts become sorted levels (at most
        `levels`, 1000 unless given). Categories that a frame declares stay levels in their order, and so do texts that
        look like numbers where they are few. The schema is marked ("flip:domain": "assume-public"), and so is the
        ledger of every training under it: levels and bounds come from the rows and count as public from here on. Make
        sure that they are, then remove the mark.
        skip: columns to leave out. delimiter: of a CSV file. group: of an HDF5 file, as in
        Table.read_hdf5.

        FileError, FormatError; SchemaError that names every column no field can be made of: names, identifiers, free
        text.
        """
        if not is_path(source):
            from . import _infer
            return cls(_infer.schema(as_pandas(source), levels, list(skip or [])))
        config = {"levels": levels, "skip": None if skip is None else list(skip), "delimiter": delimiter}
        if is_hdf5(source):
            return cls(new("flip_schema_infer_hdf5", path_bytes(source), group_bytes(group), config_bytes(config)))
        callback = Callback(reporter(progress))
        return callback.run(
            lambda: cls(new("flip_schema_infer_csv", path_bytes(source), config_bytes(config), callback.c, None)))

    def check(self, source: Any, extra: Optional[str] = None, delimiter: Optional[str] = None,
              progress: Report = False, group: Optional[str] = None) -> TableCheck:
        """All that `source` breaks of this schema, at once: the path of a CSV or HDF5 file, or a frame as `infer` takes
        it.

        Problems have column (None for rules between columns), rule, count and first_line (of a CSV file) or first_row,
        both from 1; never a value. It answers whoever has the rows: it is not private. extra="ignore": columns that the
        schema does not name are no problem; they never are one in an HDF5 file. group: of an HDF5 file, as in
        Table.read_hdf5.
        """
        if not is_path(source):
            from . import _infer
            fields = {field["name"]: field for field in self.fields}
            return _infer.check(self._pointer, fields, as_pandas(source), extra, bool(self.dict.get("flip:rules")))
        callback = Callback(reporter(progress))
        found: TableCheck
        if is_hdf5(source):
            found = callback.run(lambda: take_json("flip_schema_check_hdf5", self._pointer, path_bytes(source),
                                                   group_bytes(group), callback.c, None))
            return found
        if group is not None:
            raise ArgumentError("group: is for HDF5 files")
        config = config_bytes({"extra": extra, "delimiter": delimiter})
        found = callback.run(
            lambda: take_json("flip_schema_check_csv", self._pointer, path_bytes(source), config, callback.c, None))
        return found

    @property
    def assumed(self) -> bool:
        """Whether levels and bounds were read off rows (`infer`) and the mark is still there."""
        return self.dict.get("flip:domain") == "assume-public"

    @property
    def json(self) -> str:
        """Canonical JSON text."""
        return take_bytes("flip_schema_json", self._pointer).decode()

    @property
    def dict(self) -> builtins.dict[str, Any]:
        """The schema as a dict."""
        parsed: builtins.dict[str, Any] = json.loads(self.json)
        return parsed

    @property
    def fields(self) -> list[builtins.dict[str, Any]]:
        """The fields as dicts: name, type, constraints."""
        fields: list[builtins.dict[str, Any]] = self.dict["fields"]
        return fields

    @property
    def names(self) -> list[str]:
        """Their names, in order."""
        return [field["name"] for field in self.fields]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.json == other.json

    def __hash__(self) -> int:
        return hash(self.json)

    def __reduce__(self) -> tuple[Any, ...]:
        return Schema, (self.json,)

    def __repr__(self) -> str:
        return f"flip.Schema({len(self.fields)} fields: {', '.join(self.names)})"


def is_hdf5(path: Union[str, "os.PathLike[str]"]) -> bool:
    """Whether a path is taken for an HDF5 file."""
    return os.fspath(path).endswith((".h5", ".hdf5", ".h5ad"))


# What a `schema` argument may be.
SchemaLike = Union[Schema, Mapping[str, Any], str, "os.PathLike[str]"]
