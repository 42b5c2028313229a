"""What is the answer? Every result, how they compare, and what follows from that.

These are values only: `judge` makes them, `summary` writes them down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pcsim.verdict.comparison import Comparison, EqualEnergy, Swing
from pcsim.verdict.result import Result, Tried

if TYPE_CHECKING:  # Annotations only: a verdict can be read without numba or pydantic.
    from pcsim.config import Hardware, Workload
    from pcsim.technology import Area
    from pcsim.verdict.assumed import AssumedCost


@dataclass(frozen=True)
class Lever:
    """What one resource of the chip, doubled or unlimited, would change in an update.

    ``what`` says it in words ("links 32 to 64 B/cycle"), ``settings`` are the ``--set`` options that do it.
    ``latency`` and ``energy`` are of one update, new over old, by rule; ``area`` likewise, None where
    an area is not known. ``reason`` says why nothing could be simulated, else it is "".
    """

    key: str
    what: str
    settings: tuple[str, ...]
    unlimited: bool
    latency: Mapping[str, float]
    energy: Mapping[str, float]
    area: float | None
    reason: str = ""

    @property
    def speed(self) -> float:
        """Geometric mean over the rules of latency, new over old; 1 where nothing is known."""
        values = list(self.latency.values())
        return math.prod(values) ** (1 / len(values)) if values else 1.0


@dataclass(frozen=True)
class Warned:
    """What a reader of the verdict must not miss.

    ``kind`` is "diverged", "rate", "credit", "classes", "format" or "assumed". ``rule`` is the one
    it concerns, None where that is both. ``text`` is a sentence, ``mend`` says what can be done, "" for nothing.
    """

    kind: str
    rule: str | None
    text: str
    mend: str


@dataclass(frozen=True)
class Verdict:
    """The answer: every candidate's numbers, how they compare, and what that means in words.

    ``ratios`` and ``equal_energy`` are None and ``tornado`` is empty unless both rules ran; ``areas`` is None
    where something on the chip is unlimited: such a chip has no size. ``warnings`` are the most important
    first, ``levers`` those that save most time. ``tried`` is empty unless the
    best of several schedules was asked for.
    """

    hardware: Hardware
    workload: Workload
    seeds: tuple[int, ...]
    areas: tuple[Area, ...] | None
    results: tuple[Result, ...]
    ratios: Comparison | None
    assumed: tuple[AssumedCost, ...]
    not_modelled: tuple[str, ...]
    sentences: tuple[str, ...]
    warnings: tuple[Warned, ...] = ()
    levers: tuple[Lever, ...] = ()
    tried: tuple[Tried, ...] = ()
    equal_energy: EqualEnergy | None = None
    tornado: tuple[Swing, ...] = ()
    _repr_html_: ClassVar[Callable[[Verdict], str]]
    """How a notebook shows it (``notebook.py``)."""

    @property
    def area_mm2(self) -> float | None:
        """Area of the whole chip, DRAM apart."""
        return None if self.areas is None else math.fsum(area.mm2 for area in self.areas)
