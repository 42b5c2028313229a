"""Which ways of learning compete? Each is a rule with an order, a schedule and number formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pcsim.config.fields import any_of
from pcsim.config.hardware import Hardware
from pcsim.config.numerics import Numerics
from pcsim.config.workload import (
    Descent,
    Nudging,
    Optimiser,
    Order,
    PredictiveCoding,
    Variant,
    Workload,
)
from pcsim.errors import InputError, Problem

Rule = Literal["pc", "bp"]
RULES = ("pc", "bp", "all")


@dataclass(frozen=True)
class Inference:
    """How a candidate of predictive coding infers, beyond its steps and their rate.

    ``variant`` and all else are as in ``PredictiveCoding``, whose docstring says what they mean.
    """

    variant: Variant = "pc"
    order: Order = "jacobi"
    descent: Descent = "gd"
    momentum: float = 0.9
    tolerance: float = 0.0
    threshold: float = 0.0
    nudging: Nudging = "none"
    beta: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether this is the reference algorithm: every step all layers, by gradient descent alone."""
        return self == Inference(momentum=self.momentum)


@dataclass(frozen=True)
class Candidate:
    """One way of learning.

    ``order`` is the order in which layers relax, ``steps`` the inference steps per update and
    ``rate`` eta; backpropagation has no order, no steps and no such rate. ``inference`` is None for
    backpropagation.
    """

    id: str
    rule: Rule
    order: str | None
    schedule: str
    numerics: Numerics
    steps: int
    rate: float | None
    wavefront: bool
    hoist: bool
    optimiser: Optimiser
    inference: Inference | None = None


def candidates(
    hardware: Hardware, workload: Workload, *, rule: str = "all"
) -> tuple[Candidate, ...]:
    """The candidates of ``rule``, "pc", "bp" or "all", predictive coding first.

    Raises:
        InputError: there is no such rule.
    """
    if rule not in RULES:
        raise InputError((Problem(f"rule must be {any_of(RULES)}, not {rule!r}"),))
    numerics = Numerics(hardware.tiles.formats)
    pc, bp = workload.pc, workload.bp
    every = (
        Candidate(
            id=_id_of(pc),
            rule="pc",
            order=pc.order,
            schedule="parallel",
            numerics=numerics,
            steps=pc.steps,
            rate=pc.rate,
            wavefront=pc.wavefront and pc.variant not in ("ipc", "epc"),
            hoist=pc.hoist and pc.variant != "ipc",
            optimiser=pc.optimiser,
            inference=Inference(
                variant=pc.variant,
                order=pc.order,
                descent=pc.descent,
                momentum=pc.momentum,
                tolerance=pc.tolerance,
                threshold=pc.threshold,
                nudging=pc.nudging,
                beta=pc.beta,
            ),
        ),
        Candidate(
            id=f"bp-{bp.schedule}",
            rule="bp",
            order=None,
            schedule=bp.schedule,
            numerics=numerics,
            steps=0,
            rate=None,
            wavefront=False,
            hoist=False,
            optimiser=bp.optimiser,
        ),
    )
    return tuple(candidate for candidate in every if rule in ("all", candidate.rule))


def _id_of(pc: PredictiveCoding) -> str:
    """Such as pc-jacobi, z-il or pc-jacobi-momentum-nudged."""
    words = [pc.variant.replace("_", "-")]
    if pc.variant == "pc":
        words.append(pc.order.replace("_", "-"))
    if pc.descent != "gd":
        words.append(pc.descent)
    if pc.nudging != "none":
        words.append(pc.nudging)
    return "-".join(words)
