"""What must hold on every chip and network: sums, counts, bounds, symmetry; and what need not, under arbitration."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import BETWEEN_ROUTERS, TaskKind, place
from pcsim.placement.place import moved
from pcsim.technology import bill, price_list
from tests.helpers import programs
from tests.helpers.chips_at_random import SLOW, chip_settings, networks, placed
from tests.helpers.programs import bp, run

pc = partial(programs.pc, wavefront=False)


@settings(max_examples=40, **SLOW)
@given(program=networks(), chosen=chip_settings(), cold=st.booleans())
def test_time_bytes_memory_and_energy_add_up_on_every_chip(program, chosen, cold):
    chip = load_hardware("tile64", overrides=chosen)
    placement = placed(program, chip)
    activity = simulate(placement, chip, cold=cold)
    # Time: every cycle of every unit is accounted for, and no unit works longer than the update takes.
    for unit in activity.units:
        spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
        assert spent == activity.makespan_cycles, unit.name
        assert min((unit.busy_cycles, unit.finished_cycles, *unit.stalled_cycles.values())) >= 0
    assert activity.utilization <= 1
    # Work: all products and nothing else.
    assert activity.macs == sum(program.macs().values())
    # Memory: no tile keeps more than it has.
    assert max(activity.peak_bytes.values()) <= chip.tiles.sram.size_bytes
    # Links: bytes x hops of every route, and no link carries more than fits into the time.
    tasks, expected = placement.tasks, 0
    for task, often in enumerate(tasks.instances().tolist()):
        if tasks.route[task] >= 0 and (cold or tasks.phase[task]):
            expected += often * int(tasks.size_bytes[task]) * tasks.routes[tasks.route[task]].edges
    assert sum(activity.link_bytes.values()) == expected
    width = chip.noc.link_bytes_per_cycle
    assert max(activity.link_bytes.values(), default=0) <= width * activity.makespan_cycles
    # Energy: the same by component, stage and layer, to the last bit.
    paid = bill(activity, price_list(chip), clock_hz=chip.clock_hz)
    for sums in (paid.by_component(), paid.by_stage(), paid.by_layer()):
        assert sum(sums.values()) == paid.energy_j


@settings(max_examples=25, **SLOW)
@given(program=networks(), chosen=chip_settings(), data=st.data())
def test_dynamic_energy_depends_on_no_bandwidth_and_no_latency(program, chosen, data):
    faster = [
        f"noc.link={data.draw(st.sampled_from([2, 16, 256]))} B/cycle",
        f"noc.router_latency={data.draw(st.integers(0, 9))} cycles",
        f"dram.bandwidth={data.draw(st.sampled_from(['1 GB/s', '100 GB/s', 'unlimited']))}",
        "dram.latency=10 ns",
        "tiles.dma.setup=3 cycles",
    ]
    one = load_hardware("tile64", overrides=chosen)
    other = load_hardware("tile64", overrides=[*chosen, *faster])
    before = simulate(placed(program, one), one)
    after = run(program, other)
    assert after.counts == before.counts
    assert after.link_bytes == before.link_bytes


@settings(max_examples=25, **SLOW)
@given(program=networks(), chosen=chip_settings())
def test_the_makespan_lies_between_the_busiest_unit_or_link_and_all_work_in_a_row(program, chosen):
    chip = load_hardware("tile64", overrides=chosen)
    placement = placed(program, chip)
    activity = simulate(placement, chip)
    tasks, instances = placement.tasks, placement.tasks.instances().tolist()
    width = chip.noc.link_bytes_per_cycle
    carried, flying = {}, 0
    for task, often in enumerate(instances):
        if tasks.phase[task] and tasks.route[task] >= 0:
            route = tasks.routes[tasks.route[task]]
            flits = -(-int(tasks.size_bytes[task]) // width)
            flying += often * (route.depth * 3 + max(route.wires) * chip.noc.link_latency_cycles)
            for link in route.links:
                if link.kind in BETWEEN_ROUTERS:
                    carried[link] = carried.get(link, 0) + often * flits
        elif tasks.phase[task] and tasks.kind[task] in (TaskKind.DRAM_READ, TaskKind.DRAM_WRITE):
            flying += often * 40  # 80 ns at 500 MHz
    busiest = max(unit.busy_cycles for unit in activity.units)
    assert max(busiest, *carried.values(), 0) <= activity.makespan_cycles
    woken = sum(unit.stalled_cycles.get("wake", 0) for unit in activity.units)
    everything = sum(unit.busy_cycles for unit in activity.units)
    assert activity.makespan_cycles <= everything + woken + flying


@settings(max_examples=15, **SLOW)
@given(
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=5).map(tuple),
    chosen=chip_settings(),
    batch=st.integers(1, 5),
)
def test_counts_are_affine_in_the_steps(widths, chosen, batch):
    # A search may place tiles otherwise for another number of steps, as that moves more of other bytes.
    chip = load_hardware("tile64", overrides=[*chosen, "tiles.placement=snake"])
    runs = []
    for steps in (6, 7, 8):
        runs.append(simulate(placed(pc(widths, batch, steps), chip), chip).counts)
    for key in set().union(*runs):
        first, second, third = (run.get(key, 0) for run in runs)
        assert third - 2 * second + first == 0, key


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_counts_are_affine_in_the_batch_where_it_fills_folds(tile64, rule):
    # Batches of whole folds, 16 rows: weights and their updates cost the same, everything else grows by as much.
    chip = tile64("tiles.sram.size=1 MiB", "tiles.sram.port=unlimited", "tiles.mesh=[1, 4]")
    runs = []
    for batch in (32, 48, 64):
        program = bp((40, 33, 20, 10), batch) if rule == "bp" else pc((40, 33, 20, 10), batch, 3)
        runs.append(run(program, chip).counts)
    for key in set().union(*runs):
        first, second, third = (run[key] for run in runs)
        assert third - 2 * second + first == 0, key


@pytest.mark.parametrize("topology", ["mesh", "torus", "h-tree", "bus"])
@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_mirrored_chips_that_nothing_contends_for_do_the_same_at_the_same_time(rule, topology):
    # Links carry anything at once; columns change places from left to right. DRAM stays beside its column, but no
    # array waits for it: this batch is there already, and the next one has all the update's time.
    chip = load_hardware(
        "ideal",
        overrides=(
            "tiles.mesh=[4, 8]",
            f"noc.topology={topology}",
            "tiles.vector.latency=5 cycles",
            "noc.router_latency=2 cycles",
        ),
    )
    program = bp((20,) * 12, 4) if rule == "bp" else pc((20,) * 12, 4, 5)
    plain = place(program, chip)
    mirror = {tile: tile // 8 * 8 + 7 - tile % 8 for tile in range(32)}
    mirrored = moved(plain, program, chip, mirror)
    one, other = simulate(plain, chip), simulate(mirrored, chip)
    units = [
        {(unit.tile, unit.name.split(".", 1)[1]): unit for unit in run.units if unit.tile >= 0}
        for run in (one, other)
    ]
    arrays = [key for key in units[0] if units[0][key].kind == "array"]
    assert arrays
    for tile, name in arrays:
        mine, its = units[0][tile, name], units[1][mirror[tile], name]
        assert (mine.busy_cycles, mine.stalled_cycles) == (its.busy_cycles, its.stalled_cycles)
    where = "link_byte", "router_byte"
    assert {k: n for k, n in one.counts.items() if k.action not in where} == {
        k: n for k, n in other.counts.items() if k.action not in where
    }


def together(one, other):
    """The tasks of two placements on one chip, each with units of its own even where nodes are shared."""
    shift = {
        "unit": len(one.units),
        "route": len(one.routes),
        "kernel": len(one.kernels),
        "operands": len(one.products),
        "stage": len(one.stages),
        "turn": len(one.turns),
    }

    def behind(name):
        column = getattr(other, name)
        return np.where(column >= 0, column + shift.get(name, 0), column)

    columns = [
        *("unit", "kind", "layer", "stage", "phase", "first", "last", "turn", "m", "n", "k"),
        *(
            "repeat",
            "streamed",
            "stationary",
            "elements",
            "size_bytes",
            "route",
            "kernel",
            "operands",
        ),
    ]
    joined = {name: np.concatenate([getattr(one, name), behind(name)]) for name in columns}
    units = [unit._replace(channel=f"{unit.channel} of the second") for unit in other.units]
    return replace(
        one,
        units=(*one.units, *units),
        routes=one.routes + other.routes,
        kernels=one.kernels + other.kernels,
        products=one.products + other.products,
        stages=one.stages + other.stages,
        turns=one.turns + other.turns,
        names=one.names + other.names,
        needs_start=np.concatenate([one.needs_start, other.needs_start[1:] + one.needs_start[-1]]),
        needs_task=np.concatenate([one.needs_task, other.needs_task + len(one)]),
        needs_back=np.concatenate([one.needs_back, other.needs_back]),
        **joined,
    )


def test_networks_that_share_nothing_do_not_know_of_each_other(tile64):
    # Two rules on two halves of a mesh, at once; links carry anything at once, so they could only meet there.
    chip = tile64("noc.link=unlimited", "tiles.mesh=[8, 4]")
    first, second = pc((40, 30, 20, 10), 8, 3), bp((24, 24, 24), 4)
    one = place(first, chip)
    other = moved(place(second, chip), second, chip, {tile: (tile + 16) % 32 for tile in range(32)})
    assert not one.occupancy_bytes.keys() & other.occupancy_bytes.keys()
    runs = [simulate(placement, chip) for placement in (one, other)]
    both = replace(
        one,
        tasks=together(one.tasks, other.tasks),
        occupancy_bytes={**one.occupancy_bytes, **other.occupancy_bytes},
    )
    joint = simulate(both, chip)
    assert joint.makespan_cycles == max(run.makespan_cycles for run in runs)
    summed = dict(runs[0].counts)
    for key, many in runs[1].counts.items():
        summed[key] = summed.get(key, 0) + many
    assert joint.counts == summed
    assert joint.noc_bytes == sum(run.noc_bytes for run in runs)


def test_more_bandwidth_can_make_an_update_slower(tile64):
    # Links are given to whoever asks first, so a transfer that comes earlier can take its turn before one that matters
    # more (Graham's anomaly). On this chip 4 B a cycle are slower than 3; counts stay as they are.
    program = pc((8, 16, 24, 48, 8, 8), 2, 1, optimiser="sgd")
    settings_ = ("tiles.mesh=[3, 3]", "tiles.sram.size=16 KiB", "tiles.sram.banks=1")
    runs = []
    for width in (3, 4):
        chip = tile64(*settings_, f"noc.link={width} B/cycle")
        runs.append(run(program, chip))
    assert runs[1].makespan_cycles > runs[0].makespan_cycles
    assert runs[1].counts == runs[0].counts


def test_more_bandwidth_never_hurts_where_nothing_is_shared(ideal):
    # One tile a layer on a chain: each link has one kind of transfer in each direction, in the order of its sender.
    makespans = []
    for width in (1, 2, 3, 4, 5, 8, 13, 64):
        chip = ideal("noc.topology=mesh", f"noc.link={width} B/cycle", "tiles.mesh=[1, 16]")
        makespans.append(run(bp((16,) * 9, 16), chip).makespan_cycles)
    assert makespans == sorted(makespans, reverse=True)
    assert makespans[0] > makespans[-1]
