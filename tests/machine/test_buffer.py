"""A global buffer: what moves and when, against weights that stream from DRAM and by hand."""

import pytest

from pcsim.cli.check import space_of
from pcsim.cli.fitting import fitting_of
from pcsim.config import candidates, load_both
from pcsim.errors import DoesNotFitError
from pcsim.line import time_candidate
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import TOPOLOGIES, place
from pcsim.program import inference
from pcsim.technology import bill, price_list
from tests.helpers.programs import backpropagation, incremental_predictive_coding, run
from tests.helpers.streamed import (
    BATCH,
    LAYER_BYTES,
    LAYERS,
    STEPS,
    WIDTH,
    bp,
    gauss_seidel,
    jacobi,
    network,
    with_room,
)

DATA_BYTES = 4 * BATCH * 2 * WIDTH
"""The batch and its targets."""


def buffer(size="64 KiB", *, banks=4, port="16 B/cycle", latency="5 cycles", cell="lstp"):
    """Settings of a chip with a buffer in which weights live."""
    keys = f"size: {size}, banks: {banks}, port: {port}, latency: {latency}, cell: {cell}"
    return f"buffer={{{keys}}}", "tiles.sram.weights=buffered"


def amounts(activity, component, action):
    """Counts by layer and stage."""
    return {
        (count.layer, count.stage): amount
        for count, amount in activity.counts.items()
        if (count.component, count.action) == (component, action)
    }


def total(activity, component, action):
    return sum(amounts(activity, component, action).values())


PROGRAMS = {
    "bp": bp(LAYERS),
    "bp, adam": bp(LAYERS, "adam"),
    "jacobi": jacobi(LAYERS, STEPS),
    "skewed": jacobi(LAYERS, STEPS, window=3),
    "gauss_seidel": gauss_seidel(LAYERS, STEPS),
    "ipc": incremental_predictive_coding(
        network(LAYERS), batch=BATCH, steps=STEPS, optimiser="sgd"
    ),
}


@pytest.mark.parametrize("room", [1, 3, 8, LAYERS])
@pytest.mark.parametrize("way", PROGRAMS)
def test_the_buffer_moves_what_dram_would_and_dram_the_batch_alone(tile64, way, room):
    program, found = PROGRAMS[way], []
    for settings in ((), buffer()):
        chip = with_room(tile64, program, room, *settings)
        placement = place(program, chip)
        found.append((placement.windows, simulate(placement, chip)))
    (windows, streamed), (same_windows, buffered) = found
    assert windows == same_windows
    for action in ("read_byte", "write_byte"):
        moved = amounts(streamed, "dram", action)
        data = {key: of for key, of in moved.items() if "data" in key}
        assert amounts(buffered, "dram", action) == data
        assert amounts(buffered, "buffer", action) == {
            key: of for key, of in moved.items() if key not in data
        }
    assert buffered.dram_bytes == DATA_BYTES
    assert buffered.dram_bytes + buffered.buffer_bytes == streamed.dram_bytes
    # One tile: the way from the buffer is as long as that from DRAM.
    homes = ("dram", "buffer")
    assert {key: of for key, of in streamed.counts.items() if key.component not in homes} == {
        key: of for key, of in buffered.counts.items() if key.component not in homes
    }
    assert streamed.macs == buffered.macs
    assert streamed.buffer_bytes == streamed.peak_buffer_bytes == 0


@pytest.mark.parametrize("room", [1, 4])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_cold_start_brings_weights_from_dram_once(tile64, optimiser, room):
    program = bp(LAYERS, optimiser)
    from_dram, chip = (with_room(tile64, program, room, *more) for more in ((), buffer()))
    streamed = run(program, from_dram, cold=True)
    cold, warm = (run(program, chip, cold=at) for at in (True, False))
    # The first batch and the prefetch of the second; moments begin at zero.
    assert cold.dram_bytes == 2 * DATA_BYTES + LAYERS * LAYER_BYTES
    written = [total(activity, "buffer", "write_byte") for activity in (cold, warm)]
    assert written[0] == written[1] + LAYERS * LAYER_BYTES
    # From an empty window it loads what comes from DRAM otherwise.
    weights_read = total(streamed, "dram", "read_byte") - 2 * DATA_BYTES
    assert total(cold, "buffer", "read_byte") == weights_read
    assert cold.makespan_cycles > warm.makespan_cycles


