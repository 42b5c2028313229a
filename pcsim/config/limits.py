"""Is the job too large for this machine? Estimated from sizes alone, before anything is allocated.

Estimates are good to a small factor: they catch slips and hopeless jobs. Left out: what Python,
numba and BLAS need for themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Self

from pcsim.config.candidates import Candidate, learners
from pcsim.config.datasets import dataset_shape
from pcsim.config.hardware import Hardware
from pcsim.config.network import WAYS
from pcsim.config.section import problem_at
from pcsim.config.workload import Workload
from pcsim.errors import InputError, Problem
from pcsim.units import format_quantity

MEMORY_SHARE = 0.8
"""Part of the machine's memory that a job may need; the rest is the system's and the libraries'."""

MOST_MULTIPLY_ADDS = 10**16
"""Of all trainings together: about ten days at 10^10 a second."""

MOST_TASKS = 10**8
"""Of one simulated update: about an hour at 30,000 a second."""

TASKS_PER_TILE = 12
TASKS_PER_TILE_AND_STEP = 4
"""Measured on placements of 3 to 400 tiles."""

_WEIGHT_COPIES = 5
"""Weights, two moments and a gradient; once more while they are drawn or given back."""
_READ_COPIES = 2
"""What products read of rounded weights, and what they read through W^T."""
_WORD_BYTES = {"float32": 4, "float64": 8}
_UNIT_COPIES = 6
"""States, activities, predictions and errors of a block; activities and errors of a batch."""
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Host:
    """The machine that pcsim itself runs on; ``memory_bytes`` is None where it does not tell."""

    memory_bytes: int | None
    cores: int

    @classmethod
    def this(cls) -> Self:
        """This machine, or what a container may have of it."""
        cores = os.cpu_count() or 1
        try:
            memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            return cls(None, cores)
        with suppress(OSError, ValueError):  # No container, or one without a limit.
            memory_bytes = min(memory_bytes, int(_CONTAINER_LIMIT.read_text()))
        return cls(memory_bytes, cores)


def check_size(
    hardware: Hardware,
    workload: Workload,
    chosen: Sequence[Candidate],
    *,
    host: Host | None = None,
) -> None:
    """Refuse what ``host`` (this machine unless given) cannot train or simulate for ``chosen``.

    Raises:
        InputError: with the estimate, the limit and what to reduce, for each limit passed.
    """
    problems = (
        *_too_much_memory(workload, learners(chosen), host or Host.this()),
        *_too_much_training(workload, learners(chosen)),
        *_too_many_tasks(hardware, workload, chosen),
    )
    if problems:  # Schedules of one rule share theirs.
        raise InputError(tuple(dict.fromkeys(problems)))


def training_bytes(
    workload: Workload, chosen: Sequence[Candidate], *, cores: int
) -> Mapping[str, int]:
    """Memory that training needs, by the path of the value that it grows with.

    One training per candidate and seed, as many at a time as there are cores; each keeps its weights
    until all are done.
    """
    word = max(
        _WORD_BYTES[candidate.numerics.formats.carrier_for(workload.longest_sum)]
        for candidate in chosen
    )
    widths, settings, data = workload.network.widths, workload.training, workload.data
    trainings = len(chosen) * settings.seeds
    at_a_time = min(cores, trainings)
    weights = workload.network.weight_count
    rounded = any(candidate.numerics.plain is None for candidate in chosen)
    copies = _WEIGHT_COPIES + (_READ_COPIES if rounded else 0)
    samples = settings.batch + 2 * max(data.validation, data.test) // _UNIT_COPIES
    images = data.train + data.validation + data.test
    return {
        f"network.{workload.network.way}": word * weights * (at_a_time * copies + trainings),
        "training.batch": word * at_a_time * samples * (widths[0] + _UNIT_COPIES * sum(widths[1:])),
        "training.epochs": 8 * at_a_time * settings.epochs * data.train,
        "data": (8 + word)
        * max(images, dataset_shape(data.dataset).images)
        * prod(workload.network.image_shape),
    }


