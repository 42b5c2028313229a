"""Rows that stream from unit to unit: closed forms and walks against register-level runs, and against each other."""

import pytest
from hypothesis import given

from pcsim.theory.row_walks import array_walk, pair_walk, reduction_walk, relaxation_walk
from pcsim.theory.streamed_rows import (
    array_cycles,
    pair_cycles,
    reduction_cycles,
    relaxation_cycles,
)
from tests.helpers import rtl_rows as rtl


@pytest.mark.parametrize("design,count", [("A", 21), ("B", 9)])
def test_every_run_of_one_array_is_met(design, count):
    runs = rtl.runs(design)
    assert len(runs) == count
    for run in runs:
        for found in (array_cycles, array_walk):
            assert found(rtl.folds_of(run)) == int(run["cycles"]), run["case"]


@pytest.mark.parametrize(
    "design,count,of,closed,walk,without",
    [
        ("C", 18, rtl.reduction_of, reduction_cycles, reduction_walk, 0),
        ("D", 22, rtl.relaxation_of, relaxation_cycles, relaxation_walk, 5),
        ("E", 10, rtl.pair_of, pair_cycles, pair_walk, 2),
    ],
)
def test_every_run_of_a_chain_is_met(design, count, of, closed, walk, without):
    runs = rtl.runs(design)
    assert len(runs) == count
    for run in runs:
        assert walk(of(run)) == int(run["cycles"]), run["case"]
    found = {run["case"]: (closed(of(run)), int(run["cycles"])) for run in runs}
    assert sum(cycles is None for cycles, _ in found.values()) == without
    assert all(cycles in (None, measured) for cycles, measured in found.values()), found


@given(rtl.FOLDS)
def test_the_form_of_an_array_is_a_walk_of_rows(folds):
    assert array_cycles(folds) == array_walk(folds)


@given(rtl.REDUCTIONS)
def test_the_form_of_a_reduction_is_a_walk_of_rows(chain):
    assert reduction_cycles(chain) == reduction_walk(chain)


@given(rtl.PAIRS)
def test_the_form_of_two_layers_is_a_walk_of_rows(pair):
    cycles = pair_cycles(pair)
    assert cycles is None or cycles == pair_walk(pair)
    # A slower stage never makes the whole faster.
    assert pair_walk(pair._replace(vector=pair.vector + 1)) >= pair_walk(pair)


@given(rtl.RELAXATIONS)
def test_the_forms_of_a_relaxation_are_walks_of_rows(net):
    cycles = relaxation_cycles(net)
    assert cycles is None or cycles == relaxation_walk(net)
