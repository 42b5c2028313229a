"""How much accuracy does a joule buy? Validation accuracy against the energy spent on learning.

The axis of energy is logarithmic, so that equal ratios are equal distances; it leaves out the
evaluation before the first update.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pcsim.report import style
from pcsim.report.svg import drawn
from pcsim.units import scale_of
from pcsim.verdict import Result, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pcsim.engine import SeedCurve

Points = list[tuple[float, float]]


def accuracy_against_energy(results: Sequence[Result]) -> str:
    """Every seed thin, their mean thick, a dot where the target was reached, as SVG text."""
    from matplotlib.ticker import LogLocator, NullLocator

    unit = scale_of(max(_spent(result) for result in results), "J")
    with drawn("learning", height_in=3.4) as drawing:
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        for result in results:
            _curves(axes, result, unit_j=unit.size)
        _target(axes, results[0].to_target.target)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.set_ylim(top=1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axes.set_xlabel(f"energy spent on learning ({unit.name})")
        axes.set_ylabel("validation accuracy")
        axes.legend(loc="lower right", handlelength=2.7)
    return drawing.svg


def _spent(result: Result) -> float:
    """Joules that the longest of the seeds spent."""
    return max(curve.updates[-1] for curve in result.training.curves) * result.per_update.energy_j


def _curves(axes: Axes, result: Result, *, unit_j: float) -> None:
    joules = result.per_update.energy_j / unit_j
    line: dict[str, Any] = {
        "color": style.RULE_COLOURS[result.candidate.rule],
        "linestyle": style.RULE_LINES[result.candidate.rule],
    }

    def plot(points: Points, **options: Any) -> None:
        shown = [(updates * joules, accuracy) for updates, accuracy in points if updates]
        axes.plot([x for x, _ in shown], [y for _, y in shown], **line, **options)

    for curve in result.training.curves:
        plot(_points(curve), lw=0.8, alpha=0.45)
    plot(_mean(result), lw=2.2, label=result.name)
    if result.to_target.energy_j is not None:
        axes.plot(
            result.to_target.energy_j / unit_j,
            result.to_target.target,
            marker="o",
            markersize=7,
            color=line["color"],
            markeredgecolor=style.PAPER,
            zorder=3,
        )


def _target(axes: Axes, target: float) -> None:
    """The target as a line, named outside the axes, where no curve can be."""
    axes.axhline(target, color=style.MUTED, lw=1, ls=":")
    axes.annotate(
        f"target\n{percent(target)}",
        (1, target),
        xycoords=("axes fraction", "data"),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        color=style.MUTED,
    )


def _points(curve: SeedCurve) -> Points:
    """(updates, validation accuracy) of every evaluation."""
    return list(zip(curve.updates, curve.validation_accuracy, strict=True))


def _mean(result: Result) -> Points:
    """(updates, mean accuracy) at the evaluations that every seed has."""
    seeds = [dict(_points(curve)) for curve in result.training.curves]
    common = sorted(set.intersection(*(set(seed) for seed in seeds)))
    return [(updates, fmean(seed[updates] for seed in seeds)) for updates in common]
