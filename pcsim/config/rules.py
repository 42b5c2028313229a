"""How does each learning rule learn? A section of settings a rule, and what it refuses.

Predictive coding and backpropagation have the sections ``pc`` and ``bp``. A rule of an extension has a section of its
own, which ``rule`` holds and its ``name`` chooses; it competes with backpropagation in the place of predictive coding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, get_args

from pydantic import model_validator

from pcsim.config.chosen import ByWord, offer
from pcsim.config.fields import (
    Finding,
    at_least_zero,
    choice,
    flag,
    must_be,
    name,
    positive,
    rejected,
    whole,
)
from pcsim.config.section import Section
from pcsim.network import RULES, Graph

if TYPE_CHECKING:
    from pcsim.config.numerics import Numerics
    from pcsim.config.training import TrainingSettings

Order = Literal["jacobi", "gauss_seidel", "red_black"]
Variant = Literal["pc", "ipc", "z_il", "fpa", "epc"]
Descent = Literal["gd", "momentum", "adam"]
Nudging = Literal["none", "positive", "negative", "centred"]
RateSchedule = Literal["constant", "cosine", "step"]
PcSchedule = Literal["free", "barrier", "skewed", "best"]
BpSchedule = Literal["sequential", "gpipe", "1f1b", "zb_h1", "zb_h2", "best"]
Stash = Literal["kept", "recomputed", "spilled"]
OptimiserKind = Literal["sgd", "momentum", "adam", "adamw"]


class OptimiserSettings(Section):
    """How a gradient changes the weights; ``rate`` is the learning rate.

    ``momentum`` is read by kind momentum, ``weight_decay`` by kind adamw. ``schedule`` cosine lets the
    rate fall to 0 over the whole training; step multiplies it by ``factor`` every ``every`` updates.
    """

    kind: Annotated[OptimiserKind, choice(OptimiserKind)]
    rate: Annotated[float, positive(1000)]
    momentum: Annotated[float, at_least_zero(1)] = 0.9
    weight_decay: Annotated[float, at_least_zero(1)] = 0.01
    schedule: Annotated[RateSchedule, choice(RateSchedule)] = "constant"
    every: Annotated[int, whole(1, 1_000_000_000)] = 1000
    factor: Annotated[float, positive(1)] = 0.5


class OwnRule(Section):
    """Settings of a rule of your own, in a section that its ``name``, a Literal of one word, chooses.

    ``title`` says in a few words what the rule does. ``PRODUCTS`` is how often an update multiplies by the weights:
    once forward, once back, once for the gradient, unless the rule does more.
    """

    title: ClassVar[str] = ""
    PRODUCTS: ClassVar[int] = 3

    name: Annotated[str, name()]
    optimiser: OptimiserSettings

    @property
    def inference_steps(self) -> int:
        """Inference steps of an update."""
        return 0

    def limits(self, graph: Graph, training: TrainingSettings) -> Iterable[Finding]:
        """What the rule does not learn, a sentence each; paths are from the workload's section: ``("network",)``."""
        return ()

    def limits_of_numbers(self, numerics: Numerics) -> Iterable[str]:
        """What the rule does not compute in, a sentence each."""
        return ()


OWN_RULES: dict[str, type[OwnRule]] = {}
"""The rules that extensions brought, by the word that chooses them."""


def own_rule() -> ByWord:
    """The section of ``OWN_RULES`` that ``name`` chooses. Annotates a field of type OwnRule."""
    return ByWord(OWN_RULES, "name", optional=True)


offer(OwnRule, "name", OWN_RULES)


def add_rule(section: type[OwnRule]) -> str:
    """Let files choose ``section``; returns its word.

    Raises:
        ValueError: another rule has this word, or it is no word.
    """
    (word,) = get_args(section.model_fields["name"].annotation)
    if not re.fullmatch("[a-z][a-z0-9_]*", word):
        raise ValueError(f"a rule must have a name of small letters, digits and _, not {word!r}")
    known = OWN_RULES.get(word)
    if (known is None and word in (*RULES, "all")) or (
        known and known.__qualname__ != section.__qualname__
    ):
        raise ValueError(f"there is a rule {word!r} already")
    OWN_RULES[word] = section
    return str(word)


