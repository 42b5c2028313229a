"""Which figures has a report?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pcsim.report.bars import energy_by_component, energy_by_phase, time_of_arrays
from pcsim.report.curves import accuracy_against_energy, accuracy_over_updates
from pcsim.report.facts import RunFacts, entries
from pcsim.report.figure import Figure
from pcsim.report.gantt import timeline
from pcsim.report.mesh import mesh_maps
from pcsim.report.roofline import roofline
from pcsim.report.tornado import tornado_figure

MOST = 6
"""So many candidates of a run are drawn; more would neither be told apart nor be quick to draw."""


def drawn_ids(summary: Mapping[str, Any]) -> list[str]:
    """The candidates that the figures of a run show: all, or of more than `MOST` the two that are
    compared, then those that take the least energy per update; in the order of the summary."""
    results = summary["results"]
    compared = {summary["ratios"].get("pc"), summary["ratios"].get("bp")}
    by_energy = sorted(
        results,
        key=lambda result: (result["id"] not in compared, result["per_update"]["energy_j"]),
    )
    chosen = {result["id"] for result in by_energy[:MOST]}
    return [result["id"] for result in results if result["id"] in chosen]


def run_figures(run: RunFacts) -> list[Figure]:
    """The figures of one run, in the order of its page."""
    shown = entries({"": run}, only=drawn_ids(run.summary))
    found = (
        accuracy_against_energy(shown),
        accuracy_over_updates(shown),
        energy_by_component(shown),
        energy_by_phase(shown),
        time_of_arrays(shown),
        timeline(shown),
        mesh_maps(shown, run.summary["chip"]["mesh"]),
        roofline(shown),
        tornado_figure(run.tables["tornado"], run.summary),
    )
    return [figure for figure in found if figure is not None]


def comparison_figures(runs: Mapping[str, RunFacts]) -> list[Figure]:
    """The figures of several runs by the names that their candidates are to carry."""
    shown = entries(runs)
    return [
        accuracy_against_energy(shown),
        energy_by_component(shown),
        time_of_arrays(shown),
    ]
