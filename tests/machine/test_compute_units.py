"""Every kind of compute unit against walks over its smallest steps, golden runs, and its contract."""

import csv
import itertools
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import Hardware, load_hardware, load_workload, shipped, to_plain
from pcsim.config.candidates import candidates
from pcsim.config.compute import KINDS
from pcsim.errors import DoesNotFitError, InputError
from pcsim.machine import simulate
from pcsim.machine.units import FORMS, Product, Weights, form_of
from pcsim.machine.units.crossbar import pipelined_cycles
from pcsim.machine.units.serial import product_cycles
from pcsim.network import chain
from pcsim.placement import place
from pcsim.program import PRODUCTS, inference, program_of
from pcsim.technology import price_list
from pcsim.theory.serial_tick import CONTROL_CYCLES, tick_cycles
from tests.helpers.programs import bp, counted, pc, run

GOLDEN = Path(__file__).parents[1] / "golden" / "hardware"
FORWARD, BACKWARD, GRADIENT = PRODUCTS.values()

IDEAL = to_plain(load_hardware("ideal", overrides=["tiles.allocation=fewest"]))
CROSSBAR = to_plain(load_hardware("crossbar64"))["tiles"]
PLAIN_FORMATS = IDEAL["tiles"]["formats"]


def chip(compute, *, formats=None, **tiles):
    """The chip without limits with this compute unit."""
    if compute["kind"] == "crossbar":
        compute = {**CROSSBAR["compute"], **compute}
        formats = {**CROSSBAR["formats"], **(formats or {})}
    changed = {**IDEAL["tiles"], "compute": compute, "formats": formats or PLAIN_FORMATS, **tiles}
    return Hardware.model_validate({**IDEAL, "tiles": changed})


def work(hardware, use, m, n, k):
    unit = hardware.tiles.compute
    return form_of(unit).product(Product(m, n, k, use), unit, hardware)


def totals_of(done):
    totals = {}
    for component, action, amount in done.actions:
        totals[component, action] = totals.get((component, action), 0) + amount
    return totals


size = st.integers(1, 20)
uses = st.sampled_from([FORWARD, BACKWARD, GRADIENT])
transposed = st.sampled_from(
    [
        {"transposable": True},
        {"transposable": False, "transpose": "copy"},
        {"transposable": False, "transpose": "walk"},
    ]
)


@st.composite
def units(draw):
    kind = draw(
        st.sampled_from(["systolic os", "systolic ws", "systolic is", "simd", "serial", "crossbar"])
    )
    side = st.integers(1, 6)
    if kind == "simd":
        return {"kind": "simd", "lanes": draw(side), "tree": draw(side), **draw(transposed)}
    if kind == "serial":
        return {"kind": "serial", "cores": draw(side), **draw(transposed)}
    if kind == "crossbar":
        return {
            "kind": "crossbar",
            "rows": draw(side),
            "cols": draw(st.integers(16, 40)),
            "cell_bits": draw(st.integers(1, 8)),
            "dac_bits": draw(st.integers(1, 16)),
            "read": draw(st.sampled_from(["0 ns", "2 ns", "10 ns"])),
            "adc_share": draw(st.integers(1, 40)),
            "gradient_lanes": draw(side),
            "transposable": draw(st.booleans()),
        }
    dataflow = kind.split()[1]
    return {
        "kind": "systolic",
        "rows": draw(side),
        "cols": draw(side),
        "dataflow": dataflow,
        "edges": draw(st.sampled_from(["full", "trimmed"])),
        **({"drain": draw(st.sampled_from(["overlapped", "serial"]))} if dataflow == "os" else {}),
        **({"resident_folds": draw(st.integers(0, 1))} if dataflow == "ws" else {}),
        **draw(transposed),
    }  # fmt: skip


BOTH = {"transposable": True}
STREAM = 10**6
"""Samples of a product so long that filling and draining are no matter."""


