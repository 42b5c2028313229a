"""Training, as the rest of pcsim asks for it: candidates in, curves and profiles out, stored once computed.

All seeds of all candidates run side by side, one thread a core and one BLAS thread each: BLAS
threads of their own would only wait for one another. Every seed's bits depend on nothing that runs
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event, Lock
from typing import TYPE_CHECKING, Literal, cast

from pcsim.cache import kept
from pcsim.config import at_places_of
from pcsim.engine.kinds import kinds_of, operators_of, remember_kinds
from pcsim.engine.network import ActivationName, DenseNetwork, DtypeName
from pcsim.engine.store import checkpoint_path, load_seed, save_seed, seed_key
from pcsim.engine.training import SeedResult, Training
from pcsim.errors import InputError, Problem

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload
    from pcsim.engine.datasets import Dataset
    from pcsim.engine.graph.model import GraphNetwork
    from pcsim.engine.loop import Course
    from pcsim.engine.rules import Algorithm

Progress = Callable[[int, int], None]


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

    Candidates that learn alike are trained once, and seeds that were trained before are read from the
    store; each is stored as soon as it has ended. ``progress(done, total)`` counts the updates of all
    seeds still to be trained; it is called from the training threads, one at a time.
    """
    seeds = range(first_seed, first_seed + workload.training.seeds)
    keys = {(c.id, s): seed_key(workload, c, seed=s) for c in candidates for s in seeds}
    results = {key: result for key in keys.values() if (result := load_seed(key)) is not None}
    missing = {
        keys[c.id, s]: (c, s) for c in candidates for s in seeds if keys[c.id, s] not in results
    }
    if missing:
        results |= _train(workload, missing, progress)
    return {
        c.id: Training(
            rule=c.rule,
            batch=workload.training.batch,
            updates_total=workload.training.epochs
            * (workload.data.train // workload.training.batch),
            curves=tuple(results[keys[c.id, s]].curve for s in seeds),
            profile=results[keys[c.id, first_seed]].profile,
            rate=c.rate,
            absent=results[keys[c.id, first_seed]].absent,
        )
        for c in candidates
    }


def kept_seeds(
    workload: Workload, candidates: Sequence[Candidate], *, first_seed: int = 0
) -> tuple[int, int, int]:
    """How many seeds of all candidates are trained and stored, how many half-way, and how many there are."""
    seeds = range(first_seed, first_seed + workload.training.seeds)
    keys = {seed_key(workload, c, seed=s) for c in candidates for s in seeds}
    done = {key for key in keys if load_seed(key) is not None}
    begun = sum(kept(checkpoint_path(key)) is not None for key in keys - done)
    return len(done), begun, len(keys)


def _train(
    workload: Workload,
    missing: dict[str, tuple[Candidate, int]],
    progress: Progress | None,
) -> dict[str, SeedResult]:
    """Really train each (candidate, seed), by key. What is imported here takes half a second."""
    import scipy.linalg.cython_blas  # noqa: F401 - loads the BLAS that numba calls, to be limited below
    from joblib import Parallel, cpu_count, delayed
    from threadpoolctl import threadpool_limits

    from pcsim.engine.checkpoint import Checkpoint
    from pcsim.engine.datasets import absent_classes, load_dataset
    from pcsim.engine.loop import learn_seed, profile_of

    chosen = {candidate.id: candidate for candidate, _ in missing.values()}
    classes = workload.network.classes
    dtypes = {key: _dtype(workload, candidate) for key, candidate in chosen.items()}
    with at_places_of(workload):
        datasets = {
            d: load_dataset(
                workload.data,
                classes=classes,
                dtype=d,
                input_shape=workload.network.image_shape,
            )
            for d in set(dtypes.values())
        }
    absent_of = {d: absent_classes(dataset) for d, dataset in datasets.items()}
    courses = {
        key: course_of(workload, candidate, datasets[dtypes[key]])
        for key, candidate in chosen.items()
    }
    total = sum(courses[c.id].updates_total for c, _ in missing.values())
    tell = _Counter(total, progress)

    def learn(key: str, candidate: Candidate, seed: int) -> SeedResult:
        course, checkpoint = courses[candidate.id], Checkpoint(checkpoint_path(key))
        curve, weights = learn_seed(course, seed, progress=tell, checkpoint=checkpoint)
        absent = absent_of[dtypes[candidate.id]]
        result = SeedResult(curve, profile_of(course, seed, weights), absent)
        save_seed(key, result)
        checkpoint.discard()
        return result

    with threadpool_limits(1, user_api="blas"):
        try:
            learned = Parallel(n_jobs=min(cpu_count(), len(missing)), backend="threading")(
                delayed(learn)(key, c, seed) for key, (c, seed) in missing.items()
            )
        finally:
            tell.stop()
    for candidate in chosen.values():
        remember_kinds(kinds_of(candidate, dtypes[candidate.id], operators_of(workload, candidate)))
    return dict(zip(missing, learned, strict=True))


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
    from pcsim.engine.rules import ALGORITHMS

    dtype = _dtype(workload, candidate)
    numerics = None if candidate.numerics.plain else candidate.numerics
    settings, generates = workload.training, workload.network.generates
    rule = ALGORITHMS[candidate.algorithm](candidate)
    return Course(
        network=_network(workload, candidate, dtype, rule),
        rule=rule,
        dataset=cast(dataset.turned if generates else dataset, dtype, numerics),
        batch=settings.batch,
        epochs=settings.epochs,
        evaluate_every=settings.evaluate_every,
        optimiser=candidate.optimiser,
        numerics=numerics,
        generates=generates,
    )


def _network(
    workload: Workload, candidate: Candidate, dtype: DtypeName, rule: Algorithm
) -> DenseNetwork | GraphNetwork:
    """The network as its kernels know it: a chain of dense layers, or any graph.

    Raises:
        InputError: what is asked for is not known of graphs.
    """
    described = workload.network
    chain: DenseNetwork | None = None
    if described.is_chain:
        assert described.parameterisation is not None
        chain = DenseNetwork(
            widths=described.widths,
            activation=cast(ActivationName, described.activation),
            loss=workload.training.loss,
            dtype=dtype,
            parameterisation=described.parameterisation,
            skips=described.skips,
            placement=described.placement,
            bias=described.bias,
            orthogonal=described.initialisation == "orthogonal",
        )
        if rule.on_chains is not None:
            return chain
    from pcsim.engine.graph.model import Drawn, GraphNetwork

    if problems := tuple(Problem(said) for said in _not_of_graphs(workload, candidate)):
        raise InputError(problems)
    drawn: Drawn = "uniform" if described.parameterisation in ("sp", None) else "normal"
    if described.initialisation == "orthogonal":
        drawn = "orthogonal"
    return GraphNetwork(described.graph, workload.training.loss, dtype, drawn, chain)


def _not_of_graphs(workload: Workload, candidate: Candidate) -> Iterator[str]:
    """What a training asks for that only chains have, a sentence each."""
    key = f"network.{workload.network.way}"
    if candidate.inference is not None and candidate.inference.threshold > 0:
        yield (
            f"pc.threshold must be 0, not {candidate.inference.threshold!r}, where {key} is no chain of dense layers: "
            "values told to neighbours only when they change are not computed there yet"
        )


def _dtype(workload: Workload, candidate: Candidate) -> Literal["float32", "float64"]:
    """Of the arrays that ``candidate`` is trained in."""
    return candidate.numerics.formats.carrier_for(workload.longest_sum)
