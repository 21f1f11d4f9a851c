"""The condition of a sample as the library's JSON. It checks nothing: the library does."""

from __future__ import annotations

import datetime
from typing import Any, Mapping, Optional


def condition(where: Optional[Mapping[Any, Any]]) -> Optional[dict[str, Any]]:
    """{column: value, values or bounds} with every value as JSON; None stays None."""
    return where if where is None else {str(name): _rule(rule) for name, rule in dict(where).items()}


def _rule(rule: Any) -> Any:
    if isinstance(rule, dict):
        return {key: _value(x) for key, x in rule.items() if x is not None}
    if isinstance(rule, (set, frozenset, range)):
        rule = list(rule)
    if hasattr(rule, "tolist") and not isinstance(rule, (str, bytes)):      # NumPy arrays and numbers, pandas columns
        rule = _value(rule) if getattr(rule, "ndim", 0) == 0 else list(rule)
    return [_value(x) for x in rule] if isinstance(rule, (list, tuple)) else _value(rule)


def _value(x: Any) -> Any:
    """Missing (None, NaN, pandas.NA, NaT) is null, days and moments are ISO 8601 text, NumPy numbers are numbers."""
    if x is None or type(x).__name__ in ("NAType", "NaTType") or (isinstance(x, float) and x != x):
        return None
    if type(x).__name__ == "datetime64":
        text = str(x.astype("datetime64[us]") if "T" in str(x) else x)
        return None if text == "NaT" else text + "Z" if "T" in text else text
    if isinstance(x, datetime.datetime):
        if x.tzinfo is not None:
            x = x.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return x.isoformat() + "Z"              # without a zone: UTC, as everywhere in a table
    if isinstance(x, datetime.date):
        return x.isoformat()
    return x.item() if hasattr(x, "item") else x
