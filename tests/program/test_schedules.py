"""Every schedule of either rule on the chip without limits, against the closed forms of its length, work and memory."""

import itertools

import pytest

from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import TaskKind, place
from pcsim.program import Control, Kind, Role
from pcsim.program.pipeline_orders import ORDERS, PREFETCHED
from pcsim.program.synchronise import parent
from pcsim.theory import pipelines
from pcsim.theory.counts import (
    backpropagation_counts,
    fixed_prediction_counts,
    incremental_counts,
    predictive_coding_counts,
)
from pcsim.theory.critical_path import (
    backpropagation_slots,
    error_optimisation_slots,
    fixed_prediction_slots,
    gauss_seidel_slots,
    incremental_slots,
    jacobi_makespan,
    jacobi_slots,
    red_black_slots,
)
from tests.helpers.products import weight_stationary
from tests.helpers.programs import (
    backpropagation,
    error_optimisation,
    fixed_prediction,
    incremental_predictive_coding,
    ordered_predictive_coding,
    pipelined_backpropagation,
    predictive_coding,
    zero_divergence,
)

BATCH = 16
SLOT = weight_stationary(16, 16, 16, rows=16, cols=16).cycles
"""Of a 16 x 16 layer at batch 16: all three products take as long."""


def uniform(depth, **form):
    return chain((16,) * (depth + 1), "tanh", **form)


def run(program, hardware, **how):
    return simulate(place(program, hardware, **how), hardware)


def slots(program, hardware):
    return run(program, hardware).makespan_cycles / SLOT


def ordered(form, order, steps, *, batch=BATCH, **options):
    return ordered_predictive_coding(
        form, batch=batch, steps=steps, order=order, optimiser="adam", **options
    )


def pipelined(form, schedule, parts, *, batch=None, **options):
    batch = BATCH * parts if batch is None else batch
    return pipelined_backpropagation(
        form, batch=batch, micro_batches=parts, schedule=schedule, optimiser="adam", **options
    )


DEPTHS, STEPS = (2, 3, 6, 9), (1, 2, 5)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("steps", STEPS)
def test_every_way_to_relax_takes_as_many_slots_as_its_closed_form_says(ideal, depth, steps):
    form, chip, common = uniform(depth), ideal(), {"batch": BATCH, "optimiser": "adam"}
    assert slots(ordered(form, "gauss_seidel", steps), chip) == gauss_seidel_slots(depth, steps)
    incremental = incremental_predictive_coding(form, steps=steps, **common)
    assert slots(incremental, chip) == incremental_slots(depth, steps)
    apart = slots(incremental, ideal("tiles.gradients=own"))
    assert apart == incremental_slots(depth, steps, own_gradient_array=True)
    fixed = fixed_prediction(form, steps=steps, wavefront=False, **common)
    assert slots(fixed, chip) == fixed_prediction_slots(depth, steps)
    errors = error_optimisation(form, steps=steps, **common)
    assert slots(errors, chip) == error_optimisation_slots(depth, steps)
    barrier = predictive_coding(form, steps=steps, wavefront=False, control=Control(), **common)
    assert slots(barrier, chip) == jacobi_slots(depth, steps)


@pytest.mark.parametrize("depth", [5, 9, 33])
@pytest.mark.parametrize("steps", STEPS)
def test_red_black_needs_half_the_tiles_for_two_products_more_a_step(ideal, depth, steps):
    program = ordered(uniform(depth), "red_black", steps, wavefront=False)
    half = ideal(f"tiles.mesh=[1, {(depth + 1) // 2}]")
    assert slots(program, half) == red_black_slots(depth, steps)
    # On tiles of its own a layer starts as soon as its neighbours are done, not when all of a colour are.
    assert slots(program, ideal()) == jacobi_slots(depth, steps)