class PredictiveCoding(Section):
    """Settings of predictive coding.

    ``steps`` is T, the inference steps per update; ``rate`` is eta, the step size of inference per
    sample. ``variant`` is pc; ipc, which steps the weights at every inference step; z_il and fpa,
    which keep the feed-forward predictions; or epc, which relaxes errors in the place of states.
    ``order`` is that in which layers relax and ``descent`` how states follow their gradient, with
    ``momentum`` where that is its name. ``tolerance`` ends the inference of a batch whose energy
    falls by a smaller part in a step; ``threshold`` is the change up to which neighbours are not
    told. ``nudging`` draws the output towards the target by ``beta`` only. ``gated``: z_il does only the
    work that matters. ``wavefront`` skips
    layers that provably do not move yet, ``hoist`` computes the first layer's prediction, which
    inference cannot change, once per update.
    """

    variant: Annotated[Variant, choice(Variant)] = "pc"
    steps: Annotated[int, whole(1, 100_000)]
    rate: Annotated[float, positive(1000)]
    order: Annotated[Order, choice(Order)] = "jacobi"
    descent: Annotated[Descent, choice(Descent)] = "gd"
    momentum: Annotated[float, at_least_zero(1)] = 0.9
    tolerance: Annotated[float, at_least_zero(1)] = 0.0
    threshold: Annotated[float, at_least_zero(1000)] = 0.0
    nudging: Annotated[Nudging, choice(Nudging)] = "none"
    beta: Annotated[float, positive(1)] = 1.0
    wavefront: Annotated[bool, flag()] = True
    hoist: Annotated[bool, flag()] = True
    gated: Annotated[bool, flag()] = True
    schedule: Annotated[PcSchedule, choice(PcSchedule)] = "free"
    window: Annotated[int, whole(1, 1024)] = 1
    micro_batches: Annotated[int, whole(1, 65_536)] = 1
    spread: Annotated[int, whole(1, 65_536)] = 1
    check_lag: Annotated[int, whole(0, 1000)] = 0
    full_credit: Annotated[bool, flag()] = False
    optimiser: OptimiserSettings

    @model_validator(mode="after")
    def _has_a_meaning(self) -> Self:
        findings = []
        rule = RULES[self.variant]
        if not rule.reads_all:
            only: dict[str, str | float] = {"order": "jacobi", "descent": "gd", "nudging": "none"}
            only |= {"tolerance": 0.0, "threshold": 0.0}
            findings = [
                must_be(f"{wanted} where pc.variant is {self.variant}", value, path=(field,))
                for field, wanted in only.items()
                if (value := getattr(self, field)) != wanted
            ]
        if rule.only_rate is not None and self.rate != rule.only_rate:
            limit = f"{rule.only_rate:g} where pc.variant is {rule.name}, which is exact only then"
            findings.append(must_be(limit, self.rate, path=("rate",)))
        if self.check_lag and self.tolerance == 0:
            limit = "0 where pc.tolerance is 0, as nothing is checked"
            findings.append(must_be(limit, self.check_lag, path=("check_lag",)))
        findings += self._fits_its_schedule()
        if self.nudging == "none" and self.beta != 1:
            findings.append(must_be("1 where pc.nudging is none", self.beta, path=("beta",)))
        if findings:
            raise rejected(findings)
        return self

    def _fits_its_schedule(self) -> Iterator[Finding]:
        """What goes with several micro-batches, and with a barrier after each step."""
        apart: dict[str, str | float] = {"variant": "pc", "tolerance": 0.0, "threshold": 0.0}
        for field, wanted in apart.items():
            value = getattr(self, field)
            if self.micro_batches > 1 and value != wanted:
                limit = f"1 where pc.{field} is {value}: the samples of a batch then go together"
                yield must_be(limit, self.micro_batches, path=("micro_batches",))
        named = self.schedule in ("barrier", "skewed")
        if named and (self.variant, self.order) != ("pc", "jacobi"):
            limit = "free where pc.variant is not pc or pc.order is not jacobi"
            yield must_be(limit, self.schedule, path=("schedule",))
        if self.window != 1 and self.schedule != "skewed":
            limit = "1 where pc.schedule is not skewed"
            yield must_be(limit, self.window, path=("window",))
        if self.schedule == "skewed" and self.micro_batches > 1:
            limit = "1 where pc.schedule is skewed"
            yield must_be(limit, self.micro_batches, path=("micro_batches",))


class Backpropagation(Section):
    """Settings of backpropagation.

    ``schedule`` is the order of forward, backward and weight-gradient passes of ``micro_batches``;
    ``stash`` what becomes of activities until the backward pass; ``spread`` how many times the
    fewest tiles a layer gets.
    """

    schedule: Annotated[BpSchedule, choice(BpSchedule)]
    micro_batches: Annotated[int, whole(1, 65_536)] = 1
    stash: Annotated[Stash, choice(Stash)] = "kept"
    spread: Annotated[int, whole(1, 65_536)] = 1
    optimiser: OptimiserSettings

    @model_validator(mode="after")
    def _fits_its_schedule(self) -> Self:
        findings = []
        if self.schedule in ("sequential", "best"):
            only: dict[str, int | str] = {"micro_batches": 1, "stash": "kept"}
            findings = [
                must_be(f"{wanted} where bp.schedule is {self.schedule}", value, path=(field,))
                for field, wanted in only.items()
                if (value := getattr(self, field)) != wanted
            ]
        elif self.schedule.startswith("zb") and self.stash == "spilled":
            limit = f"kept or recomputed where bp.schedule is {self.schedule}, which puts off what reads it"
            findings = [must_be(limit, self.stash, path=("stash",))]
        if findings:
            raise rejected(findings)
        return self
