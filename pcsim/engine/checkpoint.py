"""How does a training go on after it was cut off? From the state that one seed last kept.

A checkpoint holds all that later updates depend on: weights, moments, updates made, evaluations so
far. The order of batches follows from the seed. So going on from one gives the bits of a training
that was never cut off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pcsim.cache import forget, keep, kept, tell_unusable
from pcsim.engine.kernels.layout import Parameters
from pcsim.engine.sealed import sealed, unsealed

EVERY_S = 2.0
"""Seconds of training that may be lost; writing a checkpoint takes some milliseconds."""

Evaluation = tuple[int, float, float, float]
"""Updates made, validation accuracy, validation loss, training energy."""


@dataclass(frozen=True)
class TrainingState:
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

    def load(self, like: Parameters) -> TrainingState | None:
        """What was kept, None where nothing was, or where it is damaged or not of ``like``'s shapes."""
        content = kept(self.path)
        if content is None:
            return None
        arrays = unsealed(content, subject=self.path.name)
        if arrays is None or set(arrays) != {"evaluations", *Parameters._fields}:
            tell_unusable(self.path)
            return None
        parameters = Parameters(*(arrays[name] for name in Parameters._fields))
        fits = all(
            a.shape == b.shape and a.dtype == b.dtype for a, b in zip(parameters, like, strict=True)
        )
        evaluations = json.loads(str(arrays["evaluations"]))
        if not fits or not evaluations:
            return None
        return TrainingState(parameters, tuple(tuple(each) for each in evaluations))

    def offer(self, parameters: Parameters, evaluations: Sequence[Evaluation]) -> None:
        """Keep this state if the last one is old enough; where nothing can be written, keep nothing."""
        if time.monotonic() - self.written < EVERY_S:
            return
        arrays = {
            "evaluations": np.array(json.dumps(list(evaluations))),
            **parameters._asdict(),
        }
        keep(self.path, sealed(arrays, subject=self.path.name))
        self.written = time.monotonic()

    def discard(self) -> None:
        forget(self.path)
