"""A chip and networks on which every product of every layer takes equally long: one slot.

The shipped chip ``ideal`` loses no time to memory, network or elementwise work, and a layer of 16 x 16 weights
at batch 16 keeps its array for the same number of cycles in all three products.
"""

from __future__ import annotations

from pcsim.config import Hardware, load_hardware
from pcsim.machine import Activity, simulate
from pcsim.machine.units.systolic import product_cost
from pcsim.network import Graph, chain
from pcsim.placement import place
from pcsim.program import Program

WIDTH = 16
"""Of every layer, samples of a batch or micro-batch, rows and columns of an array."""


def product_cycles(m: int, n: int, k: int) -> int:
    """Cycles of an M x K by K x N product on one array."""
    return product_cost(m, n, k, rows=WIDTH, cols=WIDTH, dataflow="ws").cycles


SLOT = product_cycles(WIDTH, WIDTH, WIDTH)
"""Cycles of one product."""


def uniform(layers: int) -> Graph:
    """A tanh network of ``layers`` weight layers, all of one width."""
    return chain((WIDTH,) * (layers + 1), "tanh")


def chip(*overrides: str) -> Hardware:
    """The shipped chip ``ideal`` as closed forms have it, every layer on as few tiles as hold it and blocks handed on,
    with values changed as by --set."""
    fixed = ("tiles.allocation=fewest", "tiles.handover=blocks")
    return load_hardware("ideal", overrides=(*fixed, *overrides))


def simulated(program: Program, hardware: Hardware, *, spread: int = 1) -> Activity:
    """One update of ``program`` in the steady state."""
    return simulate(place(program, hardware, spread=spread), hardware)


def slots(program: Program, hardware: Hardware) -> float:
    """Slots of one update."""
    return simulated(program, hardware).makespan_cycles / SLOT
