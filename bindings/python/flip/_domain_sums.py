"""Bounds, levels and the row count, estimated under a budget from sums of rows that stay where they are."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Iterable, Mapping, Optional, Union

from ._budget import Budget
from ._domain import Domain, domain_of, sketch_text
from ._files import Reader
from ._library import Handle, Path, call, config_bytes, new, take_bytes
from ._sums import Sums


class _Release(Handle):
    """A release of a domain under way."""

    _free = "flip_domain_free"

    def answer(self, engine: Any) -> bool:
        """Has the engine gather what is asked for, and answers; False when nothing is asked for any more."""
        if not take_bytes("flip_domain_ask", self._pointer, 1):
            return False
        ask = take_bytes("flip_domain_ask", self._pointer, engine.parts())
        with Sums(ask) as total:
            for exported in engine.sums(ask):
                total.merge(exported)
            call("flip_domain_answer", self._pointer, total._pointer)
        return True

    def finish(self) -> Domain:
        """What was released."""
        out, report = ctypes.c_void_p(), ctypes.c_void_p()
        call("flip_domain_finish", self._pointer, ctypes.byref(out), ctypes.byref(report))
        return domain_of(out, report)


def release_domain(rows: Any, sketch: Union[Mapping[str, Any], str, Path], budget: Budget, *,
                   epsilon: Optional[float] = None, share: Optional[float] = None,
                   selection_delta: Optional[float] = None, other: Optional[str] = None, name: Optional[str] = None,
                   invalid: Optional[str] = None, extra: Optional[str] = None, delimiter: Optional[str] = None,
                   person: Optional[str] = None, max_rows_per_person: Optional[int] = None,
                   roll_call: str = "auto") -> Domain:
    """flip.release_domain of rows that stay where they are: the same release, of all parts together.

    rows: an engine, as for train; or a folder, a file or several files, Parquet (needs pyarrow) and CSV, which may be
    larger than memory. extra, delimiter: for files, as in Table.read_csv.
    person, max_rows_per_person: a column outside the sketch that says who a row belongs to, and how many rows of each
    are counted. An engine has to have all rows of a person in one part; files are dealt by name.
    roll_call: as in train. Other arguments: as in flip.release_domain.

    Workers send the texts of open columns with their exact counts. These are as secret as the rows, and so is how many
    there are. Refused before anything is charged: what train refuses, and a column of more than four million different
    texts. Otherwise the errors of flip.release_domain.
    """
    engine = rows
    if not (hasattr(rows, "sums") and hasattr(rows, "parts")):
        engine = sketched_files(rows, sketch, delimiter, extra, person)
    if roll_call == "auto":
        roll_call = getattr(engine, "roll_call", "none")
    text = sketch_text(sketch)
    config = config_bytes({"epsilon": epsilon, "share": share, "selection_delta": selection_delta, "other": other,
                           "name": name, "invalid": invalid, "person": person,
                           "max_rows_per_person": max_rows_per_person, "roll_call": roll_call})
    release = _Release(new("flip_domain_create_remote", budget._pointer, text, len(text), config))
    try:
        while release.answer(engine):
            pass
        return release.finish()
    finally:
        release.close()


def sketched_files(paths: Union[Path, Iterable[Path]], sketch: Union[Mapping[str, Any], str, Path],
                   delimiter: Optional[str], extra: Optional[str], person: Optional[str]) -> Reader:
    """Files as an engine whose columns a sketch names."""
    return Reader(paths, sketch_names(sketch), delimiter, extra, person)


def sketch_names(sketch: Union[Mapping[str, Any], str, Path]) -> list[str]:
    """The columns that a sketch names; the library says what is wrong with one that is none."""
    try:
        read = json.loads(sketch_text(sketch))
    except ValueError:
        return []
    fields = read.get("fields") if isinstance(read, dict) else None
    return [field["name"] for field in fields or () if isinstance(field, dict) and isinstance(field.get("name"), str)]
