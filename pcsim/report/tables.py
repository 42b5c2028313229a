"""What are the numbers behind the verdict, row by row? For spreadsheets, and for the page's tables.

Numbers are written in full (the shortest text that reads back as the same number), so that what is
summed from a table equals the summary exactly.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pcsim.placement import topology_of
from pcsim.technology.actions import MAC_ACTIONS
from pcsim.units import Rate, rate_number
from pcsim.verdict import Result, Verdict

WAIT_KINDS = ("array", "vector", "update", "noc", "dram", "buffer", "wake")
"""What a unit can wait for, in the order of the columns."""

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Named columns and rows of as many cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> str:
        """The table as comma-separated text with a header; an empty cell means not known."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_text(cell) for cell in row] for row in self.rows)
        return text.getvalue()

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings from columns to cells."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def read_table(text: str) -> Table:
    """The inverse of ``Table.csv`` for tables in which no text looks like a number.

    Raises ValueError where a row has more or fewer cells than the header.
    """
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("every row must have as many cells as the header")
    return Table(tuple(rows[0]), tuple(tuple(map(_cell, row)) for row in rows[1:]))


def _cell(text: str) -> Cell:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text or None


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return repr(cell) if isinstance(cell, float) else str(cell)


def energy_table(verdict: Verdict) -> Table:
    """One row per line of the bill of one update; a candidate's rows sum to its energy exactly."""
    columns = [
        "candidate",
        "component",
        "action",
        "layer",
        "stage",
        "count",
        "unit_j",
        "energy_j",
        "status",
        "source",
    ]
    return Table(
        tuple(columns),
        tuple(
            (
                result.candidate.id,
                line.component,
                line.action,
                line.layer,
                line.stage,
                line.count,
                line.unit_j,
                line.energy_j,
                line.status,
                line.source_id,
            )
            for result in verdict.results
            for line in result.bill.lines
        ),
    )


def layer_table(verdict: Verdict) -> Table:
    """One row per candidate and layer, of one update; the row without a layer is the time-driven
    rest.

    ``name`` is empty for the layers of a chain. ``credited`` is 1 where the layer's weight gradient is above the noise
    of rounding. The bytes are those read and written in SRAM and DRAM and those times hops in the network.
    """
    columns = (
        "candidate",
        "layer",
        "name",
        "n_in",
        "n_out",
        "parameters",
        "input_slices",
        "output_slices",
        "tiles",
        "credited",
        "macs",
        "sram_bytes",
        "noc_byte_hops",
        "dram_bytes",
        "energy_j",
    )
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        energy = result.bill.by_layer()
        for place in result.places:
            layer = place.layer
            rows.append(
                (
                    result.candidate.id,
                    layer,
                    place.name or None,
                    place.n_in,
                    place.n_out,
                    place.weights,
                    place.input_slices,
                    place.output_slices,
                    len(place.tiles),
                    int(place.node in result.training.profile.credited_layers),
                    _counted(result, layer, "array", MAC_ACTIONS),
                    _counted(result, layer, "sram", ("read_byte", "write_byte")),
                    _counted(result, layer, "noc", ("link_byte",)),
                    _counted(result, layer, "dram", ("read_byte", "write_byte")),
                    energy.get(layer, 0.0),
                )
            )
        blank: tuple[Cell, ...] = (None,) * (len(columns) - 2)
        rows.append((result.candidate.id, *blank, energy.get(None, 0.0)))
    return Table(columns, tuple(rows))


def _counted(result: Result, layer: int, component: str, actions: Sequence[str]) -> int:
    return sum(
        amount
        for key, amount in result.activity.counts.items()
        if key.layer == layer and key.component == component and key.action in actions
    )


