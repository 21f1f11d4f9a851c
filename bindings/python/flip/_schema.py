"""Schema: what the columns may hold. Public by declaration."""

from __future__ import annotations

import builtins
import json
import os
from typing import Any, Mapping, Optional, Union

from ._library import Handle, new, take_bytes


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
        """The same; None stays None."""
        return None if source is None else cls.of(source)

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


# What a `schema` argument may be.
SchemaLike = Union[Schema, Mapping[str, Any], str, "os.PathLike[str]"]
