"""Power gating: cycles without supply by hand, wake-ups, prices, and what it is worth to which rule."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.network import chain
from pcsim.technology import bill, price_list, ratio_range
from tests.helpers.programs import bp, pc, pipelined_backpropagation, run

BLOCKS = ("compute", "vector", "update")


def gated(*blocks, after=0, wake=0, retention=0.0):
    gate = f"{{gate: idle, after: {after} cycles, wake: {wake} cycles, retention: {retention}}}"
    return [f"tiles.power.{block}={gate}" for block in blocks]


def energy(activity, chip):
    return bill(activity, price_list(chip), clock_hz=chip.clock_hz)


def leaked(paid):
    return paid.by_component()["leakage"]


# Two layers of 16 at batch 16, where only arrays take time: each product is one slot of 16 + 46 = 62 cycles.
#   array 1: forward [0, 62), gradient [186, 248)
#   array 2: forward [62, 124), backward [124, 186), gradient [186, 248)
SLOT = 62


def test_cycles_without_supply_by_hand(ideal):
    # On two tiles. Array 1 is idle for 124 cycles between its tasks, array 2 for 62 before its first; none after.
    program = bp((16, 16, 16), 16)
    for after in (0, 10, 61, 62, 63, 124, 200):
        activity = run(program, ideal("tiles.mesh=[1, 2]", *gated("compute", after=after)))
        assert activity.makespan_cycles == 4 * SLOT
        assert activity.gated_cycles == {"array": max(0, 124 - after) + max(0, 62 - after)}


def test_a_tile_without_work_is_off_after_its_break_even(ideal):
    program = bp((16, 16, 16), 16)
    few = run(program, ideal("tiles.mesh=[1, 2]", *gated("compute", after=10)))
    many = run(program, ideal("tiles.mesh=[1, 5]", *gated("compute", after=10)))
    assert many.gated_cycles["array"] - few.gated_cycles["array"] == 3 * (4 * SLOT - 10)


def test_a_unit_that_was_off_wakes_before_its_next_task(ideal):
    # Array 2 wakes before its first task, 7 cycles later everything behind it; then array 1, off since 62, wakes while
    # array 2 goes on: its gradient ends 7 cycles after that of array 2.
    program = bp((16, 16, 16), 16)
    chip = ideal("tiles.mesh=[1, 2]", *gated("compute", after=20, wake=7))
    activity = run(program, chip)
    assert activity.makespan_cycles == 4 * SLOT + 7 + 7
    arrays = {unit.tile: unit for unit in activity.units if unit.kind == "array"}
    assert [unit.stalled_cycles["wake"] for _, unit in sorted(arrays.items())] == [7, 7]
    # Off: array 1 from 62 + 20 to 193; array 2 from 20 to 62. After its last task, at 255, it stays on for 20 cycles.
    assert activity.gated_cycles == {"array": (193 - 82) + (62 - 20)}


def test_a_gate_that_is_never_used_changes_nothing(tile64):
    program = pc((784, 128, 128, 128, 10), 64, 3)
    plain = run(program, tile64())
    none = gated("compute", after=5, wake=50)[0].replace("gate: idle", "gate: none")
    assert run(program, tile64(none)) == plain
    never = run(program, tile64(*gated(*BLOCKS, after=1_000_000, wake=50)))
    assert replace(never, gated_cycles={}) == plain
    assert set(never.gated_cycles.values()) == {0}


def test_leakage_is_paid_by_cycles_with_and_without_supply(tile64):
    program = bp((784, 128, 128, 128, 10), 64)
    plain, chip = tile64(), tile64(*gated("compute", after=40, retention=0.25))
    before, after = energy(run(program, plain), plain), energy(run(program, chip), chip)
    activity, prices = run(program, chip), price_list(chip)
    watts = {leak.block: leak.watts for leak in prices.leaks}["array"]
    off, all_cycles = activity.gated_cycles["array"], 64 * activity.makespan_cycles
    paid = sum(line.energy_j for line in after.lines if line.key == "leakage.array")
    expected = watts / 64 / chip.clock_hz * ((all_cycles - off) + 0.25 * off)
    assert paid == pytest.approx(expected, rel=1e-12)
    saved = watts / 64 / chip.clock_hz * 0.75 * off
    assert before.energy_j - after.energy_j == pytest.approx(saved, rel=1e-9)
    counts = [line.count for line in after.lines if line.key == "leakage.array"]
    assert counts == [all_cycles - off, off]
    # A ratio of a bill to itself is 1 whatever its prices are, gated lines among them.
    low, high = ratio_range(after, after, prices, keys=["leakage.array", "leakage.vector"])
    assert low == pytest.approx(1, rel=1e-12)
    assert high == pytest.approx(1, rel=1e-12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_gating_that_wakes_at_once_never_costs_energy_or_time(data):
    depth = data.draw(st.integers(1, 4))
    widths = tuple(data.draw(st.lists(st.integers(1, 40), min_size=depth + 1, max_size=depth + 1)))
    program = data.draw(st.sampled_from([bp(widths, 4), pc(widths, 4, 3)]))
    blocks = data.draw(st.sets(st.sampled_from(BLOCKS), min_size=1))
    after, retention = data.draw(st.integers(0, 300)), data.draw(st.floats(0, 0.99))
    chip = load_hardware("tile64")
    gating = load_hardware(
        "tile64", overrides=gated(*sorted(blocks), after=after, retention=retention)
    )
    plain, saving = run(program, chip), run(program, gating)
    assert saving.makespan_cycles == plain.makespan_cycles
    assert saving.counts == plain.counts
    assert leaked(energy(saving, gating)) <= leaked(energy(plain, chip)) * (1 + 1e-12)
    assert energy(saving, gating).energy_j <= energy(plain, chip).energy_j * (1 + 1e-12)
    for unit, same in zip(saving.units, plain.units, strict=True):
        assert unit == same


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(after=st.integers(0, 100), wake=st.integers(0, 400), rule=st.sampled_from(["pc", "bp"]))
def test_units_are_off_while_idle_only_and_wake_once_each_time(after, wake, rule):
    program = bp((20, 30, 10), 4) if rule == "bp" else pc((20, 30, 10), 4, 3)
    chip = load_hardware("tile64", overrides=gated(*BLOCKS, after=after, wake=wake))
    activity = run(program, chip)
    for unit in activity.units:
        spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
        assert spent == activity.makespan_cycles
        assert unit.stalled_cycles.get("wake", 0) % max(wake, 1) == 0
    kinds = {"array": "array", "vector": "vector", "update": "update"}
    for kind in kinds:
        mine = [unit for unit in activity.units if unit.kind == kind]
        awake = sum(unit.busy_cycles + unit.stalled_cycles.get("wake", 0) for unit in mine)
        everything = 64 * activity.makespan_cycles
        assert 0 <= activity.gated_cycles[kind] <= everything - awake


def test_the_share_of_leakage_is_largest_where_backpropagation_is_not_pipelined_at_batch_1(tile64):
    # One layer a tile: each array is used for three products of an update and idle otherwise. In a pipeline of many
    # samples layers work at the same time, and predictive coding relaxes all of them at once.
    chip, form = tile64(), chain((64,) * 25, "tanh")
    shares = {}
    programs = {
        "bp": bp(form.widths, 1),
        "pipelined": pipelined_backpropagation(
            form, batch=16, micro_batches=16, schedule="1f1b", optimiser="adam"
        ),
        "pc": pc((64,) * 25, 1, 24),
        "bp at batch 64": bp(form.widths, 64),
    }
    for name, program in programs.items():
        paid = energy(run(program, chip), chip)
        shares[name] = leaked(paid) / paid.energy_j
    assert max(shares, key=shares.__getitem__) == "bp"
    # Gating at once and without wake-up takes most of it away.
    off = tile64(*gated(*BLOCKS))
    paid = energy(run(programs["bp"], off), off)
    assert leaked(paid) < leaked(energy(run(programs["bp"], chip), chip)) / 2
