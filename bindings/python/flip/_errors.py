"""One exception class for each code of flip.h.

Where Python has a class of its own for the same thing, the exception is one of those too.
"""

from __future__ import annotations

from typing import Callable, TypeVar

_R = TypeVar("_R")


class FlipError(Exception):
    """Anything the library refused. `code` is the number, `name` the name flip.h gives it."""

    code: int = 0
    name: str = "FLIP_E_UNKNOWN"


class ArgumentError(FlipError, ValueError):
    """An argument or a configuration key is wrong."""

    code = 1
    name = "FLIP_E_ARG"


class StateError(FlipError, RuntimeError):
    """Right call, wrong moment; or an object of the parent process after fork."""

    code = 2
    name = "FLIP_E_STATE"


class SchemaError(FlipError, ValueError):
    """The schema is wrong, or a table breaks it."""

    code = 3
    name = "FLIP_E_SCHEMA"


class FileError(FlipError, OSError):
    """The operating system refused: missing file, no permission, full disk."""

    code = 4
    name: str = "FLIP_E_IO"


class FormatError(FlipError, ValueError):
    """A file is truncated, damaged, foreign or not what it claims to be."""

    code = 5
    name = "FLIP_E_FORMAT"


class VersionError(FlipError):
    """A file that only a newer library can read."""

    code = 6
    name = "FLIP_E_VERSION"


class BudgetError(FlipError):
    """Epsilon and delta cannot be met, or would be exceeded."""

    code = 7
    name = "FLIP_E_BUDGET"


class Cancelled(FlipError):
    """Somebody asked to stop. What was charged stays charged."""

    code = 8
    name = "FLIP_E_CANCELLED"


class OutOfMemory(FlipError, MemoryError):
    """Memory could not be had."""

    code = 9
    name = "FLIP_E_NOMEM"


class NumericError(FlipError, ArithmeticError):
    """A computation on public values left the range of numbers."""

    code = 10
    name = "FLIP_E_NUMERIC"


class EntropyError(FlipError):
    """The operating system gave no randomness."""

    code = 11
    name = "FLIP_E_ENTROPY"


class Unsupported(FlipError, NotImplementedError):
    """Valid, but not in this build."""

    code = 12
    name = "FLIP_E_UNSUPPORTED"


class InternalError(FlipError):
    """A fault of the library; please report it."""

    code = 13
    name = "FLIP_E_INTERNAL"


BY_CODE: dict[int, type[FlipError]] = {c.code: c for c in FlipError.__subclasses__()}


def error(code: int, message: str) -> FlipError:
    """The exception for a status that is not FLIP_OK."""
    made = BY_CODE.get(code, FlipError)(message)
    made.code = code
    return made


def quietly(what: str, work: Callable[[], _R]) -> _R:
    """What `work` gives, which reads cells. Errors of other packages become a SchemaError: `what`, and the kind of the
    error.

    Such errors may quote cells: in their text, in their attributes, or in an error they came from. The new error is
    raised when the old one is no longer being handled, so that it does not become its context.
    """
    try:
        return work()
    except (FlipError, MemoryError, ImportError):
        raise
    except Exception as problem:
        kind = type(problem).__name__
    raise SchemaError(f"{what} ({kind})")
