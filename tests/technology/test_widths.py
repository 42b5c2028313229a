"""Every byte has the width of what it is part of: closed forms of chips with mixed number formats."""

import itertools
from functools import partial

import pytest

from pcsim.config import Value, candidates, load_workload
from pcsim.errors import DoesNotFitError
from pcsim.formats import parse_format
from pcsim.machine import simulate
from pcsim.machine.units import Product
from pcsim.machine.units.lanes import elementwise
from pcsim.machine.units.systolic import product
from pcsim.placement import TaskKind, place
from pcsim.program import PRODUCTS, Kind, Words, program_of
from pcsim.program.kernels import OPTIMISERS, update_kernel
from tests.helpers import programs
from tests.helpers.programs import run

pc = partial(programs.pc, phi="relu", wavefront=False, master=True)
bp = partial(programs.bp, phi="relu", master=True)

WIDTHS = {"weight": 2, "state": 1, "error": 8, "accumulate": 4, "optimiser": 2, "master": 8}
MIXED = (
    "tiles.formats={weight: bf16, state: fp8_e5m2, error: fp64, accumulate: fp32, "
    "optimiser: fp16, master: fp64}"
)
"""Six formats of which no sum of bytes hides another."""


@pytest.mark.parametrize(
    "name,values,size_bytes",
    [
        ("fp32", 10, 40),
        ("int8", 10, 10 + 4),  # one fp32 scale
        ("int8_pow2", 10, 10 + 1),  # one exponent
        ("int4", 3, 2 + 4),  # 12 bits and 32
        ("q4.5", 10, 12),  # 90 bits
        ("bfp8/16", 33, 33 + 3),  # three blocks
        ("bfp5/4", 5, 6),  # 25 bits and two exponents of 8
        ("int8", 0, 0),
    ],
)
def test_a_packed_tensor_takes_whole_bytes_with_its_scale_and_exponents(name, values, size_bytes):
    assert parse_format(name).storage_bytes(values) == size_bytes


def test_a_hand_computed_tile_keeps_each_buffer_in_its_own_width(ideal):
    # One layer 6 -> 5 in the middle of a network, batch 3, Adam. Predictions and outgoing feedback are
    # summed up where they lie, so they take the width of sums.
    placement = place(pc((7, 6, 5, 4), batch=3), ideal(MIXED))
    tile = placement.groups[1].tiles[0]
    assert placement.occupancy_bytes[tile] == {
        "weight": 2 * 30,
        "gradient": 4 * 30,
        "optimiser": 2 * 2 * 30,
        "master": 8 * 30,
        "state": 1 * (18 + 15 + 15) + 4 * 15,
        "error": 8 * (15 + 15) + 4 * 18,
    }


def test_traffic_between_tiles_and_dram_is_the_closed_form_by_kind(ideal):
    widths, batch, steps, hidden = (9, 8, 7, 6), 5, 4, 8 + 7
    state, error = (WIDTHS[kind] for kind in ("state", "error"))
    back = run(bp(widths, batch=batch), ideal(MIXED))
    assert back.noc_bytes == batch * hidden * (state + error)
    relaxed = run(pc(widths, batch=batch, steps=steps), ideal(MIXED))
    assert relaxed.noc_bytes == batch * hidden * (state * (1 + steps) + error * steps)
    assert relaxed.dram_bytes == back.dram_bytes == state * batch * (9 + 6)
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    cold = run(bp(widths, batch=batch), ideal(MIXED), cold=True)
    both_batches = 2 * state * batch * (9 + 6)
    assert cold.dram_bytes == both_batches + weights * (WIDTHS["weight"] + WIDTHS["master"])


@pytest.mark.parametrize("narrow,kept", [("fp16", 2), ("fp8_e4m3", 1), ("q4.12", 2)])
def test_narrower_states_make_exactly_the_traffic_of_states_smaller(ideal, narrow, kept):
    widths, batch, steps, hidden = (9, 8, 7, 6), 5, 4, 8 + 7
    program = pc(widths, batch=batch, steps=steps, master=False)
    wide, thin = run(program, ideal()), run(program, ideal(f"tiles.formats.state={narrow}"))
    assert wide.noc_bytes - thin.noc_bytes == (4 - kept) * batch * hidden * (1 + steps)
    assert kept * wide.dram_bytes == thin.dram_bytes * 4
    assert wide.macs == thin.macs


