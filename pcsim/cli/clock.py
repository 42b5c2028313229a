"""How long did a stage take, and how long will the rest of what is counted take?"""

from __future__ import annotations

import time
from datetime import datetime

from pcsim.cli.stages import duration_text


class StageClock:
    """Wall time by stage: called with a stage's name as it begins."""

    def __init__(self) -> None:
        self.started = datetime.now().astimezone()
        self.began: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        self.began.append((stage, time.perf_counter()))

    def wall_s(self) -> dict[str, float]:
        """Seconds per stage so far, the running one included; a stage that was interrupted counts once."""
        ends = [*(began for _, began in self.began[1:]), time.perf_counter()]
        spent: dict[str, float] = {}
        for (stage, began), end in zip(self.began, ends, strict=True):
            spent[stage] = spent.get(stage, 0.0) + end - began
        return spent


class Counted:
    """How many of how many are done of something that is counted in ``unit``, and how long the rest takes."""

    def __init__(self, unit: str) -> None:
        self.unit, self.done, self.total = unit, 0, 0
        self._first: tuple[float, int] | None = None
        """When the first were done, and how many: before that was compiled, or read back from the disk."""

    def set(self, done: int, total: int, *, now: float) -> None:
        again = total != self.total or done < self.done
        self.done, self.total = done, total
        if self._first is None or again:
            self._first = (now, done)

    def left_s(self, now: float) -> float | None:
        """Seconds that the rest takes at the speed so far; None where that is not known."""
        if self._first is None or self.done <= self._first[1] or not self.total:
            return None
        began, before = self._first
        return (now - began) / (self.done - before) * (self.total - self.done)

    def text(self, now: float) -> str:
        """``120 of 2,340 updates, about 60 s left``"""
        left = self.left_s(now)
        more = (
            f", {duration_text(left)} left" if left is not None and self.done < self.total else ""
        )
        return f"{self.done:,} of {self.total:,} {self.unit}{more}"
