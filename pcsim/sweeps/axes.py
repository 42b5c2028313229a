"""Which values does a sweep try? Axes over paths of either file, and the grid they span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import yaml

from pcsim.errors import InputError, Problem


@dataclass(frozen=True)
class Axis:
    """One path of a hardware or workload file and the values it takes, as YAML texts in order."""

    path: str
    values: tuple[str, ...]


def parse_axis(text: str) -> Axis:
    """``"pc.steps=1,3,10"`` or ``"network.layers=[64,32,10],[64,128,10]"``.

    Raises:
        InputError: there is no path, no value, or the values are not YAML.
    """
    path, equals, values = text.partition("=")
    if not equals or not path.strip() or not values.strip():
        raise InputError(
            (
                Problem(
                    f"--axis must be path=value,value,..., not {text!r}",
                    hint="for example --axis tiles.vector.lanes=8,16,32",
                ),
            )
        )
    source = f"[{values}]"
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        problem = Problem(f"--axis {path}: the values must be YAML, not {values!r} ({error})")
        raise InputError((problem,)) from None
    assert isinstance(node, yaml.SequenceNode)
    items = (source[item.start_mark.index : item.end_mark.index].strip() for item in node.value)
    return Axis(path.strip(), tuple(items))


def grid(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Every combination of values, path -> YAML text; the last axis varies fastest."""
    for values in product(*(axis.values for axis in axes)):
        yield {axis.path: value for axis, value in zip(axes, values, strict=True)}
