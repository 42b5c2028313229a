"""Programs of graphs by variants of predictive coding, against an independent clockwork."""

import dataclasses
import random

import pytest

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import place
from pcsim.program import (
    Kind,
    Options,
    Phase,
    Role,
    error_optimisation,
    fixed_prediction,
    incremental_predictive_coding,
    zero_divergence,
)
from pcsim.program.verify import ProgramError, verify
from pcsim.theory.operators import backpropagation_macs, predictive_coding_macs
from tests.helpers.graphs import recurrent
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import cycles_of
from tests.oracles.graph_oracle import (
    ErrorOptimisation,
    FixedPrediction,
    Incremental,
    backpropagation_makespan,
    predictive_coding_makespan,
)
from tests.oracles.reference_machine import Machine

SEEDS = range(45)
WHOLE = {
    "ipc": (incremental_predictive_coding, Incremental),
    "epc": (error_optimisation, ErrorOptimisation),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_fpa_takes_what_values_take_that_are_followed_by_hand(seed, ideal):
    network, steps = graph(seed), random.Random(seed).randint(0, 5)
    for wavefront in (True, False):
        clock = FixedPrediction(network, 3, wavefront=wavefront).run(steps)
        options = Options(3, steps, "adam", wavefront=wavefront)
        program = fixed_prediction(network, "mse", options)
        assert tuple(program.macs().values()) == clock.macs
        assert cycles_of(program, ideal()) == clock.clock.end


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("variant", WHOLE)
def test_ipc_and_epc_take_what_values_take_that_are_followed_by_hand(variant, seed, ideal):
    network, steps = graph(seed), random.Random(seed).randint(1, 5)
    rule, followed = WHOLE[variant]
    clock = followed(network, 3, wavefront=False).run(steps)
    program = rule(network, "mse", Options(3, steps, "adam"))
    assert tuple(program.macs().values()) == clock.macs
    assert cycles_of(program, ideal()) == clock.clock.end


@pytest.mark.parametrize("seed", SEEDS)
def test_z_il_takes_as_long_as_backpropagation_and_ungated_as_long_as_all_in_all_steps(seed, ideal):
    network, steps = graph(seed), 3
    options = Options(3, steps, "adam")
    gated = zero_divergence(network, "mse", options)
    assert tuple(gated.macs().values()) == backpropagation_macs(network, 3)
    assert cycles_of(gated, ideal()) == backpropagation_makespan(network, 3)
    ungated = zero_divergence(network, "mse", options, gated=False)
    whole = {"steps": steps, "wavefront": False}
    assert tuple(ungated.macs().values()) == predictive_coding_macs(network, 3, **whole)
    assert cycles_of(ungated, ideal()) == predictive_coding_makespan(
        network, 3, hoist=True, **whole
    )


RULES = {
    "fpa": fixed_prediction,
    "z_il": zero_divergence,
    "ipc": incremental_predictive_coding,
    "epc": error_optimisation,
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(0, 45, 5))
def test_a_real_chip_takes_as_long_as_the_reference_machine(rule, seed):
    program = RULES[rule](graph(seed), "mse", Options(3, 3, "adam"))
    for kib in (192, 12):
        chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
        placement = place(program, chip)
        activity = simulate(placement, chip)
        assert activity.macs == sum(program.macs().values())
        assert activity.makespan_cycles == Machine(placement, chip, cold=False).run()


def updated(program):
    return sum(op.instances * op.elements for op in program.ops if op.kind is Kind.UPDATE)


@pytest.mark.parametrize("seed", SEEDS)
def test_ipc_updates_everything_in_every_step_all_others_once(seed):
    network, steps = graph(seed), 4
    for name, rule in RULES.items():
        # Fewer steps than nodes leave some of fpa without an error.
        program = rule(network, "mse", Options(3, steps, "adam", wavefront=name != "fpa"))
        times = steps if name == "ipc" else 1
        assert updated(program) == times * network.parameter_count


def test_shared_weights_step_in_every_step_of_ipc_and_reach_the_next(ideal):
    network = recurrent(6, 5, shared=True)
    program = incremental_predictive_coding(network, "mse", Options(3, 4, "adam"))
    assert updated(program) == 4 * network.parameter_count
    copies = [op for op in program.ops if op.role is Role.COPIED and op.target]
    readers = {
        (need.op, op.layer)
        for op in program.ops
        if op.kind is Kind.PRODUCT_FORWARD and op.phase is Phase.STEP
        for need in op.needs
    }
    assert {(op.key, op.target) for op in copies} <= readers
    apart = recurrent(6, 5, shared=False)
    other = incremental_predictive_coding(apart, "mse", Options(3, 4, "adam"))
    # Everybody waits for all gradients of what is shared, but no array works more.
    assert program.macs() == other.macs()
    assert cycles_of(program, ideal()) >= cycles_of(other, ideal())


def stepped(program):
    return {op.key: op for op in program.ops if op.phase is Phase.STEP}


def comes_after(program, reader, name):
    """Whether an update of ``name`` is reached from ``reader`` by needs alone, tried by closing the set of needs."""
    ops = stepped(program)
    reached, more = set(), {reader}
    while more:
        reached |= more
        more = {need.op for key in more for need in ops[key].needs if need.op in ops} - reached
    return any(ops[key].kind is Kind.UPDATE and name in ops[key].learnt for key in reached)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_reads_parameters_of_ipc_waits_for_their_update(seed):
    program = incremental_predictive_coding(graph(seed), "mse", Options(3, 4, "adam"))
    steps = stepped(program)
    names = {name for op in steps.values() if op.kind is Kind.UPDATE for name in op.learnt}
    read = set()
    for key, op in steps.items():
        if op.kind not in (Kind.UPDATE, Kind.EXCHANGE):
            assert set(op.learnt) <= names
            assert all(comes_after(program, key, name) for name in op.learnt)
            read |= set(op.learnt)
    assert read == names


def test_reading_a_bias_that_learns_in_every_step_without_waiting_is_refused():
    network = chain((5, 4, 3), "tanh", bias=True)
    program = incremental_predictive_coding(network, "mse", Options(3, 4, "adam"))
    new = {op.key for op in program.ops if op.role is Role.BIAS and op.kind is Kind.EXCHANGE}
    assert len(new) == 2
    forgetful = [
        dataclasses.replace(op, needs=tuple(need for need in op.needs if need.op not in new))
        for op in program.ops
    ]
    with pytest.raises(ProgramError, match=r"reads z1\.0\.\d+ bias, which learns in every step"):
        verify(dataclasses.replace(program, ops=tuple(forgetful)))
