"""The values that leave this room before a run: what everything costs on one chip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    """Joules of one ``per``; ``status`` is read, derived, assumed or user (from the hardware file).

    ``source`` is the sources' whole text, ``source_id`` their IDs joined by "+"; ``note`` is the
    trail from the published number to this one.
    """

    component: str
    action: str
    joules: float
    per: str
    status: str
    low_j: float
    high_j: float
    source: str
    note: str
    source_id: str

    @property
    def key(self) -> str:
        """The name of this price in tables and hardware files."""
        return f"{self.component}.{self.action}"


@dataclass(frozen=True)
class Leak:
    """Watts that ``count`` blocks of the whole chip draw whether they work or not.

    Where they belong to ``units`` units of kind ``gated_with`` that are cut from their supply while idle, those draw
    ``retention`` of it then.
    """

    block: str
    watts: float
    low_w: float
    high_w: float
    status: str
    source: str
    note: str
    count: int
    per: str
    source_id: str
    gated_with: str = ""
    units: int = 1
    retention: float = 1.0

    @property
    def key(self) -> str:
        """The name of this power in tables and hardware files."""
        return f"leakage.{self.block}"


@dataclass(frozen=True)
class Area:
    """Square millimetres of ``count`` blocks of the whole chip."""

    block: str
    mm2: float
    low_mm2: float
    high_mm2: float
    status: str
    source: str
    note: str
    count: int
    per: str
    source_id: str

    @property
    def key(self) -> str:
        """The name of this area in tables and hardware files."""
        return f"area.{self.block}"


@dataclass(frozen=True)
class PriceList:
    """Everything that one chip's work, time and size cost.

    ``prices`` is keyed by (component, action). ``areas`` is None when something on the chip is
    unlimited: such a chip has no size.
    """

    technology: str
    prices: Mapping[tuple[str, str], Price]
    leaks: tuple[Leak, ...]
    areas: tuple[Area, ...] | None

    @property
    def area_mm2(self) -> float | None:
        """Area of the whole chip, DRAM apart."""
        return None if self.areas is None else math.fsum(area.mm2 for area in self.areas)
