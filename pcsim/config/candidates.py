"""Which ways of learning compete? Each is a rule with an order, a schedule and number formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pcsim.config.fields import any_of
from pcsim.config.hardware import Formats, Hardware
from pcsim.config.workload import Optimiser, Workload
from pcsim.errors import InputError, Problem

Rule = Literal["pc", "bp"]
RULES = ("pc", "bp", "all")


@dataclass(frozen=True)
class Candidate:
    """One way of learning.

    ``order`` is the order in which layers relax, ``steps`` the inference steps per update and
    ``rate`` eta; backpropagation has no order, no steps and no such rate.
    """

    id: str
    rule: Rule
    order: str | None
    schedule: str
    numerics: Formats
    steps: int
    rate: float | None
    wavefront: bool
    hoist: bool
    optimiser: Optimiser


def candidates(
    hardware: Hardware, workload: Workload, *, rule: str = "all"
) -> tuple[Candidate, ...]:
    """The candidates of ``rule``, "pc", "bp" or "all", predictive coding first.

    Raises:
        InputError: there is no such rule.
    """
    if rule not in RULES:
        raise InputError((Problem(f"rule must be {any_of(RULES)}, not {rule!r}"),))
    formats = hardware.tiles.formats
    pc, bp = workload.pc, workload.bp
    every = (
        Candidate(
            id=f"pc-{pc.order}",
            rule="pc",
            order=pc.order,
            schedule="parallel",
            numerics=formats,
            steps=pc.steps,
            rate=pc.rate,
            wavefront=pc.wavefront,
            hoist=pc.hoist,
            optimiser=pc.optimiser,
        ),
        Candidate(
            id=f"bp-{bp.schedule}",
            rule="bp",
            order=None,
            schedule=bp.schedule,
            numerics=formats,
            steps=0,
            rate=None,
            wavefront=False,
            hoist=False,
            optimiser=bp.optimiser,
        ),
    )
    return tuple(candidate for candidate in every if rule in ("all", candidate.rule))
