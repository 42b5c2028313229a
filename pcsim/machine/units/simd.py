"""How long do lanes with adder trees take for a product?

Each of L lanes adds up T products a cycle into the sum of one output, over ceil(K / T) cycles; L outputs
run side by side, one sample after the other. So an M x K by K x N product takes
M ceil(N / L) ceil(K / T) cycles and then the depth ceil(log2 T) of the tree. An input is read once for all
lanes, a weight once for each sample: lanes keep no weights. Sums stay in their lanes.

Left out: latency of the multipliers, and starting the next product while the tree still adds.
"""

from __future__ import annotations

from collections.abc import Mapping

from pcsim.config import Formats, Hardware, Simd
from pcsim.machine.units.form import Form, digital_actions, written_twice
from pcsim.machine.units.work import Passes, Product, Work, moved


def product_cycles(m: int, n: int, k: int, *, lanes: int, tree: int) -> int:
    """Cycles of an M x K by K x N product; all sizes >= 1."""
    return m * -(-n // lanes) * -(-k // tree) + (tree - 1).bit_length()


def product(task: Product, unit: Simd, chip: Hardware) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up."""
    m, n, k = task.m, task.n, task.k
    passes = Passes(first=-(-n // unit.lanes), second=m)
    alone = product_cycles(m, n, k, lanes=unit.lanes, tree=unit.tree)
    cycles, through_ports = moved(alone, passes, task, chip)
    cells = unit.lanes * unit.tree
    actions = digital_actions(task, cycles, cells, chip, hops=task.macs)
    return Work(cycles, (*actions, *through_ports), task.macs)


def pieces(unit: Simd, _formats: Formats) -> Mapping[str, int]:
    return {"array": unit.lanes * unit.tree}


FORM = Form(product, pieces, written_twice)
