"""Which terms can be asked of a run, and who tells about each?"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pcsim.config.fields import did_you_mean
from pcsim.errors import InputError, Problem
from pcsim.report.explain import derived, energy, prices, races
from pcsim.report.explain.glossary import definition
from pcsim.report.explain.text import columns, wrapped
from pcsim.report.reading import drawing
from pcsim.report.stored import StoredRun


class ExplainedTerm(NamedTuple):
    """``about`` says what it is, empty for one of a family; ``tell`` gives the lines about it."""

    about: str
    tell: Callable[[StoredRun], list[str]]


TERMS = {
    "energy": ExplainedTerm("energy of one update, by component", energy.energy),
    "static_energy": ExplainedTerm("what passes with time alone", energy.static),
    "cycles": ExplainedTerm("period of one update, and how units spent it", derived.cycles),
    "cycles_cold": ExplainedTerm("one update from an empty chip", derived.cycles_cold),
    "latency": ExplainedTerm("time of one update", derived.latency),
    "macs": ExplainedTerm("multiply-accumulates of one update, by layer", derived.macs),
    "utilization": ExplainedTerm(
        "share of what fully busy compute units would multiply", derived.utilization
    ),
    "energy_per_mac": ExplainedTerm(
        "all energy over all multiply-accumulates", derived.energy_per_mac
    ),
    "edp": ExplainedTerm("energy-delay product", derived.energy_delay),
    "accuracy": ExplainedTerm("on the test images, by seed", derived.accuracy),
    "credit_depth": ExplainedTerm("layers that received a gradient", derived.credit_depth),
    "inference_steps": ExplainedTerm("steps executed per batch", derived.inference_steps),
    "to_target": ExplainedTerm(
        "updates, time and energy until the target, by seed", derived.to_target
    ),
    "races": ExplainedTerm("who reached the target with less, and how sure", races.races),
    "break_even": ExplainedTerm("the advantage in samples that PC needs", races.break_even),
    "bound": ExplainedTerm("what the time of an update went to", races.bound),
    "levers": ExplainedTerm("what more of each resource would bring", races.levers),
    "warnings": ExplainedTerm("what must not be missed", races.warned),
    "assumed": ExplainedTerm("costs that nobody published", races.assumed),
    "ratios": ExplainedTerm("PC over BP, all of them", derived.ratios),
    "inference": ExplainedTerm("cost of the feed-forward pass", derived.inference),
    "peak_sram": ExplainedTerm("the fullest tile", derived.peak_sram),
    "peak_buffer": ExplainedTerm("what the global buffer keeps", derived.peak_buffer),
    "area": ExplainedTerm("area of the chip, by block", prices.area),
}


def terms(run: StoredRun) -> dict[str, ExplainedTerm]:
    """Everything that ``explain`` can tell about ``run``."""
    found = dict(TERMS)
    for line in run.lines:
        found[f"energy.{line.component}"] = ExplainedTerm(
            "", partial(energy.component, name=line.component)
        )
    for line in run.lines:
        tell = partial(energy.action, key=line.key, component=line.component)
        found[f"energy.{line.component}.{line.action}"] = ExplainedTerm("", tell)
    keys = dict.fromkeys(line.key for line in run.lines)
    if run.prices is not None:
        keys |= dict.fromkeys(price.key for price in run.prices.prices.values())
        keys |= dict.fromkeys(leak.key for leak in run.prices.leaks)
    found |= {key: ExplainedTerm("", partial(energy.price, key=key)) for key in keys}
    for block in run.summary["chip"].get("area_by_block_mm2") or {}:
        found[f"area.{block}"] = ExplainedTerm("", partial(prices.area_of, block=block))
    for memory in run.results[0]["per_update"]["bytes"]:
        found[f"bytes.{memory}"] = ExplainedTerm("", partial(derived.moved, memory=memory))
    if run.summary["ratios"]:
        for name in derived.PLAIN_RATIOS:
            found[f"ratios.{_plain(name)}"] = ExplainedTerm("", partial(derived.ratio, name=name))
        for name in derived.ESTIMATES:
            found[f"ratios.{name}"] = ExplainedTerm("", partial(derived.estimate, name=name))
    return found


def overview(run: StoredRun) -> str:
    """The terms that can be asked, for people.

    Raises InputError when the report is not complete.
    """
    with drawing(str(run.folder)):
        return _overview(run)


def _overview(run: StoredRun) -> str:
    known = terms(run)
    lines = ["terms that pcsim explain can tell about this run:", ""]
    lines += columns([(name, term.about) for name, term in known.items() if term.about], left=2)
    families = {
        "energy of one component": lambda name: re.fullmatch(r"energy\.\w+", name),
        "energy of one action": lambda name: re.fullmatch(r"energy\.\w+\.\w+", name),
        "bytes moved": lambda name: name.startswith("bytes."),
        "one ratio": lambda name: name.startswith("ratios."),
        "area of one block": lambda name: name.startswith("area."),
        "leakage of one block": lambda name: name.startswith("leakage."),
    }
    rest = [name for name, term in known.items() if not term.about]
    for title, belongs in families.items():
        members = [name for name in rest if belongs(name)]
        rest = [name for name in rest if name not in members]
        if members:
            lines += ["", f"{title}:", *wrapped("  ".join(members), indent="  ")]
    lines += ["", "price of one action:", *wrapped("  ".join(rest), indent="  ")]
    return "\n".join(lines)


def explain(run: StoredRun, term: str) -> str:
    """Where the number ``term`` comes from.

    A key of the summary does as well: ``per_update.energy_j`` is ``energy``. A word that is no number
    of the report is looked up in the glossary.

    Raises InputError when the run has no such number, or is not complete.
    """
    with drawing(str(run.folder)):
        return _explained(run, term)


def _explained(run: StoredRun, term: str) -> str:
    known = terms(run)
    asked = term.strip().lower().replace(" ", "_").replace("-", "_")
    for word in (term, _plain(term.removeprefix("per_update.")), asked):
        if word in known:
            return "\n".join(known[word].tell(run))
    message = f"TERM must be a number of this report, not {term!r}"
    if (meaning := definition(term)) is not None:
        return meaning
    hint = did_you_mean(term, known) or "without TERM, pcsim explain lists all there are"
    raise InputError((Problem(message, hint=hint),))


def _plain(key: str) -> str:
    """A key of the summary without its unit; ``to_target.energy_j`` is part of ``to_target``."""
    if key.startswith("to_target."):
        return "to_target"
    return re.sub(r"_(j|s|js|mm2|bytes)$", "", key)
