"""How far is it? Wall time by stage, and a bar with an estimate."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class StageClock:
    """Wall time by stage: called with a stage's name as it begins."""

    def __init__(self) -> None:
        self.started = datetime.now().astimezone()
        self.began: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        self.began.append((stage, time.perf_counter()))

    def wall_s(self) -> dict[str, float]:
        """Seconds per stage so far, the running one included."""
        ends = [*(began for _, began in self.began[1:]), time.perf_counter()]
        return {stage: end - began for (stage, began), end in zip(self.began, ends, strict=True)}


@contextmanager
def progress_bar(what: str, *, unit: str) -> Iterator[ProgressBar]:
    """A bar with an estimate on stderr while the block runs; none where stderr is no terminal."""
    bar = ProgressBar(what, unit)
    try:
        yield bar
    finally:
        bar.stop()


class ProgressBar:
    """Called with (done, total); shows itself from the first call on."""

    def __init__(self, what: str, unit: str) -> None:
        self.what = what
        self.unit = unit
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def __call__(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            self.bar = Progress(
                "{task.description}",
                BarColumn(),
                MofNCompleteColumn(),
                self.unit,
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.bar.start()
            self.task = self.bar.add_task(self.what, total=total)
        if self.task is not None:
            self.bar.update(self.task, completed=done, total=total)

    def stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
