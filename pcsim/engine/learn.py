"""Training, as the rest of pcsim asks for it: candidates in, curves and profiles out, stored once computed.

All seeds of all candidates run side by side, one thread a core and one BLAS thread each: BLAS
threads of their own would only wait for one another. Every seed's bits depend on nothing that runs
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import TYPE_CHECKING

from pcsim.engine.network import DtypeName, Network, Weights
from pcsim.engine.store import learning_key, load_training, save_training
from pcsim.engine.training import SeedCurve, Training

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload
    from pcsim.engine.datasets import Dataset
    from pcsim.engine.loop import Course
    from pcsim.engine.rules import Rule

Progress = Callable[[int, int], None]
DTYPES: dict[str, DtypeName] = {"fp32": "float32", "fp64": "float64"}


def train(
    workload: Workload,
    candidate: Candidate,
    *,
    first_seed: int = 0,
    progress: Progress | None = None,
) -> Training:
    """``train_all`` for one candidate."""
    return train_all(workload, (candidate,), first_seed=first_seed, progress=progress)[candidate.id]


def train_all(
    workload: Workload,
    candidates: Sequence[Candidate],
    *,
    first_seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Training]:
    """Train every candidate with the workload's seeds, from ``first_seed`` up; by candidate id.

    Candidates that learn alike are trained once, and what was trained before is read from the
    store. ``progress(done, total)`` counts the updates of all seeds still to be trained; it is
    called from the training threads, one at a time.
    """
    keys = {c.id: learning_key(workload, c, first_seed=first_seed) for c in candidates}
    found = {key: load_training(key) for key in keys.values()}
    missing = {keys[c.id]: c for c in candidates if found[keys[c.id]] is None}
    trainings = {key: training for key, training in found.items() if training is not None}
    if missing:
        seeds = range(first_seed, first_seed + workload.training.seeds)
        for key, training in _train(workload, missing, seeds, progress).items():
            save_training(key, training)
            trainings[key] = training
    return {c.id: trainings[keys[c.id]] for c in candidates}


def _train(
    workload: Workload,
    candidates: dict[str, Candidate],
    seeds: Sequence[int],
    progress: Progress | None,
) -> dict[str, Training]:
    """Really train; by learning key. What is imported here takes half a second."""
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls, to be limited below
    from joblib import Parallel, cpu_count, delayed
    from threadpoolctl import threadpool_limits

    from pcsim.engine.datasets import load_dataset
    from pcsim.engine.loop import learn_seed, profile_of

    dataset = load_dataset(workload.data)
    courses = {key: course_of(workload, c, dataset) for key, c in candidates.items()}
    total = len(seeds) * sum(course.updates_total for course in courses.values())
    tell = _Counter(total, progress)

    def learn(course: Course, seed: int) -> tuple[SeedCurve, Weights]:
        return learn_seed(course, seed, progress=tell)

    jobs = [(course, seed) for course in courses.values() for seed in seeds]
    with threadpool_limits(1, user_api="blas"):
        try:
            learned = Parallel(n_jobs=min(cpu_count(), len(jobs)), backend="threading")(
                delayed(learn)(course, seed) for course, seed in jobs
            )
        finally:
            tell.stop()
        trainings = {}
        for number, (key, course) in enumerate(courses.items()):
            mine = learned[number * len(seeds) : (number + 1) * len(seeds)]
            trainings[key] = Training(
                rule=candidates[key].rule,
                batch=course.batch,
                updates_total=course.updates_total,
                curves=tuple(curve for curve, _ in mine),
                profile=profile_of(course, seeds[0], mine[0][1]),
            )
    return trainings


class _Counter:
    """Adds up the threads' progress, and ends them at their next evaluation once stopped."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._done, self._lock, self._stopped = 0, Lock(), Event()

    def __call__(self, made: int) -> None:
        if self._stopped.is_set():
            raise InterruptedError("training was stopped")
        with self._lock:
            self._done += made
            if self._progress is not None:
                self._progress(self._done, self._total)

    def stop(self) -> None:
        self._stopped.set()


def course_of(workload: Workload, candidate: Candidate, dataset: Dataset) -> Course:
    """What training ``candidate`` means to the loop."""
    from pcsim.engine.loop import Course, cast

    dtype = DTYPES[candidate.numerics.state]
    settings = workload.training
    return Course(
        network=Network(
            widths=workload.network.layers,
            activation=workload.network.activation,
            loss=settings.loss,
            dtype=dtype,
        ),
        rule=_rule(candidate),
        dataset=cast(dataset, dtype),
        batch=settings.batch,
        epochs=settings.epochs,
        evaluate_every=settings.evaluate_every,
        optimiser=(candidate.optimiser.kind, candidate.optimiser.rate),
    )


def _rule(candidate: Candidate) -> Rule:
    from pcsim.engine.rules import Backpropagation, PredictiveCoding

    if candidate.rule == "bp":
        return Backpropagation()
    assert candidate.rate is not None
    return PredictiveCoding(candidate.steps, candidate.rate, candidate.wavefront)
