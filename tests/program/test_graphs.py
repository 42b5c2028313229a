"""Programs of graphs against closed forms, and against an independent clockwork."""

import itertools
import random
from dataclasses import replace

import pytest

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.machine import simulate
from pcsim.network import chain, graph_of
from pcsim.network.operators import OPERATORS
from pcsim.placement import TaskKind, place
from pcsim.placement.tasks import PHASES
from pcsim.program import Kind, Role, Sizes, inference
from pcsim.program.builder import ProgramBuilder
from pcsim.program.operators import WORK
from pcsim.program.ops import Key, Phase, Place
from pcsim.program.text import text_of
from pcsim.program.verify import ProgramError, verify
from pcsim.technology import bill, price_list
from pcsim.theory.operators import (
    attention,
    backpropagation_macs,
    convolution,
    exchanged_words,
    predictive_coding_macs,
)
from tests.helpers.graphs_at_random import conv, dense, graph, node
from tests.helpers.products import weight_stationary
from tests.helpers.programs import cycles_of, run
from tests.helpers.programs import graph_bp as bp
from tests.helpers.programs import graph_pc as pc
from tests.oracles.graph_oracle import backpropagation_makespan, predictive_coding_makespan
from tests.oracles.reference_machine import Machine

SEEDS = range(45)

SMALL = graph_of(
    [1, 12, 12],
    [
        node("a", ("x", [conv(6), "relu", ["max_pool", {"kernel": 2}]])),
        node("b", ("a", [conv(8), "relu", ["max_pool", {"kernel": 2}]])),
        node("y", ("b", ["flatten", dense(10)])),
    ],
)


def products(program, chip):
    """(m, n, k, repeat) of every product task."""
    tasks = place(program, chip).tasks
    rows = zip(tasks.kind, tasks.m, tasks.n, tasks.k, tasks.repeat, strict=True)
    return [tuple(map(int, row[1:])) for row in rows if row[0] == TaskKind.PRODUCT]


def test_every_operator_has_its_work():
    assert set(WORK) == set(OPERATORS)


@pytest.mark.parametrize("chip", ["tile64", "array128"])
@pytest.mark.parametrize("rule", [pc, bp])
def test_a_small_convolutional_network_goes_from_program_to_cycles_and_joules(chip, rule):
    hardware = load_hardware(chip)
    program = rule(SMALL, batch=2)
    activity = run(program, hardware)
    paid = bill(activity, price_list(hardware), clock_hz=hardware.clock_hz)
    assert activity.macs == sum(program.macs().values())
    assert activity.makespan_cycles > 0
    assert paid.energy_j > paid.static_energy_j > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_macs_of_random_graphs_are_those_of_theory(seed):
    network = graph(seed)
    assert tuple(bp(network).macs().values()) == backpropagation_macs(network, 3)
    forward = inference(network, batch=3).macs()
    assert forward[Kind.PRODUCT_FORWARD] == backpropagation_macs(network, 3)[0]
    steps = random.Random(seed).randint(0, 6)
    for wavefront in (True, False):
        found = pc(network, steps=steps, wavefront=wavefront).macs()
        expected = predictive_coding_macs(network, 3, steps=steps, wavefront=wavefront)
        assert tuple(found.values()) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_makespans_without_limits_are_those_of_values_that_are_followed_by_hand(seed, ideal):
    chip, network = ideal(), graph(seed)
    assert cycles_of(bp(network), chip) == backpropagation_makespan(network, 3)
    steps = random.Random(seed).randint(0, 6)
    for wavefront, hoist in itertools.product((True, False), repeat=2):
        options = {"steps": steps, "wavefront": wavefront, "hoist": hoist}
        expected = predictive_coding_makespan(network, 3, **options)
        assert cycles_of(pc(network, **options), chip) == expected