@pytest.mark.parametrize(
    ("unit", "use", "n", "k"),
    [
        ({"kind": "serial", "cores": 16, **BOTH}, FORWARD, 32, 7),
        ({"kind": "simd", "lanes": 8, "tree": 4, **BOTH}, FORWARD, 24, 12),
        ({"kind": "systolic", "rows": 8, "cols": 4, "dataflow": "ws", **BOTH}, FORWARD, 4, 8),
        ({"kind": "systolic", "rows": 8, "cols": 4, "dataflow": "ws", **BOTH}, FORWARD, 12, 16),
        (CROSSBAR["compute"], FORWARD, None, None),
        ({**CROSSBAR["compute"], "gradient_lanes": 1, "read": "3 us"}, FORWARD, None, None),
        ({**CROSSBAR["compute"], "adc_share": 1, "dac_bits": 8}, FORWARD, None, None),
        ({**CROSSBAR["compute"], "gradient_lanes": 4096}, GRADIENT, 64, 64),
    ],
)
def test_a_fully_busy_unit_of_every_kind_is_used_to_all_but_its_filling(unit, use, n, k):
    hardware = chip(unit)
    compute, formats = hardware.tiles.compute, hardware.tiles.formats
    if n is None:  # All cells of all arrays, side by side.
        n, k = compute.weights_per_row(formats), compute.arrays * compute.rows
    done = work(hardware, use, STREAM, n, k)
    peak = form_of(compute).peak(compute, hardware)
    assert done.macs == STREAM * n * k
    assert 0.999 < float(done.macs / (peak * done.cycles)) <= 1


@settings(max_examples=150, deadline=None)
@given(
    unit=units(),
    use=uses,
    m=size,
    n=size,
    k=size,
    port=st.integers(1, 64),
)
def test_every_kind_keeps_the_contract(unit, use, m, n, k, port):
    hardware = chip(unit, sram={**IDEAL["tiles"]["sram"], "port": f"{port} B/cycle"})
    done, tiles = work(hardware, use, m, n, k), hardware.tiles
    form = form_of(tiles.compute)
    assert done.macs == m * n * k
    blocks = tiles.compute.blocks
    needed = max(
        tiles.compute.blocks_of(*sides, tiles.formats, both_ways=False)
        for sides in ((k, n), (n, k))
    )
    if blocks is None or needed <= blocks:  # A product on more arrays than a tile has is none.
        assert done.cycles >= ceil(done.macs / form.peak(tiles.compute, hardware))
    for (component, action), amount in totals_of(done).items():
        assert type(amount) is int and amount >= 0
        assert component == "sram" or action in form.actions
    # Every result leaves, whatever else moves; and the ports carry all that is counted.
    totals = totals_of(done)
    assert totals["sram", "write_byte"] >= tiles.formats.of(use.result).storage_bytes(m * n)
    through = totals["sram", "read_byte"] + totals["sram", "write_byte"]
    assert done.cycles >= ceil(through / (tiles.sram.banks * port))
    assert set(form.pieces(tiles.compute, tiles.formats)) == set(form.blocks)


@settings(max_examples=80, deadline=None)
@given(unit=units(), use=st.sampled_from([FORWARD, BACKWARD]), m=size, n=size, k=size)
def test_time_and_counts_are_affine_in_what_streams(unit, use, m, n, k):
    hardware = chip(unit)
    stream = {"os": 2, "is": 1}.get(unit.get("dataflow"), 0)
    results = []
    for more in range(3):
        sizes = [m, n, k]
        sizes[stream] += more
        results.append(work(hardware, use, *sizes))
    first, second, third = results
    assert third.cycles - 2 * second.cycles + first.cycles == 0
    for key, amount in totals_of(third).items():
        assert amount - 2 * totals_of(second)[key] + totals_of(first)[key] == 0, key


