"""Which tiles an update gets: more of a chip never makes it slower, and an inference runs where its update does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import candidates, load_both, load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.line import time_candidate
from pcsim.machine import simulate
from pcsim.mapping import mapped
from pcsim.placement import Allocation, place
from pcsim.schedules import update_program
from pcsim.technology import price_list
from tests.helpers.chips_at_random import SLOW
from tests.helpers.programs import bp, pc

WORK = "tiles.allocation=work"
SIZES = ("192 KiB", "256 KiB", "384 KiB", "512 KiB", "1 MiB")


def cycles(program, *overrides, name="tile64"):
    chip = load_hardware(name, overrides=(WORK, *overrides))
    return mapped(program, chip).activity.makespan_cycles


@st.composite
def programs(draw):
    widths = tuple(draw(st.lists(st.integers(1, 130), min_size=2, max_size=5)))
    batch = draw(st.integers(1, 32))
    return bp(widths, batch) if draw(st.booleans()) else pc(widths, batch, draw(st.integers(1, 4)))


@settings(max_examples=25, **SLOW)
@given(
    programs(),
    st.sampled_from([((1, 1), (1, 2)), ((1, 2), (2, 2)), ((2, 2), (2, 4)), ((2, 2), (4, 4))]),
    st.sampled_from([64, 128]),
)
def test_more_tiles_never_make_an_update_slower(program, meshes, size):
    memory = f"tiles.sram.size={size} KiB"
    try:
        few, many = (cycles(program, memory, f"tiles.mesh={list(mesh)}") for mesh in meshes)
    except DoesNotFitError:
        return
    assert many <= 1.02 * few


@settings(max_examples=25, **SLOW)
@given(programs(), st.sampled_from([128, 256]), st.sampled_from([1.5, 2, 16]))
def test_more_memory_never_makes_an_update_slower(program, size, times):
    sizes = (f"tiles.sram.size={int(each)} KiB" for each in (size, times * size))
    try:
        little, much = (cycles(program, "tiles.mesh=[3, 4]", each) for each in sizes)
    except DoesNotFitError:
        return
    assert much <= 1.02 * little


@settings(max_examples=15, **SLOW)
@given(programs(), st.sampled_from([16, 64, 256]))
def test_no_update_is_slower_than_on_the_fewest_tiles(program, size):
    chip = load_hardware(
        "tile64", overrides=[WORK, "tiles.mesh=[3, 4]", f"tiles.sram.size={size} KiB"]
    )
    try:
        fewest = place(program, chip, allocation=Allocation("fewest", 1))
    except DoesNotFitError:
        return
    best = mapped(program, chip).activity.makespan_cycles
    assert best <= simulate(fewest, chip).makespan_cycles


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_more_memory_leaves_mlp128_on_tile64_as_fast(rule):
    hardware, workload = load_both("tile64", "mlp128")
    (candidate,) = candidates(hardware, workload, rule=rule)
    program = update_program(workload, candidate, profile=None)
    found = [cycles(program, f"tiles.sram.size={size}") for size in SIZES]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_without_limits_a_chip_is_faster_than_every_shipped_one(rule):
    hardware, workload = load_both("ideal", "mlp128")
    (candidate,) = candidates(hardware, workload, rule=rule)
    program = update_program(workload, candidate, profile=None)
    ideal = cycles(program, name="ideal")
    for name in ("tile64", "edge4", "array128", "serialmac"):
        assert ideal <= cycles(program, name=name), name


@pytest.mark.parametrize("chosen", [(), ("noc.link=unlimited", "dram.bandwidth=unlimited")])
def test_an_inference_is_no_longer_than_the_update_that_contains_it(chosen):
    hardware, workload = load_both("tile64", "mlp128", overrides=(WORK, *chosen))
    prices = price_list(hardware)
    for candidate in candidates(hardware, workload):
        timed = time_candidate(hardware, workload, candidate, profile=None, prices=prices)
        assert timed.per_inference.cycles < timed.per_update.cycles
