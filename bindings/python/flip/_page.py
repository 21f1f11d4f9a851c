"""Pages in HTML: of a model's report, and of evaluations side by side."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping, Optional

from ._library import Path, take_bytes


def page_of(record: Mapping[str, Any]) -> str:
    """The page of an object of flip_model_report or flip_evaluate, or of several evaluations."""
    text = json.dumps(record).encode()
    return take_bytes("flip_report_page", text, len(text)).decode()


def write_page(record: Mapping[str, Any], path: Optional[Path]) -> str:
    """The page as text, written to `path` if there is one."""
    page = page_of(record)
    if path is not None:
        with open(os.fspath(path), "w", encoding="utf-8") as file:
            file.write(page)
    return page


def compare(evaluations: Mapping[str, Any], path: Optional[Path] = None, title: Optional[str] = None) -> str:
    """Several evaluations side by side as one page in HTML, marked NOT PRIVATE; written to `path` if there is one.

    evaluations: {name: an Evaluation of flip.evaluate()}, in the order in which they are shown.
    """
    items = [{"name": str(name), "evaluation": e.to_dict() if hasattr(e, "to_dict") else e}
             for name, e in evaluations.items()]
    record: dict[str, Any] = {"evaluations": items}
    if title is not None:
        record["title"] = title
    return write_page(record, path)
