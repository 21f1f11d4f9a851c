"""Schemas beside pandas data frames: each column crosses as text, as a CSV file would hold it."""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence

import numpy
import pandas

from ._columns import packed
from ._errors import ArgumentError, SchemaError
from ._library import config_bytes, lib, new, take_bytes, take_json
from ._text import refuse_nul, text_of
from ._types import Problem, TableCheck


def schema(frame: pandas.DataFrame, levels: Optional[int], skip: Sequence[str]) -> dict[str, Any]:
    """The dict of a schema for the frame's columns."""
    names = unique_names(frame)
    strangers = [name for name in skip if name not in names]
    if strangers:
        raise ArgumentError(f"there is no column {strangers[0]!r} to leave out")
    parts: list[dict[str, Any]] = []
    refused: list[str] = []
    for name in names:
        if name in skip:
            continue
        column = frame[name]
        try:
            parts.append(field(name, column, levels))
        except SchemaError as problem:
            refused.append(str(problem))
    if refused:
        raise SchemaError("\n".join(refused))
    if not parts:
        raise SchemaError("the frame has no columns")
    fields = [part["fields"][0] for part in parts]
    missing = list(dict.fromkeys(text for part in parts for text in part["missingValues"]))
    for rules in (column.get("constraints", {}) for column in fields):
        # What means missing beside another column's numbers is no level here.
        kept = [level for level in rules.get("enum", []) if level not in missing]
        if kept and len(kept) < len(rules["enum"]):
            rules["enum"] = kept
            rules.pop("required", None)
    return {**parts[0], "fields": fields, "missingValues": missing}


def field(name: str, column: pandas.Series[Any], levels: Optional[int]) -> dict[str, Any]:
    """A schema of one field, as a dict."""
    declared = isinstance(column.dtype, pandas.CategoricalDtype)
    if declared:                                # levels, used or not
        cells = texts(pandas.Series(column.cat.categories, name=name)) + ([None] if column.isna().any() else [])
    else:
        cells = texts(column)
    pointer = new("flip_schema_infer_strings", name.encode(), *packed(cells), len(cells),
                  config_bytes({"levels": levels, "declared": declared or None}))
    try:
        one: dict[str, Any] = json.loads(take_bytes("flip_schema_json", pointer))
        return one
    finally:
        lib.flip_schema_free(pointer)


def check(schema: Optional[int], fields: Sequence[str], frame: pandas.DataFrame, extra: Optional[str]) -> TableCheck:
    """As Schema.check, for a frame. schema: the pointer of one with these fields, by name."""
    if extra not in (None, "refuse", "ignore"):
        raise ArgumentError('extra: must be "refuse" or "ignore"')
    names = unique_names(frame)
    missing = [name for name in fields if name not in names]
    unknown = [] if extra == "ignore" else [name for name in names if name not in fields]
    problems: list[Problem] = []
    answer: TableCheck = {"fits": True, "rows": len(frame), "missing_columns": missing, "unknown_columns": unknown,
                          "problems": problems}
    if not len(frame):
        problems.append({"column": None, "rule": "the table has no rows", "count": 1, "first_row": 1})
    for name in fields:
        if name not in missing:
            cells = texts(frame[name])
            found = take_json("flip_schema_check_strings", schema, name.encode(), *packed(cells), len(cells))
            problems += found["problems"]
            if "schema_version" in found:
                answer["schema_version"] = found["schema_version"]
    answer["fits"] = not (missing or unknown or problems)
    return answer


def unique_names(frame: pandas.DataFrame) -> list[str]:
    """The names of the columns; SchemaError for one that is not text or occurs twice."""
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names):
        raise SchemaError("every column's name must be text")
    if len(set(names)) < len(names):
        raise SchemaError("two columns have the same name")
    return names


def texts(column: pandas.Series[Any]) -> list[Optional[str]]:
    """The cells as a CSV file would hold them; None is missing."""
    refuse_nul(column.name, column)
    if pandas.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        whole_days = bool((column.dropna() == column.dropna().dt.normalize()).all())
        spelled = column.dt.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%dT%H:%M:%S.%f")
        return [None if gap else text for text, gap in zip(spelled, column.isna())]
    if pandas.api.types.is_float_dtype(column.dtype):
        column = column.astype("float64") if not isinstance(column.dtype, numpy.dtype) else column.astype(numpy.float64)
    codes, distinct = pandas.factorize(column, use_na_sentinel=True)
    words: list[Optional[str]] = [*(text_of(value) for value in distinct), None]
    return [words[code] for code in codes]
