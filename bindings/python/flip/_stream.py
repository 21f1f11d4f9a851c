"""Generated rows as a stream: for more of them than memory holds."""

from __future__ import annotations

from typing import Any, Optional

from ._library import Handle, config_bytes


class RowStream:
    """What Model.stream() gives: rows that are drawn batch by batch, when a reader asks for them. Every reader starts
    anew, and all get the same rows."""

    def __init__(self, model: Handle, rows: int, seed: int, first: int, threads: Optional[int], where: Any,
                 batch_rows: Optional[int]) -> None:
        self._model, self.rows, self.seed, self.first = model, rows, seed, first
        self._options = config_bytes({"seed": seed, "threads": threads, "where": where, "batch_rows": batch_rows})
        self.__arrow_c_stream__()                      # what is wrong is said here, and not when it is read

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as an Arrow stream in a PyCapsule, as Table's."""
        from . import _arrow
        return _arrow.capsule("flip_model_stream", self._model._pointer, self.first, self.rows, self._options)

    def __repr__(self) -> str:
        return f"flip.RowStream({self.rows} rows from {self.first}, seed {self.seed})"
