"""One exception class a code of flip.h. Where Python has a class of its own for the same thing, ours is one of those too."""


class FlipError(Exception):
    """Anything the library refused. `code` is the number, `name` the name flip.h gives it."""

    code = 0
    name = "FLIP_E_UNKNOWN"


def _kind(name, code, label, base, doc):
    bases = (FlipError,) if base is None else (FlipError, base)
    return type(name, bases, {"__doc__": doc, "__module__": "flip", "code": code, "name": label})


ArgumentError = _kind("ArgumentError", 1, "FLIP_E_ARG", ValueError, "An argument or a configuration key is wrong.")
StateError = _kind("StateError", 2, "FLIP_E_STATE", RuntimeError, "Right call, wrong moment; or an object of the parent process after fork.")
SchemaError = _kind("SchemaError", 3, "FLIP_E_SCHEMA", ValueError, "The schema is wrong, or a table breaks it.")
FileError = _kind("FileError", 4, "FLIP_E_IO", OSError, "The operating system refused: missing file, no permission, full disk.")
FormatError = _kind("FormatError", 5, "FLIP_E_FORMAT", ValueError, "A file is truncated, damaged, foreign or not what it claims to be.")
VersionError = _kind("VersionError", 6, "FLIP_E_VERSION", None, "A file that only a newer library can read.")
BudgetError = _kind("BudgetError", 7, "FLIP_E_BUDGET", None, "Epsilon and delta cannot be met, or would be exceeded.")
Cancelled = _kind("Cancelled", 8, "FLIP_E_CANCELLED", None, "Somebody asked to stop. What was charged stays charged.")
OutOfMemory = _kind("OutOfMemory", 9, "FLIP_E_NOMEM", MemoryError, "Memory could not be had.")
NumericError = _kind("NumericError", 10, "FLIP_E_NUMERIC", ArithmeticError, "A computation on public values left the range of numbers.")
EntropyError = _kind("EntropyError", 11, "FLIP_E_ENTROPY", None, "The operating system gave no randomness.")
Unsupported = _kind("Unsupported", 12, "FLIP_E_UNSUPPORTED", NotImplementedError, "Valid, but not in this build.")
InternalError = _kind("InternalError", 13, "FLIP_E_INTERNAL", None, "A fault of the library; please report it.")

BY_CODE = {c.code: c for c in (ArgumentError, StateError, SchemaError, FileError, FormatError, VersionError, BudgetError, Cancelled,
                               OutOfMemory, NumericError, EntropyError, Unsupported, InternalError)}


def error(code, message):
    """The exception for a status that is not FLIP_OK."""
    made = BY_CODE.get(code, FlipError)(message)
    made.code = code
    return made
