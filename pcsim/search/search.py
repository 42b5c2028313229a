"""Which configurations are on the Pareto front of energy, latency, area and accuracy, with little training?

Time first: what a configuration costs is known without training it, in milliseconds. Configurations
that learn alike have the same accuracy, so of those only the front of energy, latency and area can be
on the front of all four. These alone are trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pcsim.errors import InputError, Problem
from pcsim.search.limits import Limit
from pcsim.search.sample import sample
from pcsim.sweeps.axes import Values, grid, problems_of
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.keys import point_key
from pcsim.sweeps.plan import Point, SweepPlan, points_at
from pcsim.sweeps.report.front import OBJECTIVES, Objective, front_of
from pcsim.sweeps.run import run_points
from pcsim.sweeps.store import Store
from pcsim.sweeps.table import rows_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Found:
    """What a search found.

    ``screened`` are the rows of all points timed, ``points`` and ``results`` those run in full in
    the order of the axes, ``front`` the rows on the front that keep to the limits, ``left_out`` how
    many more would have had to be run, ``otherwise`` how many took other cycles than they were timed
    at, as inference that stops early does.
    """

    every: bool
    screened: tuple[Row, ...]
    points: tuple[Point, ...]
    results: tuple[list[Row], ...]
    front: tuple[Row, ...]
    left_out: int
    otherwise: int


def search(
    plan: SweepPlan,
    store: Store,
    *,
    limits: Sequence[Limit] = (),
    screen: int = 4000,
    evaluations: int | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    training: Progress | None = None,
    progress: Progress | None = None,
) -> Found:
    """Search the points of ``plan``, of one rule, keeping everything in ``store``.

    A space of at most ``screen`` points is timed as a whole, of a larger one as many are sampled.
    ``evaluations`` bounds how many are run in full, those of the lowest energy-delay product; with
    ``plan.timing_only`` none is, and accuracy does not count.

    Raises:
        InputError: every mistake that is found, and a limit that cannot be judged.
    """
    check(plan, limits)
    every = list(islice(grid(plan.groups), screen + 1))
    whole = len(every) <= screen
    known = {} if not whole else {_place(p.values): p for p in points_at(plan, every)}

    def timed(chosen: Sequence[Values]) -> list[Row]:
        missing = [values for values in chosen if _place(values) not in known]
        known.update({_place(point.values): point for point in points_at(plan, missing)})
        twins = [_timing(known[_place(values)], plan) for values in chosen]
        rows = run_points(
            twins,
            replace(plan, timing_only=True),
            store,
            jobs=jobs,
            cluster=cluster,
            progress=progress if whole else None,
        )
        return rows_of(twins, [found for found in rows if found is not None])

    if whole:
        chosen = every
    else:
        chosen = sample(
            plan.groups,
            timed,
            store=store,
            asked=_timing(points_at(plan, every[:1])[0], plan).key,
            count=screen,
            limits=[limit for limit in limits if limit.column != "accuracy"],
            progress=progress,
        )
    screened = timed(chosen)
    points = [known[_place(values)] for values in chosen]
    kept = _survivors(points, screened, limits)
    left_out = 0
    if plan.timing_only:
        results = [[screened[index]] for index in kept]
    else:
        if evaluations is not None and len(kept) > evaluations:
            left_out = len(kept) - evaluations
            product = {i: screened[i]["energy_j"] * screened[i]["latency_s"] for i in kept}
            kept = sorted(sorted(kept, key=product.__getitem__)[:evaluations])
        ran = run_points(
            [points[index] for index in kept],
            plan,
            store,
            jobs=jobs,
            cluster=cluster,
            training=training,
            progress=progress,
        )
        results = [rows for rows in ran if rows is not None]
    chosen_points = tuple(points[index] for index in kept)
    rows = rows_of(chosen_points, results)
    right = [row for row in rows if not row["error"] and _keeps(row, limits)]
    return Found(
        whole,
        tuple(screened),
        chosen_points,
        tuple(results),
        tuple(front_of(right)),
        left_out,
        sum(
            row["cycles"] != screened[index]["cycles"]
            for index, row in zip(kept, rows, strict=True)
        ),
    )


def check(plan: SweepPlan, limits: Sequence[Limit]) -> None:
    """Raises InputError with what is wrong with a search before any point is looked at."""
    problems = problems_of(plan.groups)
    if plan.rule == "all":
        problems.append(Problem("--rule must be pc or bp in a search, not 'all'"))
    if plan.timing_only and any(limit.column == "accuracy" for limit in limits):
        said = "--limit must not be on accuracy where --timing-only trains nothing"
        problems.append(Problem(said))
    if problems:
        raise InputError(tuple(problems))


def _survivors(
    points: Sequence[Point], screened: Sequence[Row], limits: Sequence[Limit]
) -> list[int]:
    """Which points can be on the front, whatever they learn: by number, in order.

    Of points with equal costs that learn alike the first is kept.
    """
    costs = tuple(
        objective
        for objective in OBJECTIVES
        if objective.column != "accuracy" and _known(objective, screened)
    )
    classes: dict[tuple[str, ...], list[int]] = {}
    for number, (point, row) in enumerate(zip(points, screened, strict=True)):
        if not row["error"] and _keeps(row, limits):
            classes.setdefault(point.learning, []).append(number)
    kept = []
    for numbers in classes.values():
        rows = [screened[number] for number in numbers]
        on_front = {id(row) for row in front_of(rows, costs)}
        kept += [number for number in numbers if id(screened[number]) in on_front]
    return sorted(kept)


def _known(objective: Objective, rows: Sequence[Row]) -> bool:
    return all(row[objective.column] is not None for row in rows if not row["error"])


def _keeps(row: Row, limits: Sequence[Limit]) -> bool:
    return all(limit.excess(row) <= 0 for limit in limits)


def _timing(point: Point, plan: SweepPlan) -> Point:
    """The point as it is timed without training."""
    key = point_key(
        point.hardware, point.workload, (), rule=plan.rule, seed=plan.seed, timing_only=True
    )
    return replace(point, learning=(), key=key)


def _place(values: Values) -> tuple[tuple[str, str], ...]:
    return tuple(values.items())
