"""Which settings are tried? The same number for every rule, by a fixed design without chance.

The first is the workload's own. Weight rates are the same for both rules: as many as trainings, evenly
spaced by logarithm, the one nearest to the rule's own replaced by that. Predictive coding meets each
rate once, with a point of the Halton sequence for inference steps, inference rate and order, so that the
same budget covers its larger space more thinly: that is the price of having more settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from pydantic import ValidationError

from pcsim.config import Workload
from pcsim.errors import InputError, Problem
from pcsim.tuning.span import PositiveRange, parse_span


@dataclass(frozen=True)
class Ranges:
    """Where to look: weight rates of both rules, inference steps and inference rates of PC."""

    rate: PositiveRange
    pc_steps: PositiveRange
    pc_rate: PositiveRange


def parse_ranges(*, rate: str, pc_steps: str, pc_rate: str) -> Ranges:
    """The ranges that the options of these names say.

    Raises:
        InputError: with what is wrong with each of them.
    """
    readers = {
        "rate": lambda: parse_span(rate, option="--rate", most=1000),
        "pc_steps": lambda: parse_span(pc_steps, option="--pc-steps", most=100_000, whole=True),
        "pc_rate": lambda: parse_span(pc_rate, option="--pc-rate", most=1000),
    }
    spans: dict[str, PositiveRange] = {}
    problems: list[Problem] = []
    for name, read in readers.items():
        try:
            spans[name] = read()
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(tuple(problems))
    return Ranges(**spans)


def design(
    workload: Workload, rule: str, *, budget: int, ranges: Ranges, orders: Sequence[str]
) -> tuple[Workload, ...]:
    """``workload`` with each of ``budget`` settings of ``rule``, all different, its
    own first. ``orders`` are those that predictive coding may relax in.

    Raises:
        InputError: there are fewer different rates in the range than trainings.
    """
    own = workload.settings_of(rule).optimiser.rate
    rates = weight_rates(ranges.rate, budget, own=own)
    settings: list[dict[str, Any]] = [{} for _ in rates]
    if rule == "pc" and rates:
        dimensions = _searched(workload, ranges, orders)
        points = _halton(len(rates), 1 + len(dimensions))
        by_first = sorted(range(len(rates)), key=lambda index: points[index][0])
        rate_of = dict(zip(by_first, rates, strict=True))
        rates = [rate_of[index] for index in range(len(rates))]
        settings = [
            {key: value(part) for (key, value), part in zip(dimensions.items(), rest, strict=True)}
            for _, *rest in points
        ]
    variants = (
        with_settings(workload, rule, {**values, "weight_rate": rate})
        for rate, values in zip(rates, settings, strict=True)
    )
    return (workload, *variants)


def with_settings(workload: Workload, rule: str, settings: Mapping[str, Any]) -> Workload:
    """``workload`` with these fields of the section ``rule`` replaced; "weight_rate" is its
    optimiser's rate.

    Raises:
        ValidationError: no file could say this.
    """
    values = workload.model_dump()
    section = rule if rule in ("pc", "bp") else "rule"
    changes = dict(settings)
    if "weight_rate" in changes:
        rate = changes.pop("weight_rate")
        changes["optimiser"] = {**values[section]["optimiser"], "rate": rate}
    values[section] |= changes
    return Workload.model_validate(values)


def weight_rates(span: PositiveRange, budget: int, *, own: float) -> list[float]:
    """``budget`` rates evenly spaced by logarithm over ``span``, in order, but for the one nearest to
    ``own``, which is tried in its place.

    Raises:
        InputError: rounded to two digits they are not all different.
    """
    parts = (index / max(budget - 1, 1) for index in range(budget))
    rates = list(dict.fromkeys(map(span.rate_at, parts)))
    if len(rates) < budget:
        message = (
            f"--rate must hold as many rates of two significant digits as --budget, "
            f"not {len(rates)} for {budget}"
        )
        raise InputError((Problem(message, hint="take a wider range or a smaller budget"),))
    rates.remove(min(rates, key=lambda rate: abs(log(rate / own))))
    return rates


def _searched(
    workload: Workload, ranges: Ranges, orders: Sequence[str]
) -> dict[str, Callable[[float], Any]]:
    """What of predictive coding is tuned besides its weight rate: how each field follows from a part
    in [0, 1). A field that the workload's other settings tie to one value is none."""
    found: dict[str, Callable[[float], Any]] = {}
    steps, rate = ranges.pc_steps, ranges.pc_rate
    if all(accepts(workload, "steps", steps.whole_at(end)) for end in (0, 1)):
        found["steps"] = steps.whole_at
    if all(accepts(workload, "rate", rate.rate_at(end)) for end in (0, 1)):
        found["rate"] = rate.rate_at
    if len(orders) > 1:
        found["order"] = lambda part: orders[int(part * len(orders))]
    return found


def accepts(workload: Workload, field: str, value: object) -> bool:
    """Whether this field of ``pc`` may have this value beside the workload's other settings."""
    try:
        with_settings(workload, "pc", {field: value})
    except ValidationError:
        return False
    return True


def _halton(count: int, dimensions: int) -> list[list[float]]:
    """The first points of the Halton sequence, not scrambled, without its zero."""
    from scipy.stats import qmc

    sequence = qmc.Halton(d=dimensions, scramble=False)
    points: list[list[float]] = sequence.fast_forward(1).random(count).tolist()
    return points
