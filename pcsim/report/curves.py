"""How much accuracy does a joule buy, and how much an update?

The axis of energy is logarithmic, so that equal ratios are equal distances; it leaves out the
evaluation before the first update.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pcsim.report import style
from pcsim.report.facts import Entry
from pcsim.report.figure import Figure
from pcsim.report.svg import drawn
from pcsim.report.tables import Cell, Table
from pcsim.units import scale_of
from pcsim.verdict import goal
from pcsim.verdict.rows import levels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = dict[int, float]
"""Validation accuracy by updates."""


def accuracy_against_energy(entries: Sequence[Entry]) -> Figure:
    """Every seed thin, their mean thick, a mark where the target was reached."""
    from matplotlib.ticker import LogLocator, NullLocator

    rows: list[tuple[Cell, ...]] = [
        (entry.label, row["seed"], row["updates"], row["energy_j"], row["validation_accuracy"])
        for entry in entries
        for row in entry.rows["learning"]
    ]
    unit = scale_of(
        max((row["energy_j"] for e in entries for row in e.rows["learning"]), default=0.0), "J"
    )
    with drawn("learning", height_in=3.6) as drawing:
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        for entry in entries:
            update_j = entry.result["per_update"]["energy_j"] / unit.size
            for curve in _seeds(entry):
                _plot(axes, entry, curve, scale=update_j, lw=0.8, alpha=0.45)
            _plot(axes, entry, _mean(entry), scale=update_j, lw=2.2)
            _plot(axes, entry, {}, scale=1, lw=2.2, marker=entry.marker, label=entry.label)
            reached = entry.result["to_target"]
            if reached["energy_j"] is not None:
                axes.plot(
                    reached["energy_j"] / unit.size,
                    fmean(levels_of(entry.result)),
                    marker=entry.marker,
                    markersize=7,
                    color=entry.colour,
                    markeredgecolor=style.PAPER,
                    zorder=3,
                )
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_xlabel(f"energy spent on learning ({unit.name})")
        _finish(axes, entries)
    return Figure(
        "learning",
        "Accuracy against energy",
        "The figure that decides: validation accuracy against the energy spent on learning, every seed "
        "thin, their mean thick, BP dashed, the other rule solid. What lies further to the left at the target is "
        "better. The target is a stretch of accuracies, shaded; a mark in its middle shows the mean energy to "
        "target, where it was reached on every seed.",
        drawing,
        Table(("candidate", "seed", "updates", "energy_j", "validation_accuracy"), tuple(rows)),
    )


def accuracy_over_updates(entries: Sequence[Entry]) -> Figure:
    """The mean over seeds, and a band from the lowest to the highest seed."""
    rows: list[tuple[Cell, ...]] = []
    with drawn("updates", height_in=3.0) as drawing:
        axes = drawing.figure.add_subplot()
        for entry in entries:
            seeds, mean = _seeds(entry), _mean(entry)
            low = [min(seed[updates] for seed in seeds) for updates in mean]
            high = [max(seed[updates] for seed in seeds) for updates in mean]
            axes.fill_between(list(mean), low, high, color=entry.colour, alpha=0.18, lw=0)
            _plot(axes, entry, mean, scale=1, lw=2.0, label=entry.label)
            rows += [
                (entry.label, *row) for row in zip(mean, mean.values(), low, high, strict=True)
            ]
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_xlabel("updates of the weights")
        _finish(axes, entries)
    return Figure(
        "updates",
        "Accuracy over updates",
        "The same learning, counted in updates: the mean over seeds and the range of the seeds. Whatever "
        "differs from the figure of energy is what an update costs.",
        drawing,
        Table(("candidate", "updates", "mean_accuracy", "lowest", "highest"), tuple(rows)),
    )


def _seeds(entry: Entry) -> list[Curve]:
    """The evaluations of every seed."""
    curves: dict[int, Curve] = {}
    for row in entry.rows["learning"]:
        curves.setdefault(row["seed"], {})[row["updates"]] = row["validation_accuracy"]
    return list(curves.values())


def _mean(entry: Entry) -> Curve:
    """The mean accuracy at the evaluations that every seed has."""
    seeds = _seeds(entry)
    common = sorted(set.intersection(*map(set, seeds))) if seeds else []
    return {updates: fmean(seed[updates] for seed in seeds) for updates in common}


def _plot(axes: Axes, entry: Entry, curve: Curve, *, scale: float, **options: Any) -> None:
    shown = {u: a for u, a in curve.items() if u or axes.get_xscale() == "linear"}
    axes.plot(
        [updates * scale for updates in shown],
        list(shown.values()),
        color=entry.colour,
        linestyle=entry.line,
        **options,
    )


def _finish(axes: Axes, entries: Sequence[Entry]) -> None:
    for levels in sorted({tuple(levels_of(entry.result)) for entry in entries}):
        _target(axes, levels)
    axes.set_ylim(top=1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_ylabel("validation accuracy")
    axes.legend(loc="lower right", handlelength=2.7)


def _target(axes: Axes, levels: Sequence[float]) -> None:
    """The stretch of accuracies that count as the target, named outside the axes, where no curve can be."""
    axes.axhspan(levels[0], levels[-1], color=style.MUTED, alpha=0.12, lw=0, zorder=0)
    axes.annotate(
        f"target\n{goal(levels)}",
        (1, fmean(levels)),
        xycoords=("axes fraction", "data"),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        color=style.MUTED,
    )
