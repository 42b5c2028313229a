"""The simulated chip against critical paths in closed form, bounds and invariants."""

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.errors import DeadlockError, DoesNotFitError
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import TaskKind, place
from pcsim.program import inference
from pcsim.theory.critical_path import (
    backpropagation_makespan,
    backpropagation_slots,
    jacobi_makespan,
    jacobi_slots,
)
from tests.helpers.products import weight_stationary
from tests.helpers.programs import bp, pc, run


def product_cycles(widths, batch, *, rows=16, cols=16):
    """Cycles of the three products of each layer: forward, backward, gradient."""
    forward, backward, gradient = [], [], []
    for n_in, n_out in itertools.pairwise(widths):
        forward.append(weight_stationary(batch, n_out, n_in, rows=rows, cols=cols).cycles)
        backward.append(weight_stationary(batch, n_in, n_out, rows=rows, cols=cols).cycles)
        gradient.append(weight_stationary(n_out, n_in, batch, rows=rows, cols=cols).cycles)
    return forward, backward, gradient


@pytest.mark.parametrize("depth", [1, 2, 5, 9, 33])
@pytest.mark.parametrize("steps", [1, 4, 12, 40])
@pytest.mark.parametrize("wavefront", [True, False])
def test_equal_slots_give_the_closed_form_critical_paths(ideal, depth, steps, wavefront):
    # Width = batch, so that all three products of all layers take the same time: one slot.
    widths, hardware = (16,) * (depth + 1), ideal()
    slot = weight_stationary(16, 16, 16, rows=16, cols=16).cycles
    relaxed = run(pc(widths, 16, steps, wavefront=wavefront), hardware)
    if depth > 1:
        assert relaxed.makespan_cycles == jacobi_slots(depth, steps) * slot
    else:
        assert relaxed.makespan_cycles == 2 * slot  # no hidden layer: nothing relaxes
    assert run(bp(widths, 16), hardware).makespan_cycles == backpropagation_slots(depth) * slot


@pytest.mark.parametrize(
    "widths,batch,steps",
    [
        ((784, 128, 128, 128, 10), 64, 3),
        ((784, 128, 128, 128, 10), 64, 20),
        ((20, 30, 7, 50, 11, 90, 10), 5, 9),
        ((5, 100, 3, 100, 4), 1, 2),
    ],
)
@pytest.mark.parametrize("wavefront", [True, False])
def test_unequal_layers_give_the_makespan_of_the_timed_event_graph(
    ideal, widths, batch, steps, wavefront
):
    forward, backward, gradient = product_cycles(widths, batch)
    relaxed = run(pc(widths, batch, steps, wavefront=wavefront), ideal())
    assert relaxed.makespan_cycles == jacobi_makespan(
        forward, backward, gradient, steps=steps, wavefront=wavefront
    )
    assert run(bp(widths, batch), ideal()).makespan_cycles == backpropagation_makespan(
        forward, backward, gradient
    )


@pytest.mark.parametrize("steps", [1, 7])
def test_hops_and_vector_latencies_enter_the_timed_event_graph(ideal, steps):
    # Linear network: phi costs nothing, but every vector task has the unit's latency: the copy of p
    # into z after a forward product belongs to the layer's forward time, except at the output.
    widths, batch, latency = (12, 40, 9, 33, 10), 6, 7
    hardware = ideal("tiles.vector.latency=7 cycles", "noc.router_latency=3 cycles")
    forward, backward, gradient = product_cycles(widths, batch)
    depth = len(widths) - 1
    relaxed = run(pc(widths, batch, steps, phi="linear", wavefront=False), hardware)
    started = [f + latency for f in forward[:-1]] + forward[-1:]
    # During inference the products stand alone, so the graph is started from the feed-forward pass.
    ready, time = [], 0
    for layer in range(depth):
        time += started[layer] + (3 if layer else 0)
        ready.append(time + latency)
    for _ in range(steps):
        back = [ready[layer] + backward[layer] for layer in range(depth)]
        state = [latency + max(back[layer + 1] + 3, ready[layer]) for layer in range(depth - 1)]
        ready = [
            latency
            + max(
                state[layer] if layer < depth - 1 else 0,
                forward[layer] + max(state[layer - 1] + 3, back[layer]) if layer else 0,
            )
            for layer in range(depth)
        ]
    assert relaxed.makespan_cycles == max(
        done + last for done, last in zip(ready, gradient, strict=True)
    )


def test_one_unit_of_each_kind_serialises_the_whole_network(ideal):
    # On one tile the array is never idle between products: makespan = sum of all products.
    widths, batch, steps = (16,) * 5, 16, 3
    slot = weight_stationary(16, 16, 16, rows=16, cols=16).cycles
    program = pc(widths, batch, steps, wavefront=False)
    activity = run(program, ideal("tiles.mesh=[1, 1]"))
    products = 4 + steps * (3 + 3) + 4
    assert activity.makespan_cycles == products * slot
    assert activity.utilization == pytest.approx(16**3 / (256 * slot), rel=1e-12)