@pytest.mark.parametrize("depth", DEPTHS)
def test_gated_z_il_overlays_backpropagation_to_the_cycle_and_ungated_is_pc(ideal, depth):
    form, common = uniform(depth), {"batch": BATCH, "optimiser": "adam"}
    gated = run(zero_divergence(form, **common), ideal())
    learned = run(backpropagation(form, **common), ideal())
    assert gated.makespan_cycles == learned.makespan_cycles == backpropagation_slots(depth) * SLOT
    assert gated.macs == learned.macs and gated.noc_bytes == learned.noc_bytes
    arrays = [
        {unit.name: unit.busy_cycles for unit in activity.units if unit.kind == "array"}
        for activity in (gated, learned)
    ]
    assert arrays[0] == arrays[1]
    ungated = zero_divergence(form, gated=False, **common)
    assert ungated == predictive_coding(form, steps=depth - 1, wavefront=False, **common)
    assert slots(ungated, ideal()) == jacobi_slots(depth, depth - 1)


UNEQUAL = (20, 30, 7, 50, 11, 10)


def gauss_seidel_makespan(widths, batch, steps):
    """Daters of pipelined passes: X of states, F of predictions; the array of a layer keeps its order."""
    f, b, w = [], [], []
    for n_in, n_out in itertools.pairwise(widths):
        f.append(weight_stationary(batch, n_out, n_in, rows=16, cols=16).cycles)
        b.append(weight_stationary(batch, n_in, n_out, rows=16, cols=16).cycles)
        w.append(weight_stationary(n_out, n_in, batch, rows=16, cols=16).cycles)
    depth = len(f)
    predicted = dict(zip(range(1, depth + 1), itertools.accumulate(f), strict=True))
    state = {}
    for _ in range(steps):
        moved, fresh = {depth: 0}, {1: predicted[1]}
        for layer in range(depth - 1, 0, -1):
            fed_back = max(moved[layer + 1], predicted[layer + 1]) + b[layer]
            moved[layer] = max(fed_back, predicted[layer])
            fresh[layer + 1] = moved[layer] + f[layer]
        predicted, state = fresh, moved
    return max(
        max(predicted[layer], state.get(layer, 0)) + w[layer - 1] for layer in range(1, depth + 1)
    )


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_gauss_seidel_over_unequal_layers_gives_the_daters_of_its_passes(ideal, steps):
    program = ordered(chain(UNEQUAL, "tanh"), "gauss_seidel", steps, batch=5)
    assert run(program, ideal()).makespan_cycles == gauss_seidel_makespan(UNEQUAL, 5, steps)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("order", ["gauss_seidel", "red_black"])
def test_orders_do_the_products_of_jacobi(order, steps):
    expected = predictive_coding_counts(UNEQUAL, 5, steps=steps, wavefront=False)
    program = ordered(chain(UNEQUAL, "tanh"), order, steps, batch=5, wavefront=False)
    assert program.macs() == {
        Kind.PRODUCT_FORWARD: expected.forward,
        Kind.PRODUCT_BACKWARD: expected.backward,
        Kind.WEIGHT_GRADIENT: expected.gradient,
    }
    assert program.exchanged_words([Role.STATE, Role.FEEDBACK]) == expected.exchanged_words
    primitives = program.elementwise()
    assert primitives["activation"] == expected.activation
    assert primitives["derivative"] == expected.derivative
    # Every hidden state but the first has two errors a step, by its move and by its new prediction.
    hidden = sum(UNEQUAL[1:-1])
    twice = hidden - UNEQUAL[1]
    moves = hidden * steps
    assert primitives["subtract"] == expected.error + 5 * (moves + twice * steps)


def check(program, expected):
    assert program.macs() == {
        Kind.PRODUCT_FORWARD: expected.forward,
        Kind.PRODUCT_BACKWARD: expected.backward,
        Kind.WEIGHT_GRADIENT: expected.gradient,
    }
    primitives = program.elementwise()
    assert primitives["activation"] == expected.activation
    assert primitives["derivative"] == expected.derivative
    assert primitives["multiply"] + 2 * primitives["multiply_add"] == expected.state
    assert primitives["subtract"] == expected.error + primitives["multiply_add"]
    assert primitives["adam"] == expected.parameters
    assert program.exchanged_words([Role.STATE, Role.FEEDBACK]) == expected.exchanged_words


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_ipc_and_fpa_have_the_closed_form_counts(steps):
    form, common = chain(UNEQUAL, "tanh"), {"batch": 5, "optimiser": "adam"}
    check(
        incremental_predictive_coding(form, steps=steps, **common),
        incremental_counts(UNEQUAL, 5, steps=steps),
    )
    check(
        fixed_prediction(form, steps=steps, wavefront=False, **common),
        fixed_prediction_counts(UNEQUAL, 5, steps=steps),
    )
    assert (
        incremental_counts(UNEQUAL, 5, steps=steps).macs
        == steps * backpropagation_counts(UNEQUAL, 5).macs
    )