def tile_table(verdict: Verdict) -> Table:
    """One row per candidate and unit: how it spent an update. Busy, stalled and finished add up to
    the makespan; ``tile`` is -1 for what is no part of a tile; ``utilization`` is the busy
    share."""
    stalled = tuple(f"stalled_{kind}_cycles" for kind in WAIT_KINDS)
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        makespan = result.activity.makespan_cycles
        for unit in result.activity.units:
            waits = tuple(unit.stalled_cycles.get(kind, 0) for kind in WAIT_KINDS)
            rows.append(
                (
                    result.candidate.id,
                    unit.name,
                    unit.kind,
                    unit.tile,
                    unit.busy_cycles,
                    *waits,
                    unit.finished_cycles,
                    unit.busy_cycles / makespan if makespan else 0.0,
                )
            )
    columns = ("candidate", "unit", "kind", "tile", "busy_cycles", *stalled)
    return Table((*columns, "finished_cycles", "utilization"), tuple(rows))


def link_table(verdict: Verdict) -> Table:
    """One row per candidate and directed link that carried something in one update. ``utilization``
    is empty where links have no limit."""
    width = verdict.hardware.noc.link_bytes_per_cycle
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        makespan = max(result.activity.makespan_cycles, 1)
        for (source, target), size in sorted(result.activity.link_bytes.items()):
            used = None if width is None else float(size / (width * makespan))
            rows.append((result.candidate.id, source, target, size, size / makespan, used))
    columns = ("candidate", "from_tile", "to_tile", "bytes", "bytes_per_cycle", "utilization")
    return Table(columns, tuple(rows))


def learning_table(verdict: Verdict) -> Table:
    """One row per candidate, seed and evaluation, with time and energy spent until then. The
    training energy is the energy function (PC) or the loss (BP) of the last batch before the
    evaluation."""
    columns = (
        "candidate",
        "seed",
        "updates",
        "samples",
        "time_s",
        "energy_j",
        "validation_accuracy",
        "validation_loss",
        "training_energy",
    )
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        cost, batch = result.per_update, result.training.batch
        for curve in result.training.curves:
            measured: Iterable[tuple[int, float, float, float | None]] = zip(
                curve.updates,
                curve.validation_accuracy,
                curve.validation_loss,
                curve.train_energy,
                strict=True,
            )
            for updates, accuracy, loss, energy in measured:
                rows.append(
                    (
                        result.candidate.id,
                        curve.seed,
                        updates,
                        updates * batch,
                        updates * cost.latency_s,
                        updates * cost.energy_j,
                        accuracy,
                        loss,
                        energy,
                    )
                )
    return Table(columns, tuple(rows))


def roofline_table(verdict: Verdict) -> Table:
    """One row per candidate and level of memory: what an update moves there, and what could be moved.

    ``bandwidth_bytes_per_s`` is that of all banks of the SRAMs in all tiles, of all links between routers,
    or of all DRAM channels together; empty where it is unlimited. The bytes of links are bytes times
    hops.
    """
    columns = (
        "candidate",
        "level",
        "macs",
        "bytes",
        "latency_s",
        "peak_macs_per_s",
        "bandwidth_bytes_per_s",
    )
    chip = verdict.hardware
    rows, cols = chip.tiles.mesh
    links = topology_of(chip).links
    sram, dram = chip.tiles.sram, chip.dram
    port, link = sram.port_bytes_per_cycle, chip.noc.link_bytes_per_cycle
    channel = dram.bandwidth_bytes_per_s
    bandwidth: dict[str, Rate | None] = {
        "sram": None if port is None else rows * cols * sram.banks * port * chip.clock_hz,
        "noc": None if link is None else links * link * chip.clock_hz,
        "dram": None if channel is None else dram.channels * channel,
    }
    if (buffer := chip.buffer) is not None:
        per_bank = buffer.port_bytes_per_cycle
        wide = None if per_bank is None else buffer.banks * per_bank * chip.clock_hz
        bandwidth["buffer"] = wide
    found: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        activity = result.activity
        moved = {
            "sram": activity.sram_bytes,
            "noc": sum(activity.link_bytes.values()),
            "dram": activity.dram_bytes,
        }
        if chip.buffer is not None:
            moved["buffer"] = activity.buffer_bytes
        for level, size in moved.items():
            found.append(
                (
                    result.candidate.id,
                    level,
                    activity.macs,
                    size,
                    result.per_update.latency_s,
                    rate_number(activity.array_cells * chip.clock_hz),
                    None if (wide := bandwidth[level]) is None else rate_number(wide),
                )
            )
    return Table(columns, tuple(found))
