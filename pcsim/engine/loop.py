"""How does one seed learn? Batch after batch, evaluated every few updates, until done or diverged.

Importing this module imports numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.arithmetic import rounded_data
from pcsim.engine.checkpoint import Checkpoint
from pcsim.engine.credit import Credit, credit_of
from pcsim.engine.datasets import Dataset, DatasetSplit
from pcsim.engine.graph import model as graphs
from pcsim.engine.graph import profile as graph_profile
from pcsim.engine.graph.learner import GraphLearner
from pcsim.engine.graph.model import GraphNetwork, GraphWeights
from pcsim.engine.learner import Learner
from pcsim.engine.network import DenseNetwork, Weights, batch_rows, initial_weights
from pcsim.engine.rules import Algorithm
from pcsim.engine.setup import TrainingSetup
from pcsim.engine.training import Profile, SeedCurve

if TYPE_CHECKING:
    from pcsim.config import Numerics, OptimiserSettings

AnyWeights = Weights | GraphWeights
AnyLearner = Learner | GraphLearner

BLOW_UP = 1e6
"""An energy so many times that of the untrained network is a divergence, though still a number."""


@dataclass(frozen=True)
class Course:
    """One rule's training, but for the seed; ``numerics`` where more is rounded than to the network's dtype;
    ``generates``: the data are turned."""

    network: DenseNetwork | GraphNetwork
    rule: Algorithm
    dataset: Dataset
    batch: int
    epochs: int
    evaluate_every: int
    optimiser: OptimiserSettings
    numerics: Numerics | None = None
    generates: bool = False

    @property
    def chain(self) -> DenseNetwork:
        """The network of a course that trains a chain."""
        assert isinstance(self.network, DenseNetwork)
        return self.network

    @property
    def updates_total(self) -> int:
        return self.epochs * (len(self.dataset.train.x) // self.batch)

    def setup(self, seed: int) -> TrainingSetup:
        """What the training of ``seed`` is given."""
        return TrainingSetup(
            self.dataset.train.x,
            self.dataset.train.y,
            self.batch,
            self.optimiser,
            self.updates_total,
            seed,
            self.numerics,
        )


def cast(dataset: Dataset, dtype: str, numerics: Numerics | None = None) -> Dataset:
    """The data set in the dtype that kernels read, rounded to states; not copied where it is so already."""
    parts = (dataset.train, dataset.validation, dataset.test)
    given = ((part.x.astype(dtype, copy=False), part.y.astype(dtype, copy=False)) for part in parts)
    return Dataset(
        *(DatasetSplit(*rounded_data(numerics, x, y, part=i)) for i, (x, y) in enumerate(given))
    )


def learn_seed(
    course: Course,
    seed: int,
    *,
    progress: Callable[[int], None],
    checkpoint: Checkpoint | None = None,
) -> tuple[SeedCurve, AnyWeights]:
    """Train from ``seed``, or go on from ``checkpoint``; ``progress`` is told how many updates were
    just made.

    A seed diverges when its energy or loss is no longer finite, or the energy has grown
    ``BLOW_UP`` times beyond what the untrained network had. Where inference alone takes the untrained
    network's energy beyond all numbers, that is before the first update.
    """
    train = course.dataset.train
    order = batch_rows(seed, len(train.x), batch=course.batch, epochs=course.epochs)
    learner = learner_of(course, seed, untrained(course.network, seed))
    kept = checkpoint.load(learner.parameters) if checkpoint else None
    if kept is None:
        _, energy = learner.updates(order[:1], done=0, learn=False)
        evaluations = [
            (0, *evaluate(learner, course.dataset.validation, generates=course.generates), energy)
        ]
    else:
        learner.restore(kept.parameters, done=kept.done)
        evaluations = list(kept.evaluations)
        progress(kept.done)
    done, diverged_at = evaluations[-1][0], None
    bound = BLOW_UP * max(evaluations[0][3], 1.0)
    if not math.isfinite(evaluations[0][3]):
        diverged_at = 0
    while done < len(order) and diverged_at is None:
        asked = order[done : done + course.evaluate_every]
        made, energy = learner.updates(asked, done=done)
        done += made
        progress(made)
        accuracy, loss = evaluate(learner, course.dataset.validation, generates=course.generates)
        if not (math.isfinite(energy) and math.isfinite(loss)) or energy > bound:
            diverged_at = done
            break
        evaluations.append((done, accuracy, loss, energy))
        if checkpoint:
            checkpoint.offer(learner.parameters, evaluations)
    test_accuracy = None
    if diverged_at is None:
        test_accuracy, _ = evaluate(learner, course.dataset.test, generates=course.generates)
    updates, accuracies, losses, energies = zip(*evaluations, strict=True)
    known = tuple(energy if math.isfinite(energy) else None for energy in energies)
    curve = SeedCurve(seed, updates, accuracies, losses, known, test_accuracy, diverged_at)
    return curve, learner.weights()


def untrained(network: DenseNetwork | GraphNetwork, seed: int) -> AnyWeights:
    """The weights that ``seed`` gives the network."""
    if isinstance(network, GraphNetwork):
        if network.chain is not None:
            return graphs.weights_of_chain(network.graph, initial_weights(network.chain, seed))
        return graphs.initial_weights(network.graph, seed, network.dtype, drawn=network.drawn)
    return initial_weights(network, seed)


def evaluate(
    learner: AnyLearner, part: DatasetSplit, *, generates: bool = False
) -> tuple[float, float]:
    """(accuracy, mean loss) of the feed-forward pass; an output that is not finite counts as wrong.

    Of a network that ``generates``, accuracy is that of the class whose predicted image is nearest.
    """
    if generates:
        return _evaluate_images(learner, part)
    outputs = learner.outputs(part.x).T.astype(np.float64)
    right = np.isfinite(outputs).all(axis=1) & (outputs.argmax(axis=1) == part.y.argmax(axis=1))
    with np.errstate(all="ignore"):  # After a divergence the loss is whatever it is.
        if learner.network.loss == "cross_entropy":
            top = outputs.max(axis=1, keepdims=True)
            log_sum = top + np.log(np.exp(outputs - top).sum(axis=1, keepdims=True))
            losses = (part.y * (log_sum - outputs)).sum(axis=1)
        else:
            losses = 0.5 * ((part.y - outputs) ** 2).sum(axis=1)
    return float(right.mean()), float(losses.mean())


def _evaluate_images(learner: AnyLearner, part: DatasetSplit) -> tuple[float, float]:
    """As ``evaluate``: one pass predicts an image of every class, and a sample is of the class whose is nearest.

    With Gaussian pixels of one variance and classes that are equally likely that is the most probable class given the
    image (Bishop, Pattern Recognition and Machine Learning, 2006, section 4.2), by whichever rule was learnt.
    """
    labels = np.eye(part.x.shape[1], dtype=part.x.dtype) * part.x.max()
    images = learner.outputs(labels).T.astype(np.float64)
    samples, of = part.y.astype(np.float64), part.x.argmax(axis=1)
    with np.errstate(all="ignore"):  # After a divergence the images are whatever they are.
        distances = np.stack(
            [0.5 * ((samples - image) ** 2).sum(axis=1) for image in images], axis=1
        )
    right = np.isfinite(distances).all(axis=1) & (distances.argmin(axis=1) == of)
    return float(right.mean()), float(distances[np.arange(len(of)), of].mean())


def profile_of(course: Course, seed: int, weights: AnyWeights) -> Profile:
    """What the first training batch of ``seed`` keeps busy at ``weights``."""
    train = course.dataset.train
    order = batch_rows(seed, len(train.x), batch=course.batch, epochs=1)
    seen = _look(course, seed, weights, train.x[order[0]], train.y[order[0]])
    executed: tuple[tuple[int, int], ...] = ((len(seen.active_states) - 1, len(order)),)
    if course.rule.settles:
        learner = learner_of(course, seed, weights)
        learner.updates(order, done=0, learn=False)
        counts = learner.executed
        executed = tuple((int(t), int(counts[t])) for t in np.flatnonzero(counts)) or executed
    told = bool(seen.sent_states.any() or seen.sent_errors.any())
    return Profile(
        steps=max(steps for steps, _ in executed),
        batch=course.batch,
        active_states=_tuples(seen.active_states),
        active_errors=_tuples(seen.active_errors),
        credited_layers=tuple(i for i, why in enumerate(seen.credit.reasons, 1) if not why),
        executed=executed,
        sent_states=_tuples(seen.sent_states) if told else (),
        sent_errors=_tuples(seen.sent_errors) if told else (),
        rate_limit=seen.rate_limit,
        gradient_norms=seen.credit.norms,
        gradient_cosines=seen.credit.cosines,
        credit_reasons=seen.credit.reasons,
    )


@dataclass(frozen=True)
class _Seen:
    """What a rule did on one batch, as Profile counts it; arrays (steps + 1, layers or nodes)."""

    active_states: np.ndarray
    active_errors: np.ndarray
    sent_states: np.ndarray
    sent_errors: np.ndarray
    credit: Credit
    rate_limit: float | None


def _look(course: Course, seed: int, weights: AnyWeights, x: np.ndarray, y: np.ndarray) -> _Seen:
    network, rule, numerics = course.network, course.rule, course.numerics
    if isinstance(network, GraphNetwork):
        assert isinstance(weights, dict)
        found = graph_profile.look_at(rule, network, weights, x, y, numerics=numerics, seed=seed)
        credit = graph_profile.credit_of(rule, network, weights, x, y, found, numerics=numerics)
        nothing = np.zeros(0, np.int64)
        limit = rule.rate_limit(network, weights, x)
        return _Seen(found.active_states, found.active_errors, nothing, nothing, credit, limit)
    assert isinstance(weights, tuple)
    on_chains = rule.on_chains
    assert on_chains is not None
    result = on_chains.look_at(network, weights, x, y, numerics=numerics, seed=seed)
    return _Seen(
        result.active_states,
        result.active_errors,
        result.sent_states,
        result.sent_errors,
        credit_of(on_chains, network, weights, x, y, result, numerics=numerics),
        on_chains.rate_limit(network, weights, x),
    )


def _tuples(counts: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, counts.tolist()))


def learner_of(course: Course, seed: int, weights: AnyWeights) -> AnyLearner:
    """A learner that starts from ``weights``."""
    network, setup = course.network, course.setup(seed)
    if isinstance(network, GraphNetwork):
        assert isinstance(weights, dict)
        return GraphLearner(network, weights, course.rule, setup)
    assert isinstance(weights, tuple)
    return Learner(network, weights, course.rule, setup)