@pytest.mark.parametrize("steps", [1, 4])
def test_epc_does_the_products_of_pc_one_after_the_other(steps):
    program = error_optimisation(chain(UNEQUAL, "tanh"), batch=5, steps=steps, optimiser="adam")
    expected = predictive_coding_counts(UNEQUAL, 5, steps=steps, wavefront=False)
    assert sum(program.macs().values()) == expected.macs
    assert program.exchanged_words([Role.STATE, Role.FEEDBACK]) == expected.exchanged_words


# Pipelines.


@pytest.mark.parametrize("schedule", ORDERS)
@pytest.mark.parametrize("stages", [1, 2, 3, 4, 6])
def test_pipelines_of_equal_stages_take_as_long_as_their_formulas_say(ideal, schedule, stages):
    # In a stage of a larger network the first layer, too, passes its gradient on.
    for parts in {stages, 2 * stages - 1, 2 * stages, 3 * stages + 1}:
        if schedule == "zb_h2" and parts < 2 * stages - 1:
            continue
        program = pipelined(uniform(stages), schedule, parts, input_gradient=True)
        activity = run(program, ideal())
        longest = pipelines.makespan(schedule, stages, parts, f=SLOT, b=SLOT, w=SLOT)
        assert activity.makespan_cycles == longest
        spans = [
            activity.makespan_cycles - unit.finished_cycles - layer * SLOT
            for layer, unit in enumerate(
                unit for unit in activity.units if unit.kind == "array" and unit.busy_cycles
            )
        ]
        # Stage s begins s - 1 forward products after the first.
        assert max(spans) == pipelines.span(schedule, stages, parts, f=SLOT, b=SLOT, w=SLOT)


@pytest.mark.parametrize("schedule", ORDERS)
def test_without_the_input_gradient_a_pipeline_is_never_longer(ideal, schedule):
    for parts in (4, 8):
        shorter = run(pipelined(uniform(4), schedule, parts), ideal()).makespan_cycles
        whole = run(pipelined(uniform(4), schedule, parts, input_gradient=True), ideal())
        assert shorter <= whole.makespan_cycles
        assert shorter >= whole.makespan_cycles - SLOT * parts


@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize("widths", [UNEQUAL, (64, 64, 64, 10), (9, 100, 3, 100, 4)])
def test_gpipe_over_unequal_stages_is_two_flow_shops(ideal, widths, parts):
    batch = 6
    f, bw = [], []
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        f.append(weight_stationary(batch, n_out, n_in, rows=16, cols=16).cycles)
        back = weight_stationary(batch, n_in, n_out, rows=16, cols=16).cycles if layer else 0
        bw.append(back + weight_stationary(n_out, n_in, batch, rows=16, cols=16).cycles)
    program = pipelined(chain(widths, "tanh"), "gpipe", parts, batch=batch * parts)
    makespan = run(program, ideal()).makespan_cycles
    assert makespan == pipelines.unequal_gpipe_makespan(f, bw, parts)


def test_recomputation_adds_one_forward_product_per_stage_and_micro_batch(ideal):
    for stages, parts in ((2, 2), (4, 4), (4, 9)):
        form = uniform(stages)
        again = pipelined(form, "gpipe", parts, input_gradient=True, stash="recomputed")
        longest = (parts + stages - 1) * 4 * SLOT
        assert run(again, ideal()).makespan_cycles == longest
        kept = pipelined(form, "gpipe", parts, input_gradient=True)
        assert sum(again.macs().values()) - sum(kept.macs().values()) == (
            stages * parts * BATCH * 16 * 16
        )


