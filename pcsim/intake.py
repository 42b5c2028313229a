"""What is wrong with a chip and a workload, beyond what their files say by themselves? All of it in one round.

Costs that nobody gives and data sets that are not installed are told together with what is wrong with the files,
even where some of their values are wrong, as far as these do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pcsim.config import DATASETS, Hardware, Workload, dataset_place, placed
from pcsim.config.loader import LoadedFile, Reference, examine
from pcsim.config.mending import common
from pcsim.config.overrides import Override, assign
from pcsim.errors import InputError, Problem
from pcsim.technology import missing_of, problems_of

HardwareFound = tuple[Hardware | None, tuple[Problem, ...]]
WorkloadFound = tuple[Workload | None, tuple[Problem, ...]]


def load_pair(
    hardware: Reference,
    workload: Reference,
    *,
    overrides: Sequence[Override] = (),
    allow_extensions: bool = False,
) -> tuple[Hardware, Workload]:
    """A chip and a workload that are to be run; each of ``overrides`` may be for either.

    ``allow_extensions``: whether Python files that either file names may be run.

    Raises:
        InputError: with every mistake in either file and in ``overrides``, every cost that nobody gives, and a data
            set that is not installed.
    """
    assigned = assign(overrides)
    chip, problems = examined_hardware(
        hardware, overrides=assigned.hardware, allow_extensions=allow_extensions
    )
    work, more = examined_workload(
        workload, overrides=assigned.workload, allow_extensions=allow_extensions
    )
    problems += more + assigned.problems
    if chip is None or work is None or problems:
        raise InputError(problems)
    return chip, work


def examined_hardware(
    reference: Reference, *, overrides: Sequence[Override] = (), allow_extensions: bool = False
) -> HardwareFound:
    """A chip, and everything that is wrong with its file or cannot be priced."""
    return priced(examine(Hardware, reference, overrides, allowed=allow_extensions))


def examined_workload(
    reference: Reference,
    *,
    overrides: Sequence[Override] = (),
    trains: bool = True,
    allow_extensions: bool = False,
) -> WorkloadFound:
    """A workload, and everything that is wrong with its file or, where it ``trains``, not installed."""
    return with_data(
        examine(Workload, reference, overrides, allowed=allow_extensions), trains=trains
    )


def examined(
    loaded: LoadedFile[Hardware] | LoadedFile[Workload],
) -> tuple[Hardware | Workload | None, tuple[Problem, ...]]:
    """A loaded file of either kind, and everything that is wrong with it, whatever data are installed."""
    file = loaded.file or next(iter(loaded.mended), None)
    if isinstance(file, Hardware):
        return priced(cast(LoadedFile[Hardware], loaded))
    return with_data(cast(LoadedFile[Workload], loaded), trains=False)


def priced(loaded: LoadedFile[Hardware]) -> HardwareFound:
    """A loaded chip, and besides its problems what cannot be priced."""
    right = loaded.file is not None and not loaded.problems
    unpriced = unpriced_of(loaded.file) if right and loaded.file else ()
    if loaded.mended:
        unpriced = tuple(common(loaded.mended, unpriced_of))
    return loaded.file, (*loaded.problems, *unpriced)


def with_data(loaded: LoadedFile[Workload], *, trains: bool = True) -> WorkloadFound:
    """A loaded workload, and besides its problems that its data are not installed."""
    missing: tuple[Problem, ...] = ()
    if trains and loaded.file is not None:
        missing = missing_data(loaded.file)
    elif trains:
        missing = tuple(common(loaded.mended, missing_data))
    return loaded.file, (*loaded.problems, *missing)


def unpriced_of(hardware: Hardware) -> tuple[Problem, ...]:
    """What of a chip nobody prices: costs, sizes, number formats."""
    return (*problems_of(hardware), *missing_of(hardware))


def missing_data(workload: Workload) -> tuple[Problem, ...]:
    """That the data set is known by name and not installed."""
    if workload.data.dataset not in DATASETS:
        return ()
    try:
        dataset_place(workload.data.dataset)
    except InputError as error:
        return placed(workload, error.problems)
    return ()
