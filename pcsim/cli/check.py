"""``pcsim check``: are files right, and do a chip and a workload go together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pcsim.cli.options import FileOrName
from pcsim.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcsim.config import Candidate, Hardware, Workload
    from pcsim.errors import Problem


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

    tell = show_progress()
    tell("read", ", ".join(files))
    loaded = []
    problems: list[Problem] = []
    for reference in files:
        try:
            loaded.append((reference, checked(reference)))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(tuple(dict.fromkeys(problems)))
    chips = [file for _, file in loaded if isinstance(file, Hardware)]
    works = [file for _, file in loaded if not isinstance(file, Hardware)]
    fits, lines = True, list[str]()
    if len(chips) == len(works) == 1:
        fits, lines = about_pair(chips[0], works[0], stage=tell)
    tell.stop()
    for reference, file in loaded:
        kind = "hardware" if isinstance(file, Hardware) else "workload"
        click.echo(f"{reference}: right, the {kind} {file.name!r}")
    for line in lines:
        click.echo(line)
    if not fits:
        ctx.exit(2)


def checked(reference: str) -> Hardware | Workload:
    """The chip or workload in a file.

    Raises InputError with everything that is wrong with it, costs that nobody gives included.
    """
    from pcsim.config import Hardware, load_any
    from pcsim.config.fields import did_you_mean
    from pcsim.errors import InputError, MissingCostError, Problem
    from pcsim.shipped import shipped
    from pcsim.technology import price_list

    known = [*shipped("hardware"), *shipped("workload")]
    try:
        file = load_any(reference)
    except InputError as error:
        if any(problem.file for problem in error.problems):
            raise
        message = f"FILE must be the path of a file or one of {', '.join(known)}, not {reference!r}"
        hint = did_you_mean(reference, known)
        raise InputError((Problem(message, hint=hint),)) from None
    if isinstance(file, Hardware):
        try:
            price_list(file)
        except MissingCostError as error:
            raise InputError((Problem(str(error), file=reference),)) from None
    return file


def absent_lines(workload: Workload) -> list[str]:
    """A note on the classes of which some part of the data has no image; reads the data set."""
    from pcsim.engine.datasets import absent_classes, load_dataset
    from pcsim.verdict.warnings import absent_text

    classes = workload.network.layers[-1]
    said = absent_text(absent_classes(load_dataset(workload.data, classes=classes)))
    return [f"  note: {said}; accuracy says nothing of them"] if said else []


def about_pair(
    hardware: Hardware, workload: Workload, *, stage: Callable[[str], None]
) -> tuple[bool, list[str]]:
    """Whether the workload fits the chip; and lines on that and on how long a run will take."""
    from pcsim.config import candidates
    from pcsim.verdict import RULE_NAMES

    stage("fit")
    said = ["", f"{hardware.name} x {workload.name}:"]
    fitting: list[Candidate] = []
    tasks = 0
    fits = True
    for rule, name in RULE_NAMES.items():
        offered = candidates(hardware, workload, rule=rule)
        placed: dict[str, int] = {}
        of_rule = []
        for candidate in offered:
            instances, line = placed_as(hardware, workload, candidate)
            of_rule.append(line)
            if instances is not None:
                placed[candidate.id] = instances
                fitting.append(candidate)
        if len(offered) == 1 or not placed:
            said.append(f"  {name} {of_rule[-1]}")
        else:
            said.append(f"  {name} fits in {len(placed)} of {len(offered)} schedules")
        tasks += sum(placed.values())
        fits = fits and bool(placed)
    said += absent_lines(workload)
    if fits:
        from pcsim.cli.estimate import duration

        stage("estimate")
        said += [f"  {line}" for line in duration(workload, fitting, tasks=tasks)]
    return fits, said


def placed_as(
    hardware: Hardware, workload: Workload, candidate: Candidate
) -> tuple[int | None, str]:
    """How many tasks an update is made of, None where it does not fit; and what is to be said of it."""
    from pcsim.errors import DoesNotFitError
    from pcsim.placement import place
    from pcsim.program import program_of
    from pcsim.units import format_quantity

    try:
        program = program_of(workload, candidate, steps=candidate.steps)
        placement = place(program, hardware, spread=candidate.spread)
    except DoesNotFitError as error:
        return None, f"does not fit: {error}"
    fullest = max(placement.peak_bytes.values())
    said = f"fits: {space_of(hardware, placement.tiles_used, fullest)}"
    if hardware.buffer is not None and placement.buffer_bytes:
        kept = format_quantity(placement.buffer_bytes, "B", digits=4)
        said += f"; the global buffer keeps {kept} of {format_quantity(hardware.buffer.size_bytes, 'B')}"
    return int(placement.tasks.instances().sum()), said


def space_of(hardware: Hardware, tiles: int, fullest_bytes: int) -> str:
    """What a placement takes of the chip."""
    from pcsim.units import format_quantity

    rows, columns = hardware.tiles.mesh
    size_bytes = hardware.tiles.sram.size_bytes
    room = "unlimited" if size_bytes is None else format_quantity(size_bytes, "B")
    kept = format_quantity(fullest_bytes, "B", digits=4)
    return f"{tiles} of {rows * columns} tiles; the fullest keeps {kept} of {room}"
