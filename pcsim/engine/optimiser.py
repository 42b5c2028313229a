"""With which settings do weights follow their gradients?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OptimiserName = Literal["sgd", "momentum", "adam", "adamw"]
ScheduleName = Literal["constant", "cosine", "step"]


@dataclass(frozen=True)
class WeightOptimiser:
    """An optimiser with its learning rate and how that changes over the updates.

    ``momentum`` is of kind momentum, ``weight_decay`` of kind adamw; cosine lets the rate fall to 0
    over the whole training, step multiplies it by ``factor`` after every ``every`` updates.
    """

    kind: OptimiserName
    rate: float
    momentum: float = 0.9
    weight_decay: float = 0.01
    schedule: ScheduleName = "constant"
    every: int = 1
    factor: float = 1.0
