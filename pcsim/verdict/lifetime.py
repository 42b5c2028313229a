"""How long do cells last that each update writes? Endurance over writes, at the rate of the updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pcsim.config import Crossbar, Hardware
from pcsim.machine.activity import Activity
from pcsim.units import format_quantity
from pcsim.verdict.result import LayerPlace, Result
from pcsim.verdict.words import factor


@dataclass(frozen=True)
class Lifetime:
    """Of the layer whose cells are written most: ``writes`` of each in an update, and how many ``updates`` and
    ``seconds`` of updates in a row they survive. None where no cell is written."""

    writes: float
    updates: float
    seconds: float


def lifetime_of(
    activity: Activity, places: Sequence[LayerPlace], hardware: Hardware, *, latency_s: float
) -> Lifetime | None:
    """Lifetime of the cells that hold weights; None where weights are not in cells, or not written."""
    unit, formats = hardware.tiles.compute, hardware.tiles.formats
    if not isinstance(unit, Crossbar):
        return None
    most = 0.0
    for place in places:
        # Layer 1 passes nothing down, so it never has arrays for W^T.
        copies = 1 if unit.transposable or place.layer == 1 else 2
        cells = copies * place.n_in * place.n_out * unit.cells_per_weight(formats)
        written = sum(
            amount
            for count, amount in activity.counts.items()
            if count.action == "cell_write" and count.layer == place.layer
        )
        most = max(most, written / cells)
    if not most:
        return None
    updates = unit.endurance / most
    return Lifetime(most, updates, updates * latency_s)


def lifetime_sentence(result: Result, hardware: Hardware) -> str | None:
    """What an update does to the cells, in words; None where there are none."""
    latency_s = result.per_update.latency_s
    found = lifetime_of(result.activity, result.places, hardware, latency_s=latency_s)
    if found is None:
        return None
    days = found.seconds / 86_400
    span = f"{factor(days)} days" if days >= 1 else format_quantity(found.seconds, "s")
    often = "once" if found.writes == 1 else f"{found.writes:g} times"
    return (
        f"{result.name} writes each cell {often} an update: cells last {found.updates:.3g} updates, {span} of "
        "training without a pause."
    )
