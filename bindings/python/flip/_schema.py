"""Schema: what the columns may hold. Public by declaration."""

import json
import os

from ._library import Handle, new, take_bytes


class Schema(Handle):
    """A Frictionless Table Schema that was checked. Made from JSON text, a dict or a file; never changes."""

    _free = "flip_schema_free"

    def __init__(self, source):
        """source: a dict, JSON text (it begins with "{"), or the path of a file."""
        super().__init__(None)
        if isinstance(source, int):             # a pointer the library gave
            self._pointer = source
            return
        if isinstance(source, dict):
            text = json.dumps(source, allow_nan=False).encode()
        elif isinstance(source, str) and source.lstrip()[:1] == "{":
            text = source.encode()
        else:
            with open(os.fspath(source), "rb") as file:
                text = file.read()
        self._pointer = new("flip_schema_parse", text, len(text))

    @classmethod
    def of(cls, source):
        """`source` itself when it is a schema, else a schema made from it; None stays None."""
        return source if source is None or isinstance(source, Schema) else cls(source)

    @property
    def json(self):
        """Canonical JSON text."""
        return take_bytes("flip_schema_json", self._pointer).decode()

    @property
    def dict(self):
        return json.loads(self.json)

    @property
    def fields(self):
        """The fields as dicts: name, type, constraints."""
        return self.dict["fields"]

    @property
    def names(self):
        return [field["name"] for field in self.fields]

    def __eq__(self, other):
        return isinstance(other, Schema) and self.json == other.json

    def __hash__(self):
        return hash(self.json)

    def __reduce__(self):
        return Schema, (self.json,)

    def __repr__(self):
        return f"flip.Schema({len(self.fields)} fields: {', '.join(self.names)})"
