"""What are things called, and how are ratios written, for people?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

BP = "bp"
"""The rule that every other one competes with."""


def rule_name(rule: str) -> str:
    """What people call a rule: PC or BP, or the name of another in capitals."""
    return rule.replace("_", " ").upper()


def challenger_among(rules: Iterable[str]) -> str:
    """The one of ``rules`` that competes with backpropagation."""
    return next(rule for rule in rules if rule != BP)


OBJECTIVE_NAMES = {
    "latency": "time per update",
    "energy": "energy per update",
    "edp": "energy-delay product per update",
    "time_to_target": "time to target",
    "energy_to_target": "energy to target",
}
"""What ``objective`` of a workload file asks for."""

COMPONENT_NAMES = {
    "array": "arrays",
    "vector": "vector units",
    "update": "update units",
    "sram": "SRAM",
    "buffer": "global buffer",
    "line_buffer": "line buffers",
    "noc": "network",
    "dma": "DMA",
    "dram": "DRAM",
    "clock": "clock tree",
    "leakage": "leakage",
    "dram_standby": "DRAM standby",
}
"""Components of the bill and kinds of units, in the order in which they are listed."""

WAIT_NAMES = {
    "array": "other arrays",
    "vector": "vector units",
    "update": "update units",
    "noc": "transfers",
    "dram": "DRAM",
    "buffer": "the global buffer",
    "wake": "their own supply",
}
"""What an array can wait for."""


def candidate_names(candidates: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What to call candidates, given as (rule, id): by their rule, or by their id where several follow
    one rule."""
    rules = [rule for rule, _ in candidates]
    return tuple(rule_name(rule) if rules.count(rule) == 1 else key for rule, key in candidates)


def wait_name(kind: str) -> str:
    """What an array waits for when it waits for a unit of this kind."""
    return WAIT_NAMES.get(kind, component_name(kind))


def component_name(component: str) -> str:
    """What a component of the bill or a kind of unit is called."""
    return COMPONENT_NAMES.get(component, component.replace("_", " "))


def factor(value: float) -> str:
    """A ratio for reading: three significant digits, without an exponent where it can be
    avoided."""
    if 0.1 <= value < 10:
        return f"{value:.2f}"
    if 10 <= value < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def percent(fraction: float) -> str:
    """``90 %``, with the decimals that are there up to two."""
    text = f"{100 * fraction:.2f}"
    return text.rstrip("0").rstrip(".") + " %"


def accuracy_text(mean: float | None) -> str:
    """A test accuracy; of a training that diverged there is none."""
    return "diverged" if mean is None else percent(mean)


def goal(levels: Sequence[float]) -> str:
    """The accuracies that "to the target" averages over: ``80 to 90 %``; of a single one ``90 %``."""
    if levels[0] == levels[-1]:
        return percent(levels[-1])
    return f"{percent(levels[0]).removesuffix(' %')} to {percent(levels[-1])}"


LONG_RUN = 5
"""From so many equal layers in a row on, they are counted instead of listed."""


def network_of(summary: Mapping[str, Any]) -> str:
    """The network of a run: its widths, or the shapes of its values where it is no chain of dense layers."""
    return network_text(summary["network"], shapes=summary.get("shapes"))


def network_text(widths: Sequence[int], *, shapes: Sequence[Sequence[int]] | None = None) -> str:
    """A network by its widths: 784-128-128-10, or 784-128x127-10 where many in a row are equal.

    With ``shapes`` by these: 1x28x28-8x14x14-10, or 16x32 (4 times) where many in a row are equal.
    """
    named = ["x".join(map(str, shape)) for shape in shapes or [[width] for width in widths]]
    parts: list[str] = []
    for name, run in groupby(named):
        count = len(list(run))
        many = f"{name} ({count} times)" if shapes else f"{name}x{count}"
        parts += [many] if count >= LONG_RUN else [name] * count
    return "-".join(parts)
