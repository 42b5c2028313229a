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

MOST_OPERATIONS = 64_000
"""Of all schedules of a rule together: some seconds. Schedules beyond that are not tried."""

MOST_BUILT = 20_000
"""Tasks of all schedules of a rule that are built to be counted: half a second."""


@dataclass(frozen=True)
class Fitting:
    """The candidates that fit, among those ``tried`` of those ``offered``, with how many ``tasks`` together.

    ``first`` is what the first of ``fitting`` takes; ``why_not`` why the last that does not fit does not.
    """

    fitting: tuple[Candidate, ...]
    tried: int
    offered: int
    tasks: int
    spaces: tuple[Space, ...]
    errors: tuple[DoesNotFitError, ...]

    @property
    def first(self) -> Space:
        return self.spaces[0]

    @property
    def why_not(self) -> DoesNotFitError:
        return self.errors[-1]


def fitting_of(hardware: Hardware, workload: Workload, rule: str) -> Fitting:
    """Which candidates of ``rule`` fit on the chip."""
    from pcsim.config import candidates
    from pcsim.errors import DoesNotFitError
    from pcsim.placement import space
    from pcsim.program import Program, program_of

    offered = candidates(hardware, workload, rule=rule)
    programs: dict[Candidate, Program] = {}
    fitting, spaces, errors = [], [], []
    operations = built = tasks = tried = 0
    for candidate in offered:
        same = replace(candidate, id="", spread=1)  # How many tiles changes no operation.
        if same not in programs:
            if operations > MOST_OPERATIONS:
                continue
            programs[same] = program_of(workload, candidate, steps=candidate.steps)
            operations += len(programs[same].ops)
        tried += 1
        try:
            found = space(programs[same], hardware, spread=candidate.spread)
        except DoesNotFitError as error:
            errors.append(error)
            continue
        fitting.append(candidate)
        spaces.append(found)
        templates, instances = counted(found)
        built += templates
        rough = int(float(f"{instances:.2g}"))
        tasks += rough if built > MOST_BUILT else exactly(found, hardware)
    return Fitting(tuple(fitting), tried, len(offered), tasks, tuple(spaces), tuple(errors))


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
