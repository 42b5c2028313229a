"""Every shape of the network: mean hops in closed form, trees, lengths of wires, and what a chip makes of them."""

import itertools
import math
from collections import Counter
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import BETWEEN_ROUTERS, TOPOLOGIES, Link, place
from pcsim.placement.snake import snake
from pcsim.technology import price_list
from tests.helpers import programs, transfers
from tests.helpers.programs import bp, counted, run

pc = partial(programs.pc, wavefront=False)

NAMES = sorted(TOPOLOGIES)


def network(name, rows, columns, channels=1):
    return TOPOLOGIES[name](rows, columns, channels)


def mean_hops(shape):
    """Over all ordered pairs of tiles, a tile and itself included."""
    ends = itertools.product(range(shape.tiles), repeat=2)
    return Fraction(sum(shape.route(a, [b]).depth for a, b in ends), shape.tiles**2)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_mean_hops_of_a_mesh(k):
    assert mean_hops(network("mesh", k, k)) == Fraction(2 * (k * k - 1), 3 * k)


@pytest.mark.parametrize("k", [2, 4, 6, 8])
def test_mean_hops_of_a_torus(k):
    assert mean_hops(network("torus", k, k)) == Fraction(k, 2)
    odd = k + 1  # (k^2 - 1) / (4 k) along each side
    assert mean_hops(network("torus", odd, odd)) == Fraction(odd * odd - 1, 2 * odd)


@pytest.mark.parametrize("rows,columns", [(1, 2), (2, 2), (3, 4), (5, 6), (8, 8)])
def test_mean_hops_of_a_ring_and_of_a_chain_of_neighbours(rows, columns):
    tiles = rows * columns
    assert mean_hops(network("ring", rows, columns)) == Fraction(tiles, 4)
    assert mean_hops(network("neighbour", rows, columns)) == Fraction(tiles**2 - 1, 3 * tiles)


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_hops_of_an_h_tree(levels):
    # Over its root a transfer takes 2 log_4 N hops, as do all but the share 1/4 of pairs in one quarter.
    # Of those with their lowest common switch at level m, 3 x 4^(m - 1) of N partners, it takes 2 m.
    side, tiles = 2**levels, 4**levels
    shape = network("h-tree", side, side)
    assert shape.route(0, [tiles - 1]).depth == 2 * math.log(tiles, 4)
    assert mean_hops(shape) == 2 * levels - Fraction(2, 3) * (1 - Fraction(1, tiles))
    # As far from corner to corner as along rows and columns.
    assert shape.route(0, [tiles - 1]).wire == 2 * (side - 1)
    assert shape.routers == sum(4**level for level in range(levels + 1))


def test_every_transfer_on_a_bus_is_one_hop_over_one_shared_medium():
    shape = network("bus", 3, 5, 2)
    first, second = shape.route(0, [7]), shape.route(4, [1, 2, shape.dram_node(1)])
    medium = [link for link in first.links if link.kind == "bus"]
    assert medium == [link for link in second.links if link.kind == "bus"]
    assert len(medium) == 1
    assert (second.edges, second.depth, second.routers, second.copies) == (1, 1, 1, 3)
    assert first.wire == 14  # the least that reaches 15 tiles
    assert shape.span == 4 + 2 + 4  # along a row, down the spine, along another row


def test_a_torus_takes_the_shorter_way_round_and_of_equal_ones_that_without_the_wrap_around():
    shape = network("torus", 4, 4)
    assert list(shape.path(0, 3)) == [0, 3]
    assert list(shape.path(0, 2)) == [0, 1, 2]
    assert list(shape.path(2, 0)) == [2, 1, 0]
    assert list(shape.path(0, 15)) == [0, 3, 15]
    assert shape.route(0, [15]).wire == 3 + 3
    assert list(network("torus", 2, 2).path(3, 0)) == [3, 2, 0]


def test_a_ring_runs_along_the_snake_and_closes_by_one_long_wire():
    shape = network("ring", 3, 4)
    order = snake(3, 4)
    assert order[-1] == 11
    assert list(shape.path(0, 11)) == [0, 11]
    assert shape.route(0, [11]).wire == 2 + 3
    lengths = [shape.length(a, b) for a, b in itertools.pairwise(order)]
    assert lengths == [1] * 11
    assert list(shape.path(order[0], order[6])) == list(
        order[:7]
    )  # half-way: without the long wire