@pytest.mark.parametrize("rule", [pc, bp])
def test_words_between_tiles_of_split_layers_have_their_own_widths(tile64, rule):
    # n_in r_n states and n_out (r_k - 1) partial sums up, n_out (r_k - 1) errors and n_in (r_n - 1) partial
    # sums down, n_in of feedback to the layer below; layer 1's operand comes from DRAM.
    widths, batch, steps = (784, 128, 128, 128, 10), 64, 5
    program = pc(widths, batch=batch, steps=steps) if rule is pc else bp(widths, batch=batch)
    placement = place(program, tile64(MIXED, "tiles.sram.size=128 KiB"))
    tasks = placement.tasks
    moved = 0
    for task in range(len(tasks)):
        if tasks.kind[task] == TaskKind.TRANSFER:
            route = tasks.routes[tasks.route[task]]
            if max(route.source, *route.targets) < placement.mesh.tiles:
                moved += int(len(route.targets) * tasks.size_bytes[task] * tasks.instances()[task])
    state, error, partial = (WIDTHS[kind] for kind in ("state", "error", "accumulate"))
    expected, split_both_ways = 0, False
    for group in placement.groups:
        layer, r_k, r_n = group.layer, len(group.inputs), len(group.outputs)
        split_both_ways |= r_k > 1 and r_n > 1
        n_in, n_out = widths[layer - 1], widths[layer]
        forwards = 1 + (steps if rule is pc and layer > 1 else 0)
        backwards = (steps if rule is pc else 1) if layer > 1 else 0
        shares = (1 + steps if rule is pc else 1) if layer > 1 else 1
        expected += forwards * (partial * n_out * (r_k - 1) + state * n_in * r_n * (layer > 1))
        expected += backwards * (partial * n_in * (r_n - 1) + error * n_in)
        expected += shares * error * n_out * (r_k - 1)
    assert moved == batch * expected
    assert split_both_ways


@pytest.mark.parametrize(
    "kind,streamed,stationary,result",
    [
        (Kind.PRODUCT_FORWARD, "state", "weight", "state"),
        (Kind.PRODUCT_BACKWARD, "error", "weight", "error"),
        (Kind.WEIGHT_GRADIENT, "error", "state", "accumulate"),
    ],
)
@pytest.mark.parametrize("m,n,k", [(5, 9, 11), (64, 33, 40), (1, 1, 1)])
def test_a_product_reads_and_writes_each_matrix_in_its_width(
    ideal, kind, streamed, stationary, result, m, n, k
):
    # A walk over the folds of a 16 x 16 array.
    read = written = 0
    for top in range(0, k, 16):
        for left in range(0, n, 16):
            height, width = min(16, k - top), min(16, n - left)
            last = top + 16 >= k
            read += WIDTHS[stationary] * height * width + WIDTHS[streamed] * m * height
            read += WIDTHS["accumulate"] * m * width if top else 0
            written += WIDTHS[result if last else "accumulate"] * m * width
    chip = ideal(MIXED)
    work = product(Product(m, n, k, PRODUCTS[kind]), chip.tiles.compute, chip)
    actions = {(component, action): amount for component, action, amount in work.actions}
    assert actions["sram", "read_byte"] == read
    assert actions["sram", "write_byte"] == written
    name = {"forward": "mac", "backward": "mac_backward", "gradient": "mac_gradient"}
    assert actions["array", name[kind.rpartition("_")[2]]] == m * n * k


def test_a_product_reads_the_scale_of_a_whole_matrix_once_for_each_pass(ideal):
    chip = ideal("tiles.formats.state=int8")
    task = Product(5, 40, 20, PRODUCTS[Kind.PRODUCT_FORWARD])
    actions = {action[:2]: action[2] for action in product(task, chip.tiles.compute, chip).actions}
    reads, writes = actions["sram", "read_byte"], actions["sram", "write_byte"]
    assert reads == 3 * (5 * 20 + 4) + 4 * 20 * 40 + 4 * 5 * 40  # three passes, two folds of K
    assert writes == 4 * 5 * 40 + (5 * 40 + 4)


def test_partial_sums_that_leave_a_split_layer_are_as_wide_as_sums(tile64):
    placement = place(bp((784, 128, 10), batch=64), tile64(MIXED, "tiles.sram.size=128 KiB"))
    tasks = placement.tasks
    group = placement.groups[0]
    assert len(group.inputs) > 1 and len(placement.groups[1].inputs) == 1
    for task in range(len(tasks)):
        if tasks.names[task].startswith("product_forward"):
            result = tasks.products[tasks.operands[task]].result
            split = tasks.layer[task] == 1
            assert result == (Value.ACCUMULATE if split else Value.STATE)
    # r_k - 1 additions at each owner: all but the last leave sums, the last leaves predictions.
    state, partial = WIDTHS["state"], WIDTHS["accumulate"]
    activity = simulate(placement, tile64(MIXED, "tiles.sram.size=128 KiB"))
    additions = [
        (tasks.kernels[tasks.kernel[task]], int(tasks.elements[task]))
        for task in range(len(tasks))
        if tasks.names[task].startswith("reduce.prediction") and tasks.kernel[task] >= 0
    ]
    rounds = len(group.inputs) - 1
    assert sum(size for _, size in additions) == 64 * 128 * rounds
    written = sum(size * (state if k.writes.state else partial) for k, size in additions)
    assert written == 64 * 128 * (partial * (rounds - 1) + state)
    assert activity.macs == 64 * (784 * 128 * 2 + 128 * 10 * 3)


