"""What does a run look like at first? Who wins, by how much, why, what would change that, on 20 lines.

Made from the summary alone, so that a stored run can be shown again. Everything else that is known stands
on the full screen (``console.py``) and on the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pcsim.report.ratio_axis import RatioAxis
from pcsim.units import format_quantity, scale_of
from pcsim.verdict.interval import sample
from pcsim.verdict.lever_words import NOTHING
from pcsim.verdict.sentences import BOUND_NAMES
from pcsim.verdict.words import component_name, factor, goal, network_of, rule_name

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

Facts = Mapping[str, Any]

LABEL, CELL, RATIO = 20, 9, 7
"""Widths of the table's columns: what a row is about, a rule's number, PC over BP."""

WIDEST = 100
"""A wider terminal is not used: long lines are hard to read."""

LEVERS = 3
"""As many levers are named."""

SMALL_GAP = 0.02
"""Accuracies that differ by no more than this, as far as seeds tell, are called the same."""


class FirstScreen:
    """The first screen of a run with this ``summary``, whose report lies in ``folder`` (None for none)."""

    def __init__(self, summary: Facts, *, folder: str | None = None) -> None:
        self.summary = summary
        self.folder = folder

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        width = min(options.max_width, WIDEST)
        yield Text.assemble(
            (f"{self.summary['hardware']} x {self.summary['workload']}", "bold"),
            (f"   {' · '.join(_setting(self.summary))}", "dim"),
        )
        yield ""
        for line in _warnings(self.summary, width):
            yield Text(line, style="bold yellow")
        if self.summary["ratios"]:
            word, said = _answer(self.summary)
            for line in wrap(
                f"{word}  {said}", width, initial_indent="  ", subsequent_indent="    "
            ):
                text = Text(line)
                text.highlight_words([word], "bold reverse")
                yield text
            yield ""
        for line in _table(self.summary, width):
            yield Text(line)
        yield ""
        for label, said in self._notes():
            for i, line in enumerate(wrap(said, width - 10, break_on_hyphens=False)):
                yield Text.assemble((f"  {label if i == 0 else '':<8}", "bold"), line)

    def _notes(self) -> Iterator[tuple[str, str]]:
        if self.summary["ratios"]:
            yield "Why", _why(self.summary)
        if bound := _bound(self.summary):
            yield "Bound", bound
        if levers := _levers(self.summary):
            yield "Levers", levers
        if trust := _trust(self.summary):
            yield "Trust", trust
        more = "--full · pcsim explain last"
        yield "More", more if self.folder is None else f"{more} · {self.folder}/report.html"


def _setting(summary: Facts) -> Iterator[str]:
    seeds = len(summary["seeds"])
    yield network_of(summary)
    yield f"batch {summary['batch']}"
    yield f"{seeds} seed{'' if seeds == 1 else 's'}"


def _warnings(summary: Facts, width: int) -> Iterator[str]:
    """What must not be missed, most important first; an empty line behind it."""
    found = summary.get("warnings", [])
    for warned in found:
        text = " ".join(part for part in (warned["text"], warned["mend"]) if part)
        yield from wrap(text, width, initial_indent="  ! ", subsequent_indent="    ")
    if found:
        yield ""


def _compared(summary: Facts) -> Sequence[Facts]:
    """The candidates that are shown: the two that are compared, or the first ones."""
    results: Sequence[Facts] = summary["results"]
    ratios = summary["ratios"]
    if not ratios:
        return results[:2]
    by_id = {result["id"]: result for result in results}
    return by_id[ratios["pc"]], by_id[ratios["bp"]]


# The answer.


def _answer(summary: Facts) -> tuple[str, str]:
    """Who wins, and by how much."""
    races: Sequence[Facts] = summary["ratios"]["races"]
    if not races:
        return "NO RACE", "an update of a rule costs nothing on this chip"
    energy, others = races[0], races[1:]
    winners = {race["winner"] for race in races}
    if len(winners) == 1 and None not in winners:
        word = f"{rule_name(energy['winner'])} WINS"
    elif energy["winner"]:
        word = f"{rule_name(energy['winner'])} WINS BY {energy['what'].upper()}"
    elif later := next((race for race in others if race["winner"]), None):
        word = f"{rule_name(later['winner'])} WINS BY {later['what'].upper()}"
        energy = later
    else:
        word = "NO WINNER" if energy["reason"] == "seeds" else "UNDECIDED"
    return word, _finding(energy, summary)


def _finding(race: Facts, summary: Facts) -> str:
    results = _compared(summary)
    what, reached = race["what"], _goal(results)
    if race["reason"] == "diverged":
        names = [
            _name(r) for r in results if any(s["diverged"] for s in r["to_target"]["per_seed"])
        ]
        return f"{' and '.join(names)} diverged; a smaller rate may mend this"
    ratio = race["ratio"]
    if ratio is not None:
        text = f"{_name(results[0])} takes {_times(ratio['value'])} BP's {what} to reach {reached}{_interval(ratio)}"
        if race["reason"] == "seeds":
            more = race["more_seeds"]
            return text + ("" if more is None else f"; about {more:,} more seeds would tell")
        return text + ("; one seed cannot tell" if race["reason"] == "one seed" else "")
    late = [r for r in results if r["to_target"]["updates"] is None]
    missed = f"{_name(late[0])} missed {reached} on {_missed(late[0])} seeds"
    if len(late) == 2:
        missed += f", {_name(late[1])} on {_missed(late[1])}"
    if race["winner"] is None:
        more = race["more_epochs"]
        plural = "" if more == 1 else "s"
        tells = "longer training" if more is None else f"{more:,} more epoch{plural}"
        return f"{missed}; {tells} would tell"
    bound, side = (
        (race["at_least"], "at least") if race["winner"] == "bp" else (race["at_most"], "at most")
    )
    return f"{_name(results[0])} takes {side} {_times(bound['value'])} BP's {what}{_interval(bound)}: {missed}"


def _goal(results: Sequence[Facts]) -> str:
    return goal(results[0]["to_target"]["levels"]).replace(" to ", "-")


def _name(result: Facts) -> str:
    return rule_name(result["rule"])


def _missed(result: Facts) -> str:
    seeds = result["to_target"]["per_seed"]
    return f"{len(seeds) - result['to_target']['seeds_reached']} of {len(seeds)}"


def _times(value: float) -> str:
    return f"{factor(value)}x"


def _interval(estimate: Facts) -> str:
    if estimate["low"] is None:
        return ""
    return f" ({factor(estimate['low'])}-{factor(estimate['high'])})"


# The table.


def _table(summary: Facts, width: int) -> Iterator[str]:
    """Four rows, with a picture of ratio and interval where there is room for one."""
    results, ratios = _compared(summary), summary["ratios"]
    races = {race["what"]: race for race in ratios["races"]} if ratios else {}
    update = {"value": ratios["energy_j"], "low": None, "high": None} if ratios else None
    drawn = [*(_shown(race) for race in races.values()), update]
    room = width - 2 - LABEL - CELL * len(results) - RATIO - 3
    axis = RatioAxis.fitting([each for each in drawn if each], min(room, 25)) if ratios else None
    head = "".join(f"{_name(result):>{CELL}}" for result in results)
    yield _line("", head, f"{_name(results[0])}/BP" if ratios else "", axis.scale() if axis else "")
    reached = _goal(results)
    for what, key, unit in (("energy", "energy_j", "J"), ("time", "time_s", "s")):
        cells = "".join(f"{_to_target(result, key, unit):>{CELL}}" for result in results)
        yield _line(f"{what} to {reached}", cells, *_drawn(races.get(what), axis))
    cells = "".join(
        f"{format_quantity(result['per_update']['energy_j'], 'J'):>{CELL}}" for result in results
    )
    yield _line("one update", cells, *_drawn(update and {"ratio": update}, axis))
    cells = "".join(f"{_accuracy(result):>{CELL}}" for result in results)
    yield _line("test accuracy", cells, _gap(results) if ratios else "", "")


def _line(label: str, cells: str, ratio: str, picture: str) -> str:
    return f"  {label:<{LABEL}}{cells}{ratio:>{RATIO}}   {picture}".rstrip()


def _shown(race: Facts) -> Facts | None:
    """The ratio that a race found, or what bounds it."""
    found: Facts | None = race["ratio"]
    if found is None:
        found = race["at_least"] if race["at_least"] is not None else race["at_most"]
    return found


def _drawn(race: Facts | None, axis: RatioAxis | None) -> tuple[str, str]:
    """A ratio in words and as a picture; nothing where nothing is compared."""
    ratio = None if race is None else _shown(race)
    if race is None or ratio is None or ratio["value"] is None:
        return ("" if race is None else "-", "")
    sign = ""
    if race["ratio"] is None:
        sign = ">" if race["at_least"] is not None else "<"
    return f"{sign}{_times(ratio['value'])}", axis.line(ratio) if axis else ""


def _to_target(result: Facts, key: str, unit: str) -> str:
    value = result["to_target"][key]
    return "missed" if value is None else format_quantity(value, unit)


def _accuracy(result: Facts) -> str:
    mean = result["accuracy"]["mean"]
    return "diverged" if mean is None else f"{100 * mean:.1f} %"


def _gap(results: Sequence[Facts]) -> str:
    """Percentage points that PC is ahead; "same" where seeds cannot tell them apart and leave little room, else
    "open"."""
    mine, theirs = (result["accuracy"]["per_seed"] for result in results)
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None and b is not None]
    if not pairs or len(pairs) < len(mine):
        return "-"
    gap = sample([a - b for a, b in pairs])
    if gap.low is None or gap.high is None:
        return "same" if not gap.mean else f"{100 * gap.mean:+.1f}"
    if gap.low <= 0 <= gap.high:
        return "same" if max(-gap.low, gap.high) <= SMALL_GAP else "open"
    return f"{100 * gap.mean:+.1f}"


# Why, levers, trust.


def _why(summary: Facts) -> str:
    """What makes up the difference in energy of an update, and how samples compare."""
    pc, bp = (result["per_update"] for result in _compared(summary))
    name = _name(_compared(summary)[0])
    total = pc["energy_j"] - bp["energy_j"]
    mine, theirs = pc["energy_by_component_j"], bp["energy_by_component_j"]
    gaps = {
        name: mine.get(name, 0.0) - theirs.get(name, 0.0) for name in mine.keys() | theirs.keys()
    }
    if not total:
        return f"{name} and BP spend the same energy an update"
    largest = sorted(gaps, key=lambda name: (-abs(gaps[name]), name))[:3]
    unit = scale_of(total, "J")
    parts = ", ".join(
        f"{component_name(name)} {gaps[name] / unit.size:+.3g}"
        for name in largest
        if abs(gaps[name]) >= 0.05 * abs(total)
    )
    more = "more" if total >= 0 else "less"
    said = f"{name} spends {abs(total) / unit.size:.3g} {unit.name} {more} an update"
    if parts:
        said += f": {parts}"
    if advantage := summary["ratios"]["sample_advantage"]:
        said += f"; {name} needs {_times(1 / advantage['value'])} BP's samples"
    return said


def _bound(summary: Facts) -> str:
    """How far updates are from the least that any placement could take; empty where that is not known."""
    above, causes = list[str](), list[str]()
    for result in _compared(summary):
        bound = result.get("lower_bound")
        if bound and bound["cycles"]:
            ratio = result["per_update"]["cycles"] / bound["cycles"]
            above.append(f"{_name(result)} {_times(ratio)}")
            causes.append(BOUND_NAMES[bound["cause"]])
    why = " and ".join(dict.fromkeys(causes))
    return f"{', '.join(above)} the least cycles of any placement ({why})" if above else ""


def _levers(summary: Facts) -> str:
    """The resources that save time when doubled, the best first; empty where none was simulated."""
    doubled = [
        lever
        for lever in summary.get("levers", [])
        if not lever["unlimited"] and not lever["reason"]
    ]
    helping = [lever for lever in doubled if _speed(lever) <= 1 - NOTHING]
    if doubled and not helping:
        return "no single resource, doubled, saves more than half a percent of the time"
    return "; ".join(str(lever["phrase"]) for lever in helping[:LEVERS])


def _speed(lever: Facts) -> float:
    ratios = lever["latency"].values()
    return float(math.prod(ratios) ** (1 / len(ratios))) if ratios else 1.0


def _trust(summary: Facts) -> str:
    """How much rests on costs that nobody published, and whether one of them decides."""
    shares = [
        sum(cost["shares"].get(result["id"], 0.0) for cost in summary["assumed"])
        for result in _compared(summary)
    ]
    said = (
        [f"{100 * max(shares):.0f} % of the energy rests on assumed costs"] if any(shares) else []
    )
    key = "turns_target" if summary["ratios"].get("sample_advantage") else "turns_update"
    turning = [swing["key"] for swing in summary["tornado"] if swing[key]]
    if turning:
        more = f" and {len(turning) - 1} more" if turning[1:] else ""
        said.append(f"{turning[0]}{more}, halved or doubled, would turn this")
    elif summary["tornado"]:
        said.append("no single cost, halved or doubled, turns this")
    if summary["ratios"] and summary["tuning"] is None:
        said.append("rates not tuned here")
    return "; ".join(said)
