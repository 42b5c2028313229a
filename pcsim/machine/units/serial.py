"""How long do serial cores, one multiply-accumulate for each neuron, take for a product?

A core makes one output of one sample in K cycles, one product a cycle, and P cores work side by side:
M ceil(N / P) K cycles. In a weight gradient the neurons are those of the errors, and each steps through its own
weights: ceil(M / P) N K cycles.

How this maps onto a design of one core per neuron in lock step (the clocked network whose cycles
``theory.serial_tick`` has): its phases are the products here, forward K = fan-in, backward K = fan-out, and
for learning K = 1 on fan-in weights; the cycle each for errors and for states is a task of the vector unit.
Left out: the lock step itself (a layer goes on when its operands are there, not when the widest layer is
done) and the two cycles in which a central controller starts and ends a tick; weights at each core (they come
from the tile's SRAM, one word per core and cycle).
"""

from __future__ import annotations

from collections.abc import Mapping

from pcsim.config import Formats, Hardware, Serial
from pcsim.machine.units.form import Form, digital_actions, written_twice
from pcsim.machine.units.work import Passes, Product, Work, moved


def product_cycles(task: Product, *, cores: int) -> int:
    """Cycles of one product."""
    if task.by_weights:
        return task.m * -(-task.n // cores) * task.k
    return -(-task.m // cores) * task.n * task.k


def product(task: Product, unit: Serial, chip: Hardware) -> Work:
    """One product task; slower than its closed form only where the SRAM ports cannot keep up.

    In every cycle each core reads an operand of its own (a weight, or an error of its neuron), and all
    cores one that they share (an input of the sample).
    """
    alone = product_cycles(task, cores=unit.cores)
    if task.by_weights:
        passes = Passes(first=-(-task.n // unit.cores), second=task.m)
    else:
        passes = Passes(first=task.n, second=-(-task.m // unit.cores))
    cycles, through_ports = moved(alone, passes, task, chip)
    actions = digital_actions(task, cycles, unit.cores, chip, hops=task.macs)
    return Work(cycles, (*actions, *through_ports), task.macs)


def pieces(unit: Serial, _formats: Formats) -> Mapping[str, int]:
    return {"array": unit.cores}


FORM = Form(product, pieces, written_twice)
