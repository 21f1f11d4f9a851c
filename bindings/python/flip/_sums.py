"""Sums of rows for one ask: what a worker makes, and what adds some up."""

from __future__ import annotations

from typing import Any, Iterable, Optional

from ._arrow import Source
from ._library import CALLBACK, Handle, Path, call, config_bytes, new, path_bytes, take_bytes, take_json
from ._table import Table


class Sums(Handle):
    """What the rows of some parts add up to, for one ask. Secret; wiped when it is closed."""

    _free = "flip_sums_free"

    def __init__(self, ask: bytes) -> None:
        """Sums of nothing. FormatError for bytes that are no ask, VersionError for one of another library."""
        super().__init__(new("flip_sums_create", ask, len(ask)))

    def add(self, part: int, rows: Any, extra: Optional[str] = None) -> None:
        """Adds all rows of a part: a flip.Table, or anything with __arrow_c_stream__ or __arrow_c_array__, which may
        have no rows. Cells that break the schema are replaced and counted; the trainer refuses them before its first
        charge. extra: "ignore" leaves out columns that the schema does not name."""
        if isinstance(rows, Table):
            call("flip_sums_add_table", self._pointer, part, rows._pointer)
            return
        source = Source(rows)
        call("flip_sums_add_stream", self._pointer, part, source.address, config_bytes({"extra": extra}), CALLBACK(0),
             None)

    def add_csv(self, part: int, path: Path, delimiter: Optional[str] = None, extra: Optional[str] = None) -> None:
        """The same for the rows of a CSV file, which may be larger than memory."""
        call("flip_sums_add_csv", self._pointer, part, path_bytes(path),
             config_bytes({"delimiter": delimiter, "extra": extra}), CALLBACK(0), None)

    def merge(self, exported: bytes) -> None:
        """Adds exported sums of the same ask. FormatError for damaged ones, ArgumentError for those of another ask."""
        call("flip_sums_merge", self._pointer, exported, len(exported))

    def export(self, slice: int = 0, slices: int = 1) -> bytes:
        """The sums as bytes: secret. slices: 1, or the number that `ask_info` names."""
        return take_bytes("flip_sums_export", self._pointer, slice, slices)

    def __enter__(self) -> Sums:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask_info(ask: bytes) -> dict[str, Any]:
    """What an ask is: id, stage, parts, tables, words, slices, memory_bytes."""
    info: dict[str, Any] = take_json("flip_ask_json", ask, len(ask))
    return info


def part_sums(ask: bytes, part: int, rows: Any, extra: Optional[str] = None) -> bytes:
    """The exported sums of one part: what a worker does. rows: as in Sums.add."""
    with Sums(ask) as sums:
        sums.add(part, rows, extra)
        return sums.export()


def merge(ask: bytes, exported: Iterable[bytes], slice: int = 0, slices: int = 1) -> bytes:
    """Some exported sums added up, exported: a node of a tree of sums. With `slices` all of them are of one slice."""
    with Sums(ask) as total:
        for one in exported:
            total.merge(one)
        return total.export(slice, slices)
