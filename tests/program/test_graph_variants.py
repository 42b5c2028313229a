"""Programs of graphs by variants of predictive coding, against chains and against an independent clockwork."""

import itertools
import random

import pytest

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Form, Kind, Phase, Role
from pcsim.program.error_optimisation import error_optimisation
from pcsim.program.fixed_prediction import fixed_prediction, zero_divergence
from pcsim.program.graphs import Options
from pcsim.program.graphs.error_optimisation import graph_error_optimisation
from pcsim.program.graphs.fixed_prediction import graph_fixed_prediction, graph_zero_divergence
from pcsim.program.graphs.incremental import graph_incremental_predictive_coding
from pcsim.program.incremental import incremental_predictive_coding
from pcsim.theory.operators import backpropagation_macs, predictive_coding_macs
from tests.helpers.graphs import chain, recurrent
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

SENT = [Role.STATE, Role.FEEDBACK, Role.ERROR, Role.PULL]
SHAPES = [(7, 5, 6, 4, 5, 3), (9, 8), (8,) * 6, (20, 4, 4)]


def same(one, other, chip, *, elementwise=True):
    assert one.macs() == other.macs()
    assert one.credited == other.credited
    assert one.steps == other.steps
    assert one.exchanged_words(SENT) == other.exchanged_words(SENT)
    assert cycles_of(one, chip) == cycles_of(other, chip)
    if elementwise:
        counts = [{name: n for name, n in each.elementwise().items() if n} for each in (one, other)]
        assert counts[0] == counts[1]


@pytest.mark.parametrize("widths", SHAPES)
@pytest.mark.parametrize("post", [True, False])
class TestChains:
    def test_fpa(self, widths, post, ideal):
        form = Form(widths, "tanh", bias=True, post=post)
        network = chain(widths, "tanh", bias=True, post=post)
        for steps, wavefront in itertools.product((0, 1, 3, 7), (True, False)):
            options = {"batch": 3, "steps": steps, "optimiser": "adam", "wavefront": wavefront}
            one = fixed_prediction(form, **options)
            same(one, graph_fixed_prediction(network, "mse", Options(**options)), ideal())

    @pytest.mark.parametrize("gated", [True, False])
    def test_z_il(self, widths, post, gated, ideal):
        form = Form(widths, "tanh", bias=True, post=post)
        network = chain(widths, "tanh", bias=True, post=post)
        one = zero_divergence(form, batch=3, optimiser="adam", gated=gated)
        options = Options(3, len(widths) - 2, "adam")
        same(one, graph_zero_divergence(network, "mse", options, gated=gated), ideal())

    def test_ipc(self, widths, post, ideal):
        form = Form(widths, "tanh", bias=True, post=post)
        network = chain(widths, "tanh", bias=True, post=post)
        for steps in (1, 2, 5):
            one = incremental_predictive_coding(form, batch=3, steps=steps, optimiser="adam")
            other = graph_incremental_predictive_coding(network, "mse", Options(3, steps, "adam"))
            same(one, other, ideal())

    def test_epc(self, widths, post, ideal):
        form = Form(widths, "tanh", bias=True, post=post)
        network = chain(widths, "tanh", bias=True, post=post)
        for steps in (1, 2, 5):
            one = error_optimisation(form, batch=3, steps=steps, optimiser="adam")
            other = graph_error_optimisation(network, "mse", Options(3, steps, "adam"))
            same(one, other, ideal(), elementwise=not post)
            # The chain leaves out that the last errors meet the slope behind them, too.
            again = other.elementwise().get("derivative", 0) - one.elementwise().get(
                "derivative", 0
            )
            assert again == (3 * sum(widths[1:-1]) if post else 0)


SEEDS = range(45)
WHOLE = {
    "ipc": (graph_incremental_predictive_coding, Incremental),
    "epc": (graph_error_optimisation, ErrorOptimisation),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_fpa_takes_what_values_take_that_are_followed_by_hand(seed, ideal):
    network, steps = graph(seed), random.Random(seed).randint(0, 5)
    for wavefront in (True, False):
        clock = FixedPrediction(network, 3, wavefront=wavefront).run(steps)
        options = Options(3, steps, "adam", wavefront=wavefront)
        program = graph_fixed_prediction(network, "mse", options)
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
    gated = graph_zero_divergence(network, "mse", options)
    assert tuple(gated.macs().values()) == backpropagation_macs(network, 3)
    assert cycles_of(gated, ideal()) == backpropagation_makespan(network, 3)
    ungated = graph_zero_divergence(network, "mse", options, gated=False)
    whole = {"steps": steps, "wavefront": False}
    assert tuple(ungated.macs().values()) == predictive_coding_macs(network, 3, **whole)
    assert cycles_of(ungated, ideal()) == predictive_coding_makespan(
        network, 3, hoist=True, **whole
    )


RULES = {
    "fpa": graph_fixed_prediction,
    "z_il": graph_zero_divergence,
    "ipc": graph_incremental_predictive_coding,
    "epc": graph_error_optimisation,
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
    program = graph_incremental_predictive_coding(network, "mse", Options(3, 4, "adam"))
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
    other = graph_incremental_predictive_coding(apart, "mse", Options(3, 4, "adam"))
    # Everybody waits for all gradients of what is shared, but no array works more.
    assert program.macs() == other.macs()
    assert cycles_of(program, ideal()) >= cycles_of(other, ideal())
