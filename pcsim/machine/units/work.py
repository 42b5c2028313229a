"""What is asked of a unit, and what its closed form answers: cycles and counted actions of one task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, gcd

from pcsim.config import DigitalUnit, Formats, GlobalBuffer, Hardware, Sram, Value
from pcsim.errors import InputError, Problem
from pcsim.machine.units.pace import Folds
from pcsim.program import PRODUCTS, Kind, Operands

Actions = tuple[tuple[str, str, int], ...]
"""(component, action, amount), as technology prices them."""


@dataclass(frozen=True)
class Product:
    """C[M, N] = A[M, K] B[K, N] on one tile; m, n, k >= 1.

    ``operands`` says what A (streamed), B (stationary) and C are: states by W^T forward, errors by W
    backward, errors by states for a weight gradient, or states by states in attention. ``buffered_a`` and
    ``buffered_b`` are the words of which a line buffer forms A or B, windows that overlap; 0: they lie in SRAM as
    they are.
    """

    m: int
    n: int
    k: int
    operands: Operands
    buffered_a: int = 0
    buffered_b: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.m * self.n * self.k

    @property
    def by_weights(self) -> bool:
        """Whether B is W or W^T; else this is a gradient."""
        return self.operands.stationary is Value.WEIGHT

    @property
    def backward(self) -> bool:
        """Whether errors are passed down, which reads W^T where forward reads W."""
        return reads_transpose(self.operands)


def reads_transpose(operands: Operands) -> bool:
    """Whether a product of these is one backward."""
    return operands.stationary is Value.WEIGHT and operands.streamed is Value.ERROR


@dataclass(frozen=True)
class Weights:
    """n_in x n_out weights that an update has changed; ``both_ways``: the layer reads W^T, too."""

    n_in: int
    n_out: int
    both_ways: bool


@dataclass(frozen=True)
class Passes:
    """How often whole matrices pass between a compute unit and its SRAM in one product.

    A is read ``first`` times and B ``second`` times; M x N partial sums are written, and read again,
    ``partials`` times before the results are written.
    """

    first: int
    second: int
    partials: int = 0


@dataclass(frozen=True)
class Work:
    """One task on a private unit.

    ``cycles`` it occupies the unit; ``actions`` are what it counts; ``macs`` the multiply-accumulates
    among them. Of products whose rows are handed on one by one: the ``folds`` in which samples pass, or in how many
    ``groups`` samples are finished; without either one sample comes after the other. ``more`` are the cycles of an
    update that the update unit itself does not work.
    """

    cycles: int
    actions: Actions
    macs: int = 0
    folds: Folds | None = None
    groups: int | None = None
    more: int = 0

    def times(self, count: int) -> Work:
        """The same so many times, one after the other."""
        if count == 1:
            return self
        actions = tuple(
            (component, action, count * amount) for component, action, amount in self.actions
        )
        return replace(self, cycles=count * self.cycles, actions=actions, macs=count * self.macs)


def sram_cycles(size_bytes: int, sram: Sram | GlobalBuffer) -> int:
    """Cycles to move ``size_bytes`` through all banks of a memory: size / (banks x port).

    Left out: units of one tile competing for a bank.
    """
    if sram.port_bytes_per_cycle is None:
        return 0
    return -(-size_bytes // (sram.banks * sram.port_bytes_per_cycle))


def moved(cycles: int, passes: Passes, task: Product, chip: Hardware) -> tuple[int, Actions]:
    """Cycles of a product that takes ``cycles`` by itself once its words have moved, and their actions.

    Where W^T is read by a walk along columns, each of its words takes what a bank's port gives at once. Where
    consecutive words lie in consecutive banks, walks along columns wait for banks besides: of matrices that
    are stored by rows, W^T where it is walked and the errors of a weight gradient, whose transpose streams.
    """
    sram, formats, compute = chip.tiles.sram, chip.tiles.formats, chip.tiles.compute
    port = sram.port_bytes_per_cycle
    stationary = formats.of(task.operands.stationary)
    second = stationary.storage_bytes(task.buffered_b or task.k * task.n)
    walked = task.backward and isinstance(compute, DigitalUnit) and compute.walks
    if walked and port is not None:
        word_bytes = -(-stationary.bits // 8)
        second = ceil(task.k * task.n * -(-word_bytes // port) * port)
    partial = passes.partials * formats.of(Value.ACCUMULATE).storage_bytes(task.m * task.n)
    streamed = formats.of(task.operands.streamed).storage_bytes(task.buffered_a or task.m * task.k)
    read = passes.first * streamed + passes.second * second + partial
    written = partial + formats.of(task.operands.result).storage_bytes(task.m * task.n)
    waited = 0
    if walked:
        waited += (_conflict(task.k, sram) - 1) * passes.second * second
    if not task.by_weights and task.operands.streamed is Value.ERROR:
        waited += (_conflict(task.m, sram) - 1) * passes.first * streamed
    slowest = max(cycles, sram_cycles(read + written + waited, sram))
    through = _through_line_buffer(passes, task, formats)
    line_buffer: Actions = (("line_buffer", "byte", through),) if through else ()
    return slowest, (("sram", "read_byte", read), ("sram", "write_byte", written), *line_buffer)


def _through_line_buffer(passes: Passes, task: Product, formats: Formats) -> int:
    """Bytes of windows that a line buffer hands to the compute unit."""
    first = task.m * task.k * passes.first if task.buffered_a else 0
    second = task.k * task.n * passes.second if task.buffered_b else 0
    operands = task.operands
    return formats.of(operands.streamed).storage_bytes(first) + formats.of(
        operands.stationary
    ).storage_bytes(second)


def _conflict(stride: int, sram: Sram) -> int:
    """How many times slower a walk of ``stride`` words is than one from word to word.

    It meets banks / gcd(stride, banks) of the banks. Skewed rows put neighbours in a column in different banks.
    """
    return gcd(stride, sram.banks) if sram.banking == "interleaved" else 1


def mac_action(formats: Formats, operands: Operands) -> str:
    """The name under which a product's multiply-accumulates are counted.

    ``mac`` where they are of the formats of a forward product, in whichever order; apart otherwise, as
    they cost something else.
    """
    numbers = _multiplied(formats, operands)
    if numbers == _multiplied(formats, PRODUCTS[Kind.PRODUCT_FORWARD]):
        return "mac"
    if operands.streamed is Value.STATE and operands.stationary is Value.STATE:
        return _mac_of_states(formats, numbers)
    return "mac_gradient" if operands.stationary is Value.STATE else "mac_backward"


def _mac_of_states(formats: Formats, numbers: list[str]) -> str:
    """Products of states, as of attention, are priced as those by weights that multiply such numbers.

    Raises:
        InputError: there are none such.
    """
    priced = {"mac_backward": Kind.PRODUCT_BACKWARD, "mac_gradient": Kind.WEIGHT_GRADIENT}
    for action, kind in priced.items():
        if numbers == _multiplied(formats, PRODUCTS[kind]):
            return action
    state, weight = formats.of(Value.STATE).name, formats.of(Value.WEIGHT).name
    said = (
        "attention multiplies states by states, which is priced only where states have the format of weights or "
        f"of errors, and here states are {state} and weights {weight}"
    )
    raise InputError((Problem(said),))


def _multiplied(formats: Formats, operands: Operands) -> list[str]:
    return sorted((formats.of(operands.streamed).name, formats.of(operands.stationary).name))
