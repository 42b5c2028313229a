"""How the compiled part keeps what it knows: tables of integers whose columns have names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]
"""A table: one row per task, unit, link and so on."""

NONE = -1
"""No row: where a list of rows ends."""


def columns(*names: str) -> np.dtype[Any]:
    """What a row of such a table is: integers of these names."""
    return np.dtype([(name, "i8") for name in names])
