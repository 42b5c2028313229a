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
from pcsim.engine.credit import credit_of
from pcsim.engine.datasets import Dataset, Part
from pcsim.engine.network import Network, Weights, batch_rows, initial_weights
from pcsim.engine.optimiser import WeightOptimiser
from pcsim.engine.rules import Learner, Rule
from pcsim.engine.training import Profile, SeedCurve

if TYPE_CHECKING:
    from pcsim.config import Numerics

BLOW_UP = 1e6
"""An energy so many times that of the untrained network is a divergence, though still a number."""


@dataclass(frozen=True)
class Course:
    """One rule's training, but for the seed; ``numerics`` where more is rounded than to the network's dtype."""

    network: Network
    rule: Rule
    dataset: Dataset
    batch: int
    epochs: int
    evaluate_every: int
    optimiser: WeightOptimiser
    numerics: Numerics | None = None

    @property
    def updates_total(self) -> int:
        return self.epochs * (len(self.dataset.train.x) // self.batch)


def cast(dataset: Dataset, dtype: str, numerics: Numerics | None = None) -> Dataset:
    """The data set in the dtype that kernels read, rounded to states; not copied where it is so already."""
    parts = (dataset.train, dataset.validation, dataset.test)
    given = ((part.x.astype(dtype, copy=False), part.y.astype(dtype, copy=False)) for part in parts)
    return Dataset(*(Part(*rounded_data(numerics, x, y, part=i)) for i, (x, y) in enumerate(given)))


def learn_seed(
    course: Course,
    seed: int,
    *,
    progress: Callable[[int], None],
    checkpoint: Checkpoint | None = None,
) -> tuple[SeedCurve, Weights]:
    """Train from ``seed``, or go on from ``checkpoint``; ``progress`` is told how many updates were
    just made.

    A seed diverges when its energy or loss is no longer finite, or the energy has grown
    ``BLOW_UP`` times beyond what the untrained network had. Where inference alone takes the untrained
    network's energy beyond all numbers, that is before the first update.
    """
    train = course.dataset.train
    order = batch_rows(seed, len(train.x), batch=course.batch, epochs=course.epochs)
    learner = learner_of(course, seed, initial_weights(course.network, seed))
    kept = checkpoint.load(learner.parameters) if checkpoint else None
    if kept is None:
        _, energy = learner.updates(order[:1], done=0, learn=False)
        evaluations = [(0, *evaluate(learner, course.dataset.validation), energy)]
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
        accuracy, loss = evaluate(learner, course.dataset.validation)
        if not (math.isfinite(energy) and math.isfinite(loss)) or energy > bound:
            diverged_at = done
            break
        evaluations.append((done, accuracy, loss, energy))
        if checkpoint:
            checkpoint.offer(learner.parameters, evaluations)
    test_accuracy = None
    if diverged_at is None:
        test_accuracy, _ = evaluate(learner, course.dataset.test)
    updates, accuracies, losses, energies = zip(*evaluations, strict=True)
    known = tuple(energy if math.isfinite(energy) else None for energy in energies)
    curve = SeedCurve(seed, updates, accuracies, losses, known, test_accuracy, diverged_at)
    return curve, learner.weights()


def evaluate(learner: Learner, part: Part) -> tuple[float, float]:
    """(accuracy, mean loss) of the feed-forward pass; an output that is not finite counts as wrong."""
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


def profile_of(course: Course, seed: int, weights: Weights) -> Profile:
    """What the first training batch of ``seed`` keeps busy at ``weights``."""
    train = course.dataset.train
    order = batch_rows(seed, len(train.x), batch=course.batch, epochs=1)
    x, y = train.x[order[0]], train.y[order[0]]
    numerics = course.numerics
    result = course.rule.look_at(course.network, weights, x, y, numerics=numerics, seed=seed)
    executed: tuple[tuple[int, int], ...] = ((len(result.energies) - 1, len(order)),)
    if course.rule.settles:
        learner = learner_of(course, seed, weights)
        learner.updates(order, done=0, learn=False)
        counts = learner.executed
        executed = tuple((int(t), int(counts[t])) for t in np.flatnonzero(counts)) or executed
    credit = credit_of(course.rule, course.network, weights, x, y, result, numerics=numerics)
    told = result.sent_states.any() or result.sent_errors.any()
    return Profile(
        steps=max(steps for steps, _ in executed),
        batch=course.batch,
        active_states=tuple(map(tuple, result.active_states.tolist())),
        active_errors=tuple(map(tuple, result.active_errors.tolist())),
        credited_layers=tuple(i for i, why in enumerate(credit.reasons, 1) if not why),
        executed=executed,
        sent_states=tuple(map(tuple, result.sent_states.tolist())) if told else (),
        sent_errors=tuple(map(tuple, result.sent_errors.tolist())) if told else (),
        rate_limit=course.rule.rate_limit(course.network, weights, x),
        gradient_norms=credit.norms,
        gradient_cosines=credit.cosines,
        credit_reasons=credit.reasons,
    )


def learner_of(course: Course, seed: int, weights: Weights) -> Learner:
    """A learner that starts from ``weights``."""
    return Learner(
        course.network,
        weights,
        rule=course.rule,
        x=course.dataset.train.x,
        y=course.dataset.train.y,
        batch=course.batch,
        optimiser=course.optimiser,
        updates_total=course.updates_total,
        seed=seed,
        numerics=course.numerics,
    )
