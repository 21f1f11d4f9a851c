"""Progress: the record a caller may ask for, and the bar on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, NamedTuple, Optional, TextIO, TypeVar, Union

from ._library import CALLBACK


class Progress(NamedTuple):
    """Where a call stands: step of total over all stages; epsilon spent so far; seconds since it began."""

    stage: int
    stage_name: str
    step: int
    total: int
    epsilon: float
    seconds: float

    @property
    def done(self) -> bool:
        """Whether all of it is done."""
        return self.step >= self.total


def from_c(c: Any) -> Progress:
    """A Progress from the struct of flip.h."""
    return Progress(c.stage, c.stage_name.decode("utf-8", "replace"), c.step, c.total, c.epsilon, c.seconds)


# What `progress=` of a call may be.
Report = Union[bool, Callable[[Progress], object], None]
_R = TypeVar("_R")


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    seconds = int(seconds + 0.5)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class Bar:
    """One line on stderr, drawn again at most ten times a second; line by line, every two seconds, where that is no
    terminal."""

    def __init__(self, stream: Optional[TextIO] = None) -> None:
        self.stream = stream or sys.stderr
        self.terminal = hasattr(self.stream, "isatty") and self.stream.isatty()
        self.drawn = 0.0
        self.width = 0

    def __call__(self, p: Progress) -> None:
        """Draws the line."""
        now = time.monotonic()
        if now - self.drawn < (0.1 if self.terminal else 2.0) and not p.done:
            return
        self.drawn = now
        share = p.step / p.total if p.total else 0.0
        full = int(24 * share)
        left = f"{clock(p.seconds * (1 - share) / share)} left" if 0 < share < 1 else ""
        spent = f"  ε {p.epsilon:.3f}" if p.epsilon else ""
        bar = "#" * full + "." * (24 - full)
        line = f"{p.stage_name:<12} [{bar}] {p.step}/{p.total}{spent}  {clock(p.seconds)} {left}".rstrip()
        if self.terminal:
            self.stream.write("\r" + line.ljust(self.width))
            self.width = len(line)
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Ends the line."""
        if self.terminal and self.width:
            self.stream.write("\n")
            self.stream.flush()
            self.width = 0


def reporter(progress: Report) -> Optional[Callable[[Progress], object]]:
    """What `progress=` of a call stands for: None (a bar on a terminal), True, False or a function that takes a
    Progress."""
    if progress is None:
        progress = sys.stderr is not None and hasattr(sys.stderr, "isatty") and sys.stderr.isatty()
    if callable(progress):
        return progress
    return Bar() if progress else None


class Callback:
    """A flip_callback around a reporter. What it raises (Ctrl-C too) stops the call and is raised again by
    `reraise`."""

    def __init__(self, report: Optional[Callable[[Progress], object]]) -> None:
        self.raised: Optional[BaseException] = None
        self.report = report
        self.c = CALLBACK(self._event)          # kept alive with self

    def _event(self, _user: Optional[int], event: Any) -> int:
        try:
            if event.contents.kind == 1 and self.report:
                self.report(from_c(event.contents.progress.contents))
            return 0
        except BaseException as raised:         # must not travel through C
            self.raised = raised
            return 1

    def reraise(self) -> None:
        """Raises what the reporter raised, once."""
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised

    def run(self, work: Callable[[], _R]) -> _R:
        """Runs `work`, closes the bar, raises what the reporter raised."""
        try:
            return work()
        except Exception:
            self.reraise()
            raise
        finally:
            close = getattr(self.report, "close", None)
            if close:
                close()