def multiply_adds(workload: Workload, candidate: Candidate) -> int:
    """Multiply-adds of training ``candidate`` with all seeds: products forward, back and gradients."""
    weights = workload.network.graph.macs
    settings = workload.training
    samples = settings.seeds * settings.epochs * workload.data.train
    return samples * weights * _products(candidate)


def _products(candidate: Candidate) -> int:
    """How often an update multiplies by the weights: forward, back and for gradients."""
    if candidate.own is not None:
        return candidate.own.PRODUCTS
    return 2 * candidate.steps + 2 if candidate.inference else 3


def tiles_needed(hardware: Hardware, workload: Workload, candidate: Candidate) -> int:
    """About how many tiles hold the weights and what their update keeps; at most all there are."""
    rows, columns = hardware.tiles.mesh
    capacity = hardware.tiles.sram.size_bytes
    formats = candidate.numerics.formats
    kept = [formats.weight, formats.accumulate]
    kept += {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}[candidate.optimiser.kind] * [
        formats.optimiser
    ]
    kept += [formats.master] if formats.master else []
    sizes = [
        sum(number.storage_bytes(prod(shape)) for number in kept)
        for shape in workload.network.graph.parameters.values()
        if len(shape) > 1
    ]
    return min(
        rows * columns, sum(1 if capacity is None else -(-size // capacity) for size in sizes)
    )


def simulated_tasks(hardware: Hardware, workload: Workload, candidate: Candidate) -> int:
    """About how many tasks one simulated update of ``candidate`` has."""
    tiles = tiles_needed(hardware, workload, candidate)
    return tiles * (TASKS_PER_TILE + TASKS_PER_TILE_AND_STEP * candidate.steps)


_MEMORY_HINTS = {
    **{f"network.{way}": "take fewer or narrower layers" for way in WAYS},
    "training.batch": "take a smaller batch, or fewer images for validation and test",
    "training.epochs": "take fewer epochs",
    "data": "take fewer or smaller images",
}


def _too_much_memory(
    workload: Workload, chosen: Sequence[Candidate], host: Host
) -> Iterator[Problem]:
    parts = training_bytes(workload, chosen, cores=host.cores)
    needed = sum(parts.values())
    if host.memory_bytes is None or needed <= MEMORY_SHARE * host.memory_bytes:
        return
    path = max(parts, key=parts.__getitem__)
    limit = format_quantity(MEMORY_SHARE * host.memory_bytes, "B")
    yield problem_at(
        workload,
        path,
        f"{path} must let training need at most {limit}, {MEMORY_SHARE:.0%} of this machine's "
        f"memory, not about {format_quantity(needed, 'B')}",
        hint=f"{format_quantity(parts[path], 'B')} grow with it: {_MEMORY_HINTS[path]}",
    )


def _too_much_training(workload: Workload, chosen: Sequence[Candidate]) -> Iterator[Problem]:
    needed = sum(multiply_adds(workload, candidate) for candidate in chosen)
    if needed <= MOST_MULTIPLY_ADDS:
        return
    yield problem_at(
        workload,
        "training",
        f"training must take at most {MOST_MULTIPLY_ADDS:.0e} multiply-adds, "
        f"not about {float(needed):.1e}",
        hint="take fewer seeds, epochs, images or pc.steps, or smaller layers",
    )


def _too_many_tasks(
    hardware: Hardware, workload: Workload, chosen: Sequence[Candidate]
) -> Iterator[Problem]:
    for candidate in chosen:
        needed = simulated_tasks(hardware, workload, candidate)
        if needed <= MOST_TASKS:
            continue
        tiles = tiles_needed(hardware, workload, candidate)
        yield problem_at(
            workload,
            "pc.steps",
            f"pc.steps must make at most {MOST_TASKS:,} tasks to simulate, not about {needed:,}",
            hint=f"about {TASKS_PER_TILE_AND_STEP} in each of {candidate.steps:,} inference steps "
            f"on each of about {tiles:,} tiles: take fewer steps, or larger tiles",
        )
