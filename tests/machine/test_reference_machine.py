"""The simulation against another one of the same model, unit by unit and to the cycle, on random chips and networks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import candidates, load_both, load_hardware
from pcsim.line import update_program
from pcsim.machine import simulate
from pcsim.placement import place
from tests.helpers.chips_at_random import SLOW, chip_settings, networks, placed
from tests.helpers.streamed import bp, gauss_seidel, jacobi, with_room
from tests.oracles.reference_machine import Machine


def agree(placement, chip, cold):
    machine = Machine(placement, chip, cold=cold)
    makespan = machine.run()
    activity = simulate(placement, chip, cold=cold)
    assert activity.makespan_cycles == makespan
    units = zip(activity.units, machine.busy, machine.stalled, machine.free_at, strict=True)
    for unit, busy, stalled, free_at in units:
        waited = {kind: cycles for kind, cycles in stalled.items() if cycles}
        spent = unit.busy_cycles, unit.stalled_cycles, unit.finished_cycles
        assert spent == (busy, waited, makespan - free_at), unit.name


@settings(max_examples=40, **SLOW)
@given(program=networks(), chosen=chip_settings(), cold=st.booleans())
def test_every_unit_spends_its_time_as_in_the_reference(program, chosen, cold):
    chip = load_hardware("tile64", overrides=chosen)
    agree(placed(program, chip), chip, cold)


CHIPS = [
    (),
    ("dram.channels=2", "tiles.dma.setup=0 cycles"),
    ("noc.link=1 B/cycle", "noc.topology=bus"),
    ("noc.router_latency=0 cycles", "noc.link_latency=0 cycles"),
    ("tiles.handover=rows",),
    ("tiles.handover=rows", "noc.link=1 B/cycle", "dram.channels=2"),
]
PROGRAMS = {
    "jacobi": jacobi(7, 4),
    "tiled jacobi": jacobi(7, 6, window=3),
    "gauss-seidel": gauss_seidel(7, 3),
    "bp": bp(7),
}


@pytest.mark.parametrize("more", CHIPS)
@pytest.mark.parametrize("room", [1, 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_streamed_weights_come_when_they_do_in_the_reference(tile64, name, room, more):
    chip = with_room(tile64, PROGRAMS[name], room, *more)
    placement = place(PROGRAMS[name], chip)
    assert placement.windows
    for cold in (False, True):
        agree(placement, chip, cold)


SMALL = (
    "network.layers=[64, 40, 40, 40, 30, 10]",
    "pc.steps=3",
    "training.batch=4",
    "tiles.sram.weights=streamed",
    "tiles.sram.size=82 KiB",
    "tiles.mesh=[2, 2]",
)


@pytest.mark.parametrize("more", CHIPS)
def test_tiles_compete_for_what_streams_as_they_do_in_the_reference(more):
    chip, work = load_both("tile64", "digits", overrides=(*SMALL, *more))
    for candidate in candidates(chip, work):
        placement = place(update_program(work, candidate, profile=None), chip)
        assert len(placement.windows) == 3
        for cold in (False, True):
            agree(placement, chip, cold)
