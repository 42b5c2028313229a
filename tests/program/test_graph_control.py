"""Steps of graphs after which all nodes agree: barriers and checks, against chains and closed forms."""

import itertools
import random

import pytest

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Form, Kind, Role, predictive_coding
from pcsim.program.graphs import Options, graph_ordered_predictive_coding
from pcsim.program.graphs.predictive_coding import graph_jacobi_predictive_coding
from pcsim.program.ordered import ordered_predictive_coding
from pcsim.program.synchronise import Control
from tests.helpers.graphs import chain
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import cycles_of
from tests.oracles.reference_machine import Machine

CONTROLS = [Control(), Control(energy=True), Control(energy=True, lag=1), Control(True, 3)]
ORDERS = ["jacobi", "gauss_seidel", "red_black"]


def of_chain(form, order, **options):
    if order == "jacobi":
        return predictive_coding(form, optimiser="adam", **options)
    return ordered_predictive_coding(form, order=order, optimiser="adam", **options)


def of_graph(network, order, *, batch=3, steps=4, **more):
    options = Options(batch, steps, "adam", **more)
    if order == "jacobi":
        return graph_jacobi_predictive_coding(network, "mse", options)
    return graph_ordered_predictive_coding(network, "mse", options, order=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("widths", [(7, 5, 6, 4, 5, 3), (9, 30, 8), (8,) * 7])
def test_a_chain_as_a_graph_is_the_chain(order, control, widths, ideal):
    form = Form(widths, "tanh", bias=True)
    network = chain(widths, "tanh", bias=True, post=False)
    sent = [Role.REPORT, Role.ANSWER]
    for steps, wavefront, parts in itertools.product((1, 3, 7), (True, False), (1, 3)):
        options = {"batch": 3, "steps": steps, "wavefront": wavefront, "micro_batches": parts}
        one = of_chain(form, order, control=control, **options)
        other = of_graph(network, order, control=control, **options)
        assert one.macs() == other.macs()
        assert one.exchanged_words(sent) == other.exchanged_words(sent)
        assert cycles_of(one, ideal()) == cycles_of(other, ideal())
        squares = [
            sum(op.instances * op.elements for op in each.ops if op.role is Role.ENERGY)
            for each in (one, other)
        ]
        assert squares[0] == squares[1]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(0, 45, 2))
def test_agreeing_costs_no_product_and_never_saves_time(order, seed, ideal):
    network, steps = graph(seed), random.Random(seed).randint(1, 5)
    free = of_graph(network, order, steps=steps)
    times = [cycles_of(free, ideal())]
    for control in (Control(energy=True, lag=steps), Control(energy=True, lag=1), Control(True)):
        program = of_graph(network, order, steps=steps, control=control)
        assert program.macs() == free.macs()
        times.append(cycles_of(program, ideal()))
    # An answer that nobody waits for takes no time; the sooner it is waited for, the more.
    assert times[0] == times[1] <= times[2] <= times[3]


@pytest.mark.parametrize("seed", range(45))
def test_every_node_squares_its_error_once_it_has_one(seed):
    network, steps = graph(seed), 5
    for wavefront in (True, False):
        options = {"steps": steps, "wavefront": wavefront, "control": Control(energy=True)}
        program = of_graph(network, "jacobi", **options)
        squares = [op for op in program.ops if op.role is Role.ENERGY]
        errors = {}
        for op in program.ops:
            if op.kind is Kind.ELEMENTWISE and op.role is Role.ERROR and op.phase == "step":
                errors[op.layer] = max(errors.get(op.layer, 0), op.instances)
        assert {op.layer: op.instances for op in squares if op.instances} == errors
        assert len(squares) == len(network.nodes)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(0, 45, 9))
def test_a_real_chip_takes_as_long_as_the_reference_machine(order, seed):
    for control in (Control(), Control(energy=True, lag=1)):
        program = of_graph(graph(seed), order, steps=3, control=control)
        for kib in (192, 12):
            chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
            placement = place(program, chip)
            reference = Machine(placement, chip, cold=False).run()
            assert simulate(placement, chip).makespan_cycles == reference
