"""Steps of graphs after which all nodes agree: barriers and checks, against closed forms."""

import random

import pytest

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.network import graph_of
from pcsim.placement import TaskKind, place
from pcsim.program import Control, Kind, Options, Role, ordered_predictive_coding, predictive_coding
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import cycles_of
from tests.oracles.reference_machine import Machine

CONTROLS = [Control(), Control(energy=True), Control(energy=True, lag=1), Control(True, 3)]
ORDERS = ["jacobi", "gauss_seidel", "red_black"]


def of_graph(network, order, *, batch=3, steps=4, **more):
    options = Options(batch, steps, "adam", **more)
    if order == "jacobi":
        return predictive_coding(network, "mse", options)
    return ordered_predictive_coding(network, "mse", options, order=order)


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


def test_every_share_of_a_cut_batch_reports_its_energy():
    """Every tile that squares errors sends a word to whoever it reports to, unless that is itself."""
    kernel = ["conv2d", {"filters": 1, "kernel": 3, "padding": 1}]
    nodes = [
        {"name": "z1", "branches": [{"from": "x", "map": [kernel]}]},
        {"name": "y", "branches": [{"from": "z1", "map": ["tanh", kernel]}]},
    ]
    program = of_graph(
        graph_of([1, 12, 12], nodes), "jacobi", batch=6, steps=4, control=Control(energy=True)
    )
    placement = place(program, load_hardware("tile64", overrides=["tiles.sram.size=14 KiB"]))
    assert all(len(group.samples) > 1 for group in placement.groups)
    tasks = placement.tasks
    squared, reported = set(), set()
    for task, name in enumerate(tasks.names):
        kind, at = TaskKind(int(tasks.kind[task])), tasks.units[tasks.unit[task]].node
        if name.startswith("elementwise.energy"):
            squared.add((int(tasks.layer[task]), at))
        if kind is TaskKind.TRANSFER and name.startswith("exchange.report"):
            reported.add((int(tasks.layer[task]), at))
    assert squared - reported == {(1, placement.groups[0].tiles[0])}  # The root's own.
