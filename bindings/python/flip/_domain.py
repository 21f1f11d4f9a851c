"""A domain bought from a budget: bounds, levels and the row count, when nobody may look at the rows."""

from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Mapping, NamedTuple, Optional, Union

from ._budget import Budget
from ._library import Path, call, config_bytes, lib, path_bytes
from ._progress import Callback, Report, reporter
from ._schema import Schema


class Domain(NamedTuple):
    """What was bought: the schema, and report, a dict: run, epsilon, delta, selection_delta, rows (noisy), deviation (of the noise, in rows), threshold and
    ledger."""

    schema: Schema
    report: dict[str, Any]


def buy_domain(path: Path, sketch: Union[Mapping[str, Any], str, Path], budget: Budget, epsilon: Optional[float] = None, share: Optional[float] = None,
               selection_delta: Optional[float] = None, other: Optional[str] = None, name: Optional[str] = None, invalid: Optional[str] = None,
               extra: Optional[str] = None, delimiter: Optional[str] = None, person: Optional[str] = None, max_rows_per_person: Optional[int] = None,
               progress: Report = False) -> Domain:
    """Buys what `sketch` leaves open: a schema in which strings may lack their enum and numbers, dates and times their bounds.

    One noisy release of the CSV file at `path` is charged to `budget` (epsilon of it alone, or share of the whole) and then drawn. Levels need a part
    of delta, selection_delta, that the budget was made with. A training under the schema must be planned under the same budget. What is
    clamped, and which texts are `other`, include/flip.h says.
    """
    if isinstance(sketch, Mapping):
        text = json.dumps(sketch, allow_nan=False).encode()
    elif isinstance(sketch, str) and sketch.lstrip()[:1] == "{":
        text = sketch.encode()
    else:
        with open(os.fspath(sketch), "rb") as file:
            text = file.read()
    config = config_bytes({"epsilon": epsilon, "share": share, "selection_delta": selection_delta, "other": other, "name": name, "invalid": invalid, "extra": extra,
                           "delimiter": delimiter, "person": person, "max_rows_per_person": max_rows_per_person})
    callback = Callback(reporter(progress))
    out, bill = ctypes.c_void_p(), ctypes.c_void_p()
    callback.run(lambda: call("flip_domain_buy", budget._pointer, text, len(text), path_bytes(path), config, callback.c, None, ctypes.byref(out), ctypes.byref(bill)))
    try:
        report: dict[str, Any] = json.loads(ctypes.string_at(lib.flip_buffer_data(bill), lib.flip_buffer_size(bill)))
    finally:
        lib.flip_buffer_free(bill)
    assert out.value is not None
    return Domain(Schema(out.value), report)
