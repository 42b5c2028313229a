"""How long do rules learn, from how many images at once, and what counts as learnt?"""

from __future__ import annotations

from typing import Annotated, Literal

from pcsim.config.fields import choice, positive, whole
from pcsim.config.section import Section

Loss = Literal["mse", "cross_entropy"]


class TrainingSettings(Section):
    """How long both rules learn and what counts as learnt.

    ``seeds`` is the number of runs; ``evaluate_every`` the updates between two validations.
    """

    batch: Annotated[int, whole(1, 65_536)]
    epochs: Annotated[int, whole(1, 100_000)]
    loss: Annotated[Loss, choice(Loss)]
    seeds: Annotated[int, whole(1, 1000)]
    target_accuracy: Annotated[float, positive(1)]
    evaluate_every: Annotated[int, whole(1, 1_000_000)] = 10
