"""Programs of networks whose operators share weights: what is learnt once, and what moves for that."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.machine import simulate
from pcsim.network import graph_of
from pcsim.placement import place
from pcsim.program import Kind, Role, backpropagation, inference
from tests.helpers import programs
from tests.helpers.graphs import recurrent, with_weights
from tests.helpers.graphs_at_random import conv, dense, node
from tests.helpers.programs import run
from tests.oracles.reference_machine import Machine

pc, bp = partial(programs.graph_pc, batch=4, steps=6), partial(programs.graph_bp, batch=4)


def images(*, shared):
    """A depthwise and a full convolution, each used twice."""
    nodes, last = [node("z0", ("x", [conv(6)]))], "z0"
    for at in (1, 2):
        maps = [conv(6, groups=6), "relu", conv(6, 1, 1, 0)]
        if shared and at == 2:
            maps = [with_weights(maps[0], "z1.0.0"), "relu", with_weights(maps[2], "z1.0.2")]
        nodes.append(node(f"z{at}", (last, maps), (last, [])))
        last = f"z{at}"
    return graph_of([2, 6, 6], [*nodes, node("y", (last, ["flatten", dense(4)]))])


def sequences(*, shared):
    """A block of norm, attention and positions that is used three times."""
    nodes, last = [node("t", ("x", [["patches", {"size": 2}], dense(8)]))], "t"
    for at in (1, 2, 3):
        maps = [["layer_norm", {}], ["attention", {"heads": 2}], ["position", {}]]
        if shared and at > 1:
            maps = [with_weights(each, f"b1.0.{place}") for place, each in enumerate(maps)]
        nodes.append(node(f"b{at}", (last, maps), (last, [])))
        last = f"b{at}"
    return graph_of([1, 4, 4], [*nodes, node("y", (last, ["mean_tokens", dense(3)]))])


NETWORKS = {
    "recurrent": lambda shared: recurrent(6, 5, shared=shared),
    "images": lambda shared: images(shared=shared),
    "sequences": lambda shared: sequences(shared=shared),
}


def updated(program):
    return sum(op.elements for op in program.ops if op.kind is Kind.UPDATE)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", [pc, bp])
def test_what_is_shared_is_updated_once_and_multiplied_as_often(name, rule, ideal):
    one, apart = NETWORKS[name](True), NETWORKS[name](False)
    shared, other = rule(one), rule(apart)
    assert updated(shared) == one.parameter_count < apart.parameter_count == updated(other)
    assert shared.macs() == other.macs()
    chip = ideal()
    times = [run(each, chip).makespan_cycles for each in (shared, other)]
    assert times[0] == times[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_all_others_come_home_and_new_values_go_back(name):
    one, apart = NETWORKS[name](True), NETWORKS[name](False)
    elsewhere = apart.parameter_count - one.parameter_count
    program = bp(one)
    gradients, weights = [Role.GRADIENT, Role.UNIT_GRADIENT], [Role.COPIED, Role.BIAS, Role.GAIN]
    assert program.exchanged_words(gradients) == elsewhere
    # Every owner also tells the other shares of its batch.
    assert program.exchanged_words(weights) == elsewhere + one.parameter_count
    additions = sum(
        op.elements
        for op in program.ops
        if op.kind is Kind.ELEMENTWISE and op.role in (Role.GRADIENT, Role.UNIT_GRADIENT)
    )
    assert additions == elsewhere


def test_only_what_has_learnt_sends_a_gradient_and_all_get_what_is_new():
    network = recurrent(6, 5, shared=True)
    for steps in range(6):
        # Errors climb one node a step; z1 has weights of its own, z2 owns those that z3 to z5 use, too.
        learning = [at for at in range(2, 6) if at >= 6 - steps]
        program = pc(network, steps=steps)
        sent = [at for at in learning if at > 2]
        assert program.exchanged_words([Role.GRADIENT]) == len(sent) * (36 + 30)
        copied = [op for op in program.ops if op.role is Role.COPIED and op.target]
        assert sum(op.elements for op in copied) == (3 * (36 + 30) if learning else 0)


@pytest.mark.parametrize("optimiser, moments", [("sgd", 0), ("momentum", 1), ("adam", 2)])
@pytest.mark.parametrize("name", NETWORKS)
def test_moments_are_kept_once(name, optimiser, moments, ideal):
    chip, network = ideal(), NETWORKS[name](True)
    for master in (False, True):
        program = backpropagation(network, "mse", batch=4, optimiser=optimiser, master=master)
        kept = place(program, chip).occupancy_bytes.values()
        # Positions are learnt as words of a channel each, so that nothing is rounded up here.
        assert (
            sum(each.get("optimiser", 0) for each in kept) == 4 * moments * network.parameter_count
        )
        expected = 4 * network.parameter_count if master else 0
        assert sum(each.get("master", 0) for each in kept) == expected


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", [pc, bp])
def test_cut_over_many_tiles_shared_weights_reach_every_tile_that_holds_them(name, rule):
    network = NETWORKS[name](True)
    program = rule(network)
    for kib in (64, 12, 8, 6, 4, 3):
        chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
        try:
            placement = place(program, chip)
        except DoesNotFitError:
            break
        activity = simulate(placement, chip)
        assert activity.macs == sum(program.macs().values())
        assert activity.makespan_cycles == Machine(placement, chip, cold=False).run()
        groups = {group.layer: group for group in placement.groups}
        tasks, arrived = placement.tasks, {}
        for task, route in enumerate(tasks.route.tolist()):
            name_of = tasks.names[task]
            if route >= 0 and name_of.startswith("exchange.copied"):
                for tile in tasks.routes[route].targets:
                    key = name_of, tile
                    arrived[key] = arrived.get(key, 0) + int(tasks.size_bytes[task])
        for op in program.ops:
            if op.role is Role.COPIED and op.target:
                theirs, mine = groups[op.target], groups[op.layer]
                sizes = program.sizes(op.target)
                for s in range(theirs.shares):
                    for i, j, tile in theirs.members(s):
                        if tile not in mine.tiles:
                            held = sizes.cut(len(theirs.inputs[i]), len(theirs.outputs[j]))
                            assert arrived[str(op.key), tile] == 4 * held.weights


def test_inference_does_not_care_who_shares(ideal):
    chip = ideal()
    for build in NETWORKS.values():
        one, other = (inference(build(shared), batch=2) for shared in (True, False))
        assert one.macs() == other.macs()
        # All but which parameters these are.
        one_ops, other_ops = ([replace(op, learnt=()) for op in each.ops] for each in (one, other))
        assert one_ops == other_ops
        first, second = (run(each, chip) for each in (one, other))
        assert first.makespan_cycles == second.makespan_cycles


def test_a_chain_of_one_layer_used_again_and_again(ideal):
    """All of one chip's updates are one layer's, whatever the depth."""
    counts = []
    for depth in (3, 5):
        nodes = [node("z1", ("x", [dense(4, False)]))]
        for below, at in pairwise(range(1, depth + 1)):
            given = with_weights(dense(4, False), "z1.0.0")
            nodes.append(node(f"z{at}", (f"z{below}", [given])))
        counts.append(updated(bp(graph_of([4], nodes))))
    assert counts == [16, 16]
