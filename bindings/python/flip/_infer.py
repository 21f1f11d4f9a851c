"""Schemas beside pandas data frames: each column crosses as the text of a CSV file."""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional, Sequence

import numpy
import pandas

from ._columns import packed
from ._errors import ArgumentError, SchemaError, quietly
from ._library import config_bytes, lib, new, take_bytes, take_json
from ._normal import moments, plain
from ._text import FINER, cells_of, distinct, refusal, refuse_unusable, text_of
from ._types import Problem, TableCheck

_FEW = 20       # so many different texts are levels, however few rows there are


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
            parts.append(quietly(cells_of(name), lambda: field(name, column, levels)))
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
    """A schema of one field, as a dict. levels: the most that a column of texts may have, 1000 unless given."""
    declared = isinstance(plain(column[:0]).dtype, pandas.CategoricalDtype)
    host = column
    if declared:                                # levels, used or not
        column = plain(column)
        host = pandas.Series(column.cat.categories, name=name)
        cells, finer = texts(host)
        cells += [None] if column.isna().any() else []
    else:
        cells, finer = texts(column)
    if finer is not None:
        raise refusal(name, FINER, None if declared else int(finer.argmax()))
    pointer = new("flip_schema_infer_strings", name.encode(), *packed(cells), len(cells),
                  config_bytes({"levels": levels, "declared": (declared and is_text(host)) or None}))
    try:
        one: dict[str, Any] = json.loads(take_bytes("flip_schema_json", pointer))
    finally:
        lib.flip_schema_free(pointer)
    found = one["fields"][0]
    if found["type"] in ("integer", "number") and "enum" not in found.get("constraints", {}):
        kept = [text for text in dict.fromkeys(cells) if text is not None and text not in one["missingValues"]]
        if declared or is_text(host):
            keep_levels(found, kept, cells=len(cells), maximum=levels or 1000, declared=declared, text=is_text(host))
    return one


def is_text(column: pandas.Series[Any]) -> bool:
    """Whether the cells of a column are text by their type."""
    if isinstance(column.dtype, pandas.StringDtype) or str(column.dtype).startswith(("string", "large_string")):
        return True
    return bool(column.dtype == object) and pandas.api.types.infer_dtype(column, skipna=True) == "string"


def keep_levels(field: dict[str, Any], found: list[str], *, cells: int, maximum: int, declared: bool,
                text: bool) -> None:
    """Makes a field of numbers one of levels, where its host holds levels or texts that only look like numbers.

    found: the different texts; declared: they are levels by the host's word, in their order; text: the host holds text.
    Texts that are not declared stay numbers where there are more than `maximum`, or where hardly one occurs twice.
    """
    if declared and len(found) > maximum:
        raise refusal(field["name"], f"{len(found)} levels; allow more than {maximum} (levels)")
    if not declared and (len(found) > maximum or len(found) > _FEW and 2 * len(found) > cells):
        return
    required = field.get("constraints", {}).get("required", False)
    ordered = found if declared else sorted(found, key=float)
    rules: dict[str, Any] = {"required": True} if required else {}
    rules["enum"] = ordered if text else [json.loads(level) for level in ordered]
    field["constraints"] = rules
    for key in ("description", "flip:multipleOf"):
        field.pop(key, None)
    if text:
        field["type"] = "string"


def check(schema: Optional[int], fields: Mapping[str, Mapping[str, Any]], frame: pandas.DataFrame,
          extra: Optional[str], rules: bool) -> TableCheck:
    """As Schema.check, for a frame. schema: the pointer of one with these fields, by name; rules: whether it has
    some."""
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
    kept: dict[str, list[Optional[str]]] = {}
    for name in fields:
        if name not in missing:
            cells, finer = quietly(cells_of(name), lambda: texts(frame[name], fields[name]))
            if finer is not None:
                problems.append({"column": name, "rule": FINER, "count": int(finer.sum()),
                                 "first_row": int(finer.argmax()) + 1})
            found = take_json("flip_schema_check_strings", schema, name.encode(), *packed(cells), len(cells))
            problems += found["problems"]
            if rules:
                kept[name] = cells
            if "schema_version" in found:
                answer["schema_version"] = found["schema_version"]
    if kept and len(frame):
        together = [cell for cells in kept.values() for cell in cells]
        problems += take_json("flip_schema_check_rules", schema, json.dumps(list(kept)).encode(), *packed(together),
                              len(frame))["problems"]
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


def texts(column: pandas.Series[Any], field: Optional[Mapping[str, Any]] = None) -> tuple[list[Optional[str]], Any]:
    """(the cells as a CSV file would hold them, None where missing; bool, which are finer than a microsecond, or None).

    field: what they are for, where there is one.
    """
    kind, point = ("", ".") if field is None else (field["type"], field.get("decimalChar", "."))
    column = plain(column)
    missing = column.isna().to_numpy(dtype=bool)
    refuse_unusable(column.name, column, missing)
    found = moments(column)
    if found is not None:
        spelled = numpy.datetime_as_string(found.micros.astype("datetime64[us]"))
        if (found.micros % 1_000_000 == 0).all():
            spelled = numpy.array([text[:19] for text in spelled])
        if found.midnight and (kind != "datetime" or found.days):
            spelled = numpy.array([text[:10] for text in spelled])
        return [None if gap else str(text) for text, gap in zip(spelled, missing)], found.finer
    codes, values = distinct(column)
    words: list[Optional[str]] = [*(text_of(value, kind, column.name, point) for value in values), None]
    return [words[code] for code in codes], None
