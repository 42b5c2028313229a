"""Which axes do options describe? ``--axis``, those that ``--zip`` joins, and where ``--when`` takes them."""

from __future__ import annotations

from collections.abc import Sequence

from pcsim.config.fields import did_you_mean
from pcsim.config.marks import show_value
from pcsim.errors import InputError, Problem
from pcsim.sweeps.axes import Axis, AxisGroup, Condition, parse_axis


def parse_groups(
    axes: Sequence[str], *, zips: Sequence[str] = (), conditions: Sequence[str] = ()
) -> tuple[AxisGroup, ...]:
    """The groups of axes in the order of ``axes``; a joined one stands at its first axis.

    Each of ``zips`` is "path,path,...", each of ``conditions`` "path if path=value,value"; all
    paths must be those of ``axes``.

    Raises:
        InputError: every mistake at once.
    """
    problems: list[Problem] = []
    parsed: dict[str, Axis] = {}
    for text in axes:
        try:
            axis = parse_axis(text)
        except InputError as error:
            problems += error.problems
            continue
        if axis.path in parsed:
            problems.append(Problem(f"{axis.path} must be the path of one axis, not of two"))
        parsed[axis.path] = axis
    joined = _joined(zips, parsed, problems)
    when = _conditions(conditions, parsed, problems)
    if problems:
        raise InputError(tuple(problems))
    groups = []
    for path, axis in parsed.items():
        together = joined.get(path, (path,))
        if path == together[0]:
            members = tuple(parsed[member] for member in together)
            taken = tuple(c for member in together for c in when.get(member, ()))
            groups.append(AxisGroup(members if len(together) > 1 else (axis,), taken))
    return tuple(groups)


def _joined(
    zips: Sequence[str], parsed: dict[str, Axis], problems: list[Problem]
) -> dict[str, tuple[str, ...]]:
    """Every path that goes together with others, with all of its group in the order of the axes."""
    joined: dict[str, tuple[str, ...]] = {}
    for text in zips:
        paths = [path.strip() for path in text.split(",")]
        if len(set(paths)) < 2 or len(set(paths)) < len(paths):
            said = f"--zip must be the paths of two or more axes, not {show_value(text)}"
            problems.append(
                Problem(said, hint="for example --zip tiles.compute.rows,tiles.compute.cols")
            )
            continue
        unknown = [path for path in paths if path not in parsed]
        problems += [_unknown("--zip", path, parsed) for path in unknown]
        problems += [
            Problem(f"{path} must be in one --zip, not in two") for path in paths if path in joined
        ]
        ordered = tuple(path for path in parsed if path in paths)
        joined |= dict.fromkeys(ordered, ordered)
    return joined


def _conditions(
    texts: Sequence[str], parsed: dict[str, Axis], problems: list[Problem]
) -> dict[str, list[Condition]]:
    """The conditions of every path."""
    found: dict[str, list[Condition]] = {}
    for text in texts:
        path, word, condition = text.partition(" if ")
        path = path.strip()
        try:
            if not word:
                raise InputError(())
            axis = parse_axis(condition.strip())
        except InputError:
            said = f"--when must be 'path if path=value,...', not {show_value(text)}"
            problems.append(
                Problem(said, hint="for example --when 'pc.momentum if pc.descent=momentum'")
            )
            continue
        if path not in parsed:
            problems.append(_unknown("--when", path, parsed))
        found.setdefault(path, []).append(Condition(axis.path, axis.values))
    return found


def _unknown(option: str, path: str, parsed: dict[str, Axis]) -> Problem:
    known = ", ".join(parsed)
    hint = did_you_mean(path, parsed) or (f"axes: {known}" if known else "")
    return Problem(f"{option} must name the path of an --axis, not {show_value(path)}", hint=hint)