@pytest.mark.parametrize("optimiser,moments", [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_an_update_steps_master_weights_and_writes_the_copy_that_products_read(
    ideal, optimiser, moments
):
    tiles = ideal(MIXED).tiles
    expected = {
        True: (8 + 4 + 2 * moments, 8 + 2 * moments + 2),
        False: (2 + 4 + 2 * moments, 2 + 2 * moments),
    }
    for master, (read, written) in expected.items():
        work = elementwise(
            100,
            update_kernel(optimiser, master=master),
            component="update",
            unit=tiles.update,
            sram=tiles.sram,
            formats=tiles.formats,
        )
        actions = {(component, action): amount for component, action, amount in work.actions}
        assert actions["sram", "read_byte"] == 100 * read
        assert actions["sram", "write_byte"] == 100 * written


def test_every_optimiser_reads_and_writes_as_many_words_with_and_without_master_weights():
    for optimiser in OPTIMISERS:
        one, two = (update_kernel(optimiser, master=master) for master in (False, True))
        assert one.reads.total == two.reads.total
        assert two.writes.total == one.writes.total + 1
        assert (one.reads.master, one.writes.master, two.reads.weight) == (0, 0, 0)


def test_words_add_up_and_name_the_kinds_that_there_are():
    words = Words(state=2) + Words(state=1, error=3)
    assert dict(words) == {Value.STATE: 3, Value.ERROR: 3}
    assert words.total == 6
    assert not dict(Words())


@pytest.mark.parametrize("rule", [pc, bp])
def test_elementwise_work_moves_each_word_in_its_width(ideal, rule):
    # The bytes of vector and update units by hand, tanh, batch 5, Adam with master weights.
    widths, batch, steps = (9, 8, 7, 6), 5, 4
    state, error, hidden, output = 1, 8, 8 + 7, 6
    program = (
        pc(widths, batch=batch, steps=steps, phi="tanh")
        if rule is pc
        else bp(widths, batch=batch, phi="tanh")
    )
    hardware = ideal(MIXED)
    placement = place(program, hardware)
    tasks = placement.tasks
    read = written = 0
    for task in range(len(tasks)):
        if tasks.kind[task] == TaskKind.ELEMENTWISE:
            kernel = tasks.kernels[tasks.kernel[task]]
            times = int(tasks.instances()[task] * tasks.elements[task])
            read += times * sum(WIDTHS[kind] * count for kind, count in kernel.reads)
            written += times * sum(WIDTHS[kind] * count for kind, count in kernel.writes)
    forward = batch * hidden
    if rule is bp:
        assert read == forward * state + batch * output * 2 * state + forward * (state + error)
        assert written == forward * state + batch * output * error + forward * error
    else:
        # At the start phi(p) and e = z - p; in each step e again, and z from z, feedback and e.
        errors = batch * (hidden + output)
        moves = steps * forward
        assert read == forward * state + (1 + steps) * errors * 2 * state + moves * (
            state + 2 * error
        )
        assert written == forward * state + (1 + steps) * errors * error + moves * 2 * state


def test_a_candidate_with_a_master_format_keeps_a_second_copy_of_its_weights(tile64):
    workload = load_workload("digits")
    for settings, copies in (((), 0), (("tiles.formats.master=fp32",), 1)):
        for candidate in candidates(tile64(*settings), workload):
            program = program_of(workload, candidate, steps=candidate.steps)
            masters = [buffer for buffer in program.buffers if buffer.value is Value.MASTER]
            assert len(masters) == copies * program.depth


def test_a_network_that_fits_in_narrow_formats_is_refused_in_wide_ones(tile64):
    # 512 x 512, batch 1, no optimiser state: weights and gradients of 0.5 MiB and 1 MiB, and a few KiB.
    program = programs.bp((512, 512), 1, optimiser="sgd", phi="relu")
    small = ("tiles.mesh=[1, 1]", "tiles.sram.size=1088 KiB")
    narrow = "tiles.formats={weight: bf16, state: bf16, error: bf16, accumulate: bf16, "
    narrow += "optimiser: bf16}"
    kept = 2 * (2 * 512 * 512 + 2 * 512 + 512 + 512 + 2 * 512)
    placement = place(program, tile64(*small, narrow))
    assert placement.peak_bytes == {0: kept}
    with pytest.raises(DoesNotFitError) as caught:
        place(program, tile64(*small))
    assert str(caught.value) == (
        "bp: the network needs 2.01 MiB of tile SRAM before any copies for splitting; tile64 has "
        "1 x 1.06 MiB = 1.06 MiB.\n"
        "The largest layer is y.0.0 (512 x 512) with 2.01 MiB at batch 1.\n"
        "What would fit: tiles.sram.size: 2.12 MiB, or tiles.mesh: [2, 1]."
    )
