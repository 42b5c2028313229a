"""What a recorder writes down, against the busy cycles and the order that the simulation itself keeps."""

from collections import defaultdict
from itertools import pairwise

import pytest

from pcsim.config import candidates, load_hardware, load_workload
from pcsim.machine import Recorder, recording_of, simulate
from pcsim.machine.recording import Span
from pcsim.network import chain
from pcsim.placement import TaskKind, place
from pcsim.program import Told, program_of
from tests.conftest import BY_HAND
from tests.helpers.programs import bp, pc, pipelined_backpropagation
from tests.helpers.streamed import bp as streamed_bp
from tests.helpers.streamed import jacobi, with_room

CHIPS = {
    "tile64": (),
    "narrow": ("noc.link=4 B/cycle",),
    "two channels": ("dram.channels=2", "tiles.dma.setup=0 cycles"),
    "torus": ("noc.topology=torus", "noc.link_latency=3 cycles"),
    "h-tree": ("noc.topology=h-tree", "tiles.gradients=own"),
    "bus": ("noc.topology=bus",),
    "rows": ("tiles.handover=rows", "tiles.compute.preload=wave", "tiles.adder={lanes: 4}"),
    "narrow rows": ("tiles.handover=rows", "noc.link=4 B/cycle", "noc.topology=torus"),
}
FORM = chain((50, 40, 30, 20, 10), "tanh")
PROGRAMS = {
    "pc": pc((784, 128, 128, 10), 64, 5),
    "pc without wavefront": pc((50, 40, 30, 20, 10), 8, 3, wavefront=False),
    "bp": bp((784, 128, 128, 10), 64),
    "pipelined bp": pipelined_backpropagation(
        FORM, batch=64, micro_batches=4, schedule="gpipe", optimiser="adam"
    ),
}


def chip_of(name):
    return load_hardware(
        "ideal" if name == "ideal" else "tile64",
        overrides=(*BY_HAND, *CHIPS.get(name, ())),
    )


CASES = {
    f"{program} on {chip}": lambda _, chip=chip, program=program: (
        PROGRAMS[program],
        chip_of(chip),
    )
    for chip in (*CHIPS, "ideal")
    for program in PROGRAMS
}


def thinned(tile64):
    """Layers tell only what has changed, so transfers have a size of their own in every step."""
    settings = ["pc.threshold=0.01", "pc.wavefront=false"]
    workload = load_workload("digits", overrides=settings)
    told = Told(
        states=((0, 0, 0), (10, 500, 0), (0, 2048, 0), (1000, 3, 0)), errors=((7, 0, 9),) * 4
    )
    pc = candidates(tile64(), workload)[0]
    return program_of(workload, pc, steps=3, told=told), tile64()


CASES["what has changed"] = thinned
CASES["streamed pc"] = lambda tile64: (
    jacobi(5, 4, window=2),
    with_room(tile64, jacobi(5, 4, window=2), 2),
)
CASES["streamed pc over a narrow link"] = lambda tile64: (
    jacobi(5, 4, window=2),
    with_room(tile64, jacobi(5, 4, window=2), 2, "noc.link=4 B/cycle"),
)
CASES["streamed bp from free DRAM over a narrow link"] = lambda tile64: (
    streamed_bp(4),
    with_room(
        tile64,
        streamed_bp(4),
        2,
        "noc.link=4 B/cycle",
        "dram.bandwidth=unlimited",
        "dram.latency=0 ns",
    ),
)
CASES["streamed bp over free links"] = lambda tile64: (
    streamed_bp(4),
    with_room(tile64, streamed_bp(4), 2, "noc.link=unlimited"),
)


@pytest.fixture(params=CASES)
def recorded(request, tile64):
    """(placement, what the chip did, what was recorded of it, whether rows are handed on one by one)"""
    program, hardware = CASES[request.param](tile64)
    placement = place(program, hardware)
    recorder = Recorder()
    activity = simulate(placement, hardware, recorder=recorder)
    assert activity == simulate(placement, hardware)
    recording = recording_of(placement, hardware, activity, recorder)
    return placement, activity, recording, hardware.tiles.handover == "rows"


