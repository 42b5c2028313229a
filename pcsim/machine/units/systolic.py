"""A weight-stationary systolic array of R x C processing elements.

C[M, N] = A[M, K] B[K, N]: B is cut into folds of R rows (along K) and C columns (along N); each fold is
preloaded, then all M rows of A stream through. Per fold T + 2R + C - 2 cycles with T = M, which equals
SCALE-Sim 3 on every weight-stationary run tried. W and W^T are read alike (transposable). Left out:
overlap of one fold's preload with the one before, folds trimmed at the edges, resident weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.config import Formats, Sram, Systolic, Value
from pcsim.machine.units.work import Work, mac_action, sram_cycles
from pcsim.program import Operands


@dataclass(frozen=True)
class ProductCost:
    """Closed form of one product: cycles, and how often matrices pass between the array and its SRAM.

    A (M x K) is streamed ``streams`` times and B (K x N) read once; M x N partial sums are written, and read
    again, ``partials`` times before the results are written.
    """

    m: int
    n: int
    k: int
    cycles: int
    streams: int
    partials: int

    @property
    def streamed_reads(self) -> int:
        """Words of A read."""
        return self.m * self.k * self.streams

    @property
    def stationary_reads(self) -> int:
        """Words of B read."""
        return self.k * self.n

    @property
    def partial_reads(self) -> int:
        """Words of partial sums read that an earlier fold along K left behind."""
        return self.m * self.n * self.partials

    @property
    def writes(self) -> int:
        """Words written, partial sums and results."""
        return self.m * self.n * (self.partials + 1)

    def sram_bytes(self, formats: Formats, operands: Operands) -> tuple[int, int]:
        """Bytes read and written where operands, partial sums and results each have their width."""
        streamed = formats.of(operands.streamed).storage_bytes(self.m * self.k)
        stationary = formats.of(operands.stationary).storage_bytes(self.k * self.n)
        partial = formats.of(Value.ACCUMULATE).storage_bytes(self.m * self.n)
        result = formats.of(operands.result).storage_bytes(self.m * self.n)
        reads = self.streams * streamed + stationary + self.partials * partial
        return reads, self.partials * partial + result


def weight_stationary(m: int, n: int, k: int, *, rows: int, cols: int) -> ProductCost:
    """Cost of an M x K by K x N product, K x N stationary; m, n, k, rows, cols >= 1."""
    row_folds, col_folds = -(-k // rows), -(-n // cols)
    return ProductCost(
        m=m,
        n=n,
        k=k,
        cycles=row_folds * col_folds * (m + 2 * rows + cols - 2),
        streams=col_folds,
        partials=row_folds - 1,
    )


def preload_shifts(n: int, k: int, *, rows: int) -> int:
    """Words x processing elements shifted through while B is preloaded row by row.

    In a fold of r rows the word for row i passes i elements: r (r + 1) / 2 per column.
    """
    full, rest = divmod(k, rows)
    return n * (full * rows * (rows + 1) // 2 + rest * (rest + 1) // 2)


def product(
    m: int,
    n: int,
    k: int,
    *,
    array: Systolic,
    sram: Sram,
    formats: Formats,
    operands: Operands,
) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up."""
    cost = weight_stationary(m, n, k, rows=array.rows, cols=array.cols)
    read_bytes, write_bytes = cost.sram_bytes(formats, operands)
    cycles = max(cost.cycles, sram_cycles(read_bytes + write_bytes, sram))
    macs = m * n * k
    actions = (
        ("array", mac_action(formats, operands), macs),
        ("array", "pipeline_registers", macs),
        ("array", "operand_hop", 2 * macs),
        ("array", "weight_load", preload_shifts(n, k, rows=array.rows)),
        ("array", "idle_pe", array.rows * array.cols * cycles - macs),
        ("array", "step", cycles),
        ("sram", "read_byte", read_bytes),
        ("sram", "write_byte", write_bytes),
    )
    return Work(cycles, actions, macs)
