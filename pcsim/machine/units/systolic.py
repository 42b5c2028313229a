"""A weight-stationary systolic array of R x C processing elements.

C[M, N] = A[M, K] B[K, N]: B is cut into folds of R rows (along K) and C columns (along N); each fold is
preloaded, then all M rows of A stream through. Per fold T + 2R + C - 2 cycles with T = M, which equals
SCALE-Sim 3 on every weight-stationary run tried. W and W^T are read alike (transposable). Left out:
overlap of one fold's preload with the one before, folds trimmed at the edges, resident weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import Sram, Systolic
from pcsim.machine.units.work import Work, sram_cycles


@dataclass(frozen=True)
class ProductCost:
    """Closed form of one product: cycles, and words between the array and its SRAM.

    ``streamed_reads`` are reads of A, ``stationary_reads`` of B, ``partial_reads`` of partial sums that
    an earlier fold along K left behind; ``writes`` are results and partial sums.
    """

    cycles: int
    streamed_reads: int
    stationary_reads: int
    partial_reads: int
    writes: int


def weight_stationary(m: int, n: int, k: int, *, rows: int, cols: int) -> ProductCost:
    """Cost of an M x K by K x N product, K x N stationary; m, n, k, rows, cols >= 1."""
    row_folds, col_folds = -(-k // rows), -(-n // cols)
    return ProductCost(
        cycles=row_folds * col_folds * (m + 2 * rows + cols - 2),
        streamed_reads=m * k * col_folds,
        stationary_reads=k * n,
        partial_reads=m * n * (row_folds - 1),
        writes=m * n * row_folds,
    )


def preload_shifts(n: int, k: int, *, rows: int) -> int:
    """Words x processing elements shifted through while B is preloaded row by row.

    In a fold of r rows the word for row i passes i elements: r (r + 1) / 2 per column.
    """
    full, rest = divmod(k, rows)
    return n * (full * rows * (rows + 1) // 2 + rest * (rest + 1) // 2)


def product(m: int, n: int, k: int, *, array: Systolic, sram: Sram, word_bytes: int) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up."""
    cost = weight_stationary(m, n, k, rows=array.rows, cols=array.cols)
    read_bytes = word_bytes * (cost.streamed_reads + cost.stationary_reads + cost.partial_reads)
    write_bytes = word_bytes * cost.writes
    cycles = max(cost.cycles, sram_cycles(read_bytes + write_bytes, sram))
    macs = m * n * k
    actions = (
        ("array", "mac", macs),
        ("array", "pipeline_registers", macs),
        ("array", "operand_hop", 2 * macs),
        ("array", "weight_load", preload_shifts(n, k, rows=array.rows)),
        ("array", "idle_pe", array.rows * array.cols * cycles - macs),
        ("array", "step", cycles),
        ("sram", "read_byte", read_bytes),
        ("sram", "write_byte", write_bytes),
    )
    return Work(cycles, actions, macs)