def test_spans_add_up_to_the_busy_cycles_of_every_unit(recorded):
    placement, activity, recording, rows = recorded
    busy = [0] * len(recording.unit_names)
    for span in recording.spans:
        busy[int(placement.tasks.unit[span.task])] += span.cycles
    for unit, spent in zip(activity.units, busy, strict=True):
        waited = sum(unit.stalled_cycles.values()) if rows else 0  # Some of that for rows, at work.
        assert unit.busy_cycles <= spent <= unit.busy_cycles + waited
    assert all(unit.finished_cycles >= 0 for unit in activity.units)
    assert max(span.end for span in recording.spans) <= activity.makespan_cycles


def test_every_operation_is_there_as_often_as_it_runs(recorded):
    placement, _, recording, _ = recorded
    tasks = placement.tasks
    seen = defaultdict(list)
    for wait in recording.waits():
        seen[wait.task].append(wait)
    for task, instances in enumerate(tasks.instances().tolist()):
        warm = tasks.phase[task] == 0  # What a cold start brings is there already.
        loads = tasks.kind[task] == TaskKind.WEIGHTS
        assert len(seen[task]) == (0 if warm or loads else instances)
    loaded = {(s.task, s.instance) for s in recording.spans if s.task in tasks.users}
    there = {(s.task, s.instance) for s in recording.there}
    assert not loaded & there
    assert len(loaded | there) == sum(tasks.instances()[task] for task in tasks.users)
    assert bool(loaded) == bool(placement.windows)


def test_a_unit_begins_when_it_is_free_and_what_it_needs_is_there(recorded):
    placement, _, recording, rows = recorded
    starts = {}
    for wait in recording.waits():
        starts[wait.task, wait.start] = wait.ready
    by_unit = defaultdict(list)
    for span in recording.spans:
        by_unit[int(placement.tasks.unit[span.task])].append(span)
    for spans in by_unit.values():
        free = 0
        begun = set()
        for span in spans:
            kind = placement.tasks.kind[span.task]
            sends = (span.task, span.instance) in begun
            # Sending waits for links, loading for room, and beside loads DRAM has others in the way.
            if sends or kind == TaskKind.WEIGHTS:
                assert span.start >= free
            elif placement.windows and kind in (TaskKind.DRAM_READ, TaskKind.DRAM_WRITE):
                assert span.start >= max(free, starts[span.task, span.start])
            elif rows and kind == TaskKind.TRANSFER:  # It is set up while it waits.
                assert span.start >= free
            elif rows:  # An array may have to make ready.
                assert span.start >= max(free, starts[span.task, span.start])
            else:
                assert span.start == max(free, starts[span.task, span.start])
            begun.add((span.task, span.instance))
            free = span.end


def test_a_link_carries_one_transfer_at_a_time_and_all_their_flits(recorded):
    placement, _, recording, _ = recorded
    tasks = placement.tasks
    held = defaultdict(list)
    for link, span in recording.links():
        assert span.cycles == recording.flits(span) or tasks.yields[span.task]
        held[link].append(span)
    for spans in held.values():
        spans.sort(key=lambda span: span.start)
        assert all(first.end <= second.start for first, second in pairwise(spans))
    expected = 0
    sending = {(s.task, s.instance) for s in recording.spans if recording.flits(s)}
    for task, instance in sending:
        flits = recording.flits(Span(task, instance, 0, 0))
        expected += flits * len(tasks.routes[tasks.route[task]].links)
    assert sum(span.cycles for spans in held.values() for span in spans) == expected
    assert bool(held) == bool(expected)


def test_a_unit_that_was_cut_from_its_supply_begins_when_it_is_awake():
    settings = ("gate=idle", "after=50 cycles", "wake=7 cycles", "retention=0.1")
    chip = load_hardware(
        "tile64", overrides=[f"tiles.power.compute.{setting}" for setting in settings]
    )
    placement = place(PROGRAMS["pc"], chip)
    recorder = Recorder()
    activity = simulate(placement, chip, recorder=recorder)
    recording = recording_of(placement, chip, activity, recorder)
    ready = {(wait.task, wait.start): wait.ready for wait in recording.waits()}
    units = placement.tasks.units
    arrays = {index for index, unit in enumerate(units) if unit.kind == "array"}
    free = dict.fromkeys(arrays, 0)
    woken = 0
    for span in recording.spans:
        unit = int(placement.tasks.unit[span.task])
        if unit in arrays:
            idle = max(0, ready[span.task, span.start] - free[unit])
            asleep = idle > 50
            assert span.start == free[unit] + idle + 7 * asleep
            woken += asleep
            free[unit] = span.end
    stalled = sum(unit.stalled_cycles.get("wake", 0) for unit in activity.units)
    assert woken and stalled == 7 * woken
