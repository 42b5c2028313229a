"""``pcsim check``: are files right, and do a chip and a workload go together?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pcsim.cli.options import ALLOW_EXTENSIONS, FileOrName
from pcsim.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcsim.config import Candidate, Hardware, Workload
    from pcsim.errors import Problem
    from pcsim.placement import Space


@click.command("check")
@click.argument(
    "files", metavar="FILE...", type=FileOrName("hardware", "workload"), nargs=-1, required=True
)
@click.option(
    "--program",
    is_flag=True,
    help="Print every operation of one update, by each rule; needs a chip and a workload.",
)
@ALLOW_EXTENSIONS
@click.pass_context
def command(
    ctx: click.Context, files: tuple[str, ...], program: bool, allow_extensions: bool
) -> None:
    """Tell everything that is wrong with hardware and workload files.

    Each FILE is a path or the name of a shipped file. With one chip and one workload also: whether
    the network fits the chip, and about how long a run will take.
    """
    from pcsim.cli.listing import network_lines
    from pcsim.config import Hardware
    from pcsim.errors import InputError

    tell = show_progress()
    tell("read", ", ".join(files))
    found: list[tuple[str, Hardware | Workload]] = []
    problems: list[Problem] = []
    for reference in files:
        try:
            file, wrong = checked(reference, allow_extensions=allow_extensions)
        except InputError as error:
            problems += error.problems
            continue
        problems += wrong
        if file is not None:
            found.append((reference, file))
    chips = [file for _, file in found if isinstance(file, Hardware)]
    works = [file for _, file in found if not isinstance(file, Hardware)]
    pair = (chips[0], works[0]) if len(chips) == len(works) == 1 else None
    if program and not pair and not problems:
        raise click.UsageError(
            "--program needs one chip and one workload, which together make programs."
        )
    if problems:
        raise InputError(tuple(dict.fromkeys((*problems, *(misfits(*pair) if pair else ())))))
    from pcsim.engine import tell_if_nothing_is_kept

    tell_if_nothing_is_kept()
    fits, lines = about_pair(*pair, stage=tell) if pair else (True, [])
    tell.stop()
    for reference, file in found:
        kind = "hardware" if isinstance(file, Hardware) else "workload"
        click.echo(f"{reference}: right, the {kind} {file.name!r}")
        for line in () if isinstance(file, Hardware) else network_lines(file.network):
            click.echo(line)
    for line in lines:
        click.echo(line)
    if pair and program:
        for text in programs(*pair):
            click.echo(f"\n{text}")
    if not fits:
        ctx.exit(2)


def checked(
    reference: str, *, allow_extensions: bool = False
) -> tuple[Hardware | Workload | None, tuple[Problem, ...]]:
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
        file, problems = examined(examine_any(reference, allow_extensions=allow_extensions))
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
        read_source(workload.data.dataset, classes=workload.network.classes)
    except InputError as error:
        return error.problems
    return ()


def misfits(hardware: Hardware, workload: Workload) -> Iterator[Problem]:
    """That the network does not fit on the chip, for each rule in whose schedules it does not."""
    from pcsim.cli.fitting import fitting_of
    from pcsim.schedules import misfit

    for rule in (workload.challenger, "bp"):
        found = fitting_of(hardware, workload, rule)
        if found.error:
            yield misfit(hardware, workload, found.error)


def programs(hardware: Hardware, workload: Workload) -> Iterator[str]:
    """One update by every candidate, as text."""
    from pcsim.config import candidates
    from pcsim.program import text_of
    from pcsim.schedules import update_program

    for candidate in candidates(hardware, workload):
        yield f"{candidate.id}\n{text_of(update_program(workload, candidate, profile=None))}"


def about_absent(workload: Workload) -> list[str]:
    """A note on the classes of which some part of the data has no image; reads the data set."""
    from pcsim.config import at_places_of
    from pcsim.engine.datasets import absent_classes, load_dataset
    from pcsim.verdict.warnings import absent_text

    classes = workload.network.classes
    with at_places_of(workload):
        said = absent_text(absent_classes(load_dataset(workload.data, classes=classes)))
    return [f"  note: {said}; accuracy says nothing of them"] if said else []


def about_pair(
    hardware: Hardware, workload: Workload, *, stage: Callable[[str], None]
) -> tuple[bool, list[str]]:
    """Whether the workload fits the chip; and lines on that and on how long a run will take.

    Raises InputError where it fits and this machine cannot train or simulate it.
    """
    from pcsim.cli.fitting import fitting_of
    from pcsim.config import check_size, mark_of
    from pcsim.verdict import rule_name

    stage("fit")
    said = ["", f"{hardware.name} x {workload.name}:"]
    fitting: list[Candidate] = []
    tasks = 0
    fits = True
    for rule in (workload.challenger, "bp"):
        name = rule_name(rule)
        found = fitting_of(hardware, workload, rule)
        fitting += found.fitting
        tasks += found.tasks
        if found.error:
            fits = False
            way = f"network.{workload.network.way}"
            mark = mark_of(workload, way)
            said.append(f"  {name} does not fit: {found.error}")
            if mark:
                said.append(f"{way}: {mark.file}:{mark.line}:{mark.column}")
        elif found.offered == 1 and found.first:
            said.append(f"  {name} fits: {space_of(hardware, found.first)}")
        else:
            left = found.offered - found.tried
            more = f"; {left} were not tried, as the network is deep" if left else ""
            said.append(f"  {name} fits in {len(found.fitting)} of {found.tried} schedules{more}")
    if fits:
        from pcsim.cli.estimate import duration

        check_size(hardware, workload, fitting)
        said += about_absent(workload)
        stage("estimate")
        said += [f"  {line}" for line in duration(workload, fitting, tasks=tasks)]
    return fits, said


def space_of(hardware: Hardware, space: Space) -> str:
    """What a program takes of the chip."""
    from pcsim.units import format_quantity

    rows, columns = hardware.tiles.mesh
    size_bytes = hardware.tiles.sram.size_bytes
    room = "unlimited" if size_bytes is None else format_quantity(size_bytes, "B")
    kept = format_quantity(space.fullest_bytes, "B", digits=4)
    said = f"{space.tiles_used} of {rows * columns} tiles; the fullest keeps {kept} of {room}"
    if hardware.buffer is not None and space.buffer_bytes:
        kept = format_quantity(space.buffer_bytes, "B", digits=4)
        whole = format_quantity(hardware.buffer.size_bytes, "B")
        said += f"; the global buffer keeps {kept} of {whole}"
    return said
