"""``pcsim check``: are files right, and do a chip and a workload go together?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pcsim.cli.options import FileOrName

if TYPE_CHECKING:
    from pcsim.config import Candidate, Hardware, Workload
    from pcsim.errors import Problem
    from pcsim.placement import Placement


@click.command("check")
@click.argument(
    "files", metavar="FILE...", type=FileOrName("hardware", "workload"), nargs=-1, required=True
)
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...]) -> None:
    """Tell everything that is wrong with hardware and workload files.

    Each FILE is a path or the name of a shipped file. With one chip and one workload also: whether
    the network fits the chip, and about how long a run will take.
    """
    from pcsim.config import Hardware
    from pcsim.errors import InputError

    found: list[tuple[str, Hardware | Workload]] = []
    problems: list[Problem] = []
    for reference in files:
        try:
            file, wrong = checked(reference)
        except InputError as error:
            problems += error.problems
            continue
        problems += wrong
        if file is not None:
            found.append((reference, file))
    chips = [file for _, file in found if isinstance(file, Hardware)]
    works = [file for _, file in found if not isinstance(file, Hardware)]
    pair = (chips[0], works[0]) if len(chips) == len(works) == 1 else None
    if problems:
        raise InputError(tuple(dict.fromkeys((*problems, *(misfits(*pair) if pair else ())))))
    for reference, file in found:
        kind = "hardware" if isinstance(file, Hardware) else "workload"
        click.echo(f"{reference}: right, the {kind} {file.name!r}")
    if pair and not tell_pair(*pair):
        ctx.exit(2)


def checked(reference: str) -> tuple[Hardware | Workload | None, tuple[Problem, ...]]:
    """The chip or workload in a file, and everything that is wrong with it.

    Costs that nobody gives are, and data that are not there or cannot be learnt from. Raises InputError where there
    is no such file, or it says not what it is.
    """
    from pcsim.config import Hardware
    from pcsim.config.fields import did_you_mean
    from pcsim.config.loader import examine_any
    from pcsim.errors import InputError, Problem
    from pcsim.intake import examined
    from pcsim.shipped import shipped

    known = [*shipped("hardware"), *shipped("workload")]
    try:
        file, problems = examined(examine_any(reference))
    except InputError as error:
        if any(problem.file for problem in error.problems):
            raise
        message = f"FILE must be the path of a file or one of {', '.join(known)}, not {reference!r}"
        hint = did_you_mean(reference, known)
        raise InputError((Problem(message, hint=hint),)) from None
    if file is not None and not isinstance(file, Hardware) and not problems:
        return file, unreadable(file)
    return file, problems


MOST_READ = 1 << 28
"""Bytes of a data file beyond which its values are left for training to look at."""


def unreadable(workload: Workload) -> tuple[Problem, ...]:
    """What is wrong with the values of a workload's own images and labels."""
    from pathlib import Path

    from pcsim.config import DATASETS
    from pcsim.engine.data.source import read_source
    from pcsim.errors import InputError

    path = Path(workload.data.dataset)
    if workload.data.dataset in DATASETS:
        return ()
    parts = [*path.iterdir()] if path.is_dir() else [path]
    if sum(part.stat().st_size for part in parts) > MOST_READ:
        return ()
    try:
        read_source(workload.data.dataset, classes=workload.network.layers[-1])
    except InputError as error:
        return error.problems
    return ()


def misfits(hardware: Hardware, workload: Workload) -> Iterator[Problem]:
    """That the network does not fit on the chip, for each rule in whose schedules it does not."""
    from pcsim.config import candidates
    from pcsim.errors import DoesNotFitError
    from pcsim.schedules import misfit
    from pcsim.verdict import RULE_NAMES

    for rule in RULE_NAMES:
        errors = []
        for candidate in candidates(hardware, workload, rule=rule):
            try:
                placed(hardware, workload, candidate)
            except DoesNotFitError as error:
                errors.append(error)
            else:
                break
        else:
            yield misfit(hardware, workload, errors[-1])


def tell_pair(hardware: Hardware, workload: Workload) -> bool:
    """Print whether the workload fits the chip, and for how long a run will take; whether it fits."""
    from pcsim.config import candidates
    from pcsim.verdict import RULE_NAMES

    click.echo(f"\n{hardware.name} x {workload.name}:")
    fitting: list[Candidate] = []
    tasks = 0
    fits = True
    for rule, name in RULE_NAMES.items():
        offered = candidates(hardware, workload, rule=rule)
        placed: dict[str, int] = {}
        said = []
        for candidate in offered:
            instances, line = placed_as(hardware, workload, candidate)
            said.append(line)
            if instances is not None:
                placed[candidate.id] = instances
                fitting.append(candidate)
        if len(offered) == 1 or not placed:
            click.echo(f"  {name} {said[-1]}")
        else:
            click.echo(f"  {name} fits in {len(placed)} of {len(offered)} schedules")
        tasks += sum(placed.values())
        fits = fits and bool(placed)
    if fits:
        from pcsim.cli.estimate import duration

        for line in duration(workload, fitting, tasks=tasks):
            click.echo(f"  {line}")
    return fits


def placed_as(
    hardware: Hardware, workload: Workload, candidate: Candidate
) -> tuple[int | None, str]:
    """How many tasks an update is made of, None where it does not fit; and what is to be said of it."""
    from pcsim.config import mark_of
    from pcsim.errors import DoesNotFitError
    from pcsim.units import format_quantity

    try:
        placement = placed(hardware, workload, candidate)
    except DoesNotFitError as error:
        mark = mark_of(workload, "network.layers")
        at = f"\nnetwork.layers: {mark.file}:{mark.line}:{mark.column}" if mark else ""
        return None, f"does not fit: {error}{at}"
    fullest = max(placement.peak_bytes.values())
    said = f"fits: {space_of(hardware, placement.tiles_used, fullest)}"
    if hardware.buffer is not None and placement.buffer_bytes:
        kept = format_quantity(placement.buffer_bytes, "B", digits=4)
        said += f"; the global buffer keeps {kept} of {format_quantity(hardware.buffer.size_bytes, 'B')}"
    return int(placement.tasks.instances().sum()), said


def placed(hardware: Hardware, workload: Workload, candidate: Candidate) -> Placement:
    """Where a candidate goes. Raises DoesNotFitError."""
    from pcsim.placement import place
    from pcsim.program import program_of

    program = program_of(workload, candidate, steps=candidate.steps)
    return place(program, hardware, spread=candidate.spread)


def space_of(hardware: Hardware, tiles: int, fullest_bytes: int) -> str:
    """What a placement takes of the chip."""
    from pcsim.units import format_quantity

    rows, columns = hardware.tiles.mesh
    size_bytes = hardware.tiles.sram.size_bytes
    room = "unlimited" if size_bytes is None else format_quantity(size_bytes, "B")
    kept = format_quantity(fullest_bytes, "B", digits=4)
    return f"{tiles} of {rows * columns} tiles; the fullest keeps {kept} of {room}"
