"""Rows that stream from unit to unit of the simulated machine: against register-level runs, and walks row by row.

Left out, as the machine has no such thing: rows of errors that go first wherever there are any, as an array takes its
tasks in order.
"""

from random import Random

import pytest
from hypothesis import given, settings

from pcsim.machine.units.systolic import product_cost
from pcsim.theory.row_walks import layers_walk, pair_walk, reduction_walk, relaxation_walk
from pcsim.theory.streamed_rows import array_cycles
from tests.helpers import rows_on_chip as chip
from tests.helpers import rtl_rows as rtl

FEW = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize("design", ["A", "B"])
def test_every_run_of_one_array_is_met(design):
    for run in rtl.runs(design):
        folds = rtl.folds_of(run)
        cost = product_cost(
            folds.samples,
            folds.outer * folds.cols,
            folds.inner * folds.rows,
            rows=folds.rows,
            cols=folds.cols,
            dataflow="ws",
            preload=folds.preload,
        )
        assert cost.cycles == int(run["cycles"]), run["case"]
        assert chip.array_on_chip(folds, "tiles.handover=blocks") == int(run["cycles"])


@pytest.mark.parametrize(
    "design,count,of,on_chip",
    [
        ("C", 18, rtl.reduction_of, chip.reduction_on_chip),
        ("D", 18, rtl.relaxation_of, chip.relaxation_on_chip),
        ("E", 10, rtl.pair_of, chip.pair_on_chip),
    ],
)
def test_every_run_of_a_chain_is_met(design, count, of, on_chip):
    runs = [run for run in rtl.runs(design) if run["order"] != "errors first"]
    assert len(runs) == count
    for run in runs:
        assert on_chip(of(run)) == int(run["cycles"]), run["case"]


@given(rtl.FOLDS)
@FEW
def test_an_array_hands_on_its_last_row_behind_the_accumulator(folds):
    # The weights lie there before the first row, and a row takes a cycle more to be added up.
    assert chip.array_on_chip(folds) == array_cycles(folds) - folds.rows + 1


@given(rtl.FOLDS)
@FEW
def test_one_register_makes_products_of_an_array_wait_for_each_other_to_drain(folds):
    folds = folds._replace(preload="serial")
    gradient = folds._replace(
        samples=folds.outer * folds.cols,
        inner=-(-folds.samples // folds.rows),
        outer=-(-folds.inner * folds.rows // folds.cols),
    )
    both = array_cycles(folds) - folds.rows + array_cycles(gradient)
    assert chip.learning_on_chip(folds) == both + 1


@given(rtl.REDUCTIONS)
@FEW
def test_a_reduction_takes_as_long_as_its_rows(chain):
    assert chip.reduction_on_chip(chain) == reduction_walk(chain)


def square(pair):
    """The same on arrays of one size, which all arrays of a chip have."""
    cells = pair.folds.cols
    return pair._replace(folds=pair.folds._replace(rows=cells), next_cols=cells)


@given(rtl.PAIRS)
@FEW
def test_two_layers_take_as_long_as_their_rows(pair):
    assert chip.pair_on_chip(square(pair)) == pair_walk(square(pair))


@given(rtl.PAIRS)
@FEW
def test_an_array_that_cannot_keep_all_sums_finishes_one_slice_after_the_other(pair):
    pair = square(pair)._replace(order="k_outer")
    sums = pair.folds.samples * pair.next_outer
    for accumulators, order in ((sums, "k_outer"), (sums - 1, "n_outer")):
        if accumulators:
            kept = f"tiles.compute.accumulators={accumulators}"
            assert chip.pair_on_chip(pair, kept) == pair_walk(pair._replace(order=order))


def test_a_chain_of_layers_is_never_late_and_seldom_early():
    # Behind a first burst that comes slowly the next ones are taken to come as soon as they can.
    draw, early = Random(1), []
    for _ in range(30):
        layers = rtl.layers(draw)
        early.append(1 - chip.layers_on_chip(layers) / layers_walk(layers))
    assert min(early) == 0
    assert max(early) < 0.1
    assert early.count(0) > 20


@given(rtl.RELAXATIONS)
@FEW
def test_a_relaxation_takes_as_long_as_its_rows(net):
    net = net._replace(errors_first=False)
    assert chip.relaxation_on_chip(net) == relaxation_walk(net)
