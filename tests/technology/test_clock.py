"""The clock tree is paid by what works and while it works."""

import pytest

from pcsim.technology import bill, price_list
from tests.helpers.programs import bp, counted, pc, run


def learn(rule, batch=5, widths=(40, 33, 20, 10)):
    return bp(widths, batch) if rule == "bp" else pc(widths, batch, 4)


@pytest.mark.parametrize("rule", ["pc", "bp"])
@pytest.mark.parametrize("cold", [False, True])
def test_a_unit_is_clocked_for_the_cycles_in_which_it_is_busy_and_in_no_others(tile64, rule, cold):
    activity = run(learn(rule), tile64(), cold=cold)
    for kind in ("array", "vector", "update"):
        busy = sum(unit.busy_cycles for unit in activity.units if unit.kind == kind)
        assert counted(activity, "clock", kind) == busy > 0
    assert counted(activity, "clock", "router_byte") == counted(activity, "noc", "router_byte") > 0


def test_waiting_for_a_slow_network_costs_no_clock(tile64):
    fast, slow = (
        run(learn("pc"), hardware) for hardware in (tile64(), tile64("noc.link=1 B/cycle"))
    )
    assert slow.makespan_cycles > fast.makespan_cycles
    for action in ("array", "vector", "update", "router_byte"):
        assert counted(slow, "clock", action) == counted(fast, "clock", action)


def test_the_clock_of_a_unit_is_that_of_its_cells_and_lanes(tile64):
    hardware = tile64("tiles.compute.rows=8", "tiles.compute.cols=4", "tiles.vector.lanes=3")
    prices = price_list(hardware).prices
    picojoules = {
        action: prices["clock", action].joules * 1e12
        for action in ("array", "vector", "update", "router_byte")
    }
    expected = {
        "array": 8 * 4 * 0.75,
        "vector": 3 * 1.32,
        "update": 16 * 1.32,
        "router_byte": 0.522 / 8,
    }
    assert picojoules == pytest.approx(expected, rel=1e-12)


def test_unlimited_lanes_have_no_clock_as_they_have_no_area(ideal):
    assert price_list(ideal()).prices["clock", "vector"].joules == 0


def test_the_bill_has_a_line_of_the_clock_for_each_layer_and_stage_that_works(tile64):
    hardware = tile64()
    activity = run(learn("bp"), hardware)
    lines = bill(activity, price_list(hardware), clock_hz=hardware.clock_hz).lines
    worked = {(line.layer, line.stage) for line in lines if line.key == "array.step"}
    assert worked == {(line.layer, line.stage) for line in lines if line.key == "clock.array"}
    clock_j = sum(line.energy_j for line in lines if line.component == "clock")
    steps = counted(activity, "array", "step")
    assert clock_j > 256 * 0.75e-12 * steps > 0