def in_flight(program, layer, since=Kind.PRODUCT_FORWARD):
    """The most micro-batches of ``layer`` between that product and W, walking through its array's queue."""
    work = {
        kind: next(
            op for op in program.ops if op.kind is kind and op.layer == layer and op.role is None
        )
        for kind in (since, Kind.WEIGHT_GRADIENT)
    }
    position = {op.key: at for at, op in enumerate(program.ops)}
    queue = sorted(
        (op.place.turn.key(part), position[op.key], kind)
        for kind, op in work.items()
        for part in range(1, program.micro_batches + 1)
    )
    level = most = 0
    for _, _, kind in queue:
        level += 1 if kind is since else -1
        most = max(most, level)
    assert level == 0
    return most


@pytest.mark.parametrize("schedule", ORDERS)
@pytest.mark.parametrize("parts", [1, 3, 4, 8, 16])
def test_stashes_are_the_formulas_and_memory_is_kept_for_them(schedule, parts):
    stages = 4
    program = pipelined(uniform(stages), schedule, parts)
    for layer in range(1, stages + 1):
        expected = pipelines.stash(schedule, layer, stages, parts)
        assert in_flight(program, layer) == expected
        kept = {
            buffer.name.partition(" to ")[0]: buffer.copies for buffer in program.buffers_of(layer)
        }
        if layer > 1:  # The batch itself is there whole, and the next one arriving.
            assert kept["operand"] == expected
        if layer < stages:
            assert kept["sent"] == expected
        if layer > 1:  # Errors wait for W from B on only.
            assert kept["error of the result"] == in_flight(
                program, layer, since=Kind.PRODUCT_BACKWARD
            )


def test_a_recomputed_stash_keeps_operands_only_and_a_spilled_one_two_micro_batches():
    def kept(stash):
        program = pipelined(uniform(4), "gpipe", 8, stash=stash)
        return {buffer.name.partition(" to ")[0]: buffer.copies for buffer in program.buffers_of(3)}

    assert (kept("kept")["operand"], kept("kept")["sent"]) == (8, 8)
    assert (kept("recomputed")["operand"], kept("recomputed")["sent"]) == (8, 1)
    spilled = kept("spilled")
    assert (spilled["operand"], spilled["sent"]) == (PREFETCHED, PREFETCHED)


@pytest.mark.parametrize("schedule", ["gpipe", "1f1b"])
def test_a_spilled_stash_goes_to_dram_and_back_once(ideal, tile64, schedule):
    widths, parts, batch = (30, 20, 16, 10), 4, 32
    form = chain(widths, "tanh")
    for chip in (ideal(), tile64()):
        kept, spilled = (
            run(pipelined(form, schedule, parts, batch=batch, stash=stash), chip)
            for stash in ("kept", "spilled")
        )
        # Operands of layers 2 and 3, activities of 1 and 2.
        words = batch * ((20 + 16) + (20 + 16))
        assert spilled.dram_bytes - kept.dram_bytes == 2 * 4 * words
        assert spilled.macs == kept.macs


@pytest.mark.parametrize("schedule", ORDERS)
def test_pipelines_do_the_work_of_backpropagation_also_where_stages_share_tiles(ideal, schedule):
    widths, batch = (20, 16, 12, 16, 10), 24
    form = chain(widths, "tanh")
    expected = backpropagation_counts(widths, batch)
    program = pipelined(form, schedule, 4, batch=batch)
    assert sum(program.macs().values()) == expected.macs
    for mesh in ("[1, 1]", "[1, 2]", "[1, 3]", "[2, 2]"):
        activity = run(program, ideal(f"tiles.mesh={mesh}"))
        assert activity.macs == expected.macs


@pytest.mark.parametrize("schedule", ORDERS)
def test_pipelines_run_to_the_end_on_a_chip_with_limits(tile64, schedule):
    form = chain((100, 96, 96, 96, 10), "relu", skips=True, parameterisation="mupc", bias=True)
    spilled = [] if schedule.startswith("zb") else ["spilled"]
    for stash in ("kept", "recomputed", *spilled):
        program = pipelined(form, schedule, 4, batch=32, stash=stash)
        for spread in (1, 3):
            chip = tile64("tiles.sram.size=128 KiB")
            activity = run(program, chip, spread=spread)
            assert activity.macs == sum(program.macs().values())


