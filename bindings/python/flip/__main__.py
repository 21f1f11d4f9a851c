"""The command `python -m flip train`: a model of Parquet and CSV files that may be larger than memory.

    python -m flip train FILE_OR_FOLDER... --schema S.json --epsilon E --delta D --out MODEL

The same options as `flip train`, whose program has no reader of Parquet; this one needs pyarrow for that. Exit codes: 0
done, 1 failed, 2 called wrongly, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Optional, Sequence

from . import remote
from ._budget import Budget
from ._errors import FlipError
from ._model import Model
from ._plan import Plan, plan as make_plan
from ._schema import Schema

_DELIMITERS = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "bar": "|"}


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs the command of `words` (those of the command line unless given) and returns its exit code."""
    a = _parser().parse_args(words)
    if a.resume and not a.checkpoint:
        _parser().error("--resume needs --checkpoint")
    try:
        model = _train(a)
    except KeyboardInterrupt:
        print("flip: stopped" + (f"; --resume goes on from {a.checkpoint}" if a.checkpoint else ""), file=sys.stderr)
        return 130
    except (FlipError, OSError, ValueError, TypeError, ImportError) as problem:
        print(f"flip: {problem}", file=sys.stderr)
        return 1
    ledger = model.ledger
    print(f"{a.out}: ε {ledger['epsilon']:.3g} at δ {ledger['delta']:.3g}; `flip ledger` shows every release")
    return 0


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m flip", description="Private generators for tables")
    train = top.add_subparsers(dest="command", required=True, metavar="train").add_parser(
        "train", help="learns rows in files under a privacy budget; the files may be larger than memory")
    add = train.add_argument
    add("rows", nargs="+", metavar="FILE_OR_FOLDER", help="Parquet files, CSV files, folders of them")
    add("--schema", required=True)
    add("--out", required=True, help="the model file")
    add("--protected", action="append", default=[], metavar="COLUMN")
    add("--epsilon", type=float)
    add("--delta", type=float)
    add("--preset")
    add("--config", help="JSON, or a file that holds it")
    add("--budget", help="the folder of a shared budget")
    add("--share", type=float)
    add("--checkpoint")
    add("--resume", action="store_true")
    add("--invalid", choices=("refuse", "coerce"), default="refuse")
    add("--extra", choices=("refuse", "ignore"))
    add("--delimiter")
    add("--person", metavar="COLUMN", help="says who a row belongs to")
    add("--max-rows-per-person", type=int)
    add("--roll-call", choices=("none", "once"), default="none", help="once: read the rows once more before any charge")
    add("--quiet", action="store_true")
    return top


def _config(text: Optional[str]) -> dict[str, Any]:
    if text is None:
        return {}
    if not text.lstrip().startswith("{"):
        with open(text, encoding="utf-8") as file:
            text = file.read()
    found: dict[str, Any] = json.loads(text)
    return found


def _plan(a: argparse.Namespace, schema: Schema) -> Plan:
    config, named = _config(a.config), [name for text in a.protected for name in text.split(",")]
    if a.max_rows_per_person:
        config.setdefault("max_rows_per_person", a.max_rows_per_person)
    budget = None if a.budget is None else Budget(a.budget)
    return make_plan(schema, protected=named or None, epsilon=a.epsilon, delta=a.delta, preset=a.preset, config=config,
                     budget=budget, share=a.share)


def _train(a: argparse.Namespace) -> Model:
    schema = Schema.of(a.schema)
    rows = remote.Files(a.rows, schema, delimiter=_DELIMITERS.get(a.delimiter, a.delimiter), extra=a.extra,
                        person=a.person, max_rows_per_person=a.max_rows_per_person)
    folder = os.path.dirname(os.path.abspath(a.out))
    if not os.access(folder, os.W_OK):                          # before the work rather than after it
        raise FileNotFoundError(f"{a.out}: its folder is not there, or may not be written to")
    model = remote.train(rows, _plan(a, schema), checkpoint=a.checkpoint, resume=a.resume, invalid=a.invalid,
                         roll_call=a.roll_call, progress=False if a.quiet else None)
    model.save(a.out)
    return model


if __name__ == "__main__":
    sys.exit(main())
