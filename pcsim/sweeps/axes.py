"""Which values does a sweep try? Axes over paths of either file, and the grid they span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import yaml

from pcsim.config.marks import show_value
from pcsim.config.yaml_marks import compose
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
    path = path.strip()
    if not equals or not path or not path.isprintable() or not values.strip():
        said = f"--axis must be path=value,value,..., not {show_value(text)}"
        hint = "for example --axis tiles.vector.lanes=8,16,32"
        raise InputError((Problem(said, hint=hint),))
    source = f"[{values}]"
    try:
        node = compose(source)
    except yaml.YAMLError:
        node = None
    if not isinstance(node, yaml.SequenceNode):
        said = f"--axis {path} must be YAML values with commas between, not {show_value(values)}"
        raise InputError((Problem(said),))
    items = (source[item.start_mark.index : item.end_mark.index].strip() for item in node.value)
    return Axis(path, tuple(items))


def grid(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Every combination of values, path -> YAML text; the last axis varies fastest."""
    for values in product(*(axis.values for axis in axes)):
        yield {axis.path: value for axis, value in zip(axes, values, strict=True)}