sides = st.integers(1, 6)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), rows=sides, columns=sides, data=st.data())
def test_a_route_is_a_tree_that_reaches_its_targets_and_no_other_node(name, rows, columns, data):
    channels = data.draw(st.integers(1, 3))
    shape = network(name, rows, columns, channels)
    nodes = st.integers(0, shape.tiles + channels - 1)
    source, targets = data.draw(nodes), data.draw(st.sets(nodes, min_size=1, max_size=8))
    route = shape.route(source, targets)
    assert len(set(route.links)) == len(route.links)
    assert {link.target for link in route.links if link.kind == "eject"} == targets
    # Every router but the first is entered once, and left only after it has been entered.
    behind = {route.links[0].target: (0, 0)}
    for link, hops, wire in zip(route.links, route.hops, route.wires, strict=True):
        if link.kind == "hop":
            assert behind[link.source] == (hops, wire)
            assert link.target not in behind
            behind[link.target] = hops + 1, wire + shape.length(link.source, link.target)
        elif link.kind == "eject" and name != "bus":
            assert behind[link.source] == (hops, wire)
    assert route.edges == sum(link.kind in BETWEEN_ROUTERS for link in route.links)
    # What is on its own way a path is, alone, that same path.
    for target in targets:
        alone = shape.route(source, [target])
        assert set(alone.links) <= set(route.links)
        assert alone.depth <= route.depth
    assert route.depth == max(shape.route(source, [target]).depth for target in targets)


def test_mirror_images_of_a_mesh_have_mirrored_routes():
    shape = network("mesh", 4, 5)

    def mirrored(tile):
        row, column = divmod(tile, 5)
        return row * 5 + 4 - column

    for source, target in itertools.product(range(20), repeat=2):
        path = [mirrored(router) for router in shape.path(source, target)]
        assert path == list(shape.path(mirrored(source), mirrored(target)))


def at_once(asks, shape):
    """(start, arrival) of each ask (source, targets, flits), all made at cycle 0, served in this order."""
    return transfers.run([(0, rank, *ask) for rank, ask in enumerate(asks)], shape)


def test_transfers_take_turns_on_a_bus_where_a_mesh_lets_them_pass():
    # A head on the bus of 2 x 2 tiles takes one router, 3 cycles, and 1 + 1 + 1 of wire.
    asks = [(0, [1], 5), (2, [3], 5)]
    assert at_once(asks, network("bus", 2, 2)) == [(0, 6 + 4), (5, 5 + 6 + 4)]
    assert at_once(asks, network("mesh", 2, 2)) == [(0, 4 + 4), (0, 4 + 4)]


def test_a_long_wire_takes_longer_than_a_short_one():
    # 1 x 6 tiles. Torus, 0 to 5: one hop over 5 lengths, 3 + 5 cycles. Mesh: five hops of 3 + 1 each.
    assert at_once([(0, [5], 3)], network("torus", 1, 6)) == [(0, 8 + 2)]
    assert at_once([(0, [5], 3)], network("mesh", 1, 6)) == [(0, 20 + 2)]
    # H-tree of 1 x 4, 0 to 3: up over 1 and 2, down over 2 and 1: 4 hops, 6 lengths.
    assert at_once([(0, [3], 3)], network("h-tree", 1, 4)) == [(0, 4 * 3 + 6 + 2)]


def test_a_multicast_of_an_h_tree_splits_where_its_targets_part():
    # 2 x 4 tiles: 0, 1, 4, 5 below switch 9, 2, 3, 6, 7 below switch 10, both below 11; node 8 is DRAM.
    tree = network("h-tree", 2, 4).route(0, [1, 5, 7])
    hops = [(link.source, link.target) for link in tree.links if link.kind == "hop"]
    assert hops == [(0, 9), (9, 1), (9, 5), (9, 11), (11, 10), (10, 7)]
    assert (tree.edges, tree.wire, tree.depth) == (6, 1 + 1 + 1 + 2 + 2 + 1, 4)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_over_links_and_millimetres_are_those_of_every_route(name):
    chip = load_hardware("tile64", overrides=(f"noc.topology={name}", "tiles.sram.size=96 KiB"))
    placement = place(pc((100, 96, 96, 96, 10), 16, 3), chip)
    activity = simulate(placement, chip)
    tasks, instances = placement.tasks, placement.tasks.instances().tolist()
    links, wire, routers = Counter(), 0, 0
    for task, often in enumerate(instances):
        if tasks.route[task] >= 0 and tasks.phase[task]:
            route, moved = tasks.routes[tasks.route[task]], often * int(tasks.size_bytes[task])
            wire += moved * route.wire
            routers += moved * route.routers
            for link in route.links:
                if link.kind in BETWEEN_ROUTERS:
                    links[link.source, link.target] += moved
    assert activity.link_bytes == {ends: moved for ends, moved in links.items() if moved}
    assert counted(activity, "noc", "link_byte") == wire
    assert counted(activity, "noc", "router_byte") == routers


