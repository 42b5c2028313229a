"""What does a run look like in full, on a terminal?

Built from the summary alone, as one rich renderable; printing it, with or without colour, is the
caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from pcsim.report import style
from pcsim.units import format_quantity
from pcsim.verdict import component_name, goal, network_of
from pcsim.verdict.rows import challenger_name, comparison_rows, levels_of, names

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderResult
    from rich.table import Table
    from rich.text import Text

BAR_CELLS = 48
"""Width of the longest energy bar, in characters."""


def screen(
    summary: Mapping[str, Any],
    *,
    folder: str | None = None,
    wall_s: Mapping[str, float] | None = None,
) -> Group:
    """The verdict on one screen; ``folder`` is where the report lies, ``wall_s`` seconds by
    stage."""
    from rich.console import Group

    parts: list[Any] = [
        _title(summary),
        "",
        _table(summary),
        "",
        EnergyBars(summary["results"], names(summary)),
        "",
    ]
    parts += [Sentences(summary["sentences"]), "", *_notes(summary, in_report=folder is not None)]
    if folder is not None:
        parts.append(_note("report", f"{folder}/report.html"))
    if wall_s:
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in wall_s.items())
        parts.append(_note("wall time", stages))
    return Group(*parts)


def _title(summary: Mapping[str, Any]) -> Text:
    from rich.text import Text

    seeds = len(summary["seeds"])
    network = network_of(summary)
    target = goal(levels_of(summary["results"][0]))
    title = Text()
    title.append(f"{summary['hardware']} x {summary['workload']}", style="bold")
    title.append(
        f"  {network}, batch {summary['batch']}, {seeds} seed{'' if seeds == 1 else 's'}, "
        f"target {target}",
        style="dim",
    )
    return title


def _table(summary: Mapping[str, Any]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 1), show_edge=False)
    table.add_column("")
    for name in names(summary):
        table.add_column(name, justify="right")
    if summary["ratios"]:
        table.add_column(f"{challenger_name(summary)} / BP", justify="right")
    for row in comparison_rows(summary):
        cells = [*row.cells, row.ratio] if summary["ratios"] else list(row.cells)
        table.add_row(*(Text(cell) for cell in (row.label, *cells)))
    return table


def _note(name: str, text: str) -> Text:
    from rich.text import Text

    return Text.assemble((f"{name}: ", "bold"), text)


def _notes(summary: Mapping[str, Any], *, in_report: bool) -> list[Text]:
    """What the numbers leave out and what they rest on, a line each."""
    where = "listed in the report" if in_report else "listed in the summary"
    topics = [sentence.partition(":")[0] for sentence in summary["not_modelled"]]
    left_out = ", ".join(topics[:2]) + (f" and {len(topics) - 2} more" if topics[2:] else "")
    assumed = summary["assumed"]
    shares = [
        sum(cost["shares"].get(result["id"], 0.0) for cost in assumed)
        for result in summary["results"]
    ]
    rests_on = "none"
    if assumed:
        rests_on = f"{len(assumed)}, together up to {100 * max(shares):.0f} % of a candidate's energy; {where}"
    return [_note("not modelled", f"{left_out}; {where}"), _note("assumed costs", rests_on)]


class Sentences:
    """Sentences as a list with a hanging indent."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = sentences

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        for sentence in self.sentences:
            yield Text(
                fill(
                    sentence,
                    width=options.max_width,
                    initial_indent=" - ",
                    subsequent_indent="   ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )


class EnergyBars:
    """Energy per update as one bar of coloured blocks per candidate, with a legend.

    PC's blocks are full and BP's shaded; letters stand in where the terminal cannot show them, or has
    too few colours to tell all components apart.
    """

    def __init__(self, results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        self.results = results
        self.names = names

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        costs = [result["per_update"] for result in self.results]
        largest = max(cost["energy_j"] for cost in costs)
        used = {
            name
            for cost in costs
            for name, joules in cost["energy_by_component_j"].items()
            if joules
        }
        components = style.in_order(used)
        plain = options.ascii_only or console.color_system in (None, "standard", "windows")
        widest = max(map(len, self.names))
        cells = min(BAR_CELLS, max(10, options.max_width - widest - 18))
        for result, name, cost in zip(self.results, self.names, costs, strict=True):
            line = Text(f" {name.ljust(widest)}  ")
            full = "█" if style.side(result["rule"]) == "pc" else "▓"
            for component, length in _lengths(cost, components, largest=largest, cells=cells):
                block = _letter(component, components) if plain else full
                line.append(block * length, style=_colour(component))
            line.append(f"  {format_quantity(cost['energy_j'], 'J')} per update")
            yield line
        lines = [Text("    ")]
        for component in components:
            entry = Text(" ")
            mark = _letter(component, components) if plain else "█"
            entry.append(mark, style=_colour(component))
            entry.append(f" {component_name(component)}  ")
            if len(lines[-1]) + len(entry) > options.max_width:
                lines.append(Text("    "))
            lines[-1].append_text(entry)
        yield from lines


def _colour(component: str) -> str:
    return style.COMPONENT_COLOURS.get(component, style.MUTED)


def _letter(component: str, components: Sequence[str]) -> str:
    """What stands for a component where there is no colour: the first letter that no other has."""
    taken: set[str] = set()
    for other in components:
        letter = next(
            (mark for mark in f"{other}{other.upper()}#" if mark.isalpha() and mark not in taken),
            "#",
        )
        taken.add(letter)
        if other == component:
            return letter
    return "#"


def _lengths(
    cost: Mapping[str, Any], components: Sequence[str], *, largest: float, cells: int
) -> list[tuple[str, int]]:
    """Blocks per component; rounding the running sum keeps the whole bar's length right."""
    lengths, spent, drawn = [], 0.0, 0
    for component in components:
        spent += cost["energy_by_component_j"].get(component, 0.0)
        end = round(cells * spent / largest) if largest else 0
        lengths.append((component, end - drawn))
        drawn = end
    return lengths
