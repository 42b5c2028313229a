"""A sweep for eyes, spreadsheets and papers: every file is a pure function of the table."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.sweeps.evaluate import COLUMNS, Row
from pcsim.sweeps.plan import Point, SweepPlan
from pcsim.sweeps.report.best import best_of, best_table
from pcsim.sweeps.report.effects import effect_table, effects_of
from pcsim.sweeps.report.front import front_of, objectives_of
from pcsim.sweeps.report.heat import heat_figure, heat_table, heats_of
from pcsim.sweeps.table import table_of


def report_files(plan: SweepPlan, point: Point, rows: Sequence[Row]) -> dict[str, str]:
    """The page, its figures and the tables behind them, by path in the folder.

    ``point`` is any of the sweep, for the names of the files. Where no row has numbers there is a
    page without figures.
    """
    from pcsim.sweeps.report.lines import lines_figure
    from pcsim.sweeps.report.page import page
    from pcsim.sweeps.report.parallel import parallel_figure
    from pcsim.sweeps.report.scatter import front_figure
    from pcsim.sweeps.report.tornado import tornado_figure

    objectives, front = objectives_of(rows), front_of(rows)
    effects = effects_of(plan.groups, rows)
    heats = heats_of(plan.groups, rows, effects)
    best = best_of(rows)
    figures: dict[str, str] = {}
    if front:
        figures["front"] = front_figure(rows, front, objectives)
        if lines := lines_figure(rows, plan.groups):
            figures["lines"] = lines
        figures["tornado"] = tornado_figure(effects)
        if heats:
            figures["heat"] = heat_figure(heats)
        figures["parallel"] = parallel_figure(plan.groups, rows, front, objectives)
    return {
        "front.csv": table_of(front, plan.paths, COLUMNS).csv(),
        "effects.csv": effect_table(effects).csv(),
        "heat.csv": heat_table(heats).csv(),
        "best.csv": best_table(best, plan.paths).csv(),
        **{f"figures/{name}.svg": svg for name, svg in figures.items()},
        "report.html": page(plan, point, rows, front=front, best=best, figures=figures),
    }