def test_only_time_and_what_the_way_costs_depends_on_the_topology():
    def others(activity):
        way = ("link_byte", "router_byte")
        return {key: many for key, many in activity.counts.items() if key.action not in way}

    program = pc((100, 96, 96, 96, 10), 16, 3)
    runs = []
    for name in NAMES:
        chip = load_hardware("tile64", overrides=(f"noc.topology={name}",))
        runs.append(run(program, chip))
    for activity in runs[1:]:
        assert others(activity) == others(runs[0])
        assert activity.noc_bytes == runs[0].noc_bytes


@pytest.mark.parametrize("rule", [pc, bp])
def test_chains_along_the_snake_need_only_links_between_neighbours(rule):
    # One tile a layer: all traffic between layers is between neighbours, so a mesh, a torus and a chain are one.
    # A batch arrives ahead of time, from beside the first tile.
    arguments = ((32,) * 12, 8, 4) if rule is pc else ((32,) * 12, 8)
    runs = []
    for name in ("mesh", "torus", "ring", "neighbour"):
        settings = (f"noc.topology={name}", "dram.bandwidth=unlimited", "dram.latency=0 s")
        chip = load_hardware("tile64", overrides=settings)
        placement = place(rule(*arguments), chip)
        between = [
            route
            for route in placement.tasks.routes
            if max(route.source, *route.targets) < placement.mesh.tiles
        ]
        assert {route.depth for route in between} == {1}
        runs.append(simulate(placement, chip))
    assert len({activity.makespan_cycles for activity in runs}) == 1


def test_over_a_bus_predictive_coding_moves_1_plus_2t_halves_of_the_bytes_of_backpropagation():
    # One byte a cycle over one medium: no update is shorter than its bytes.
    settings = ("noc.topology=bus", "noc.link=1 B/cycle", "tiles.sram.weights=resident")
    chip = load_hardware("ideal", overrides=settings)
    widths, batch, steps = (32, 32, 32, 32, 32, 32), 4, 5
    found = {}
    for name, program in (("pc", pc(widths, batch, steps)), ("bp", bp(widths, batch))):
        activity = run(program, chip)
        found[name] = activity.noc_bytes
        medium = sum(activity.link_bytes.values())
        assert activity.makespan_cycles >= medium
    assert 2 * found["pc"] == (1 + 2 * steps) * found["bp"]


def test_a_tree_of_switches_leaks_more_routers_than_a_mesh_and_a_bus_one_arbiter():
    def routers(name):
        chip = load_hardware("tile64", overrides=(f"noc.topology={name}",))
        return {leak.block: leak.count for leak in price_list(chip).leaks}["noc"]

    assert {name: routers(name) for name in NAMES} == {
        "mesh": 64, "torus": 64, "ring": 64, "neighbour": 64, "bus": 1, "h-tree": 64 + 16 + 4 + 1
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows,columns", [(1, 1), (1, 2), (2, 2), (1, 5), (3, 4), (4, 4), (5, 6)])
def test_the_links_between_routers_are_those_that_some_route_crosses(name, rows, columns):
    shape = network(name, rows, columns)
    ends = itertools.product(range(shape.tiles), repeat=2)
    crossed = {link for a, b in ends for link in shape.route(a, [b]).links}
    assert shape.links == sum(link.kind in BETWEEN_ROUTERS for link in crossed)


def test_dram_hangs_on_the_first_column_of_every_topology():
    for name in NAMES:
        shape = network(name, 8, 8, 2)
        assert [shape.router(shape.dram_node(channel)) for channel in range(2)] == [16, 48]
        if name != "bus":
            assert Link("inject", 64, 16) in shape.route(64, [3]).links
