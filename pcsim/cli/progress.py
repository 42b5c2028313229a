"""What is being done, and how far is it? Said on standard error, so that standard output stays clean.

On a terminal one line at the bottom moves. Elsewhere, in a file or a pipe, a plain line says when a stage begins, and
another every ten seconds while it lasts; of stages that are mostly over at once only the latter.
Compiling interrupts the stage that called for it, and is a stage of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, RLock, Thread
from typing import Any, TextIO, cast

import click

from pcsim.cli.clock import Counted, StageClock
from pcsim.cli.stages import BRIEF, COMPILE, COMPILING, STAGES, duration_text
from pcsim.compiled.listeners import told

REDRAWN_S = 0.2
"""How often the line of a terminal is drawn again."""

REPEATED_S = 10.0
"""After how long a plain line says how far it is."""

SETTLED_S = 1.0
"""After so long without it, compiling is over; kernels that follow one another are one stage."""

COLUMNS = 80
"""Of a terminal that does not say how many it has."""

BAR = 20
"""Letters of a bar."""

Count = Callable[[int, int], None]


class Progress:
    """Shows on ``stream`` what a command does. Its life: ``progress()`` makes it, and stops it at the end.

    Called with a stage's name as the stage begins. Methods may be called from any thread. Where ``stream``
    breaks, nothing more is shown, and the command goes on.
    """

    def __init__(self, stream: TextIO, *, terminal: bool) -> None:
        self.clock = StageClock()
        self.compiling_takes: Callable[[str], float] = lambda _stage: 0.0
        """Asked when compiling begins in a stage: about how many seconds it takes; 0 where nobody knows."""
        self._stream: TextIO | None = stream
        self._out, self._terminal = stream, terminal
        self._lock, self._over = RLock(), Event()
        self._stage, self._detail = "", ""
        self._counted: Counted | None = None
        self._shown_at = self._stage_at = time.monotonic()
        self._compiling = False
        """Whether something is being compiled at this moment."""
        self._compiled_at: float | None = None
        """When compiling last ended; None where it is not the stage."""
        self._compile_from: float | None = None
        self._compiled_s: dict[str, float] = {}
        """By stage: how long it was interrupted by compiling so far."""
        self._compiling_text = COMPILING
        self._drawn = 0
        self._ticker = Thread(target=self._tick, daemon=True)

    # What the command says.

    def __call__(self, stage: str, detail: str = "") -> None:
        """``stage`` begins; ``detail`` stands behind its text."""
        with self._lock:
            self._end_compiling(show=False)
            self._stage, self._counted = stage, None
            self._detail = "".join(letter if letter.isprintable() else "?" for letter in detail)
            self.clock(stage)
            self._stage_at = self._shown_at = time.monotonic()
            if self._terminal or stage not in BRIEF:
                self._show()

    def counting(self, unit: str, *, stage: str) -> Count:
        """What to call with (done, total) of ``stage``, in ``unit``; the stage begins where another runs.

        A stage whose name goes on from there, "train in fp32" after "train", is counted, too.
        """
        counted = Counted(unit)

        def count(done: int, total: int) -> None:
            with self._lock:
                if not self._stage.startswith(stage):
                    self(stage)
                self._counted = counted
                counted.set(done, total, now=time.monotonic())
                if self._compile_from is not None and not self._compiling:
                    self._end_compiling(show=True)

        return count

    def above(self, text: str) -> int:
        """Write ``text`` where the moving line is; that is drawn again below."""
        with self._lock:
            self._clear()
            return self._out.write(text)

    def compiling(self, begins: bool) -> None:
        """Listens to ``pcsim.compiled.listeners``."""
        with self._lock:
            now = time.monotonic()
            if begins:
                self._compiling = True
                if self._stage:
                    self.clock(COMPILE)
                if self._compile_from is None:
                    self._compile_from = now
                    takes = self._takes()
                    self._compiling_text = f"{COMPILING}, {takes}" if takes else COMPILING
                    self._show()
            else:
                self._compiling, self._compiled_at = False, now
                if self._stage:
                    self.clock(self._stage)

    def wall_s(self) -> dict[str, float]:
        """Seconds per stage so far."""
        with self._lock:
            return self.clock.wall_s()

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        """Take the moving line away; nothing is shown any more."""
        with self._lock:
            self._over.set()
            self._clear()
            self._stream = None

    # What is shown.

    def _takes(self) -> str:
        with suppress(Exception):  # An estimate is not worth a command.
            seconds = self.compiling_takes(self._stage)
            left = seconds - self._compiled_s.get(self._stage, 0.0)
            return duration_text(left) if left >= 1 else ""
        return ""

    def _end_compiling(self, *, show: bool) -> None:
        """Go back to the stage that compiling has interrupted."""
        if self._compile_from is None:
            return
        took = (self._compiled_at or time.monotonic()) - self._compile_from
        self._compile_from = self._compiled_at = None
        self._compiled_s[self._stage] = self._compiled_s.get(self._stage, 0.0) + took
        if not self._terminal:
            self._write(f"compiled, in {took:.0f} s\n")
        if show:
            self._show()

    def _tick(self) -> None:
        while not self._over.wait(REDRAWN_S):
            self.tick()

    def tick(self) -> None:
        """Show how time passes; called several times a second."""
        with self._lock:
            now = time.monotonic()
            settled = self._compiled_at is not None and now - self._compiled_at > SETTLED_S
            if self._compile_from is not None and not self._compiling and settled:
                self._end_compiling(show=True)
            elif self._terminal or now - self._shown_at >= REPEATED_S:
                self._show(again=True)

    def _show(self, *, again: bool = False) -> None:
        """The state as it is: the line of a terminal drawn anew, or one more plain line."""
        if self._stream is None or not self._stage:
            return
        now = self._shown_at = time.monotonic()
        if self._terminal:
            self._draw(self._line(now))
        else:
            self._write(f"{self._text(now, again=again)}\n")

    def _head(self) -> str:
        if self._compile_from is not None:
            return self._compiling_text
        text = STAGES.get(self._stage, self._stage)
        return f"{text} {self._detail}" if self._detail else text

    def _text(self, now: float, *, again: bool) -> str:
        """``training: 120 of 2,340 updates, about 60 s left``"""
        if self._compile_from is not None:
            since = f": {now - self._compile_from:.0f} s so far" if again else ""
            return f"{self._head()}{since}"
        if self._counted is not None:
            return f"{self._head()}: {self._counted.text(now)}"
        return f"{self._head()}: {now - self._stage_at:.0f} s so far" if again else self._head()

    def _line(self, now: float) -> str:
        """As ``_text``, with a bar."""
        counted = self._counted
        if self._compile_from is not None or counted is None or not counted.total:
            since = self._stage_at if self._compile_from is None else self._compile_from
            return f"{self._head()} ... {now - since:.0f} s"
        full = BAR * counted.done // counted.total
        return f"{self._head()} [{'#' * full}{'.' * (BAR - full)}] {counted.text(now)}"

    def _draw(self, line: str) -> None:
        room = max(20, self._columns() - 1)
        shown = line if len(line) <= room else f"{line[: room - 3]}..."
        self._write(f"\r{shown}{' ' * (self._drawn - len(shown))}")
        self._drawn = len(shown)

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or COLUMNS
        except (OSError, ValueError):
            return COLUMNS

    def _clear(self) -> None:
        if self._terminal and self._drawn:
            self._write(f"\r{' ' * self._drawn}\r")
            self._drawn = 0

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


class _Above:
    """Standard error while a line moves at the bottom of a terminal: what others write goes above that line."""

    def __init__(self, stream: TextIO, shown: Progress) -> None:
        self._stream, self._shown = stream, shown

    def write(self, text: str) -> int:
        return self._shown.above(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show on standard error what is done while the block runs, or until it is stopped."""
    stream = sys.stderr
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    shown = Progress(stream, terminal=terminal)
    shown.start()
    if terminal:
        sys.stderr = cast(TextIO, _Above(stream, shown))
    try:
        with told(shown.compiling):
            yield shown
    finally:
        shown.stop()
        sys.stderr = stream


def show_progress() -> Progress:
    """``progress`` until the end of the command that runs."""
    return click.get_current_context().with_resource(progress())
