"""Weights that live in DRAM: what is loaded against closed forms and a walk of its own, and when."""

from collections import OrderedDict

import numpy as np
import pytest

from pcsim.config import candidates, load_workload
from pcsim.errors import DoesNotFitError
from pcsim.machine import simulate
from pcsim.machine.core.state import SEAT, WINDOW
from pcsim.machine.core.window import THERE, use
from pcsim.placement import place
from pcsim.placement.streaming import BUFFERED, on_tile
from pcsim.program import program_of
from tests.helpers.programs import (
    counted,
    incremental_predictive_coding,
    pipelined_backpropagation,
    run,
)
from tests.helpers.streamed import (
    BATCH,
    LAYER_BYTES,
    LAYERS,
    STEPS,
    bp,
    gauss_seidel,
    jacobi,
    network,
    with_room,
)


def loads(program, chip, *stages):
    """Weight matrices read from DRAM in these stages, from an empty window."""
    total = counted(run(program, chip, cold=True), "dram", "read_byte", stages=stages)
    assert total % LAYER_BYTES == 0
    return total // LAYER_BYTES


def lru(order, room):
    """Loads of a sequence of layers through room for some, least recently used out first."""
    held, count = OrderedDict(), 0
    for layer in order:
        if layer in held:
            held.move_to_end(layer)
            continue
        count += 1
        held[layer] = None
        if len(held) > room:
            held.popitem(last=False)
    return count


@pytest.mark.parametrize("room", [1, 2, 3, 7, 8])
def test_a_window_is_least_recently_used(room):
    order = [1, 2, 3, 1, 4, 5, 2, 1, 8, 7, 6, 5, 1, 1, 2, 3, 8]
    windows, seats = np.zeros(1, WINDOW), np.zeros(9, SEAT)
    windows["room_bytes"], windows["last"] = room * 10, 9
    out = [use(windows, seats, 0, layer, 10, now) for now, layer in enumerate(order)]
    assert sum(pushed != THERE for pushed in out) == lru(order, room)
    assert np.count_nonzero(seats["size_bytes"]) == min(room, 8)
    # What came in and did not go out is there.
    loaded = [pushed for pushed in out if pushed != THERE]
    assert len(loaded) - sum(loaded) == min(room, 8)


@pytest.mark.parametrize("room", [1, 2, 3, 4, 6, 10, 11, 12])
def test_backpropagation_loads_2l_minus_g_matrices(tile64, room):
    # Up through all layers, down again without those still there; layer 1 has no feedback but an update.
    program = bp(LAYERS)
    chip = with_room(tile64, program, room)
    assert loads(program, chip, "forward", "backward", "update") == 2 * LAYERS - room


@pytest.mark.parametrize("room", [1, 2, 3, 5, 8, 10])
def test_layer_by_layer_jacobi_reuses_nothing_until_all_layers_fit(tile64, room):
    program = jacobi(LAYERS, STEPS)
    chip = with_room(tile64, program, room)
    up = list(range(1, LAYERS + 1))
    down = list(range(LAYERS, 1, -1))
    expected = lru(up + STEPS * down, room)
    assert loads(program, chip, "forward", "inference") == expected
    assert expected == LAYERS + STEPS * (LAYERS - 1) - room  # the first of a step's are still there


def test_the_cliff_of_jacobi_is_where_all_relaxing_layers_fit(tile64):
    program = jacobi(LAYERS, STEPS)
    found = {
        room: loads(program, with_room(tile64, program, room), "forward", "inference")
        for room in (LAYERS - 2, LAYERS - 1, LAYERS)
    }
    assert found[LAYERS - 1] == found[LAYERS] + 0 == LAYERS
    assert found[LAYERS - 2] == LAYERS + STEPS * (LAYERS - 1) - (LAYERS - 2)


def skewed_order(layers, steps, window):
    """Parallelograms of ``window`` layers that climb down one layer a step, over weight layers 2 .. L."""
    stencil = range(layers - 1)
    for begin in range(0, layers - 1 + steps, window):
        for step in range(steps):
            for i in range(window - 1, -1, -1):
                if begin - step + i in stencil:
                    yield begin - step + i + 2


