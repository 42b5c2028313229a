"""Many points, one table: the whole line at every combination of values.

The names below are imported when first used: a worker process needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.sweeps.api import sweep as sweep
    from pcsim.sweeps.axes import Axis as Axis
    from pcsim.sweeps.axes import AxisGroup as AxisGroup
    from pcsim.sweeps.axes import Condition as Condition
    from pcsim.sweeps.axes import grid as grid
    from pcsim.sweeps.axes import parse_axis as parse_axis
    from pcsim.sweeps.evaluate import COLUMNS as COLUMNS
    from pcsim.sweeps.file import read_plan as read_plan
    from pcsim.sweeps.flags import parse_groups as parse_groups
    from pcsim.sweeps.output import default_folder as default_folder
    from pcsim.sweeps.output import write_output as write_output
    from pcsim.sweeps.plan import Point as Point
    from pcsim.sweeps.plan import Setting as Setting
    from pcsim.sweeps.plan import SweepPlan as SweepPlan
    from pcsim.sweeps.plan import points_of as points_of
    from pcsim.sweeps.run import Shard as Shard
    from pcsim.sweeps.run import parse_shard as parse_shard
    from pcsim.sweeps.run import run_points as run_points
    from pcsim.sweeps.store import open_store as open_store

_HOME = {
    "Axis": "axes",
    "COLUMNS": "evaluate",
    "Condition": "axes",
    "AxisGroup": "axes",
    "SweepPlan": "plan",
    "Point": "plan",
    "Setting": "plan",
    "Shard": "run",
    "default_folder": "output",
    "grid": "axes",
    "open_store": "store",
    "parse_axis": "axes",
    "parse_groups": "flags",
    "parse_shard": "run",
    "points_of": "plan",
    "read_plan": "file",
    "run_points": "run",
    "sweep": "api",
    "write_output": "output",
}
__all__ = [*_HOME]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pcsim.sweeps' has no attribute {name!r}")
    return getattr(import_module(f"pcsim.sweeps.{_HOME[name]}"), name)
