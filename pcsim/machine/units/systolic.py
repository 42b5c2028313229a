"""How long does a systolic array of R x C cells take for a product?

C[M, N] = A[M, K] B[K, N] is cut into folds of R along S_R and C along S_C, through each of which T words
stream; (S_R, S_C, T) = (M, N, K) where outputs stay (os), (K, N, M) where weights do (ws), (K, M, N) where
inputs do (is). A fold of r rows and c columns takes T + r + c - 2 cycles from the first word in to the
last out, and r more where something is loaded before (ws and is, unless resident) or drained after (os
with a serial drain). A fold at an edge passes through the whole array (r, c = R, C) or is trimmed to its own
rows and columns. Equal to SCALE-Sim 3 on every run tried (whole edges, overlapped drain). W^T lies in a
resident array as W does, so it streams from the other side: R and C change places.

With a second register in every cell (``preload`` chain or wave) what stays in the next fold is loaded while this
one works. A shift chain moves all its cells at once, so that it may not begin before the last cell has taken its word:
a fold begins max(T, 2R + C - 2) after the one before. In a wave each cell passes on what has passed it, and a fold
begins max(T, R) after. All three are equal to RTL to the cycle.

Folds along N are the outer ones: the sums of a slice of outputs are complete before the next slice begins. Where an
array can keep all sums, and slices of inputs come slowly, folds along K are: each slice is used for all outputs when
it comes. Neither order changes the cycles of a product whose inputs are there, or what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pcsim.config import Formats, Hardware, Systolic
from pcsim.config.compute.systolic import Dataflow, Preload
from pcsim.machine.units.form import MAC_ACTIONS, Form, digital_actions, written_twice
from pcsim.machine.units.pace import Folds
from pcsim.machine.units.work import Passes, Product, Weights, Work, moved, sram_cycles


@dataclass(frozen=True)
class ProductCost:
    """Closed form of one product: cycles, what passes between the array and its SRAM, and ``shifts``: words x
    cells passed while a fold is loaded or drained row by row; ``folds`` that follow one another without a gap."""

    cycles: int
    passes: Passes
    shifts: int
    folds: Folds


def product_cost(
    m: int,
    n: int,
    k: int,
    *,
    rows: int,
    cols: int,
    dataflow: Dataflow,
    drain: str | None = "overlapped",
    edges: str = "full",
    resident: bool = False,
    preload: Preload = "serial",
    either: bool = False,
) -> ProductCost:
    """Cost of an M x K by K x N product; m, n, k, rows, cols >= 1.

    ``resident``: what stays is there already (ws). ``either``: of folds along K and N those
    along K may be the outer ones, too (ws).
    """
    along_rows, along_cols, streamed = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[dataflow]
    row_folds, col_folds = -(-along_rows // rows), -(-along_cols // cols)
    passed_rows = col_folds * (along_rows if edges == "trimmed" else row_folds * rows)
    passed_cols = row_folds * (along_cols if edges == "trimmed" else col_folds * cols)
    slow = drain == "serial" if dataflow == "os" else not resident
    cycles = row_folds * col_folds * (streamed - 2) + (1 + slow) * passed_rows + passed_cols
    load, drain_cycles = 0 if resident else rows, rows + cols - 2
    # From the beginning of a fold to that of the next, and between the two, at least.
    apart = {"serial": 0, "chain": load + drain_cycles, "wave": load}[preload]
    gap = load + drain_cycles if preload == "serial" and not resident else 0
    folds = Folds(row_folds, col_folds, streamed, apart, gap, load, drain_cycles, either)
    if preload != "serial":
        cycles = load + folds.cycles + drain_cycles
    passes = {
        "os": Passes(col_folds, row_folds),
        "ws": Passes(col_folds, 0 if resident else 1, row_folds - 1),
        "is": Passes(1, col_folds, row_folds - 1),
    }[dataflow]
    shifts = 0 if resident else fold_shifts(along_rows, along_cols, rows)
    return ProductCost(cycles, passes, shifts, folds)


def fold_shifts(along_rows: int, along_cols: int, rows: int) -> int:
    """Words x cells passed while all folds are loaded, or drained, row by row.

    In a fold of r rows the word of row i passes i cells: r (r + 1) / 2 per column.
    """
    full, rest = divmod(along_rows, rows)
    return along_cols * (full * rows * (rows + 1) // 2 + rest * (rest + 1) // 2)


def product(task: Product, unit: Systolic, chip: Hardware) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up."""
    resident = bool(unit.resident_folds) and task.by_weights and not (task.backward and unit.walks)
    turned = resident and task.backward and unit.transposable
    rows, cols = (unit.cols, unit.rows) if turned else (unit.rows, unit.cols)
    cost = product_cost(
        task.m,
        task.n,
        task.k,
        rows=rows,
        cols=cols,
        dataflow=unit.dataflow,
        drain=unit.drain,
        edges=unit.edges,
        resident=resident,
        preload=unit.preload,
        either=unit.holds_sums(task.m, -(-task.n // cols)),
    )
    alone, folds, groups = cost.cycles, None, None
    if chip.tiles.handover == "rows":
        if unit.dataflow == "ws":
            folds = cost.folds.at_least(moved(0, cost.passes, task, chip)[0])
            alone = folds.cycles
        else:
            groups = -(-task.m // (rows if unit.dataflow == "os" else cols))
    cycles, through_ports = moved(alone, cost.passes, task, chip)
    cells = unit.rows * unit.cols
    drained = cost.shifts if unit.dataflow == "os" else 0
    actions = (
        *digital_actions(task, cycles, cells, chip, hops=2 * task.macs + drained),
        ("array", "weight_load", cost.shifts - drained),
        *through_ports,
    )
    return Work(cycles, actions, task.macs, folds, groups)


def write(weights: Weights, unit: Systolic, chip: Hardware) -> Work:
    """A second copy in SRAM; weights that stay in cells are loaded again, fold by fold."""
    twice = written_twice(weights, unit, chip)
    if not unit.resident_folds:
        return twice
    n_in, n_out = weights.n_in, weights.n_out
    shapes = [(n_in, n_out)]
    if weights.both_ways and unit.copies_weights:
        shapes.append((n_out, n_in))
    cycles = size = shifts = 0
    for along_rows, along_cols in shapes:
        row_folds, col_folds = -(-along_rows // unit.rows), -(-along_cols // unit.cols)
        cycles += col_folds * (along_rows if unit.edges == "trimmed" else row_folds * unit.rows)
        size += chip.tiles.formats.weight.storage_bytes(along_rows * along_cols)
        shifts += fold_shifts(along_rows, along_cols, unit.rows)
    cycles = max(cycles, sram_cycles(size, chip.tiles.sram))
    actions = (("array", "weight_load", shifts), ("sram", "read_byte", size))
    return Work(twice.cycles + cycles, (*twice.actions, *actions))


def first(unit: Systolic, _chip: Hardware) -> int:
    """A word crosses the whole array, or where edges are trimmed one cell; weights may lie there before it comes."""
    return 1 if unit.edges == "trimmed" else unit.rows + unit.cols - 1


def pieces(unit: Systolic, _formats: Formats) -> Mapping[str, int]:
    return {"array": unit.rows * unit.cols}


FORM = Form(product, pieces, write, actions={**MAC_ACTIONS, "weight_load": "word PE"}, first=first)