# Micro-batches, barriers, checks.


@pytest.mark.parametrize("parts", [2, 4])
def test_micro_batches_of_relaxation_change_no_count_of_products_or_traffic(ideal, parts):
    form = chain(UNEQUAL, "tanh")
    for make in (
        lambda **o: predictive_coding(form, batch=8, steps=4, optimiser="sgd", **o),
        lambda **o: ordered(form, "gauss_seidel", 4, batch=8, **o),
        lambda **o: ordered(form, "red_black", 4, batch=8, **o),
    ):
        whole, parted = run(make(), ideal()), run(make(micro_batches=parts), ideal())
        assert parted.macs == whole.macs and parted.noc_bytes == whole.noc_bytes
        assert make(micro_batches=parts).elementwise() == make().elementwise()


def test_two_micro_batches_hide_communication(ideal):
    # Hops of 500 cycles: alone a step waits for two of them, with a partner the array goes on.
    chip, form = ideal("noc.router_latency=500 cycles"), uniform(5)
    alone = predictive_coding(form, batch=BATCH, steps=40, wavefront=False, optimiser="sgd")
    pair = predictive_coding(
        form, batch=2 * BATCH, steps=40, wavefront=False, optimiser="sgd", micro_batches=2
    )
    one, two = run(alone, chip).makespan_cycles, run(pair, chip).makespan_cycles
    products = [SLOT] * 5
    assert one == jacobi_makespan(products, products, products, steps=40, wavefront=False, hop=500)
    # Each half adds to the other's step only its own two products at most.
    assert one < two <= one + (2 * 40 + 5 + 1) * SLOT
    assert two < 1.2 * one


@pytest.mark.parametrize("widths", [UNEQUAL, (5, 100, 3, 100, 4)])
def test_a_barrier_makes_every_step_as_long_as_its_slowest_layer(ideal, widths):
    batch, steps = 6, 5
    f, b, w = [], [], []
    for n_in, n_out in itertools.pairwise(widths):
        f.append(weight_stationary(batch, n_out, n_in, rows=16, cols=16).cycles)
        b.append(weight_stationary(batch, n_in, n_out, rows=16, cols=16).cycles)
        w.append(weight_stationary(n_out, n_in, batch, rows=16, cols=16).cycles)
    form = chain(widths, "tanh")
    program = predictive_coding(
        form, batch=batch, steps=steps, wavefront=False, control=Control(), optimiser="sgd"
    )
    depth = len(f)

    def step(ready):
        back = [ready[k] + (b[k] if k else 0) for k in range(depth)]
        state = [max(back[k + 1], ready[k]) for k in range(depth - 1)]
        ahead = [max(state[k - 1], back[k]) + f[k] if k else 0 for k in range(depth)]
        return [max(ahead[k], state[k] if k < depth - 1 else 0) for k in range(depth)]

    ready = step(list(itertools.accumulate(f)))
    for _ in range(steps - 1):
        ready = step([max(ready)] * depth)
    assert run(program, ideal()).makespan_cycles == max(
        done + last for done, last in zip(ready, w, strict=True)
    )


def test_reports_climb_a_binomial_tree():
    assert [parent(layer) for layer in range(2, 10)] == [1, 1, 3, 1, 5, 5, 7, 1]
    for depth in (2, 5, 128, 1000):
        longest = 0
        for layer in range(2, depth + 1):
            hops = 0
            while layer > 1:
                layer, hops = parent(layer), hops + 1
            longest = max(longest, hops)
        assert longest <= (depth - 1).bit_length()


def test_a_check_costs_one_word_up_and_down_per_layer_and_the_squares_of_all_errors(ideal):
    form, steps, batch = chain(UNEQUAL, "tanh"), 3, 5
    common = {"batch": batch, "steps": steps, "optimiser": "sgd", "wavefront": False}
    without = predictive_coding(form, **common)
    checked = predictive_coding(form, control=Control(energy=True), **common)
    squares = checked.elementwise()["multiply_add"] - without.elementwise()["multiply_add"]
    assert squares == batch * sum(UNEQUAL[1:]) * steps
    layers = len(UNEQUAL) - 1
    words = run(checked, ideal()).noc_bytes - run(without, ideal()).noc_bytes
    assert words == 4 * 2 * (layers - 1) * steps


