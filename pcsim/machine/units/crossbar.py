"""How long do analog crossbars take for a product, a gradient and a write?

W lies in ceil(n_in / R) x ceil(n_out / w) arrays, w weights side by side in a row of C cells; all of them
work at once. An input of b bits comes in p = ceil(b / d) pieces of d bits. A piece is one read of t_r cycles,
after which each converter takes its a columns one after the other, t_c = ceil(a clock / rate) cycles. Reading and
converting are two stages of a pipeline, so M samples take M p max(t_r, t_c) + min(t_r, t_c) cycles.

W^T from the same cells (transposable): columns are driven and rows converted. Currents of all columns of a
row add up, so the slices of a weight, which differ in significance, are read one after another: p times the
slices. From arrays of its own W^T is read as W is.

Gradients are made by G digital multiply-accumulates beside the arrays, ceil(M N K / G) cycles. An update writes
every cell of its weights once: one row of every array after the other, or all rows at once. A copy that the
optimiser steps (``tiles.formats.master``) stays in SRAM, and where there is none the weights themselves do.

Left out: splitting a read where an array has more rows than the converter can tell apart, calibration, writing again
after a failed check, and the time and energy of writing cells at a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pcsim.config import Crossbar, Formats, Hardware
from pcsim.formats import Format
from pcsim.machine.units.clock import in_cycles
from pcsim.machine.units.form import MAC_ACTIONS, Form, digital_actions
from pcsim.machine.units.work import Passes, Product, Weights, Work, moved
from pcsim.units import Rate, rate_of


def pipelined_cycles(items: int, first: int, second: int) -> int:
    """``items`` >= 1 through two stages, one behind the other."""
    return items * max(first, second) + min(first, second)


def product(task: Product, unit: Crossbar, chip: Hardware) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up."""
    if not task.by_weights:
        return gradient(task, unit, chip)
    formats = chip.tiles.formats
    turned = task.backward and unit.transposable
    number = formats.of(task.operands.streamed)
    width, slices = unit.weights_per_row(formats), unit.slices(formats)
    reads = task.m * -(-number.bits // unit.dac_bits)
    if turned:
        # Columns hold the K errors, a slice's pair of cells each; rows hold the N sums.
        reads *= slices
        driven = 2 * task.k * -(-task.n // unit.rows)
        converted, lines = task.n * -(-task.k // width), min(task.n, unit.rows)
    else:
        columns = 2 * slices
        driven = task.k * -(-task.n // width)
        converted = columns * task.n * -(-task.k // unit.rows)
        lines = columns * min(task.n, width)
    cells_read = 2 * task.n * task.k * (1 if turned else slices)
    shared = min(unit.adc_share, lines)
    read, convert = _stages(unit, shared, chip)
    passes = Passes(first=1, second=0)
    alone = pipelined_cycles(reads, read, convert)
    cycles, through_ports = moved(alone, passes, task, chip)
    actions = (
        ("array", "line_pulse", reads * driven),
        ("array", "cell_read", reads * cells_read),
        ("array", "conversion", reads * converted),
        ("array", "shift_add", reads * converted),
        ("array", "idle_pe", unit.gradient_lanes * cycles),
        ("array", "step", cycles),
        *through_ports,
    )
    return Work(cycles, actions, task.macs)


def peak(unit: Crossbar, chip: Hardware) -> Rate:
    """Multiply-accumulates in a cycle of the fastest product, with all arrays at work and their cells in use.

    That is one forward, one backward where the cells are read from both sides, or a gradient by the digital lanes.
    As many lines share a converter as suits its rate best.
    """
    formats = chip.tiles.formats
    width, slices = unit.weights_per_row(formats), unit.slices(formats)

    def fastest(number: Format, lines: int, columns: int, crossing: int, turns: int) -> Fraction:
        """Of products with 1 to ``lines`` sums, each in so many ``columns``, of ``crossing`` operands each."""
        pulses = turns * -(-number.bits // unit.dac_bits)
        rates = (
            Fraction(sums, max(_stages(unit, min(unit.adc_share, columns * sums), chip)))
            for sums in range(1, lines + 1)
        )
        return unit.arrays * crossing * max(rates, default=Fraction(0)) / pulses

    found = [Fraction(unit.gradient_lanes)]
    found.append(fastest(formats.state, width, 2 * slices, unit.rows, 1))
    if unit.transposable:
        found.append(fastest(formats.error, unit.rows, 1, width, slices))
    return rate_of(max(found))


def _stages(unit: Crossbar, shared: int, chip: Hardware) -> tuple[int, int]:
    """Cycles of a read, and of the conversions of the ``shared`` lines of one converter."""
    read = in_cycles(unit.read_s, clock_hz=chip.clock_hz)
    return read, -(-shared * chip.clock_hz // unit.adc_rate_hz)


def gradient(task: Product, unit: Crossbar, chip: Hardware) -> Work:
    """A weight gradient by the digital lanes; sums stay in them."""
    passes = Passes(first=task.n, second=task.m)
    alone = -(-task.macs // unit.gradient_lanes)
    cycles, through_ports = moved(alone, passes, task, chip)
    actions = digital_actions(task, cycles, unit.gradient_lanes, chip, hops=0)
    return Work(cycles, (*actions, *through_ports), task.macs)


def write(weights: Weights, unit: Crossbar, chip: Hardware) -> Work:
    """Cells of the changed weights, those of W^T in arrays of their own beside them."""
    copies = 2 if weights.both_ways and not unit.transposable else 1
    rows = min(weights.n_in, unit.rows)
    if copies == 2:
        rows = max(rows, min(weights.n_out, unit.rows))
    pulses = rows if unit.update == "row_serial" else 1
    cells = copies * weights.n_in * weights.n_out * unit.cells_per_weight(chip.tiles.formats)
    cycles = pulses * in_cycles(unit.write_s, clock_hz=chip.clock_hz)
    return Work(cycles, (("array", "cell_write", cells),))


def pieces(unit: Crossbar, _formats: Formats) -> Mapping[str, int]:
    sides = (unit.rows, unit.cols) if unit.transposable else (unit.cols,)
    driven = unit.rows + (unit.cols if unit.transposable else 0)
    return {
        "array": unit.gradient_lanes,
        "cell": unit.arrays * unit.rows * unit.cols,
        "converter": unit.arrays * sum(-(-lines // unit.adc_share) for lines in sides),
        "driver": unit.arrays * driven,
    }


FORM = Form(
    product,
    pieces,
    write,
    actions={
        **MAC_ACTIONS,
        "line_pulse": "line pulse",
        "cell_read": "cell read",
        "conversion": "conversion",
        "shift_add": "shift-add",
        "cell_write": "cell write",
    },
    blocks={"array": "PE", "cell": "cell", "converter": "converter", "driver": "driver"},
    peak=peak,
)
