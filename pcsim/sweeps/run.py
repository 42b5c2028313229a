"""How does a sweep run? What is stored already is left alone, the rest is given out, each result kept as it comes."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass

from pcsim.engine import Training
from pcsim.errors import InputError, Problem
from pcsim.sweeps.claims import POLL_S, Claims
from pcsim.sweeps.evaluate import Row, Task, evaluate
from pcsim.sweeps.plan import Point, SweepPlan
from pcsim.sweeps.store import CLAIMS, Store
from pcsim.sweeps.trainings import train_for
from pcsim.sweeps.workers import Workers, killed, outcome, workers

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Shard:
    """The ``number``-th of ``of`` parts of a sweep, from 1: every ``of``-th point."""

    number: int = 1
    of: int = 1

    def __contains__(self, index: int) -> bool:
        return index % self.of == self.number - 1


def parse_shard(text: str) -> Shard:
    """``"2/8"``: the second of eight parts.

    Raises:
        InputError: it is none.
    """
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        said = f"--shard must be K/N with K from 1 to N, not {text!r}"
        raise InputError((Problem(said, hint="for example --shard 1/8 to --shard 8/8"),))
    return Shard(int(match[1]), int(match[2]))


def run_points(
    points: Sequence[Point],
    plan: SweepPlan,
    store: Store,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    shard: Shard | None = None,
    stage: Callable[[str], None] | None = None,
    training: Progress | None = None,
    progress: Progress | None = None,
) -> list[list[Row] | None]:
    """The rows of every point in order; None for a point of another shard that is not there yet.

    Any number of processes may do so on one store at once: a point is computed by one of them, and
    the others wait for its result or, should that process end, compute it. ``training`` is told of
    updates, ``progress`` of points.

    Raises:
        OutputError: a result could not be written; all before it are kept.
        WorkerError: a worker process was killed; all results that came are kept.
    """
    tell = stage or (lambda _name: None)
    part = shard or Shard()
    rows = {point.key: store.load(point.key) for point in points}
    mine = {point.key: point for index, point in enumerate(points) if index in part}
    todo = [point for key, point in mine.items() if rows[key] is None]
    if todo:
        with (
            workers(min(jobs, len(points)) if len(todo) > 1 else 1, cluster) as found,
            Claims(store.folder / CLAIMS) as claims,
        ):
            tell("train")
            trainings = train_for(
                todo, first_seed=plan.seed, claims=claims, workers=found, progress=training
            )
            tell("simulate")
            loop = _Loop(plan, store, found, claims, trainings, rows)
            done = len(mine) - len(todo)
            loop.run(todo, lambda more: progress and progress(done + more, len(mine)))
    return [rows[point.key] for point in points]


class _Loop:
    """Gives out points and keeps what comes back, until every one of them is there."""

    def __init__(
        self,
        plan: SweepPlan,
        store: Store,
        found: Workers,
        claims: Claims,
        trainings: Mapping[str, Training],
        rows: dict[str, list[Row] | None],
    ) -> None:
        self.plan, self.store, self.claims, self.rows = plan, store, claims, rows
        self.workers, self.trainings = found, trainings
        self.running: dict[Future[list[Row]], str] = {}

    def run(self, todo: Sequence[Point], progress: Callable[[int], object]) -> None:
        """``progress`` is told how many of ``todo`` are there."""
        try:
            self._run(todo, progress)
        except BaseException:
            for future in self.running:
                future.cancel()
            raise

    def _run(self, todo: Sequence[Point], progress: Callable[[int], object]) -> None:
        waiting = deque(todo)
        while waiting or self.running:
            self._give_out(waiting)
            point = self._next(waiting) if self.workers.here else None
            if point is not None:
                self._keep(point.key, evaluate(self._task(point)))
            if self.running:
                self._collect(at_once=point is not None)
            elif waiting and point is None:
                time.sleep(POLL_S)
            progress(len(todo) - len(waiting) - len(self.running))

    def _next(self, waiting: deque[Point]) -> Point | None:
        """The first point that this process may compute. One that another process has is looked at again
        later, and one that is there by now is left out."""
        for _ in range(len(waiting)):
            point = waiting.popleft()
            if not self.claims.take(point.key):
                waiting.append(point)
                continue
            self.rows[point.key] = self.store.load(point.key)
            if self.rows[point.key] is None:
                return point
            self.claims.give_up(point.key)
        return None

    def _task(self, point: Point) -> Task:
        known = [self.trainings[key] for key in point.learning]
        return Task(
            point.hardware,
            point.workload,
            point.candidates,
            None if self.plan.timing_only else tuple(known),
            self.plan.seed,
        )

    def _give_out(self, waiting: deque[Point]) -> None:
        """Send points to the other processes, as many as they should have; towards the end, where this process
        works, too, no more than their share of what is left."""
        executor, most = self.workers.executor, self.workers.at_a_time
        while executor is not None and len(self.running) < most:
            if self.workers.here and self.running and len(waiting) <= len(self.running):
                return
            point = self._next(waiting)
            if point is None:
                return
            try:
                self.running[executor.submit(evaluate, self._task(point))] = point.key
            except BrokenExecutor:
                raise killed() from None

    def _collect(self, *, at_once: bool) -> None:
        """Keep the results of all that have ended; unless ``at_once``, wait for one."""
        ended, _ = wait(self.running, 0 if at_once else None, FIRST_COMPLETED)
        for future in ended:
            key = self.running.pop(future)
            self._keep(key, outcome(future, self.workers))

    def _keep(self, key: str, rows: list[Row]) -> None:
        self.store.save(key, rows)
        self.rows[key] = rows
        self.claims.give_up(key)
