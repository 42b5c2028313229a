"""Which analog crossbars? Arrays of cells that multiply by their conductance, and what drives and reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pcsim.config.compute.unit import ComputeUnit
from pcsim.config.fields import Finding, choice, flag, must_be, quantity, whole
from pcsim.config.numerics import Analog, Formats
from pcsim.config.section import key
from pcsim.units import Rate

CrossbarKind = Literal["crossbar"]
CellUpdate = Literal["row_serial", "parallel"]


class Crossbar(ComputeUnit):
    """``arrays`` of ``rows`` x ``cols`` cells of ``cell_bits`` each, in every tile.

    A weight of b bits lies in ceil((b - 1) / cell_bits) pairs of cells, one of a pair for each sign, side
    by side in a row. Inputs come bit-serially, ``dac_bits`` in each read of ``read_s``; a converter serves
    ``adc_share`` columns at ``adc_rate_hz``, with ``analog.adc_bits``. ``update``: cells are written row
    by row or all at once, each write taking ``write_s``; a cell endures ``endurance`` writes. Gradients
    come from ``gradient_lanes`` digital multiply-accumulates. ``transposable``: drivers and converters on
    both sides; otherwise other arrays hold W^T.
    """

    kind: Annotated[CrossbarKind, choice(CrossbarKind)]
    arrays: Annotated[int, whole(1, 65_536)]
    rows: Annotated[int, whole(1, 4096)]
    cols: Annotated[int, whole(2, 4096)]
    cell_bits: Annotated[int, whole(1, 16)]
    dac_bits: Annotated[int, whole(1, 16)]
    read_s: Annotated[float, quantity("s", 0, 1)] = key("read")
    adc_share: Annotated[int, whole(1, 4096)]
    adc_rate_hz: Annotated[Rate, quantity("Hz", 1000, 100_000_000_000)] = key("adc_rate")
    update: Annotated[CellUpdate, choice(CellUpdate)]
    write_s: Annotated[float, quantity("s", 0, 1)] = key("write")
    endurance: Annotated[int, whole(1, 10**18)]
    gradient_lanes: Annotated[int, whole(1, 65_536)]
    transposable: Annotated[bool, flag()]
    analog: Analog

    def slices(self, formats: Formats) -> int:
        """Pairs of cells of one weight."""
        return -(-(formats.weight.bits - 1) // self.cell_bits)

    def cells_per_weight(self, formats: Formats) -> int:
        """Cells of one weight: a pair for each slice."""
        return 2 * self.slices(formats)

    def weights_per_row(self, formats: Formats) -> int:
        """Weights side by side in one row of an array."""
        return self.cols // self.cells_per_weight(formats)

    def cells(self, formats: Formats) -> int:
        return self.arrays * self.rows * self.weights_per_row(formats) + self.gradient_lanes

    def rounds(self, m: int, n: int, k: int, formats: Formats, *, by_weights: bool) -> int:
        """Reads of all arrays at once, whatever they hold; of gradients what the digital lanes take."""
        if not by_weights:
            return -(-m * n * k // self.gradient_lanes)
        return m * -(-formats.state.bits // self.dac_bits)

    @property
    def blocks(self) -> int | None:
        return self.arrays

    @property
    def blocks_key(self) -> str:
        return "arrays"

    def blocks_of(self, n_in: int, n_out: int, formats: Formats, *, both_ways: bool) -> int:
        width = self.weights_per_row(formats)
        arrays = -(-n_in // self.rows) * -(-n_out // width)
        if both_ways and not self.transposable:
            arrays += -(-n_out // self.rows) * -(-n_in // width)
        return arrays

    @property
    def analog_errors(self) -> Analog | None:
        return self.analog

    @property
    def reads_both_ways(self) -> bool:
        return self.transposable

    @property
    def how_transposed(self) -> str:
        if self.transposable:
            return "W^T is read from the cells of W, with drivers and converters on both sides"
        return "W^T is read from arrays of its own, which each update writes, too"

    def disagreements(self, formats: Formats) -> Iterator[Finding]:
        """What number formats cells and converters cannot hold; paths from the tile's section."""
        for field in ("weight", "state", "error"):
            number = getattr(formats, field)
            if number.kind not in ("fixed", "integer"):
                which = "a fixed point or integer format where tiles.compute.kind is crossbar"
                hint = "cells hold and converters take integers, such as int8 or q4.12"
                yield must_be(which, str(number), path=("formats", field), hint=hint)
        if formats.weight.kind in ("fixed", "integer") and not self.weights_per_row(formats):
            needed = self.cells_per_weight(formats)
            limit = f"at least {needed}, the cells of one weight"
            yield must_be(limit, self.cols, path=("compute", "cols"))
