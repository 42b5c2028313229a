"""Every cost constant, halved and doubled in the hardware file, moves an update's energy as a linear function does.

E(k c) = E + (k - 1) x the lines of cost c, and the ratio of both rules moves towards that of these lines alone.
"""

from functools import cache

import pytest

from pcsim.config import candidates, load_both, load_hardware
from pcsim.program import program_of
from pcsim.technology import bill, price_list
from pcsim.units import exact_quantity
from tests.helpers.programs import run

STREAMED = (
    "tiles.mesh=[1, 1]",
    "tiles.sram.size=256 KiB",
    "tiles.sram.weights=streamed",
    "dram.rows={size: 2 KiB, banks: 8, miss: 36 ns}",
)
BUFFERED = (
    "tiles.mesh=[2, 2]",
    "tiles.sram.weights=buffered",
    "buffer={size: 1 MiB, banks: 4, port: 32 B/cycle, latency: 4 cycles, cell: lstp}",
)
CHIPS = {
    "tile64": ("tile64", ()),
    "streamed": ("tile64", STREAMED),
    "buffered": ("tile64", BUFFERED),
    "crossbar64": ("crossbar64", ()),
}

PAID = (
    "array.mac",
    "vector.mul",
    "update.adam",
    "sram.read_byte",
    "sram.write_byte",
    "buffer.read_byte",
    "buffer.write_byte",
    "noc.router_byte",
    "noc.link_byte",
    "dma.byte",
    "dma.descriptor",
    "dram.read_byte",
    "dram.write_byte",
    "dram.activate",
    "clock.array",
    "clock.vector",
    "clock.update",
    "clock.router_byte",
    "array.line_pulse",
    "array.cell_read",
    "array.conversion",
    "array.cell_write",
    *(f"leakage.{block}" for block in ("array", "converter", "driver", "vector", "update")),
    *(f"leakage.{block}" for block in ("sram", "buffer", "noc", "dma", "dram_standby")),
)
"""Costs that an update on at least one of these chips must meet, so that no case below is empty by mistake. Cells
of crossbars leak nothing."""


def chip(name, *more):
    shipped, settings = CHIPS[name]
    return load_hardware(shipped, overrides=[*settings, *more])


@cache
def activities(name):
    """An update of PC and one of BP."""
    shipped, settings = CHIPS[name]
    hardware, workload = load_both(shipped, "digits", overrides=list(settings))
    return tuple(
        run(program_of(workload, one, steps=one.steps), hardware)
        for one in candidates(hardware, workload)
    )


@cache
def bills(name, *more):
    hardware = chip(name, *more)
    prices = price_list(hardware)
    return tuple(bill(one, prices, clock_hz=hardware.clock_hz) for one in activities(name))


@cache
def unit_costs(name):
    """Cost key -> the setting that multiplies it, per counted unit or piece of hardware."""
    prices = price_list(chip(name))
    found = {price.key: ("energy", price.joules, "J") for price in prices.prices.values()}
    for leak in prices.leaks:
        found[leak.key] = ("power", leak.watts / leak.count, "W")
    return found


def own(one, key):
    """Energy of the lines of one cost."""
    return sum(line.energy_j for line in one.lines if line.key == key)


CASES = [
    (name, key)
    for name in CHIPS
    for key in unit_costs(name)
    if name != "buffered" or "buffer" in key  # All else is as on the streamed chip.
]


@pytest.mark.parametrize("factor", [0.5, 2])
@pytest.mark.parametrize(("name", "key"), CASES)
def test_energy_is_linear_in_a_cost_and_the_ratio_moves_towards_its_own(name, key, factor):
    quantity, value, unit = unit_costs(name)[key]
    given = exact_quantity(factor * value, unit)
    before = bills(name)
    after = bills(name, f"costs.{key}={{{quantity}: {given}, source: test}}")
    lines = [own(one, key) for one in before]
    for old, new, line in zip(before, after, lines, strict=True):
        assert new.energy_j == pytest.approx(old.energy_j + (factor - 1) * line, rel=1e-12)
        for other in {line.key for line in old.lines} - {key}:
            # Lines are rounded to a grid that the total sets.
            rounded = 1e-13 * old.energy_j
            assert own(new, other) == pytest.approx(own(old, other), rel=0, abs=rounded)
    pc, bp = lines
    ratio, moved = (of[0].energy_j / of[1].energy_j for of in (before, after))
    if not pc and not bp:
        assert moved == pytest.approx(ratio, rel=1e-12)
        return
    # r(k) - r = (k - 1) (pc - r bp) / E_BP(k): from r towards pc / bp as k grows.
    step = (factor - 1) * (pc - ratio * bp) / after[1].energy_j
    assert moved - ratio == pytest.approx(step, rel=1e-6, abs=1e-12)
    if bp and factor > 1:
        assert abs(moved - pc / bp) <= abs(ratio - pc / bp)


@pytest.mark.parametrize("key", PAID)
def test_each_kind_of_cost_is_paid_on_some_chip_by_both_rules(key):
    assert any(all(own(one, key) > 0 for one in bills(name)) for name in CHIPS)