def test_traffic_on_the_ideal_chip_is_the_closed_form(ideal):
    widths, batch, steps = (9, 8, 7, 6), 5, 4
    hidden = 8 + 7
    assert run(bp(widths, batch), ideal()).noc_bytes == 4 * batch * 2 * hidden
    relaxed = run(pc(widths, batch, steps, wavefront=False), ideal())
    assert relaxed.noc_bytes == 4 * batch * hidden * (1 + 2 * steps)
    assert relaxed.dram_bytes == 4 * batch * (9 + 6)
    assert (
        run(inference(chain(widths, "tanh"), batch=batch), ideal()).noc_bytes == 4 * batch * hidden
    )


def test_a_cold_start_also_loads_weights_and_the_first_batch(tile64):
    widths, batch = (784, 128, 128, 128, 10), 64
    warm, cold = (run(bp(widths, batch), tile64(), cold=cold) for cold in (False, True))
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    assert cold.dram_bytes - warm.dram_bytes == 4 * (weights + batch * (784 + 10))
    assert cold.makespan_cycles > warm.makespan_cycles


def test_busy_stalled_and_finished_time_of_every_unit_add_up_to_the_makespan(tile64):
    for program in (pc((784, 128, 128, 128, 10), 64, 6), bp((784, 128, 128, 128, 10), 64)):
        for cold in (False, True):
            activity = run(program, tile64(), cold=cold)
            for unit in activity.units:
                spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
                assert spent == activity.makespan_cycles, unit.name


def dynamic(activity):
    return activity.counts, activity.link_bytes, activity.noc_bytes, activity.dram_bytes


def test_link_bandwidth_changes_the_time_but_no_count(tile64):
    program = pc((784, 128, 128, 128, 10), 64, 3)
    runs = [run(program, tile64(f"noc.link={width} B/cycle")) for width in (4, 16, 64, 1024)]
    runs.append(run(program, tile64("noc.link=unlimited")))
    assert len({activity.makespan_cycles for activity in runs}) > 1
    for activity in runs:
        assert dynamic(activity) == dynamic(runs[0])


