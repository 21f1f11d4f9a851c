"""Old names that still work, and say what to write instead."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])


def warn(old: str, new: str, level: int = 2) -> None:
    """A DeprecationWarning at the caller of the function that calls this one; level: further frames up."""
    warnings.warn(f"{old} is deprecated: use {new}", DeprecationWarning, stacklevel=level + 1)


def renamed(old: str, function: _F) -> _F:
    """`function` under the name `old`, which warns."""
    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        warn(f"flip.{old}", f"flip.{function.__name__}")
        return function(*arguments, **options)
    wrapper.__name__ = wrapper.__qualname__ = old
    wrapper.__doc__ = f"Deprecated: flip.{function.__name__} under its old name."
    return cast(_F, wrapper)