@pytest.mark.parametrize("room", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("steps", [4, 16])
def test_skewed_visits_load_as_their_parallelograms_do(tile64, room, steps):
    program = jacobi(LAYERS, steps, window=room)
    chip = with_room(tile64, program, room)
    visits = list(skewed_order(LAYERS, steps, room))
    assert len(visits) == (LAYERS - 1) * steps
    expected = lru([*range(1, LAYERS + 1), *visits], room)
    # The last visit of a layer is followed by its update, which may have to bring it once more.
    assert loads(program, chip, "forward", "inference") <= expected
    assert expected - loads(program, chip, "forward", "inference") <= 2
    bound = LAYERS * steps / room + 2 * LAYERS + steps
    assert expected <= LAYERS + bound


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_gauss_seidel_goes_once_through_its_weights_where_t_plus_1_layers_fit(tile64, steps):
    program = gauss_seidel(LAYERS, steps)
    order = [
        layer + 1
        for tau in range(LAYERS - 1 + steps)
        for sweep in range(1, steps + 1)
        if 1 <= (layer := LAYERS - 1 - tau + sweep - 1) <= LAYERS - 1
    ]
    assert len(order) == (LAYERS - 1) * steps
    found = {}
    for room in range(1, LAYERS):
        chip = with_room(tile64, program, room)
        found[room] = loads(program, chip, "inference")
        assert found[room] == lru([*range(1, LAYERS + 1), *order], room) - LAYERS
    knee = steps + 1
    # One pass, less what the feed-forward pass has left there; one layer less and it is thrashing.
    assert found[knee] == LAYERS - 1 - min(knee, LAYERS - 1)
    if steps > 1:
        assert found[knee - 1] > (LAYERS - 1 - knee) * 2


def test_with_room_for_t_plus_1_layers_gauss_seidel_moves_the_weight_words_of_backpropagation(
    tile64,
):
    steps = 3
    ours, theirs = gauss_seidel(LAYERS, steps), bp(LAYERS)
    moved = []
    for program in (ours, theirs):
        chip = with_room(tile64, program, steps + 1)
        activity = run(program, chip, cold=True)
        data = sum(
            amount
            for count, amount in activity.counts.items()
            if count.component == "dram" and count.stage == "data"
        )
        moved.append(activity.dram_bytes - data)
    assert moved[0] == moved[1] == (3 * LAYERS - steps - 1) * LAYER_BYTES


@pytest.mark.parametrize("optimiser,moments", [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_an_update_writes_weights_and_reads_and_writes_moments(tile64, optimiser, moments):
    program = bp(LAYERS, optimiser)
    chip = with_room(tile64, program, 4)
    activity = run(program, chip, cold=True)
    written = sum(
        amount
        for count, amount in activity.counts.items()
        if (count.component, count.action) == ("dram", "write_byte")
    )
    assert written == LAYERS * LAYER_BYTES * (1 + moments)
    read = loads(program, chip, "update")
    assert read == LAYERS * moments + 1  # and W_1, which no feedback has brought


def test_ipc_writes_its_weights_in_every_step(tile64):
    program = incremental_predictive_coding(
        network(LAYERS), batch=BATCH, steps=STEPS, optimiser="sgd"
    )
    chip = with_room(tile64, program, 4)
    activity = run(program, chip)
    written = sum(
        amount
        for count, amount in activity.counts.items()
        if (count.component, count.action) == ("dram", "write_byte")
    )
    assert written == STEPS * LAYERS * LAYER_BYTES


def test_when_all_weights_fit_the_steady_state_loads_none(tile64):
    for program in (bp(LAYERS), jacobi(LAYERS, STEPS), gauss_seidel(LAYERS, STEPS)):
        chip = with_room(tile64, program, LAYERS)
        activity = run(program, chip)
        reads = [
            count
            for count in activity.counts
            if (count.component, count.action) == ("dram", "read_byte") and count.stage != "data"
        ]
        assert not reads


@pytest.mark.parametrize("room", [1, 3, 8])
def test_loads_depend_on_no_bandwidth_and_occupancy_is_what_fits(tile64, room):
    program = gauss_seidel(LAYERS, STEPS)
    results = []
    for bandwidth in ("100 MB/s", "12.8 GB/s", "unlimited"):
        chip = with_room(tile64, program, room, f"dram.bandwidth={bandwidth}")
        placement = place(program, chip)
        assert placement.peak_bytes == {0: chip.tiles.sram.size_bytes}
        results.append(simulate(placement, chip))
    assert results[0].counts == results[1].counts == results[2].counts
    assert results[0].makespan_cycles > results[1].makespan_cycles >= results[2].makespan_cycles


def test_dram_is_the_bound_where_it_is_slow(tile64):
    program = bp(LAYERS)
    chip = with_room(tile64, program, 2, "dram.bandwidth=10 MB/s", "dram.channels=1")
    activity = run(program, chip)
    cycles_per_byte = chip.clock_hz / 10_000_000
    assert activity.makespan_cycles >= activity.dram_bytes * cycles_per_byte
    assert activity.makespan_cycles <= 1.02 * activity.dram_bytes * cycles_per_byte


def test_every_order_runs_over_several_tiles_with_windows_of_their_own(tile64):
    for mesh in ("[1, 2]", "[2, 2]", "[3, 3]"):
        for program in (bp(LAYERS, "adam"), jacobi(LAYERS, STEPS), gauss_seidel(LAYERS, STEPS)):
            settings = (f"tiles.mesh={mesh}", "tiles.sram.weights=streamed")
            rows, columns = map(int, mesh.strip("[]").split(","))
            each = -(-LAYERS // (rows * columns))
            kept = on_tile(program, tile64(*settings), list(range(1, each + 1)))
            size = sum(kept.values()) + 2 * LAYER_BYTES + 4096
            chip = tile64(*settings, f"tiles.sram.size={size} B")
            activity = run(program, chip)
            assert activity.macs == sum(program.macs().values())


def test_a_tile_without_room_for_one_layer_says_what_it_needs(tile64):
    program = bp(4)
    chip = tile64("tiles.mesh=[1, 1]", "tiles.sram.weights=streamed", "tiles.sram.size=1 KiB")
    kept = sum(on_tile(program, chip, [1, 2, 3, 4]).values())
    with pytest.raises(DoesNotFitError) as caught:
        place(program, chip)
    said = str(caught.value)
    assert said.startswith("bp: with weights streamed a tile keeps ")
    assert f"{LAYER_BYTES} B (layer z1.0.0); tile64 has 1 KiB." in said
    enough = tile64(
        "tiles.mesh=[1, 1]",
        "tiles.sram.weights=streamed",
        f"tiles.sram.size={kept + LAYER_BYTES} B",
    )
    assert place(program, enough).windows == {0: LAYER_BYTES}


def test_gradients_of_several_micro_batches_do_not_stream(tile64):
    program = pipelined_backpropagation(
        network(4), batch=4, micro_batches=2, schedule="1f1b", optimiser="sgd"
    )
    with pytest.raises(DoesNotFitError) as caught:
        place(program, tile64("tiles.sram.weights=streamed"))
    assert str(caught.value) == (
        "bp: with weights streamed the gradients of 2 micro-batches would have to wait on the tiles "
        "for one another.\nWhat would fit: micro_batches: 1, or tiles.sram.weights: resident."
    )


def test_two_gradients_are_on_a_tile_at_a_time(tile64):
    program = bp(LAYERS, "adam")
    kept = on_tile(program, tile64("tiles.sram.weights=streamed"), list(range(1, LAYERS + 1)))
    assert kept["gradient"] == BUFFERED * LAYER_BYTES
    assert kept["optimiser"] == BUFFERED * 2 * LAYER_BYTES
    assert "weight" not in kept


def test_a_chip_that_streams_has_every_rule_learn_at_once(tile64):
    chip = tile64("tiles.mesh=[1, 1]", "tiles.sram.weights=streamed", "tiles.sram.size=512 KiB")
    for settings in (
        [],
        ["pc.order=gauss_seidel"],
        ["pc.order=red_black"],
        ["pc.schedule=skewed", "pc.window=2"],
        ["pc.variant=ipc"],
    ):
        workload = load_workload("digits", overrides=settings)
        for candidate in candidates(chip, workload):
            program = program_of(workload, candidate, steps=candidate.steps)
            activity = run(program, chip)
            assert activity.macs == sum(program.macs().values())
