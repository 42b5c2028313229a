"""The large chip and the deep network: both rules fit, and run to their end with all their products."""

import pytest

from pcsim.config import candidates, load_both
from pcsim.line import time_candidate, update_program
from pcsim.placement import place
from pcsim.technology import price_list


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_the_deep_network_fits_the_large_chip_with_every_layer_on_tiles_of_its_own(rule):
    chip, work = load_both("mesh1024", "mupc128")
    (candidate,) = candidates(chip, work, rule=rule)
    placement = place(update_program(work, candidate, profile=None), chip)
    assert sum(len(group.tiles) for group in placement.groups) == placement.tiles_used
    assert max(placement.peak_bytes.values()) <= chip.tiles.sram.size_bytes
    per_channel = {route.source for route in placement.tasks.routes if route.source >= 1024}
    assert per_channel == {1024 + channel for channel in range(16)}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_the_deep_network_is_timed_on_the_large_chip(rule):
    chip, work = load_both("mesh1024", "mupc128")
    (candidate,) = candidates(chip, work, rule=rule)
    timed = time_candidate(chip, work, candidate, profile=None, prices=price_list(chip))
    program = update_program(work, candidate, profile=None)
    assert timed.activity.macs == sum(program.macs().values())
    # A step of predictive coding takes at least two products of an array, one update of backpropagation two sweeps.
    least = 2 * 127 * (64 + 46)
    assert timed.activity.makespan_cycles >= least
    for unit in timed.activity.units:
        spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
        assert spent == timed.activity.makespan_cycles
