"""How do trainings and single updates fare in narrow numbers? The table of the experiment ``precision``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pcsim.config import Candidate, Numerics, Workload, candidates, load_both
from pcsim.experiments.narrow import CELLS, EVERY, ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pcsim.engine.learner import Learner
    from pcsim.engine.loop import Course
    from pcsim.experiments.vanishing import Moves

EPOCHS, LOOKED_AT = 3, 10
"""Of a training; and how many updates are followed after the first epoch."""
FEW, MANY = "pc 3 x 0.3", "pc 20 x 0.1"
INFERENCE: dict[str, tuple[int, float] | None] = {"bp": None, FEW: (3, 0.3), MANY: (20, 0.1)}
"""Steps and eta by the name of a rule."""
PLAIN = "nothing"


def measured(
    trained: Sequence[str],
    states: Sequence[str],
    weights: Sequence[str],
    cells: Sequence[str],
    *,
    workload: str = "mlp128",
    epochs: int = EPOCHS,
) -> pd.DataFrame:
    """The table for some of ``ROWS``, trained in and in which updates of states and of weights are followed,
    and of ``CELLS``."""
    import pandas as pd

    settings = ["training.seeds=1", f"training.epochs={epochs}", "training.evaluate_every=10"]
    settings += ["pc.optimiser.rate=1e-3", "bp.optimiser.rate=1e-3"]
    hardware, work = load_both("tile64", workload, overrides=settings)
    pc, bp = candidates(hardware, work)
    rules = {
        name: replace(pc, id=name, steps=how[0], rate=how[1]) if how else replace(bp, id=name)
        for name, how in INFERENCE.items()
    }
    return pd.DataFrame(
        [
            *_accuracies(work, rules, trained),
            *_states(work, rules, states),
            *_weights(work, rules, weights),
            *_cells(work, rules, cells),
        ]
    )


def _accuracies(
    work: Workload, rules: dict[str, Candidate], trained: Sequence[str]
) -> list[dict[str, Any]]:
    from pcsim.engine import train_all

    rows = []
    for row in trained:
        narrow = [
            replace(rule, numerics=ROWS[row], wavefront=rule.wavefront and not row.endswith(EVERY))
            for rule in rules.values()
        ]
        for rule, training in train_all(work, narrow).items():
            (curve,) = training.curves
            found = {"part": "accuracy", "row": row, "rule": rule}
            accuracy = curve.test_accuracy
            rows.append({**found, "test": None if accuracy is None else 100 * accuracy})
    return rows


def _states(
    work: Workload, rules: dict[str, Candidate], followed: Sequence[str]
) -> list[dict[str, Any]]:
    """On the batch after the first epoch, at the weights that this gave in fp32."""
    from pcsim.experiments.vanishing import state_moves

    rows = []
    for rule, candidate in rules.items():
        if candidate.rule == "bp":
            continue
        learner, order, first = _after_an_epoch(_course(work, candidate, ROWS[PLAIN]))
        for row in (PLAIN, *followed):
            moves = state_moves(
                _course(work, candidate, ROWS[row]), learner.weights(), order[first]
            )
            rows += _layers(moves, part="states", row=row, rule=rule)
    return rows


def _weights(
    work: Workload, rules: dict[str, Candidate], followed: Sequence[str]
) -> list[dict[str, Any]]:
    """In the updates after the first epoch in that format."""
    from pcsim.experiments.vanishing import weight_moves

    rows = []
    for rule in ("bp", FEW):
        for row in (PLAIN, *followed):
            course = _course(work, rules[rule], ROWS[row])
            learner, order, first = _after_an_epoch(course)
            moves = weight_moves(course, learner, order[first : first + LOOKED_AT])
            rows += _layers(moves, part="weights", row=row, rule=rule)
    return rows


def _cells(
    work: Workload, rules: dict[str, Candidate], cells: Sequence[str]
) -> list[dict[str, Any]]:
    """Cosines of the weights' gradients to undisturbed ones, on the batch after an epoch in fp32."""
    from pcsim.theory.alignment import alignment

    rows = []
    for rule, candidate in rules.items():
        course = _course(work, candidate, ROWS[PLAIN])
        learner, order, first = _after_an_epoch(course)
        train, weights = course.dataset.train, learner.weights()
        of = course.chain, weights, train.x[order[first]], train.y[order[first]]
        on_chains = course.rule.on_chains
        assert on_chains is not None, "shipped rules have kernels of chains"
        quiet = on_chains.look_at(*of).gradients
        for row in cells:
            disturbed = on_chains.look_at(*of, numerics=CELLS[row]).gradients
            rows += [
                {"part": "cells", "row": row, "rule": rule, "layer": layer, "cosine": cosine}
                for layer, cosine in enumerate(alignment(disturbed, quiet).cosines, 1)
            ]
    return rows


def _course(work: Workload, candidate: Candidate, numerics: Numerics) -> Course:
    from pcsim.engine.datasets import load_dataset
    from pcsim.engine.learn import course_of

    dataset = load_dataset(work.data, classes=work.network.widths[-1])
    return course_of(work, replace(candidate, numerics=numerics), dataset)


def _after_an_epoch(course: Course) -> tuple[Learner, Any, int]:
    """A learner of seed 0 after the first epoch, the rows of all batches, and how many it has behind it."""
    from pcsim.engine.learner import Learner
    from pcsim.engine.loop import learner_of
    from pcsim.engine.network import batch_rows, initial_weights

    samples = len(course.dataset.train.x)
    order = batch_rows(0, samples, batch=course.batch, epochs=2)
    first = samples // course.batch
    learner = learner_of(course, 0, initial_weights(course.chain, 0))
    assert isinstance(learner, Learner)
    learner.updates(order[:first], done=0)
    return learner, order, first


def _layers(moves: Sequence[Moves], **of: str) -> list[dict[str, Any]]:
    return [
        {**of, "layer": layer, "vanished": found.vanished_share, "remains": found.remains}
        for layer, found in enumerate(moves, 1)
    ]


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy in percent by row and rule."""
    rows = table[table.part == "accuracy"]
    wide = rows.pivot(index="row", columns="rule", values="test")
    return wide.loc[list(dict.fromkeys(rows.row)), list(INFERENCE)]


def by_layer(table: pd.DataFrame, part: str, row: str, rule: str, column: str) -> list[float]:
    """From layer 1 up."""
    rows = table[(table.part == part) & (table.row == row) & (table.rule == rule)]
    return [float(value) for value in rows.sort_values("layer")[column]]