def test_a_lag_hides_the_check_behind_the_next_step(ideal):
    chip, form = ideal("noc.router_latency=200 cycles"), uniform(6)
    common = {"batch": BATCH, "optimiser": "sgd", "wavefront": False, "steps": 20}

    def cycles(control):
        return run(predictive_coding(form, control=control, **common), chip).makespan_cycles

    free, waited = cycles(None), cycles(Control(energy=True))
    hidden = cycles(Control(energy=True, lag=8))
    # Nobody waits any more, but the last answer still comes in.
    longest = 2 * 5 * 200 * 3  # up and down, at most five hops for each of log2 6 reports
    assert free <= hidden <= free + longest < waited


# All of them at once.


def every_program(form, batch):
    common = {"batch": batch, "optimiser": "adam"}
    yield predictive_coding(form, steps=4, micro_batches=2, **common)
    yield predictive_coding(form, steps=4, control=Control(), **common)
    yield predictive_coding(form, steps=4, control=Control(energy=True, lag=1), **common)
    for order in ("gauss_seidel", "red_black"):
        yield ordered(form, order, 3, batch=batch)
        yield ordered(form, order, 3, batch=batch, micro_batches=2)
        yield ordered(form, order, 3, batch=batch, control=Control(energy=True))
    yield incremental_predictive_coding(form, steps=3, **common)
    yield fixed_prediction(form, steps=3, **common)
    yield zero_divergence(form, **common)
    yield error_optimisation(form, steps=3, **common)
    for schedule in ORDERS:
        yield pipelined(form, schedule, 4, batch=batch)


FORMS = [
    {},
    {"skips": True, "parameterisation": "mupc"},
    {"bias": True, "post": True},
    {"skips": True, "bias": True},
]


@pytest.mark.parametrize("options", FORMS)
def test_every_schedule_of_every_form_runs_to_the_end_with_its_own_products(tile64, options):
    form = chain((100, 96, 96, 96, 10), "relu", **options)
    for chip in (
        tile64("tiles.sram.size=48 KiB"),
        tile64("tiles.mesh=[1, 3]", "tiles.sram.size=2 MiB"),
    ):
        for program in every_program(form, 32):
            placement = place(program, chip)
            activity = simulate(placement, chip)
            assert activity.macs == sum(program.macs().values())
            busiest = max(unit.busy_cycles for unit in activity.units)
            assert busiest <= activity.makespan_cycles
            for unit in activity.units:
                spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
                assert spent == activity.makespan_cycles, unit.name


def test_the_size_of_a_program_depends_neither_on_steps_nor_on_micro_batches():
    form = uniform(5)
    for make in (
        lambda n: predictive_coding(form, batch=64, steps=n, optimiser="sgd", micro_batches=4),
        lambda n: ordered(form, "gauss_seidel", n),
        lambda n: incremental_predictive_coding(form, batch=4, steps=n, optimiser="sgd"),
        lambda n: error_optimisation(form, batch=4, steps=n, optimiser="sgd"),
        lambda n: pipelined(form, "zb_h2", n),
    ):
        assert len(make(4).ops) == len(make(64).ops)


def test_spreading_a_layer_over_more_tiles_keeps_its_products(tile64):
    form = chain((64, 64, 64, 10), "relu")
    program = predictive_coding(form, batch=32, steps=3, optimiser="adam")
    fewest = place(program, tile64())
    for spread in (2, 4):
        placement = place(program, tile64(), spread=spread)
        assert placement.tiles_used == spread * fewest.tiles_used
        assert simulate(placement, tile64()).macs == sum(program.macs().values())
        products = placement.tasks.kind == TaskKind.PRODUCT
        assert products.sum() == spread * (fewest.tasks.kind == TaskKind.PRODUCT).sum()