def test_a_cold_start_brings_master_weights_and_biases_too(tile64):
    mixed = ("tiles.formats.weight=bf16", "tiles.formats.master=fp32")
    chip = tile64(*buffer(), *mixed, "tiles.mesh=[1, 1]")
    program = backpropagation(
        chain((WIDTH,) * 4, "tanh", bias=True),
        batch=BATCH,
        optimiser="sgd",
        at_once=True,
        master=True,
    )
    cold = run(program, chip, cold=True)
    assert cold.dram_bytes - 2 * DATA_BYTES == (2 + 4) * 3 * (WIDTH * WIDTH + WIDTH)
    assert cold.peak_buffer_bytes == (2 + 4) * 3 * (WIDTH * WIDTH + WIDTH)


# --- By hand ---


def two_layers(tile64, *settings):
    """An inference through two layers on one tile whose window holds one of them."""
    program = inference(network(2), batch=BATCH)
    chip = with_room(tile64, program, 1, *settings)
    return run(program, chip)


def test_a_load_takes_its_bytes_over_all_ports_then_the_latency(tile64):
    # W_1 and W_2 of 8 x 8 words, 256 B each, push one another out: both are loaded in every pass. Over 4 banks of
    # 16 B a cycle each takes 4 cycles, and is there 5 later. Then 20 cycles of DMA and 8 flits of 32 B.
    activity = two_layers(tile64, *buffer())
    assert total(activity, "buffer", "read_byte") == 2 * 256
    loading = next(unit for unit in activity.units if unit.name == "tile[0,0].dma.weights")
    assert loading.stalled_cycles["buffer"] == 2 * (4 + 5)
    assert loading.busy_cycles == 2 * (20 + 8)


@pytest.mark.parametrize(
    ("settings", "cycles"),
    [
        ({"latency": "0 cycles"}, 4),
        ({"latency": "37 cycles"}, 4 + 37),
        ({"port": "3 B/cycle"}, 22 + 5),  # 256 B / 12 B = 21 1/3
        ({"port": "unlimited"}, 5),
        ({"banks": 8}, 2 + 5),
        ({"banks": 1}, 16 + 5),
    ],
)
def test_each_load_delays_the_pass_by_what_it_takes_longer(tile64, settings, cycles):
    # Each of the two loads waits for the product before it, so that neither is hidden.
    usual, changed = two_layers(tile64, *buffer()), two_layers(tile64, *buffer(**settings))
    assert changed.makespan_cycles - usual.makespan_cycles == 2 * (cycles - (4 + 5))
    assert usual.counts == changed.counts


def test_a_slow_buffer_is_the_bound(tile64):
    # A byte a cycle: its work is not hidden, and all else takes at most what it takes by itself.
    program, found = bp(LAYERS), []
    for port in ("1 B/cycle", "unlimited"):
        settings = buffer(banks=1, port=port, latency="0 cycles")
        chip = with_room(tile64, program, 2, *settings)
        found.append(run(program, chip))
    slow, free = found
    longest = slow.buffer_bytes + free.makespan_cycles
    assert slow.buffer_bytes <= slow.makespan_cycles <= longest


# --- Does it fit? ---


