"""What has to be trained for these points, each seed once? Seeds are kept as those of a run are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Lock
from typing import NamedTuple

from pcsim.config import Candidate, Workload
from pcsim.engine import Training, train_all, why_nothing_is_kept
from pcsim.engine.store import load_seed, save_seed, seed_key
from pcsim.engine.training import SeedResult
from pcsim.sweeps.claims import Claims
from pcsim.sweeps.plan import Point
from pcsim.sweeps.workers import Workers, outcome

Progress = Callable[[int, int], None]


class TrainingTask(NamedTuple):
    """One candidate with the workload that it learns."""

    workload: Workload
    candidate: Candidate


class Seed(NamedTuple):
    """One training of a learner."""

    learner: TrainingTask
    number: int

    @property
    def updates(self) -> int:
        workload = self.learner.workload
        return workload.training.epochs * (workload.data.train // workload.training.batch)


def learners_of(points: Iterable[Point]) -> dict[str, TrainingTask]:
    """Who has to learn for ``points``, by the key of the training."""
    learners: dict[str, TrainingTask] = {}
    for point in points:
        if point.learning:
            for key, candidate in zip(point.learning, point.candidates, strict=True):
                learners.setdefault(key, TrainingTask(point.workload, candidate))
    return learners


def missing_seeds(learners: Iterable[TrainingTask], *, first_seed: int) -> dict[str, Seed]:
    """Every seed that is not trained yet, by its key."""
    missing = {}
    for learner in learners:
        seeds = learner.workload.training.seeds
        for number in range(first_seed, first_seed + seeds):
            key = seed_key(learner.workload, learner.candidate, seed=number)
            if key not in missing and load_seed(key) is None:
                missing[key] = Seed(learner, number)
    return missing


def train_for(
    points: Sequence[Point],
    *,
    first_seed: int,
    claims: Claims,
    workers: Workers,
    progress: Progress | None = None,
) -> dict[str, Training]:
    """Every training that one of ``points`` needs, by its key.

    What another process of the sweep is training is waited for, and then read from the store of
    trainings. On a cluster seeds are trained by its workers, else by all cores of this machine.
    """
    learners = learners_of(points)
    if why_nothing_is_kept() is None:
        _fill_store(learners, first_seed, claims, workers, progress)
    return {
        key: train_all(workload, (candidate,), first_seed=first_seed)[candidate.id]
        for key, (workload, candidate) in learners.items()
    }


def _fill_store(
    learners: Mapping[str, TrainingTask],
    first_seed: int,
    claims: Claims,
    workers: Workers,
    progress: Progress | None,
) -> None:
    missing = missing_seeds(learners.values(), first_seed=first_seed)
    mine = {key: seed for key, seed in missing.items() if claims.take(key)}
    # Between looking and claiming another process may have ended one of them.
    _train({key: seed for key, seed in mine.items() if load_seed(key) is None}, workers, progress)
    for key in missing:
        claims.wait(key)
        claims.give_up(key)
    if set(missing) - set(mine):  # Where that process was killed, its work is left to do.
        _train(missing_seeds(learners.values(), first_seed=first_seed), workers, progress)


def _train(seeds: Mapping[str, Seed], workers: Workers, progress: Progress | None) -> None:
    """Train ``seeds`` and keep each as soon as it has ended."""
    if not seeds:
        return
    tell = _Counter(sum(seed.updates for seed in seeds.values()), progress)
    if not workers.here:
        _wait(workers, seeds, tell)
        return
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls, to be limited
    from loky import cpu_count
    from threadpoolctl import threadpool_limits

    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(1, user_api="blas"))
        executor = stack.enter_context(ThreadPoolExecutor(min(cpu_count(), len(seeds))))
        try:
            _wait(Workers(executor, len(seeds)), seeds, tell)
        except BaseException:
            tell.stopped = True
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _wait(found: Workers, seeds: Mapping[str, Seed], tell: _Counter) -> None:
    assert found.executor is not None
    waiting: dict[Future[SeedResult], str] = {
        found.executor.submit(train_seed, seed, tell if found.here else None): key
        for key, seed in seeds.items()
    }
    while waiting:
        ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in ended:
            key = waiting.pop(future)
            save_seed(key, outcome(future, found))
            if not found.here:
                tell(seeds[key].updates)


def train_seed(seed: Seed, tell: Callable[[int], None] | None = None) -> SeedResult:
    """One seed, trained in this process and thread; ``tell`` is told of updates as they are made."""
    workload, candidate = seed.learner
    alone = workload.training.model_copy(update={"seeds": 1})
    last = 0

    def more(done: int, _total: int) -> None:
        nonlocal last
        made, last = done - last, done
        if tell is not None:
            tell(made)

    training = train_all(
        workload.model_copy(update={"training": alone}),
        (candidate,),
        first_seed=seed.number,
        progress=more,
    )[candidate.id]
    return SeedResult(training.curves[0], training.profile)


class _Counter:
    """Adds up the threads' updates, and ends them at their next evaluation once ``stopped``."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress = total, progress
        self.done, self.stopped, self.lock = 0, False, Lock()

    def __call__(self, made: int) -> None:
        if self.stopped:
            raise InterruptedError("training was stopped")
        with self.lock:
            self.done += made
            if self.progress is not None:
                self.progress(self.done, self.total)