def longest(values):
    return max(values, default=0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_makespan_lies_between_capacity_bounds_and_the_sum_of_all_work(data):
    depth = data.draw(st.integers(1, 5))
    widths = tuple(data.draw(st.lists(st.integers(1, 60), min_size=depth + 1, max_size=depth + 1)))
    batch, steps = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    overrides = (
        f"tiles.mesh=[{data.draw(st.integers(1, 3))}, {data.draw(st.integers(1, 3))}]",
        f"tiles.sram.size={data.draw(st.sampled_from([64, 256, 1024]))} KiB",
        f"noc.link={data.draw(st.sampled_from([1, 8, 64]))} B/cycle",
        f"tiles.vector.lanes={data.draw(st.sampled_from([1, 7, 64]))}",
        "dram.channels=1",
    )
    hardware = load_hardware("tile64", overrides=overrides)
    rule = data.draw(st.sampled_from(["pc", "bp"]))
    program = pc(widths, batch, steps) if rule == "pc" else bp(widths, batch)
    try:
        placement = place(program, hardware)
    except DoesNotFitError:
        reject()
    activity = simulate(placement, hardware)
    busiest = longest(unit.busy_cycles for unit in activity.units)
    everything = sum(unit.busy_cycles for unit in activity.units)
    # What a transfer or a DRAM request still flies after it has left its unit.
    tasks, instances = placement.tasks, placement.tasks.instances()
    flying = sum(
        int(instances[task]) * 4 * tasks.routes[tasks.route[task]].depth
        for task in range(len(tasks))
        if tasks.kind[task] == TaskKind.TRANSFER
    )
    flying += 40 * int((tasks.kind >= TaskKind.DRAM_READ).sum())
    assert busiest <= activity.makespan_cycles <= everything + flying
    assert activity.utilization <= 1
    on_ideal = load_hardware("ideal", overrides=["tiles.allocation=fewest"])
    forward, backward, gradient = product_cycles(widths, batch)
    if all(len(group.tiles) == 1 for group in placement.groups):
        path = (
            jacobi_makespan(forward, backward, gradient, steps=steps, wavefront=True)
            if rule == "pc"
            else backpropagation_makespan(forward, backward, gradient)
        )
        assert run(program, on_ideal).makespan_cycles == path <= activity.makespan_cycles


def test_bytes_on_links_equal_bytes_times_hops(tile64):
    activity = run(pc((784, 128, 128, 128, 10), 64, 3), tile64())
    hops = sum(
        amount
        for count, amount in activity.counts.items()
        if (count.component, count.action) == ("noc", "link_byte")
    )
    assert sum(activity.link_bytes.values()) == hops


def test_the_same_run_twice_is_identical_and_the_order_of_units_does_not_matter(tile64):
    hardware = tile64("noc.link=4 B/cycle")
    placement = place(pc((784, 128, 128, 128, 10), 64, 4), hardware)
    first, second = simulate(placement, hardware), simulate(placement, hardware)
    assert first == second
    # Relabel the units in the task arrays: processes start in another order, nothing else changes.
    tasks = placement.tasks
    order = list(range(len(tasks.units)))
    random.Random(3).shuffle(order)
    place_of = {old: new for new, old in enumerate(order)}
    shuffled = replace(
        tasks,
        units=tuple(tasks.units[old] for old in order),
        unit=tasks.unit.copy(),
    )
    for task, unit in enumerate(tasks.unit.tolist()):
        shuffled.unit[task] = place_of[unit]
    third = simulate(replace(placement, tasks=shuffled), hardware)
    assert third.makespan_cycles == first.makespan_cycles
    assert third.counts == first.counts
    assert {unit.name: unit for unit in third.units} == {unit.name: unit for unit in first.units}


def test_counts_are_affine_in_the_steps_without_wavefront(tile64):
    seven, eight, nine = (
        run(pc((30, 20, 10, 5), 4, steps, wavefront=False), tile64()).counts for steps in (7, 8, 9)
    )
    for key, amount in nine.items():
        assert amount - 2 * eight[key] + seven[key] == 0, key


def test_macs_of_the_simulation_are_those_of_the_program(tile64):
    for program in (pc((784, 128, 128, 128, 10), 64, 6), bp((784, 128, 128, 128, 10), 64)):
        assert run(program, tile64()).macs == sum(program.macs().values())


def test_a_deadlock_names_who_waits_for_whom_since_when(ideal):
    hardware = ideal()
    placement = place(bp((16, 16), 16), hardware)
    tasks = placement.tasks
    # Let the forward product wait for the weight gradient, which waits for it.
    forward = tasks.names.index("product_forward[1]@start")
    gradient = tasks.names.index("weight_gradient[1]@finish")
    at = int(tasks.needs_start[forward])
    needs = tasks.needs_task.copy()
    needs[at] = gradient
    broken = replace(placement, tasks=replace(tasks, needs_task=needs))
    with pytest.raises(DeadlockError) as caught:
        simulate(broken, hardware)
    assert str(caught.value).splitlines()[:2] == [
        "the chip stopped before its work was done:",
        "  tile[0,0].array waits since cycle 0 to run product_forward[1]@start, "
        "for weight_gradient[1]@finish of tile[0,0].array",
    ]


FORMS = [
    {"skips": True, "parameterisation": "mupc"},
    {"skips": True, "bias": True},
    {"post": True, "bias": True},
    {"parameterisation": "mupc"},
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wavefront", [True, False])
def test_on_the_ideal_chip_no_form_changes_time_or_traffic(ideal, form, wavefront):
    # Vector work takes no time there, and what a skip adds is on the spot: one layer, one tile. All
    # layers are alike: with unequal ones the vector unit, which keeps its order, may hold a state
    # update back until its own tile's feedback is done.
    widths, batch, steps = (16,) * 6, 16, 6
    forward, backward, gradient = product_cycles(widths, batch)
    relaxed = run(pc(widths, batch, steps, wavefront=wavefront, **form), ideal())
    assert relaxed.makespan_cycles == jacobi_makespan(
        forward, backward, gradient, steps=steps, wavefront=wavefront
    )
    assert (
        relaxed.noc_bytes == run(pc(widths, batch, steps, wavefront=wavefront), ideal()).noc_bytes
    )
    learned = run(bp(widths, batch, **form), ideal())
    assert learned.makespan_cycles == backpropagation_makespan(forward, backward, gradient)
    assert learned.noc_bytes == run(bp(widths, batch), ideal()).noc_bytes


@pytest.mark.parametrize("form", FORMS)
def test_split_layers_of_every_form_run_to_the_end_with_the_same_products(tile64, form):
    widths, batch = (100, 96, 96, 96, 10), 32
    small = tile64("tiles.sram.size=48 KiB")
    for make in (lambda **f: pc(widths, batch, 4, **f), lambda **f: bp(widths, batch, **f)):
        placement = place(make(**form), small)
        assert max(len(group.tiles) for group in placement.groups) > 1
        activity = simulate(placement, small)
        assert activity.macs == sum(make(**form).macs().values())