@pytest.mark.parametrize(("optimiser", "moments"), [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_weights_and_moments_live_in_the_buffer(tile64, optimiser, moments):
    program = bp(LAYERS, optimiser)
    kept = LAYERS * LAYER_BYTES * (1 + moments)
    chip = with_room(tile64, program, 2, *buffer(f"{kept} B"))
    placement = place(program, chip)
    assert placement.buffer_bytes == kept
    assert simulate(placement, chip).peak_buffer_bytes == kept
    with pytest.raises(DoesNotFitError):
        place(program, with_room(tile64, program, 2, *buffer(f"{kept - 1} B")))


def test_what_does_not_fit_is_said(tile64):
    program = bp(LAYERS, "adam")
    with pytest.raises(DoesNotFitError) as caught:
        place(program, with_room(tile64, program, 2, *buffer("8 KiB")))
    assert str(caught.value) == (
        "bp: what lives in the global buffer takes 9 KiB (weights 3 KiB, moments 6 KiB); tile64 has "
        "8 KiB, 1 KiB too little.\n"
        "What would fit: buffer.size: 9 KiB, or tiles.sram.weights: streamed."
    )


def test_a_check_says_what_the_buffer_keeps():
    hardware, workload = load_both("tile64", "digits", overrides=buffer("4 MiB"))
    for rule in ("pc", "bp"):
        said = space_of(hardware, fitting_of(hardware, workload, rule).first)
        # 64-64-64-10 in fp32, with Adam's two moments.
        kept = 4 * (64 * 64 + 64 * 64 + 64 * 10) * 3
        assert said.endswith(f"; the global buffer keeps {kept / 1024:g} KiB of 4 MiB")


# --- Elsewhere on the chip ---


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_buffer_hangs_on_every_network_and_time_adds_up(tile64, topology):
    program = bp(LAYERS, "adam")
    settings = (f"noc.topology={topology}", "tiles.mesh=[2, 3]")
    chip, without = tile64(*settings, *buffer()), tile64(*settings)
    activity = run(program, chip)
    assert activity.dram_bytes == DATA_BYTES
    assert total(activity, "buffer", "write_byte") == 3 * LAYERS * LAYER_BYTES
    for unit in activity.units:
        spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
        assert spent == activity.makespan_cycles, unit.name
    routers = [
        next(leak.count for leak in price_list(one).leaks if leak.block == "noc")
        for one in (chip, without)
    ]
    assert routers[0] == routers[1]


def test_places_are_searched_around_a_buffer_too(tile64):
    program = bp(LAYERS)
    chip = tile64(*buffer(), "tiles.mesh=[3, 3]", "tiles.placement=search")
    snake = tile64(*buffer(), "tiles.mesh=[3, 3]")
    found, before = (run(program, one) for one in (chip, snake))
    assert sum(found.link_bytes.values()) <= sum(before.link_bytes.values())
    assert (found.buffer_bytes, found.dram_bytes) == (before.buffer_bytes, before.dram_bytes)


# --- What it costs ---


def test_a_bank_costs_what_a_bank_of_sram_of_its_size_and_cells_does(tile64):
    # 4 banks of 64 KiB in the buffer, and in a tile of the chip that it is compared with.
    chip = tile64(*buffer("256 KiB", cell="hp"), "tiles.sram.access=4 B")
    like = tile64("tiles.mesh=[1, 1]", "tiles.sram.size=256 KiB", "tiles.sram.cell=hp")
    ours, theirs = price_list(chip), price_list(like)
    for action in ("read_byte", "write_byte"):
        buffered, sram = ours.prices["buffer", action], theirs.prices["sram", action]
        assert (buffered.joules, buffered.low_j, buffered.high_j, buffered.source) == (
            (sram.joules, sram.low_j, sram.high_j, sram.source)
        )
    leaks = [{leak.block: leak for leak in of.leaks} for of in (ours, theirs)]
    assert leaks[0]["buffer"].watts == leaks[1]["sram"].watts
    assert leaks[0]["buffer"].count == 4
    areas = [{area.block: area for area in of.areas} for of in (ours, theirs)]
    assert areas[0]["buffer"].mm2 == areas[1]["sram"].mm2


def test_only_a_chip_with_a_buffer_pays_for_one(tile64):
    plain, idle = price_list(tile64()), price_list(tile64(buffer()[0]))
    assert not any(price.component == "buffer" for price in plain.prices.values())
    assert "buffer" not in {leak.block for leak in plain.leaks}
    extra = next(area.mm2 for area in idle.areas if area.block == "buffer")
    assert idle.area_mm2 - plain.area_mm2 == pytest.approx(extra, rel=1e-9)
    program = bp(4)
    unused = tile64(buffer()[0])
    activity = run(program, unused)
    usual = run(program, tile64())
    assert activity.counts == usual.counts
    assert activity.makespan_cycles == usual.makespan_cycles
    assert activity.peak_buffer_bytes == 0


def test_the_bill_has_the_buffer_by_counts_and_time(tile64):
    program = bp(LAYERS)
    given = "costs.buffer.read_byte={energy: 1 pJ, source: here}"
    chip = tile64(*buffer(), "tiles.mesh=[2, 2]", given)
    prices = price_list(chip)
    activity = run(program, chip)
    lines = bill(activity, prices, clock_hz=chip.clock_hz).lines
    read = sum(line.energy_j for line in lines if line.key == "buffer.read_byte")
    assert read == pytest.approx(1e-12 * total(activity, "buffer", "read_byte"), rel=1e-12)
    leaked = next(line.energy_j for line in lines if line.key == "leakage.buffer")
    watts = next(leak.watts for leak in prices.leaks if leak.block == "buffer")
    assert leaked == pytest.approx(watts * activity.makespan_cycles / chip.clock_hz, rel=1e-12)


def test_every_rule_learns_from_a_buffer_and_reports_its_bytes():
    hardware, workload = load_both(
        "tile64", "digits", overrides=[*buffer("4 MiB"), "tiles.mesh=[2, 2]"]
    )
    prices = price_list(hardware)
    for candidate in candidates(hardware, workload):
        assert candidate.streamed
        timed = time_candidate(hardware, workload, candidate, profile=None, prices=prices)
        assert timed.per_update.bytes["buffer"] == timed.activity.buffer_bytes > 0
        assert timed.per_update.energy_by_component_j["buffer"] > 0
        assert timed.per_update.cycles_cold > timed.per_update.cycles
