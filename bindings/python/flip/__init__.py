"""Private generators for tables.

    table = flip.Table.read_csv("rows.csv", schema="rows.schema.json")
    plan = flip.plan(table.schema, protected=["sex"], epsilon=2.0, delta=1e-5)   # made and priced without data
    model = flip.train(table, plan)                                               # private rows in, public model out
    model.sample(1000, seed=1).to_csv("synthetic.csv")
    model.ledger                                                                  # what was spent, release by release

A thin layer over libflip.so (ctypes, no required dependency): it converts and loops, and holds no rule of its own.
Everything a call may raise is a FlipError; its subclasses follow the codes of flip.h.
"""

from ._accountant import Accountant, calibrate
from ._budget import Budget
from ._combine import Combined, combine
from ._domain import Domain, buy_domain, release_domain
from ._errors import (ArgumentError, BudgetError, Cancelled, EntropyError, FileError, FlipError, FormatError,
                      InternalError, NumericError, OutOfMemory, SchemaError, StateError, Unsupported, VersionError)
from ._evaluate import Evaluation, evaluate
from ._library import __version__, build_info, config_schema, file_check, library_path
from ._model import Model, load
from ._page import compare
from ._plan import Plan, plan
from ._progress import Progress
from ._schema import Schema
from ._stream import RowStream
from ._synthesizer import Synthesizer
from ._table import Table, convert
from ._train import Trainer, train
from ._types import (BudgetReport, BuildInfo, ConfigOption, DomainReport, Estimate, EvaluationReport, Explanation,
                     FileCheck, Ledger, ModelRecord, PlanRecord, TableCheck)

__all__ = [
    "Accountant", "ArgumentError", "Budget", "BudgetError", "BudgetReport", "BuildInfo", "Cancelled", "Combined",
    "ConfigOption", "Domain", "DomainReport", "EntropyError", "Estimate", "Evaluation", "EvaluationReport",
    "Explanation", "FileCheck", "FileError", "FlipError", "FormatError", "InternalError", "Ledger", "Model",
    "ModelRecord", "NumericError", "OutOfMemory", "Plan", "PlanRecord", "Progress", "RowStream", "Schema",
    "SchemaError", "StateError", "Synthesizer", "Table", "TableCheck", "Trainer", "Unsupported", "VersionError",
    "__version__", "build_info", "buy_domain", "calibrate", "combine", "compare", "config_schema", "convert",
    "evaluate", "file_check", "library_path", "load", "plan", "release_domain", "train",
]
