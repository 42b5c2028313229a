"""What tiles that hold little of a network do with graphs: stashes, visits, messages, weights that live elsewhere."""

import pytest

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError, InputError
from pcsim.machine import simulate
from pcsim.network import graph_of
from pcsim.placement import place
from pcsim.program import (
    Kind,
    Options,
    Role,
    Told,
    Visits,
    backpropagation,
    ordered_predictive_coding,
    pipelined_backpropagation,
    predictive_coding,
)
from pcsim.program.pipeline_orders import ORDERS
from tests.helpers.graphs import recurrent
from tests.helpers.graphs_at_random import conv, dense, graph, node
from tests.oracles.reference_machine import Machine

SEEDS = range(0, 45, 3)


def pipelined(network, schedule, stash):
    return pipelined_backpropagation(
        network, "mse", batch=4, micro_batches=2, optimiser="sgd", schedule=schedule, stash=stash
    )


def pc(network, steps=3, **more):
    return predictive_coding(network, "mse", Options(3, steps, "sgd", **more))


def runs_as_in_the_reference_machine(program, *overrides):
    chip = load_hardware("tile64", overrides=list(overrides))
    placement = place(program, chip)
    activity = simulate(placement, chip)
    assert activity.macs == sum(program.macs().values())
    assert activity.makespan_cycles == Machine(placement, chip, cold=False).run()
    return activity


@pytest.mark.parametrize("schedule", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_made_once_more_is_the_whole_forward_pass(schedule, seed):
    network = graph(seed)
    kept, again = pipelined(network, schedule, "kept"), pipelined(network, schedule, "recomputed")
    difference = {kind: n - kept.macs()[kind] for kind, n in again.macs().items()}
    forward = kept.macs()[Kind.PRODUCT_FORWARD]
    assert difference == {
        Kind.PRODUCT_FORWARD: forward,
        Kind.PRODUCT_BACKWARD: 0,
        Kind.WEIGHT_GRADIENT: 0,
    }
    runs_as_in_the_reference_machine(again)
    runs_as_in_the_reference_machine(again, "tiles.mesh=[1, 2]", "tiles.sram.size=4 MiB")


@pytest.mark.parametrize("schedule", ["gpipe", "1f1b"])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_spilled_goes_to_dram_and_comes_back_once(schedule, seed):
    network = graph(seed)
    kept, spilled = pipelined(network, schedule, "kept"), pipelined(network, schedule, "spilled")
    assert spilled.macs() == kept.macs()
    away, home = (spilled.exchanged_words([role]) for role in (Role.STASH, Role.RESTORED))
    assert away == home > 0
    before, after = (runs_as_in_the_reference_machine(each) for each in (kept, spilled))
    assert after.dram_bytes - before.dram_bytes == 4 * (away + home)


@pytest.mark.parametrize("window", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_visits_in_any_order_multiply_the_same_and_come_to_an_end_on_one_tile(window, seed):
    network = graph(seed)
    free, visited = pc(network), pc(network, visits=Visits(window))
    assert visited.macs() == free.macs()
    assert visited.credited == free.credited
    for mesh in ("[1, 1]", "[1, 2]", "[8, 8]"):
        overrides = f"tiles.mesh={mesh}", "tiles.sram.size=4 MiB"
        runs_as_in_the_reference_machine(visited, *overrides)


@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel", "red_black"])
@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_value_only_what_is_told_travels(order, seed):
    network, steps = graph(seed), 3

    def write(told):
        options = Options(3, steps, "sgd", told=told)
        if order == "jacobi":
            return predictive_coding(network, "mse", options)
        return ordered_predictive_coding(network, "mse", options, order=order)

    nothing = ((0,) * len(network.nodes),) * (steps + 1)
    sent = [Role.STATE, Role.BRANCH, Role.ERROR]
    free, quiet = write(None), write(Told(nothing, nothing))
    assert quiet.macs() == free.macs()
    in_steps = [op for op in quiet.ops if op.phase == "step" and op.role in sent and op.told]
    assert not sum(sum(op.told) for op in in_steps)
    assert quiet.exchanged_words(sent) <= free.exchanged_words(sent)
    chip = load_hardware("tile64")
    assert simulate(place(quiet, chip), chip).macs == sum(free.macs().values())


@pytest.mark.parametrize("weights", ["streamed", "buffered"])
@pytest.mark.parametrize("seed", SEEDS)
def test_weights_of_any_network_stream_through_windows(weights, seed):
    network = graph(seed)
    buffer = "{size: 1 MiB, banks: 4, port: 64 B/cycle, latency: 5 cycles, cell: lstp}"
    overrides = [f"tiles.sram.weights={weights}", "tiles.mesh=[1, 2]", "tiles.sram.size=1 MiB"]
    if weights == "buffered":
        overrides.append(f"buffer={buffer}")
    programs = [
        backpropagation(network, "mse", batch=3, optimiser="adam", at_once=True),
        pc(network, visits=Visits(0)),
        pc(network, visits=Visits(2)),
        ordered_predictive_coding(
            network, "mse", Options(3, 3, "adam", at_once=True), order="gauss_seidel"
        ),
    ]
    for program in programs:
        runs_as_in_the_reference_machine(program, *overrides)


IMAGES = graph_of(
    [1, 8, 8],
    [
        node("a", ("x", [conv(4), "relu", ["max_pool", {"kernel": 2}]])),
        node("y", ("a", ["flatten", dense(6)])),
    ],
)
TOKENS = graph_of(
    [4, 6], [node("a", ("x", [dense(6)])), node("y", ("a", [["attention", {"heads": 2}]]))]
)


def test_convolutions_lie_in_crossbars_but_attention_and_shared_weights_do_not():
    chip = load_hardware("crossbar64")
    program = backpropagation(IMAGES, "mse", batch=2, optimiser="sgd")
    activity = simulate(place(program, chip), chip)
    assert activity.macs == sum(program.macs().values())
    for network, why in ((TOKENS, "attention multiplies"), (recurrent(6, 5, shared=True), "share")):
        with pytest.raises(InputError, match=f"not 'crossbar' that keeps them, where .*{why}"):
            place(backpropagation(network, "mse", batch=2, optimiser="sgd"), chip)


def test_shared_weights_do_not_stream():
    chip = load_hardware("tile64", overrides=["tiles.sram.weights=streamed"])
    program = backpropagation(
        recurrent(6, 5, shared=True), "mse", batch=2, optimiser="sgd", at_once=True
    )
    with pytest.raises((InputError, DoesNotFitError), match="where operators share weights"):
        place(program, chip)
