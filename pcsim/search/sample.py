"""Which points of a space are timed when there are too many to time all? Those that a genetic algorithm breeds.

Each generation is kept as a whole, as a point of a sweep is, and told to optuna again when a search goes on
where it was stopped. A generation has a seed of its own, which is how many trials came before. So a search
that was stopped gives the same points as one that was not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pcsim.errors import InputError, Problem
from pcsim.search.limits import Limit
from pcsim.sweeps.axes import AxisGroup, Values
from pcsim.sweeps.evaluate import Row
from pcsim.sweeps.store import Store

if TYPE_CHECKING:
    import optuna

GENERATION = 50
COSTS = ("energy_j", "latency_s", "area_mm2")

EXCESS = "excess"
SCHEMA = "pcsim/generation/1"

Timer = Callable[[Sequence[Values]], Sequence[Row]]
"""Gives the row of every point, in order."""


def sample(
    groups: Sequence[AxisGroup],
    timer: Timer,
    *,
    store: Store,
    asked: str,
    count: int,
    limits: Sequence[Limit],
    progress: Callable[[int, int], None] | None = None,
) -> list[Values]:
    """The points of ``count`` trials of NSGA-II on energy, latency and area, each once.

    Points beyond ``limits`` are bred away from; what does not fit the chip has no offspring. A point
    that comes again counts again, though it is timed once. Generations are kept in ``store``; ``asked`` is a
    text that two searches share if the same points have the same rows in both.

    Raises:
        InputError: optuna is not installed.
        OutputError: a generation could not be written; all before it are kept.
    """
    try:
        import optuna
        from optuna.samplers import NSGAIISampler
        from optuna.trial import FrozenTrial
    except ImportError:
        said = "a space larger than --screen must be searched by optuna, which is not installed"
        raise InputError((Problem(said, hint="pip install 'pcsim[search]'"),)) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def excess(trial: FrozenTrial) -> Sequence[float]:
        return [float(value) for value in trial.user_attrs["excess"]]

    study = optuna.create_study(directions=["minimize"] * len(COSTS))
    told = 0
    while told < count:
        if progress is not None:
            progress(told, count)
        size = min(GENERATION, count - told)
        key = _key(groups, limits, asked, told, size)
        generation = store.load(key)
        if generation is None:
            study.sampler = NSGAIISampler(
                population_size=GENERATION,
                seed=told,
                constraints_func=excess if limits else None,
            )
            generation = _bred(study, groups, timer, size=size, limits=limits)
            store.save(key, generation)
        else:
            study.add_trials([_trial(kept, groups) for kept in generation])
        told += size
    found: dict[tuple[tuple[str, str], ...], Values] = {}
    for past in study.get_trials(deepcopy=False):
        values = values_at(groups, [past.params[group.paths[0]] for group in groups])
        found.setdefault(tuple(values.items()), values)
    return list(found.values())


def _bred(
    study: optuna.Study,
    groups: Sequence[AxisGroup],
    timer: Timer,
    *,
    size: int,
    limits: Sequence[Limit],
) -> list[dict[str, Any]]:
    """Breed and time a generation, and what is to be kept of each of its trials."""
    from optuna.trial import TrialState

    trials = [study.ask() for _ in range(size)]
    chosen = [
        [trial.suggest_int(group.paths[0], 0, len(group.axes[0].values) - 1) for group in groups]
        for trial in trials
    ]
    rows = timer([values_at(groups, indices) for indices in chosen])
    kept = []
    for trial, row, indices in zip(trials, rows, chosen, strict=True):
        failed = bool(row["error"])
        beyond = [0.0 if failed else limit.excess(row) for limit in limits]
        trial.set_user_attr(EXCESS, beyond)
        costs = None if failed else [row[column] or 0.0 for column in COSTS]
        study.tell(trial, costs, state=TrialState.FAIL if failed else None)
        told = study.get_trials(deepcopy=False)[trial.number]
        kept.append(
            {"indices": indices, "costs": costs, EXCESS: beyond, "sampler": told.system_attrs}
        )
    return kept


def _trial(kept: dict[str, Any], groups: Sequence[AxisGroup]) -> optuna.trial.FrozenTrial:
    """The trial that was kept, for optuna to breed from."""
    from optuna.distributions import IntDistribution
    from optuna.trial import TrialState, create_trial

    return create_trial(
        state=TrialState.FAIL if kept["costs"] is None else TrialState.COMPLETE,
        values=kept["costs"],
        params={
            group.paths[0]: index for group, index in zip(groups, kept["indices"], strict=True)
        },
        distributions={
            group.paths[0]: IntDistribution(0, len(group.axes[0].values) - 1) for group in groups
        },
        user_attrs={EXCESS: kept[EXCESS]},
        system_attrs=kept["sampler"],
    )


def _key(
    groups: Sequence[AxisGroup], limits: Sequence[Limit], asked: str, told: int, size: int
) -> str:
    """A hash of all that a generation depends on."""
    axes = [[axis.path, axis.values] for group in groups for axis in group.axes]
    when = [[each.path, each.values] for group in groups for each in group.when]
    bounds = [[limit.column, limit.bound, limit.at_least] for limit in limits]
    everything = [SCHEMA, axes, when, bounds, asked, told, size]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def values_at(groups: Sequence[AxisGroup], indices: Sequence[int]) -> Values:
    """The point with these values of each group; a group whose condition does not hold is left out."""
    values: Values = {}
    for group, index in zip(groups, indices, strict=True):
        if all(values.get(condition.path) in condition.values for condition in group.when):
            values |= {axis.path: axis.values[index] for axis in group.axes}
    return values
