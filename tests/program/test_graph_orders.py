"""Programs of graphs whose nodes move one after another, against an independent clockwork."""

import itertools
import random

import pytest

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.network import credited
from pcsim.placement import place
from pcsim.program import Options, ordered_predictive_coding
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import cycles_of
from tests.oracles.graph_oracle import Ordered, alternating, downwards
from tests.oracles.reference_machine import Machine

ORDERS = {"gauss_seidel": downwards, "red_black": alternating}
SEEDS = range(45)


def pc(network, order, *, batch=3, steps=4, **more):
    options = Options(batch, steps, "adam", **more)
    return ordered_predictive_coding(network, "mse", options, order=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_graphs_take_what_values_take_that_are_followed_by_hand(order, seed, ideal):
    network, steps = graph(seed), random.Random(seed).randint(0, 5)
    for wavefront, hoist in itertools.product((True, False), repeat=2):
        options = {"wavefront": wavefront, "hoist": hoist}
        clock = Ordered(network, 3, **options).run(ORDERS[order](network), steps)
        program = pc(network, order, steps=steps, **options)
        assert tuple(program.macs().values()) == clock.macs
        assert cycles_of(program, ideal()) == clock.clock.end


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_nodes_that_learn_are_those_that_errors_reach(order, seed):
    network, steps = graph(seed), seed % 4
    program = pc(network, order, steps=steps)
    learning = {program.names[part - 1].split(".")[0] for part in program.credited}
    reached = {network[number].name for number in credited(network, "pc", order, steps)}
    assert learning <= reached


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(0, 45, 5))
def test_a_real_chip_takes_as_long_as_the_reference_machine(order, seed):
    program = pc(graph(seed), order, steps=3)
    for kib in (192, 12):
        chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
        placement = place(program, chip)
        activity = simulate(placement, chip)
        assert activity.macs == sum(program.macs().values())
        assert activity.makespan_cycles == Machine(placement, chip, cold=False).run()
