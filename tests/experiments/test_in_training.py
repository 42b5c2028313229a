"""Experiments that train, in small: what they count, and which of many trainings they take."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pcsim.config import candidates, load_both
from pcsim.engine.datasets import load_dataset
from pcsim.engine.learn import course_of
from pcsim.engine.loop import learner_of
from pcsim.engine.network import batch_rows, initial_weights
from pcsim.experiments import mupc_depth, precision_table
from pcsim.experiments.narrow import formats
from pcsim.experiments.vanishing import Moves, state_moves, weight_moves
from pcsim.theory.alignment import light_cone


def test_a_shallow_network_learns_and_all_its_layers_get_credit():
    table = mupc_depth.measured((3,))
    for network in mupc_depth.NETWORKS:
        found = mupc_depth.best(table, network, "pc").loc[3]
        assert found.reached == light_cone("jacobi", layers=4, steps=3) == 4
        assert found.aligned <= found.reached
        assert found.test > mupc_depth.LEARNT
        assert mupc_depth.best(table, network, "bp").test[3] > mupc_depth.LEARNT
    rates = table.groupby(["network", "rule"]).rate.apply(list).to_dict()
    assert rates["mupc", "pc"] == [0.1]  # as published
    assert rates["mupc", "bp"] == [0.005]
    assert rates["sp", "pc"] == rates["sp", "bp"] == list(mupc_depth.STANDARD_RATES)


def test_a_learning_rate_is_chosen_on_validation_images():
    rows = [("sp", "pc", 8, 1.0, 0.3, 0.9), ("sp", "pc", 8, 2.0, 0.4, 0.1)]
    columns = ["network", "rule", "hidden", "rate", "validation", "test"]
    assert mupc_depth.best(pd.DataFrame(rows, columns=columns), "sp", "pc").test[8] == 0.1


def test_what_vanishes_and_what_remains():
    moves = Moves()
    assert (moves.vanished_share, moves.remains) == (0, 1)  # nothing was meant to move
    moves.add(np.array([0.4, -0.6, 1.0, 0.0]), np.array([0.0, -1.0, 1.0, 0.0]))
    assert moves.vanished_share == pytest.approx(1 / 3)
    assert moves.remains == pytest.approx((0.6 + 1) / (0.16 + 0.36 + 1))


@pytest.fixture
def digits():
    """``digits("pc" or "bp", numerics, eta=)``: a short training of the workload digits."""

    def course(rule, numerics, *, eta=0.3):
        hardware, work = load_both("tile64", "digits", overrides=("training.epochs=1",))
        (chosen,) = candidates(hardware, work, rule=rule)
        chosen = replace(chosen, numerics=numerics, rate=eta if rule == "pc" else None)
        return course_of(work, chosen, load_dataset(work.data, classes=10))

    return course


def batches(course):
    return batch_rows(0, len(course.dataset.train.x), batch=course.batch, epochs=1)


def test_steps_of_states_are_those_that_theory_says(digits):
    course = digits("pc", formats())
    moves = state_moves(course, initial_weights(course.network, 0), batches(course)[0])
    assert len(moves) == course.network.layers - 1
    for found in moves:
        assert found.meant > 0
        assert found.vanished_share < 1e-3  # a float32 may round to 0 as well
        assert found.remains == pytest.approx(1, abs=1e-5)


# Of q4.4 half a step is 1/32: more than 1e-4 times any gradient of a state, or a step of Adam at its rate of 1e-3.


def test_where_steps_of_states_vanish_nothing_is_meant_for_the_layers_below(digits):
    course = digits("pc", formats(state="q4.4"), eta=1e-4)
    moves = state_moves(course, initial_weights(course.network, 0), batches(course)[0])
    assert moves[-1].meant > 0
    assert (moves[-1].vanished_share, moves[-1].remains) == (1, 0)
    assert [found.meant for found in moves[:-1]] == [0]


@pytest.mark.parametrize("rule", ["pc", "bp"])
@pytest.mark.parametrize(
    ("words", "vanished", "remains"),
    [
        ({}, 0, 1),
        ({"weight": "q4.4"}, 1, 0),
        ({"weight": "q4.4", "master": "fp32"}, 0, 1),
    ],
)
def test_steps_of_weights_are_adams_or_vanish(digits, rule, words, vanished, remains):
    course = digits(rule, formats(**words))
    learner = learner_of(course, 0, initial_weights(course.network, 0))
    moves = weight_moves(course, learner, batches(course)[:3])
    assert learner.done == 3
    assert len(moves) == course.network.layers
    for found in moves:
        assert found.meant > 0
        assert found.vanished_share == pytest.approx(vanished, abs=1e-3)
        assert found.remains == pytest.approx(remains, abs=1e-3)  # of float32, at weights near 0.1


def test_the_table_of_precision_has_a_line_for_each_rule_and_layer():
    table = precision_table.measured(
        ("nothing", "states bf16"),
        ("states bf16",),
        ("weights bf16",),
        ("mismatch 0.1",),
        workload="digits",
        epochs=1,
    )
    assert table.groupby("part").size().to_dict() == {
        "accuracy": 2 * 3,
        "states": 2 * 2 * 2,  # fp32 beside it, both inferences, both hidden layers
        "weights": 2 * 2 * 3,
        "cells": 3 * 3,
    }
    assert list(precision_table.accuracy(table).index) == ["nothing", "states bf16"]
    for (
        rule
    ) in precision_table.INFERENCE:  # what only W^T sees differently is exact in the output layer
        cosines = precision_table.by_layer(table, "cells", "mismatch 0.1", rule, "cosine")
        assert min(cosines[:-1]) > 0.8
        assert max(cosines[:-1]) < 1
    few = precision_table.by_layer(table, "states", "states bf16", precision_table.FEW, "vanished")
    assert few[0] > few[1] > 0
    assert precision_table.by_layer(
        table, "states", "nothing", precision_table.FEW, "remains"
    ) == pytest.approx([1, 1], abs=1e-5)
