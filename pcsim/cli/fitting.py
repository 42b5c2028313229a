"""In which of its schedules does a rule fit on a chip, and how many tasks are its updates? Bounded in time.

Large updates are counted without being built: an operation is about one task on each tile of its layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.config import Candidate, Hardware, Workload
    from pcsim.errors import DoesNotFitError
    from pcsim.placement import Space

MOST_OPERATIONS = 16_000
"""Of all schedules of a rule together: some seconds. Schedules beyond that are not tried."""

MOST_BUILT = 8_000
"""Tasks of all schedules of a rule that are built to be counted: less than a second."""


@dataclass(frozen=True)
class Fitting:
    """The candidates that fit, among those ``tried`` of those ``offered``, with how many ``tasks`` together.

    ``first`` is what the first of ``fitting`` takes; where none fits, ``error`` says why the last does not.
    """

    fitting: tuple[Candidate, ...]
    tried: int
    offered: int
    tasks: int
    first: Space | None
    error: DoesNotFitError | None


def fitting_of(hardware: Hardware, workload: Workload, rule: str) -> Fitting:
    """Which candidates of ``rule`` fit on the chip."""
    from pcsim.config import candidates
    from pcsim.errors import DoesNotFitError
    from pcsim.placement import space
    from pcsim.program import Program, program_of

    offered = candidates(hardware, workload, rule=rule)
    programs: dict[Candidate, Program] = {}
    fitting: list[Candidate] = []
    first: Space | None = None
    last: Candidate | None = None
    operations = built = tasks = tried = 0
    for candidate in offered:
        same = _same(candidate)
        if same not in programs:
            if operations > MOST_OPERATIONS:
                continue
            programs[same] = program_of(workload, candidate, steps=candidate.steps)
            operations += len(programs[same].ops)
        tried += 1
        try:
            found = space(programs[same], hardware, spread=candidate.spread, explain=False)
        except DoesNotFitError:
            last = candidate
            continue
        fitting.append(candidate)
        first = first or found
        templates, instances = counted(found)
        built += templates
        rough = int(float(f"{instances:.2g}"))
        tasks += rough if built > MOST_BUILT else exactly(found, hardware)
    why_not = None
    if first is None and last is not None:
        try:
            space(programs[_same(last)], hardware, spread=last.spread)
        except DoesNotFitError as error:
            why_not = error
    return Fitting(tuple(fitting), tried, len(offered), tasks, first, why_not)


def _same(candidate: Candidate) -> Candidate:
    """What all candidates share whose operations are the same: how many tiles a layer has changes none."""
    return replace(candidate, id="", spread=1)


def counted(space: Space) -> tuple[int, int]:
    """About how many tasks a program has on these tiles, and how many with every instance of each."""
    tiles = {group.layer: len(group.tiles) for group in space.groups}
    each = [(tiles.get(op.layer, 1), op.instances) for op in space.program.ops]
    return sum(many for many, _ in each), sum(many * often for many, often in each)


def exactly(space: Space, hardware: Hardware) -> int:
    """How many instances of tasks there are."""
    from pcsim.placement import laid_out

    placement = laid_out(
        space.program, hardware, space.groups, space.occupancy_bytes, space.windows
    )
    return int(placement.tasks.instances().sum())
