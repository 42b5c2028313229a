"""Which points of a space are timed when there are too many to time all? Those that a genetic algorithm breeds.

Its trials are kept in optuna's own storage, generation by generation, so that a search goes on where
it was stopped. Each generation has a seed of its own, which is how many trials came before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pcsim.errors import InputError, Problem
from pcsim.search.limits import Limit
from pcsim.sweeps.axes import Group, Values
from pcsim.sweeps.evaluate import Row

GENERATION = 50
COSTS = ("energy_j", "latency_s", "area_mm2")

Timer = Callable[[Sequence[Values]], Sequence[Row]]
"""Gives the row of every point, in order."""


def sample(
    groups: Sequence[Group],
    timer: Timer,
    *,
    study_path: Path,
    count: int,
    limits: Sequence[Limit],
    progress: Callable[[int, int], None] | None = None,
) -> list[Values]:
    """The points of ``count`` trials of NSGA-II on energy, latency and area, each once.

    Points beyond ``limits`` are bred away from; what does not fit the chip has no offspring. A point
    that comes again counts again, though it is timed once.

    Raises:
        InputError: optuna is not installed.
    """
    try:
        import optuna
        from optuna.samplers import NSGAIISampler
        from optuna.trial import FrozenTrial, TrialState
    except ImportError:
        said = "a space larger than --screen must be searched by optuna, which is not installed"
        raise InputError((Problem(said, hint="pip install 'pcsim[search]'"),)) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def excess(trial: FrozenTrial) -> Sequence[float]:
        return [float(value) for value in trial.user_attrs["excess"]]

    study = optuna.create_study(
        storage=f"sqlite:///{study_path}",
        study_name="screening",
        directions=["minimize"] * len(COSTS),
        load_if_exists=True,
    )
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)  # Left by a process that was stopped.
    while True:
        told = [t for t in study.get_trials(deepcopy=False) if "excess" in t.user_attrs]
        if len(told) >= count:
            break
        if progress is not None:
            progress(len(told), count)
        study.sampler = NSGAIISampler(
            population_size=GENERATION,
            seed=len(told),
            constraints_func=excess if limits else None,
        )
        trials = [study.ask() for _ in range(min(GENERATION, count - len(told)))]
        chosen = [
            [
                trial.suggest_int(group.paths[0], 0, len(group.axes[0].values) - 1)
                for group in groups
            ]
            for trial in trials
        ]
        rows = timer([values_at(groups, indices) for indices in chosen])
        for trial, row in zip(trials, rows, strict=True):
            trial.set_user_attr(
                "excess", [limit.excess(row) if not row["error"] else 0.0 for limit in limits]
            )
            if row["error"]:
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, [row[column] or 0.0 for column in COSTS])
    found: dict[tuple[tuple[str, str], ...], Values] = {}
    for past in told[:count]:
        values = values_at(groups, [past.params[group.paths[0]] for group in groups])
        found.setdefault(tuple(values.items()), values)
    return list(found.values())


def values_at(groups: Sequence[Group], indices: Sequence[int]) -> Values:
    """The point with these values of each group; a group whose condition does not hold is left out."""
    values: Values = {}
    for group, index in zip(groups, indices, strict=True):
        if all(values.get(condition.path) in condition.values for condition in group.when):
            values |= {axis.path: axis.values[index] for axis in group.axes}
    return values
