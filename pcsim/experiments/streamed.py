"""A chip of one tile whose weights live in DRAM, with room for those of a given number of layers.

Made from the shipped chip ``tile64``. The memory is as large as states, errors and updates need, and so many
layers' weights besides. Prices are those of ``tile64``'s own memory whatever its size, so that they are the same for
all rooms, batches and rules.
"""

from __future__ import annotations

from pcsim.config import Hardware, load_hardware
from pcsim.machine import Activity
from pcsim.network import Graph
from pcsim.placement.streaming import on_tile
from pcsim.program import Options, Program, backpropagation, predictive_coding
from pcsim.program.ordered import ordered_predictive_coding
from pcsim.program.visits import Visits
from pcsim.technology import PriceList, price_list

SETTINGS = ("tiles.mesh=[1, 1]", "tiles.sram.weights=streamed")
WORD_BYTES = 4


def chip_with_room(program: Program, layers: int) -> Hardware:
    """The chip whose window holds the weights of ``layers`` equal layers of ``program``."""
    kept = on_tile(program, load_hardware("tile64", overrides=SETTINGS), all_layers(program))
    widest = max(part.weights for part in program.parts)
    size = sum(kept.values()) + layers * WORD_BYTES * widest
    return load_hardware("tile64", overrides=(*SETTINGS, f"tiles.sram.size={size} B"))


def all_layers(program: Program) -> list[int]:
    return list(range(1, program.depth + 1))


def prices() -> PriceList:
    """Of one tile with the memory of ``tile64``."""
    return price_list(load_hardware("tile64", overrides=SETTINGS))


def weight_words(activity: Activity, *stages: str) -> tuple[int, int]:
    """Words of weights read from DRAM, in ``stages`` or in all, and written there."""
    read = written = 0
    for count, amount in activity.counts.items():
        if count.component != "dram" or count.stage == "data":
            continue
        if count.action == "read_byte" and (not stages or count.stage in stages):
            read += amount
        elif count.action == "write_byte":
            written += amount
    return read // WORD_BYTES, written // WORD_BYTES


def bp(network: Graph, *, batch: int) -> Program:
    return backpropagation(network, "mse", batch=batch, optimiser="sgd", at_once=True)


def jacobi(network: Graph, *, batch: int, steps: int, window: int = 0) -> Program:
    """Layer by layer, or skewed with a ``window`` of layers."""
    options = Options(batch, steps, "sgd", wavefront=False, visits=Visits(window))
    return predictive_coding(network, "mse", options)


def gauss_seidel(network: Graph, *, batch: int, steps: int) -> Program:
    options = Options(batch, steps, "sgd", at_once=True)
    return ordered_predictive_coding(network, "mse", options, order="gauss_seidel")