SHAPES = [
    (1, 7, 7, {"filters": 1, "kernel": 1}),
    (3, 9, 5, {"filters": 4, "kernel": 3, "stride": 2, "padding": 1}),
    (4, 8, 8, {"filters": 8, "kernel": 2, "stride": 3, "groups": 4}),
    (6, 5, 7, {"filters": 6, "kernel": 3, "padding": 1, "groups": 6}),
    (2, 6, 6, {"filters": 3, "kernel": 1, "stride": 4}),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_convolution_of_one_sample_takes_the_cycles_of_its_windows_times_its_filters(
    shape, ideal
):
    *given, options = shape
    counts = convolution(*given, **options)
    network = graph_of(given, [node("y", ("x", [["conv2d", options]]))])
    program = inference(network, batch=1)
    groups, window = options.get("groups", 1), given[0] * options["kernel"] ** 2
    rows = counts.words_out // options["filters"]
    one = weight_stationary(
        rows, options["filters"] // groups, window // groups, rows=16, cols=16
    ).cycles
    assert sum(program.macs().values()) == counts.forward
    assert program.parts[0].weights == counts.weights
    assert cycles_of(program, ideal()) == groups * one
    flat = inference(chain((window // groups, options["filters"] // groups), "tanh"), batch=rows)
    assert cycles_of(program, ideal()) == groups * cycles_of(flat, ideal())


@pytest.mark.parametrize("tokens, heads, width", [(1, 1, 1), (1, 2, 6), (5, 1, 4), (4, 4, 8)])
def test_attention_multiplies_by_weights_and_states_by_states(tokens, heads, width, ideal):
    network = graph_of(
        [tokens, width],
        [
            node("a", ("x", [dense(width)])),
            node("y", ("a", [["attention", {"heads": heads}]])),
        ],
    )
    counts, first = attention(tokens, width), tokens * width**2
    program = bp(network, batch=2)
    assert tuple(program.macs().values()) == (
        2 * (counts.forward + first),
        2 * counts.pull,
        2 * (counts.gradient + first),
    )
    found = products(program, ideal())
    scores, values = (tokens, tokens, width // heads), (tokens, width // heads, tokens)
    assert found.count((*scores, 2 * heads)) >= 2
    assert found.count((*values, 2 * heads)) >= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_cut_over_many_tiles_a_graph_multiplies_the_same_and_takes_between_bounds(seed):
    network, whole = graph(seed), load_hardware("tile64")
    sizes = [24, 16, 12, 8, 6, 4]
    for program in (pc(network), bp(network)):
        expected = sum(program.macs().values())
        for kib in sizes:
            chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
            try:
                placement = place(program, chip)
            except DoesNotFitError:
                break
            activity = simulate(placement, chip)
            assert activity.macs == expected
            assert max(placement.peak_bytes.values()) <= kib * 1024
            busiest = max(unit.busy_cycles for unit in activity.units)
            assert busiest <= activity.makespan_cycles
        assert run(program, whole).macs == expected


@pytest.mark.parametrize("seed", range(0, 45, 3))
def test_every_tile_gets_its_slice_of_what_it_multiplies(seed):
    network = graph(seed)
    program = inference(network, batch=2)
    chip = load_hardware("tile64", overrides=["tiles.sram.size=8 KiB"])
    try:
        placement = place(program, chip)
    except DoesNotFitError:
        pytest.skip("too large to be cut")
    groups = {group.layer: group for group in placement.groups}
    tasks, arrived = placement.tasks, {}
    for task, kind in enumerate(tasks.kind.tolist()):
        name = tasks.names[task]
        if (
            kind == TaskKind.TRANSFER
            and name.startswith(("exchange.state", "exchange.input"))
            and "setup" not in name
        ):
            for tile in tasks.routes[tasks.route[task]].targets:
                op = next(op for op in program.ops if str(op.key) == name)
                part = op.target or op.layer
                arrived[part, tile] = arrived.get((part, tile), 0) + int(tasks.size_bytes[task])
    for (part, tile), size in arrived.items():
        group, sizes = groups[part], program.sizes(part)
        mine = [
            len(group.inputs[i]) * len(samples)
            for s, samples in enumerate(group.batches(2))
            for i, _, at in group.members(s)
            if at == tile
        ]
        assert size <= 4 * sum(mine) * sizes.rows_in


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rule", [pc, bp])
def test_wider_links_are_never_slower(seed, rule):
    program = rule(graph(seed))
    times = [
        cycles_of(program, load_hardware("tile64", overrides=[f"noc.link={width} B/cycle"]))
        for width in (2, 8, 32, 128)
    ]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.parametrize("rule", [pc, bp])
def test_a_graph_takes_as_long_as_in_the_reference_machine(seed, rule):
    program = rule(graph(seed), steps=2) if rule is pc else rule(graph(seed))
    for kib in (192, 12):
        chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB"])
        try:
            placement = place(program, chip)
        except DoesNotFitError:
            continue
        for cold in (False, True):
            reference = Machine(placement, chip, cold=cold).run()
            assert simulate(placement, chip, cold=cold).makespan_cycles == reference


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_a_graph_does_has_a_price(seed):
    chip = load_hardware("tile64")
    activity = run(pc(graph(seed), steps=2), chip)
    counted = {(count.component, count.action) for count in activity.counts}
    assert counted <= set(price_list(chip).prices)


@pytest.mark.parametrize("seed", range(0, 45, 2))
def test_micro_batches_of_a_graph_multiply_the_same(seed, tile64):
    network = graph(seed)
    whole, cut = pc(network, batch=4), pc(network, batch=4, micro_batches=2)
    assert whole.macs() == cut.macs()
    assert run(cut, tile64()).macs == sum(whole.macs().values())


@pytest.mark.parametrize("micro_batches", [2, 4])
def test_micro_batches_of_parts_whose_batch_is_cut_come_to_an_end(micro_batches):
    """What is added up once an update waits for all micro-batches, on units that take one after the other."""
    chip = load_hardware("tile64", overrides=["tiles.sram.size=24 KiB"])
    program = pc(SMALL, batch=16, micro_batches=micro_batches)
    placed = place(program, chip)
    assert any(len(group.samples) > 1 for group in placed.groups)
    assert simulate(placed, chip).macs == sum(program.macs().values())


@pytest.mark.parametrize("shares", [2, 3])
def test_a_part_whose_batch_is_cut_adds_up_gradients_and_sends_new_weights(shares):
    network = graph_of([1, 12, 12], [node("y", ("x", [conv(1)]))])
    program = bp(network, batch=6)
    counts, kib = convolution(1, 12, 12, filters=1, kernel=3, padding=1), {2: 16, 3: 10}[shares]
    chip = load_hardware("tile64", overrides=[f"tiles.sram.size={kib} KiB", "tiles.vector.lanes=1"])
    placement = place(program, chip)
    (group,) = placement.groups
    assert group.shares == len(placement.occupancy_bytes) == shares
    tasks = placement.tasks
    sent = [
        (
            tasks.names[task].split("@")[0],
            int(tasks.size_bytes[task]),
            len(tasks.routes[route].targets),
        )
        for task, route in enumerate(tasks.route.tolist())
        if tasks.kind[task] == TaskKind.TRANSFER and PHASES[tasks.phase[task]] is Phase.FINISH
    ]
    weights = [each for each in sent if each[0] in ("reduce.gradient[1]", "exchange.copied[1]")]
    copies = group.shares - 1
    assert sum(size * targets for _, size, targets in weights) == 2 * 4 * counts.weights * copies
    assert simulate(placement, chip).macs == sum(program.macs().values())


def test_a_second_operation_of_the_same_key_is_refused():
    program = ProgramBuilder((Sizes(3, 2),), 1, optimiser=None)
    program.add(Kind.PRODUCT_FORWARD, 1, Place(Phase.START, "forward"))
    with pytest.raises(ValueError, match=r"only one operation product_forward\[1\]@start"):
        program.add(Kind.PRODUCT_FORWARD, 1, Place(Phase.START, "forward"))


def test_a_program_that_is_not_whole_is_refused():
    program = bp(SMALL)
    first, *others = program.ops
    missing = replace(program, ops=tuple(others))
    with pytest.raises(ProgramError, match="which is no operation"):
        verify(missing)
    with pytest.raises(ProgramError, match="its target 99 is no part"):
        verify(replace(program, ops=(replace(first, target=99), *others)))
    empty = replace(first, elements=0)
    with pytest.raises(ProgramError, match="elements must be at least 1, not 0"):
        verify(replace(program, ops=(empty, *others)))


def test_the_text_of_a_program_has_a_line_for_each_operation():
    program = pc(SMALL)
    lines = text_of(program).splitlines()
    assert len(lines) == 1 + program.depth + len(program.ops)
    assert str(Key(Kind.PRODUCT_FORWARD, None, 1, Phase.START)).split("@")[0] in "\n".join(lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_words_between_parts_are_those_of_theory_and_as_many_come_back(seed):
    network = graph(seed)
    up = [Role.STATE, Role.BRANCH, Role.SKIPPED_STATE]
    down = [Role.FEEDBACK, Role.SPREAD, Role.SKIPPED_ERROR]
    expected = exchanged_words(network, 3)
    assert inference(network, batch=3).exchanged_words(up) == expected
    assert bp(network).exchanged_words(up) == bp(network).exchanged_words(down) == expected
