"""Which chip did the user describe?

A mesh of equal tiles, a network between them and DRAM channels beside them. Lengths of time are
cycles of the one clock except DRAM's, which does not depend on it. Bounds are generous: they catch
slips of unit, not ambition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_serializer, field_validator, model_validator

from pcsim.config.compute import ComputeUnit, chosen_by_kind
from pcsim.config.extensions import python_files
from pcsim.config.fields import (
    FROM_FILE,
    Finding,
    at_least_zero,
    choice,
    flag,
    must_be,
    name,
    quantity,
    rejected,
    sentence,
    whole,
    wholes,
)
from pcsim.config.numerics import Formats as Formats
from pcsim.config.section import ConfigFile, Section, key, key_of
from pcsim.config.tables import dram_kinds, one_of, technologies
from pcsim.units import Rate, exact_quantity

HardwareSchema = Literal["pcsim/hardware/1"]
Banking = Literal["skewed", "interleaved"]
Cell = Literal["lstp", "lop", "hp"]
Gating = Literal["none", "idle"]
GradientUnit = Literal["shared", "own"]
Residency = Literal["resident", "streamed", "buffered"]
Places = Literal["snake", "search"]
Handover = Literal["rows", "blocks"]
Shares = Literal["work", "fewest"]
Topology = Literal["mesh", "torus", "ring", "bus", "h-tree", "neighbour"]

NOT_MODELLED = "is not modelled yet"
NOT_EXECUTED = "is not executed by the engine yet"

_Cycles = Annotated[int, quantity("cycles", 0, 1_000_000)]
_Lanes = Annotated[int | None, whole(1, 65_536, unlimited=True)]
_BytesPerSecond = Annotated[Rate | None, quantity("B/s", 1, 10**15, unlimited=True)]
_BytesPerCycle = Annotated[Rate | None, quantity("B/cycle", 1, 1 << 20, unlimited=True)]


class Vector(Section):
    """Lanes for activation functions, errors and state updates; None lanes are unlimited."""

    lanes: _Lanes
    latency_cycles: _Cycles = key("latency")


class Update(Section):
    """Lanes for the optimiser; None lanes are unlimited."""

    lanes: _Lanes
    latency_cycles: _Cycles = key("latency")


class Adder(Section):
    """Adders that add partial sums as they arrive to those of the tile; None lanes are unlimited."""

    lanes: _Lanes


class Sram(Section):
    """The banked memory of a tile; None size or port is unlimited.

    ``port_bytes_per_cycle`` is per bank. ``banking`` says where words lie: consecutive ones in consecutive banks
    (interleaved), and every row of a matrix begins one bank further (skewed). ``weights`` live in it, or in DRAM
    (streamed) or the global buffer (buffered) and stream through what the rest leaves free. ``priced_as_bytes`` is
    the size whose energy, leakage and area an unlimited memory is given; it is None otherwise. ``access_bytes`` is
    what one access moves, for the price of a byte and of the macro; None is the 8 bytes of the technology's table.
    ``line_buffer``: windows of convolutions are formed behind a line buffer, so that of an operand each word passes the
    port once where without one every window passes word for word.
    """

    size_bytes: Annotated[int | None, quantity("B", 1, 1 << 40, unlimited=True)] = key("size")
    banks: Annotated[int, whole(1, 1024)]
    port_bytes_per_cycle: _BytesPerCycle = key("port")
    cell: Annotated[Cell, choice(Cell)]
    banking: Annotated[Banking, choice(Banking)] = "skewed"
    weights: Annotated[Residency, choice(Residency)] = "resident"
    priced_as_bytes: Annotated[int | None, quantity("B", 1, 1 << 40, optional=True)] = key(
        "priced_as", default=None
    )
    access_bytes: Annotated[int | None, quantity("B", 4, 16, optional=True)] = key(
        "access", default=None
    )
    line_buffer: Annotated[bool, flag()] = False

    @property
    def streams(self) -> bool:
        """Whether weights live elsewhere and come for each use."""
        return self.weights != "resident"

    @model_validator(mode="after")
    def _priced_when_unlimited(self) -> Self:
        if self.size_bytes is None and self.priced_as_bytes is None:
            said = "must be given where size is unlimited"
            hint = "a size such as '128 KiB', whose energy, leakage and area are taken"
            raise rejected([Finding(said, ("priced_as",), hint)])
        if self.size_bytes is not None and self.priced_as_bytes is not None:
            said = "must be left out where size is not unlimited"
            raise rejected([Finding(said, ("priced_as",))])
        return self


class Dma(Section):
    """The engine that moves data between a tile and the network."""

    setup_cycles: _Cycles = key("setup")


class Gate(Section):
    """When a kind of unit is cut from its supply, and what that costs.

    A unit that has been idle for ``after_cycles``, its break-even, is off from then until its next task is ready,
    which then waits ``wake_cycles``. While off it leaks ``retention`` of its leakage. ``gate`` none: never.
    """

    gate: Annotated[Gating, choice(Gating)]
    after_cycles: _Cycles = key("after")
    wake_cycles: _Cycles = key("wake")
    retention: Annotated[float, at_least_zero(1)]


class Power(Section):
    """Which kinds of units are gated; those left out never are."""

    compute: Gate | None = None
    vector: Gate | None = None
    update: Gate | None = None


class Tiles(Section):
    """A mesh of (rows, columns) equal tiles, what each of them holds, and how layers find theirs.

    ``gradients``: weight gradients take turns with the other products, or have a second compute unit of
    the same kind. ``handover``: what one unit makes is handed to the next row by row, a row being what one sample
    has of it, or as one block when all of it is there. Without ``adder`` the vector unit adds partial sums.
    ``allocation``: layers get tiles by their work, up to the whole chip, or the fewest that hold them;
    ``placement``: tiles follow one another along a snake, or change places so that bytes cross fewer links.
    """

    mesh: Annotated[
        tuple[int, int],
        wholes(1, 256, shape="a list of two whole numbers [rows, columns]", fewest=2, most=2),
    ]
    compute: Annotated[ComputeUnit, chosen_by_kind()]
    gradients: Annotated[GradientUnit, choice(GradientUnit)] = "shared"
    vector: Vector
    update: Update
    adder: Adder | None = None
    sram: Sram
    dma: Dma
    formats: Formats
    allocation: Annotated[Shares, choice(Shares)] = "fewest"
    placement: Annotated[Places, choice(Places)] = "snake"
    handover: Annotated[Handover, choice(Handover)] = "blocks"
    power: Power | None = None

    @model_validator(mode="after")
    def _compute_agrees(self) -> Self:
        findings = list(self.compute.disagreements(self.formats))
        if self.gradients == "own" and self.compute.kind == "crossbar":
            limit = "shared where tiles.compute.kind is crossbar, whose cells hold the weights"
            findings.append(must_be(limit, self.gradients, path=("gradients",)))
        if self.sram.streams:
            findings += self._kept_while_streamed()
        if findings:
            raise rejected(findings)
        return self

    @property
    def compute_units(self) -> int:
        """Compute units of one tile."""
        return 2 if self.gradients == "own" else 1

    def gates(self) -> Mapping[str, Gate]:
        """Power gates in use, by kind of unit (array, vector, update)."""
        power = self.power or Power()
        kinds = {"array": power.compute, "vector": power.vector, "update": power.update}
        return {kind: gate for kind, gate in kinds.items() if gate and gate.gate == "idle"}

    def units(self, kind: str) -> int:
        """Units of ``kind`` (array, vector, update) on the whole chip."""
        return self.mesh[0] * self.mesh[1] * (self.compute_units if kind == "array" else 1)

    def _kept_while_streamed(self) -> Iterator[Finding]:
        """Weights that live outside the tile cannot be kept by compute units, nor beside a copy."""
        compute, path = self.compute, ("sram", "weights")
        if compute.blocks is not None:
            where = f"tiles.compute.{compute.blocks_key} keeps weights"
            yield must_be(f"resident where {where}", self.sram.weights, path=path)
        if compute.copies_weights:
            where = "tiles.compute.transpose is copy"
            yield must_be(f"resident where {where}", self.sram.weights, path=path)


class Noc(Section):
    """The network between tiles: links of some width, a delay per router and per wire.

    ``hop_length_m`` is the distance from tile to tile. Wires longer than that take as many times the delay and
    the energy as they are longer.
    """

    topology: Annotated[Topology, choice(Topology)]
    link_bytes_per_cycle: _BytesPerCycle = key("link")
    router_latency_cycles: _Cycles = key("router_latency")
    link_latency_cycles: _Cycles = key("link_latency")
    hop_length_m: Annotated[float, quantity("m", 0, 1)] = key("hop_length")


class GlobalBuffer(Section):
    """One memory beside the tiles, on the same chip, where weights may live.

    It hangs on a router as a DRAM channel does. ``port_bytes_per_cycle`` is per bank; ``latency_cycles`` pass after
    each request until its data are there.
    """

    size_bytes: Annotated[int, quantity("B", 1, 1 << 40)] = key("size")
    banks: Annotated[int, whole(1, 65_536)]
    port_bytes_per_cycle: _BytesPerCycle = key("port")
    latency_cycles: _Cycles = key("latency")
    cell: Annotated[Cell, choice(Cell)]


class Rows(Section):
    """The rows of a DRAM channel: a request opens those it needs, each in the bank after the one before.

    ``miss_s`` is the time from closing a bank's open row to the first access of another one (tRP + tRCD).
    """

    size_bytes: Annotated[int, quantity("B", 64, 1 << 20)] = key("size")
    banks: Annotated[int, whole(1, 1024)]
    miss_s: Annotated[float, quantity("s", 0, 1)] = key("miss")


class Refresh(Section):
    """For how long a channel stands still to refresh its cells (tRFC), and how often (tREFI)."""

    time_s: Annotated[float, quantity("s", 0, 1)] = key("time")
    interval_s: Annotated[float, quantity("s", 0, 1)] = key("interval")

    @model_validator(mode="after")
    def _leaves_time(self) -> Self:
        if self.time_s >= self.interval_s:
            limit = f"shorter than the interval {exact_quantity(self.interval_s, 's')}"
            raise rejected([must_be(limit, exact_quantity(self.time_s, "s"), path=("time",))])
        return self


class Dram(Section):
    """The channels beside the chip; capacity, bandwidth and latency are of one channel.

    None bandwidth is unlimited. ``burst_bytes`` is the least that a channel moves; None: what is asked for.
    Without ``rows`` no request waits for a row, and without ``refresh`` none for a refresh.
    """

    kind: Annotated[str, one_of(dram_kinds)]
    channels: Annotated[int, whole(1, 1024)]
    capacity_bytes: Annotated[int, quantity("B", 1, 1 << 50)] = key("capacity")
    bandwidth_bytes_per_s: _BytesPerSecond = key("bandwidth")
    latency_s: Annotated[float, quantity("s", 0, 1)] = key("latency")
    burst_bytes: Annotated[int | None, quantity("B", 1, 1 << 16, optional=True)] = key(
        "burst", default=None
    )
    rows: Rows | None = None
    refresh: Refresh | None = None


_COST_KINDS = {
    "energy_j": quantity("J", 0, 1, optional=True),
    "power_w": quantity("W", 0, 1000, optional=True),
    "area_m2": quantity("m2", 0, 1, optional=True),
}


class CostOverride(Section):
    """A cost given by the user instead of the technology's: exactly one quantity, with its source.

    ``low`` and ``high`` bound it, in the same unit; without them it counts as certain.
    """

    energy_j: Annotated[float | None, _COST_KINDS["energy_j"]] = key("energy", default=None)
    power_w: Annotated[float | None, _COST_KINDS["power_w"]] = key("power", default=None)
    area_m2: Annotated[float | None, _COST_KINDS["area_m2"]] = key("area", default=None)
    source: Annotated[str, sentence()]
    low: float | None = None
    high: float | None = None

    @field_validator("low", "high", mode="plain")
    @classmethod
    def _read_bound(cls, value: object, info: ValidationInfo) -> object:
        given = [field for field in _COST_KINDS if info.data.get(field) is not None]
        if len(given) != 1:
            return None  # Said elsewhere: there is no unit that this could have.
        return _COST_KINDS[given[0]].read(value, info.context == FROM_FILE)

    @field_serializer("low", "high", when_used="json")
    def _write_bound(self, value: float | None) -> object:
        return _COST_KINDS[self._given[0]].write(value)

    @model_validator(mode="after")
    def _one_value_within_bounds(self) -> Self:
        keys = [key_of(type(self), field) for field in self._given]
        if len(keys) != 1:
            given = " and ".join(keys) or "none"
            said = f"must give exactly one of energy, power and area, not {given}"
            raise rejected([Finding(said)])
        if findings := list(self._out_of_order(keys[0])):
            raise rejected(findings)
        return self

    @property
    def _given(self) -> list[str]:
        return [field for field in _COST_KINDS if getattr(self, field) is not None]

    def _out_of_order(self, quantity_key: str) -> Iterator[Finding]:
        value = getattr(self, self._given[0])
        show = _COST_KINDS[self._given[0]].write
        if self.low is not None and self.low > value:
            limit = f"at most the {quantity_key} {show(value)}"
            yield must_be(limit, show(self.low), path=("low",))
        if self.high is not None and self.high < value:
            limit = f"at least the {quantity_key} {show(value)}"
            yield must_be(limit, show(self.high), path=("high",))


class Hardware(ConfigFile):
    """A chip. ``costs`` overrides single costs of ``technology``, keyed "component.action".

    ``extensions`` are Python files that bring further kinds of compute units. Without ``buffer`` there is none.
    """

    schema_id: Annotated[HardwareSchema, choice(HardwareSchema)] = key(
        "schema", default="pcsim/hardware/1"
    )
    name: Annotated[str, name()]
    clock_hz: Annotated[Rate, quantity("Hz", 1000, 100_000_000_000)] = key("clock")
    technology: Annotated[str, one_of(technologies)]
    extensions: Annotated[tuple[str, ...] | None, python_files()] = None
    tiles: Tiles
    noc: Noc
    buffer: GlobalBuffer | None = None
    dram: Dram
    costs: dict[str, CostOverride] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _buffered_somewhere(self) -> Self:
        weights = self.tiles.sram.weights
        if weights == "buffered" and self.buffer is None:
            limit = "resident or streamed where there is no buffer"
            raise rejected([must_be(limit, weights, path=("tiles", "sram", "weights"))])
        return self
