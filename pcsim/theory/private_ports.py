"""How long does a systolic array take from the first word read to the last word written, buffers filled first?

Each operand has a port of its own, of so many words a cycle, and half a buffer that holds all of it. Both operands
are fetched whole, padded to whole folds, before the array starts; results follow when it is done. So

    max(ceil(A / w), ceil(B / w)) + (compute - 1) + ceil(C / w) - 1

with A, B the padded operands and C the results, partial sums included. Equal to SCALE-Sim 3 where nothing
stalls. Where operands do not fit or ports are slower than the array, SCALE-Sim counts stalls twice; that is
left out here.
"""

from __future__ import annotations


def overall_cycles(
    m: int, n: int, k: int, *, rows: int, cols: int, dataflow: str, compute_cycles: int, words: int
) -> int:
    """Cycles of an M x K by K x N product with ports of ``words`` a cycle."""
    along_rows, along_cols = {"os": (m, n), "ws": (k, n), "is": (k, m)}[dataflow]
    row_folds, col_folds = -(-along_rows // rows), -(-along_cols // cols)
    padded_rows, padded_cols = row_folds * rows, col_folds * cols
    first, second = {
        "os": (k * padded_rows, k * padded_cols),
        "ws": (m * padded_rows, k * padded_cols),
        "is": (k * padded_cols, n * padded_rows),
    }[dataflow]
    results = m * n * (1 if dataflow == "os" else row_folds)
    filled = max(-(-first // words), -(-second // words))
    return filled + (compute_cycles - 1) + -(-results // words) - 1