@settings(max_examples=60, deadline=None)
@given(lanes=st.integers(1, 5), tree=st.integers(1, 9), m=size, n=size, k=size)
def test_lanes_take_a_cycle_for_each_set_of_products_and_then_the_tree(lanes, tree, m, n, k):
    cycles = inputs = weights = 0
    for _ in range(m):
        for outputs in _batched(range(n), lanes):
            for held in _batched(range(k), tree):
                cycles += 1
                inputs += len(held)
                weights += len(held) * len(outputs)
    levels, left = 0, tree
    while left > 1:  # pairs are added until one sum is left
        left, levels = -(-left // 2), levels + 1
    done = work(
        chip({"kind": "simd", "lanes": lanes, "tree": tree, "transposable": True}), FORWARD, m, n, k
    )
    assert done.cycles == cycles + levels
    assert totals_of(done)["sram", "read_byte"] == 4 * (inputs + weights)
    assert totals_of(done)["sram", "write_byte"] == 4 * m * n


def _batched(items, length):
    items = list(items)
    return [items[start : start + length] for start in range(0, len(items), length)]


@settings(max_examples=60, deadline=None)
@given(
    cores=st.integers(1, 7),
    use=uses,
    m=size,
    n=size,
    k=size,
)
def test_a_serial_core_does_one_product_a_cycle(cores, use, m, n, k):
    # Neurons go to cores round by round; within a round every core steps through its own products.
    neurons, steps, samples = (m, n * k, 1) if use is GRADIENT else (n, k, m)
    cycles = own = 0
    for _ in range(samples):
        for together in _batched(range(neurons), cores):
            for _ in range(steps):
                cycles += 1
                own += len(together)
    done = work(chip({"kind": "serial", "cores": cores, "transposable": True}), use, m, n, k)
    assert done.cycles == cycles
    assert totals_of(done)["sram", "read_byte"] == 4 * (own + cycles)


def test_every_run_of_the_serial_rtl_is_met_by_its_phases():
    with (GOLDEN / "rtl_pc_serial_mac.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    for row in rows:
        widths, learning = [int(width) for width in row["sizes"].split("-")], row["learn"] == "1"
        measured = int(row["cycles_per_tick"])
        assert tick_cycles(widths, learning=learning) == measured
        # The phases are the products of one sample with a core for every neuron.
        pairs, cores = list(itertools.pairwise(widths)), max(widths)

        def longest(use, sizes, cores=cores):
            return max(product_cycles(Product(*each, use), cores=cores) for each in sizes)

        phases = [
            longest(FORWARD, [(1, n_out, n_in) for n_in, n_out in pairs]),
            longest(BACKWARD, [(1, n_in, n_out) for n_in, n_out in pairs]),
        ]
        if learning:
            phases.append(longest(GRADIENT, [(n_out, n_in, 1) for n_in, n_out in pairs]))
        assert sum(phases) + 4 == measured
        macs = len(phases) * sum(n_in * n_out for n_in, n_out in pairs)
        assert macs == int(row["macs_per_tick"])


@pytest.mark.parametrize("width", [3, 8, 32])
def test_a_step_of_a_uniform_net_on_serial_cores_is_a_tick_without_its_controller(width):
    one = {"lanes": "unlimited", "latency": "1 cycle"}
    unit = {"kind": "serial", "cores": width, "transposable": True}
    hardware = chip(unit, vector=one)
    spans = []
    for steps in (6, 7):
        plain = {"optimiser": "sgd", "wavefront": False, "hoist": False}
        program = pc((width,) * 5, 1, steps, phi="linear", **plain)
        spans.append(run(program, hardware).makespan_cycles)
    assert spans[1] - spans[0] == tick_cycles((width,) * 5, learning=False) - CONTROL_CYCLES


def two_stages(items, read, convert):
    """When the last of ``items`` is converted: each is read, then converted, in order."""
    read_done = converted = 0
    for _ in range(items):
        read_done += read
        converted = max(converted, read_done) + convert
    return converted


@given(items=st.integers(1, 30), read=st.integers(0, 9), convert=st.integers(0, 9))
def test_reading_and_converting_overlap_as_two_stages_do(items, read, convert):
    assert pipelined_cycles(items, read, convert) == two_stages(items, read, convert)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.integers(1, 5),
    per_row=st.integers(1, 3),
    cell_bits=st.integers(1, 8),
    dac_bits=st.integers(1, 16),
    share=st.integers(1, 30),
    m=st.integers(1, 3),
    n_in=st.integers(1, 9),
    n_out=st.integers(1, 7),
    use=st.sampled_from([FORWARD, BACKWARD]),
    transposable=st.booleans(),
)
def test_a_crossbar_counts_every_line_cell_and_conversion(
    rows, per_row, cell_bits, dac_bits, share, m, n_in, n_out, use, transposable
):
    slices = len(_batched(range(7), cell_bits))  # int8: 7 bits and a sign
    unit = {
        "kind": "crossbar", "rows": rows, "cols": 2 * slices * per_row, "cell_bits": cell_bits, "dac_bits": dac_bits,
        "adc_share": share, "adc_rate": "500 MHz", "read": "10 ns", "transposable": transposable,
    }  # fmt: skip
    # Where W^T has arrays of its own it is a W of n_out inputs and n_in outputs.
    turned = use is BACKWARD and transposable
    inputs, outputs = (n_out, n_in) if use is BACKWARD and not transposable else (n_in, n_out)
    reads = pulses = cells = conversions = 0
    longest = 0
    bits = len(_batched(range(16), dac_bits))  # q4.12
    for _sample, _piece in itertools.product(range(m), range(bits)):
        for read in range(slices if turned else 1):
            reads += 1
            for held_rows in _batched(range(inputs), rows):
                for held_outputs in _batched(range(outputs), per_row):
                    columns = [
                        (output, part, sign)
                        for output in held_outputs
                        for part in ([read] if turned else range(slices))
                        for sign in "+-"
                    ]
                    driven, read_out = (columns, held_rows) if turned else (held_rows, columns)
                    pulses += len(driven)
                    cells += len(columns) * len(held_rows)
                    conversions += len(read_out)
                    longest = max(longest, min(share, len(read_out)))
    sizes = (m, n_in, n_out) if use is BACKWARD else (m, n_out, n_in)
    done = work(chip(unit), use, *sizes)
    totals = totals_of(done)
    assert totals["array", "line_pulse"] == pulses
    assert totals["array", "cell_read"] == cells
    assert totals["array", "conversion"] == totals["array", "shift_add"] == conversions
    assert done.cycles == two_stages(reads, 5, longest)  # 10 ns and 500 MS/s at 500 MHz
    # One write of everything, row after row of all arrays at once.
    written = form_of(chip(unit).tiles.compute).write(
        Weights(n_in, n_out, both_ways=True), chip(unit).tiles.compute, chip(unit)
    )
    both = [n_in] if transposable else [n_in, n_out]
    assert written.cycles == 50 * max(min(rows, side) for side in both)  # 100 ns
    assert written.actions == (("array", "cell_write", len(both) * n_in * n_out * 2 * slices),)
    parallel = chip({**unit, "update": "parallel"})
    assert (
        form_of(parallel.tiles.compute)
        .write(Weights(n_in, n_out, both_ways=True), parallel.tiles.compute, parallel)
        .cycles
        == 50
    )


NETWORK = (20, 12, 16, 10)
WEIGHTS = [20 * 12, 12 * 16, 16 * 10]


def learned(hardware, batch=4):
    program = bp(NETWORK, batch, optimiser="sgd", phi="relu")
    placement = place(program, hardware)
    return placement, simulate(placement, hardware)


DIGITAL = [
    {"kind": "systolic", "rows": 4, "cols": 4, "dataflow": "ws"},
    {"kind": "simd", "lanes": 4, "tree": 4},
    {"kind": "serial", "cores": 4},
]


@pytest.mark.parametrize("unit", DIGITAL, ids=lambda unit: unit["kind"])
def test_a_second_copy_takes_room_and_is_written_by_each_update(unit):
    (plain_place, plain), (copy_place, copied) = (
        learned(chip({**unit, **way}))
        for way in ({"transposable": True}, {"transposable": False, "transpose": "copy"})
    )
    # The first layer passes no errors down, so nobody reads its transpose.
    twice = 4 * sum(WEIGHTS[1:])
    kept = [
        sum(kinds["weight"] for kinds in placement.occupancy_bytes.values())
        for placement in (plain_place, copy_place)
    ]
    assert kept == [4 * sum(WEIGHTS), 4 * sum(WEIGHTS) + twice]
    written = [counted(activity, "sram", "write_byte") for activity in (plain, copied)]
    assert written[1] - written[0] == twice
    # An inference reads no transpose.
    hardware = chip({**unit, "transposable": False, "transpose": "copy"})
    placement = place(inference(chain(NETWORK, "relu"), batch=4), hardware)
    assert sum(kinds["weight"] for kinds in placement.occupancy_bytes.values()) == 4 * sum(WEIGHTS)


@pytest.mark.parametrize("unit", DIGITAL, ids=lambda unit: unit["kind"])
def test_a_walk_takes_a_port_for_every_word_of_the_transpose(unit):
    sram = {**IDEAL["tiles"]["sram"], "banks": 2, "port": "32 B/cycle"}
    both, walks = (
        chip({**unit, **way}, sram=sram)
        for way in ({"transposable": True}, {"transposable": False, "transpose": "walk"})
    )
    m, n, k = 3, 12, 16
    for use in (FORWARD, GRADIENT):
        assert work(walks, use, m, n, k) == work(both, use, m, n, k)
    usual, slow = work(both, BACKWARD, m, n, k), work(walks, BACKWARD, m, n, k)
    words = n * k if unit["kind"] == "systolic" else m * n * k
    extra = totals_of(slow)["sram", "read_byte"] - totals_of(usual)["sram", "read_byte"]
    assert extra == words * (32 - 4)
    assert slow.cycles >= words / 2  # one word per bank and cycle


def test_a_resident_array_refuses_what_does_not_fit_into_its_cells():
    unit = {"kind": "systolic", "rows": 4, "cols": 4, "dataflow": "ws", "transposable": True}
    mesh = {"mesh": [2, 2]}
    folds = sum(ceil(a / 4) * ceil(b / 4) for a, b in itertools.pairwise(NETWORK))
    hardware = chip({**unit, "resident_folds": 12}, **mesh)
    with pytest.raises(DoesNotFitError) as caught:
        learned(chip({**unit, "resident_folds": 4}, **mesh))
    assert str(caught.value) == (
        f"bp: the weights take {folds} blocks of tiles.compute.resident_folds; ideal has 4 x 4.\n"
        "The largest layer is z1.0.0 (20 x 12) with 15.\n"
        "What would fit: tiles.compute.resident_folds: 16, or tiles.mesh: [6, 2]."
    )
    placement, _ = learned(hardware)
    assert max(len(group.tiles) for group in placement.groups) == 2


def test_layers_share_a_crossbar_tile_only_while_arrays_are_left():
    # Layers take 1 array each; one tile with 3 arrays holds all, two arrays leave no room for the third.
    unit = {"kind": "crossbar", "rows": 32, "cols": 256, "arrays": 3}
    placement, _ = learned(chip(unit, mesh=[1, 1]))
    assert placement.tiles_used == 1
    with pytest.raises(DoesNotFitError):
        learned(chip({**unit, "arrays": 2}, mesh=[1, 1]))
    placement, _ = learned(chip({**unit, "arrays": 2}, mesh=[1, 2]))
    assert placement.tiles_used == 2


@pytest.mark.parametrize("update", ["row_serial", "parallel"])
def test_each_update_writes_every_cell_of_its_weights_once(update):
    unit = {"kind": "crossbar", "update": update}
    for transposable, copies in ((True, [1, 1, 1]), (False, [1, 2, 2])):
        hardware = chip({**unit, "transposable": transposable})
        _, activity = learned(hardware)
        cells = hardware.tiles.compute.cells_per_weight(hardware.tiles.formats)
        assert cells == 8
        wanted = cells * sum(c * w for c, w in zip(copies, WEIGHTS, strict=True))
        assert counted(activity, "array", "cell_write") == wanted


def test_incremental_learning_writes_its_cells_at_every_step():
    hardware, steps = chip({"kind": "crossbar"}), 5
    work_file = load_workload("digits", overrides=["pc.variant=ipc", f"pc.steps={steps}"])
    (candidate,) = candidates(hardware, work_file, rule="pc")
    activity = run(program_of(work_file, candidate, steps=steps), hardware)
    weights = sum(a * b for a, b in itertools.pairwise(work_file.network.layers))
    assert counted(activity, "array", "cell_write") == steps * 8 * weights


def test_sram_keeps_no_weights_that_cells_hold_beside_a_copy_that_is_updated():
    weights = sum(WEIGHTS)
    placement, _ = learned(chip({"kind": "crossbar"}))
    kinds = {kind for kept in placement.occupancy_bytes.values() for kind in kept}
    assert "weight" not in kinds
    formats = {**CROSSBAR["formats"], "weight": "q4.12"}
    del formats["master"]
    hardware = chip({"kind": "crossbar"})
    tiles = {**to_plain(hardware)["tiles"], "formats": formats}
    placement, _ = learned(Hardware.model_validate({**to_plain(hardware), "tiles": tiles}))
    kept = sum(kinds["weight"] for kinds in placement.occupancy_bytes.values())
    assert kept == 2 * weights


def test_candidates_carry_the_errors_of_analog_cells_and_only_those():
    for name in shipped("hardware"):
        hardware = load_hardware(name)
        for candidate in candidates(hardware, load_workload("digits")):
            numerics = candidate.numerics
            assert numerics.formats == hardware.tiles.formats
            assert (numerics.analog is not None) == (hardware.tiles.compute.kind == "crossbar")
    crossbar = load_hardware("crossbar64").tiles.compute
    candidate = candidates(load_hardware("crossbar64"), load_workload("digits"))[0]
    assert candidate.numerics.analog == crossbar.analog


@pytest.mark.parametrize("name", shipped("hardware"))
@pytest.mark.parametrize("workload", shipped("workload"))
def test_every_shipped_chip_times_every_shipped_workload_or_says_why_not(name, workload):
    hardware, work_file = load_hardware(name), load_workload(workload)
    prices = price_list(hardware)
    for candidate in candidates(hardware, work_file):
        program = program_of(work_file, candidate, steps=min(candidate.steps, 3))
        try:
            placement = place(program, hardware)
        except DoesNotFitError as error:
            # 128 layers take 70 MiB; pictures and tokens take states of every place and sample.
            assert workload in ("mupc128", "fashion-conv", "vit-fashion")
            assert "What would fit: " in str(error)
            continue
        except InputError as error:
            assert hardware.tiles.compute.kind == "crossbar" and not work_file.network.is_chain
            assert "that keeps them" in str(error)
            continue
        activity = simulate(placement, hardware)
        assert activity.macs == sum(program.macs().values())
        assert 0 < activity.utilization <= 1
        assert {(count.component, count.action) for count in activity.counts} <= set(prices.prices)


def test_a_chip_needs_the_costs_of_its_own_kind_alone():
    for name in shipped("hardware"):
        hardware = load_hardware(name)
        form = FORMS[hardware.tiles.compute.kind]
        prices = price_list(hardware)
        assert {action for part, action in prices.prices if part == "array"} == set(form.actions)
        others = {block for kind in FORMS.values() for block in kind.blocks} - set(form.blocks)
        assert not others & {leak.block for leak in prices.leaks}


@pytest.mark.parametrize("bits,picojoules", [(4, 0.79), (6, 1.2), (8, 1.667), (10, 2.38)])
def test_a_conversion_costs_what_was_published_for_its_resolution(bits, picojoules):
    analog = {**CROSSBAR["compute"]["analog"], "adc_bits": bits}
    prices = price_list(chip({"kind": "crossbar", "analog": analog}))
    assert prices.prices["array", "conversion"].joules == pytest.approx(
        picojoules * 1e-12, rel=0.06
    )


def test_a_read_costs_in_proportion_to_its_time():
    prices = {
        read: price_list(chip({"kind": "crossbar", "read": f"{read} ns"})).prices
        for read in (50, 100, 300)
    }
    for action, published in (("line_pulse", 0.417e-12), ("cell_read", 1.83e-15)):
        for read, listed in prices.items():
            joules = listed["array", action].joules
            assert joules == pytest.approx(published * read / 100, rel=1e-12, abs=0)


@pytest.mark.parametrize("both", [True, False])
def test_both_sides_of_a_transposable_array_have_drivers_and_converters(both):
    unit = {"kind": "crossbar", "rows": 64, "cols": 96, "arrays": 10, "adc_share": 32}
    leaks = {leak.block: leak for leak in price_list(chip({**unit, "transposable": both})).leaks}
    tiles = 16 * 16
    assert leaks["driver"].count == tiles * 10 * (64 + (96 if both else 0))
    assert leaks["converter"].count == tiles * 10 * (3 + (2 if both else 0))
    assert leaks["cell"].count == tiles * 10 * 64 * 96


def test_every_section_has_a_form():
    assert set(FORMS) == set(KINDS)
