"""Bounds, levels and the row count, estimated under a budget, when nobody may look at the rows."""

from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Mapping, NamedTuple, Optional, Union

from ._budget import Budget
from ._deprecated import renamed
from ._library import Path, call, config_bytes, lib, path_bytes
from ._progress import Callback, Report, reporter
from ._schema import Schema
from ._types import DomainReport


class Domain(NamedTuple):
    """What release_domain gives: the schema, and a report of what its release cost (flip.DomainReport)."""

    schema: Schema
    report: DomainReport


def release_domain(path: Path, sketch: Union[Mapping[str, Any], str, Path], budget: Budget,
                   epsilon: Optional[float] = None,
                   share: Optional[float] = None, selection_delta: Optional[float] = None, other: Optional[str] = None,
                   name: Optional[str] = None, invalid: Optional[str] = None, extra: Optional[str] = None,
                   delimiter: Optional[str] = None, person: Optional[str] = None,
                   max_rows_per_person: Optional[int] = None, progress: Report = False) -> Domain:
    """Estimates what `sketch` leaves open: a schema in which strings may lack their enum and numbers, dates and times
    their bounds.

    One noisy release of the CSV file at `path` is charged to `budget` and then drawn. It may cost epsilon by itself, or
    `share` (above 0, at most 1) of the whole budget. Levels need a part of delta, selection_delta, that the
    budget was made with. A training under the schema must be planned under the same budget. include/flip.h
    (flip_domain_buy) says which values are clamped and which texts count as `other`. name: what the budget's report
    calls the release.
    invalid, extra, delimiter, person, max_rows_per_person: as in Table.read_csv.

    BudgetError where too little is left, or for levels under a budget without selection_delta: nothing was drawn.
    """
    text = sketch_text(sketch)
    config = config_bytes({"epsilon": epsilon, "share": share, "selection_delta": selection_delta, "other": other,
                           "name": name, "invalid": invalid, "extra": extra, "delimiter": delimiter, "person": person,
                           "max_rows_per_person": max_rows_per_person})
    callback = Callback(reporter(progress))
    out, text_of_report = ctypes.c_void_p(), ctypes.c_void_p()
    callback.run(lambda: call("flip_domain_buy", budget._pointer, text, len(text), path_bytes(path), config, callback.c,
                              None, ctypes.byref(out), ctypes.byref(text_of_report)))
    return domain_of(out, text_of_report)


def sketch_text(sketch: Union[Mapping[str, Any], str, Path]) -> bytes:
    """A sketch as JSON text: of a dict, a text that begins with a brace, or a file."""
    if isinstance(sketch, Mapping):
        return json.dumps(sketch, allow_nan=False).encode()
    if isinstance(sketch, str) and sketch.lstrip()[:1] == "{":
        return sketch.encode()
    with open(os.fspath(sketch), "rb") as file:
        return file.read()


def domain_of(schema: ctypes.c_void_p, text: ctypes.c_void_p) -> Domain:
    """What the library gave, as handles that are owned here."""
    try:
        report: DomainReport = json.loads(ctypes.string_at(lib.flip_buffer_data(text), lib.flip_buffer_size(text)))
    finally:
        lib.flip_buffer_free(text)
    assert schema.value is not None
    return Domain(Schema(schema.value), report)


buy_domain = renamed("buy_domain", release_domain)
