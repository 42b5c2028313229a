"""How does a training go on after it was cut off? From the state that one seed last kept.

A checkpoint holds all that later updates depend on: weights, moments, updates made, evaluations so
far. The order of batches follows from the seed. So going on from one gives the bits of a training
that was never cut off.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcsim.engine.cache import write_whole
from pcsim.engine.kernels.layout import Parameters

EVERY_S = 2.0
"""Seconds of training that may be lost; writing a checkpoint takes some milliseconds."""

Evaluation = tuple[int, float, float, float]
"""Updates made, validation accuracy, validation loss, training energy."""


@dataclass(frozen=True)
class Kept:
    """The state of one seed after ``done`` updates, the last entry of ``evaluations``."""

    parameters: Parameters
    evaluations: tuple[Evaluation, ...]

    @property
    def done(self) -> int:
        return self.evaluations[-1][0]


class Checkpoint:
    """The file of one seed's training in progress.

    Its life: ``load`` once at the start; ``offer`` after every evaluation, which writes at most every
    ``EVERY_S`` seconds; ``discard`` when the seed's result is stored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = time.monotonic()

    def load(self, like: Parameters) -> Kept | None:
        """What was kept, None where nothing was, or where it is damaged or not of ``like``'s shapes."""
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as file:
                arrays = Parameters(*(file[name] for name in Parameters._fields))
                evaluations = json.loads(str(file["evaluations"]))
            kept = Kept(arrays, tuple((int(e[0]), *map(float, e[1:])) for e in evaluations))  # type: ignore[misc]
        except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile):
            return None
        fits = all(
            a.shape == b.shape and a.dtype == b.dtype for a, b in zip(arrays, like, strict=True)
        )
        return kept if fits and kept.evaluations else None

    def offer(self, parameters: Parameters, evaluations: Sequence[Evaluation]) -> None:
        """Keep this state if the last one is old enough; where nothing can be written, keep nothing."""
        if time.monotonic() - self.written < EVERY_S:
            return
        content = io.BytesIO()
        np.savez(
            content,
            evaluations=np.array(json.dumps(list(evaluations))),
            weights=parameters.weights,
            first=parameters.first,
            second=parameters.second,
        )
        with contextlib.suppress(OSError):
            write_whole(self.path, content.getvalue())
        self.written = time.monotonic()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
