"""pcsim's engine, as a training runs it."""

from __future__ import annotations

import numpy as np

from pcsim.config import OptimiserSettings
from pcsim.engine.learner import Learner
from pcsim.engine.network import Weights
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import Relaxing
from pcsim.engine.setup import TrainingSetup
from peers.job import BATCH, Job


class Pcsim:
    """All updates of a run are one call of compiled code; batches are gathered from their rows."""

    def __init__(self, job: Job) -> None:
        self.job = job
        x, y = (part.reshape(job.updates * BATCH, -1) for part in job.batches())
        self.order = np.arange(len(x)).reshape(job.updates, BATCH)
        self.learner = Learner(
            job.network,
            job.weights,
            Relaxing(Relaxation(job.steps, job.rate)),
            TrainingSetup(
                x=x,
                y=y,
                batch=BATCH,
                optimiser=OptimiserSettings(kind="adam", rate=job.learning_rate),
                updates_total=job.updates,
            ),
        )
        self.done = 0

    def run(self) -> None:
        made, _ = self.learner.updates(self.order, done=self.done)
        self.done += made

    def state(self) -> tuple[Weights, Weights]:
        weights = self.learner.weights()
        ends = np.cumsum([w.size for w in weights])[:-1]
        moments = np.split(self.learner.parameters.first, ends)
        return weights, tuple(m.reshape(w.shape) for m, w in zip(moments, weights, strict=True))
