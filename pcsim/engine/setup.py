"""What is a training given, beside its network, its first weights and its rule?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pcsim.config import Numerics, OptimiserSettings


@dataclass(frozen=True)
class TrainingSetup:
    """``x`` (samples, values of an input) and ``y`` (samples, values of an output) are the training part, C-ordered
    and of the network's dtype; ``batch`` samples are learned from at once.

    ``updates_total`` is the length of the whole training, which some schedules of learning rates depend on; ``seed``
    decides the signs of centred nudging and the random numbers of ``numerics``, the number formats
    and analog errors to compute in, where that is more than the network's dtype. ``x`` and ``y`` are in the
    format of states then.
    """

    x: np.ndarray
    y: np.ndarray
    batch: int
    optimiser: OptimiserSettings
    updates_total: int
    seed: int = 0
    numerics: Numerics | None = None
