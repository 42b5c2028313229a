"""What does each learning rule compute? One table, with the same words as ``pcsim.network.RULES``.

A file of your own adds to it (docs/rules.md). Importing this room imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.rules.algorithm import Algorithm as Algorithm
from pcsim.engine.rules.backward_pass import BackwardPass as BackwardPass
from pcsim.engine.rules.chains import OnChains as OnChains
from pcsim.engine.rules.relaxing import Relaxing as Relaxing

if TYPE_CHECKING:
    from pcsim.config import Candidate


def relaxing(candidate: Candidate) -> Relaxing:
    """Predictive coding as ``candidate`` infers."""
    inference = candidate.inference
    assert candidate.rate is not None and inference is not None
    relaxation = Relaxation(
        steps=candidate.steps,
        rate=candidate.rate,
        wavefront=candidate.wavefront,
        variant=inference.variant,
        order=inference.order,
        descent=inference.descent,
        momentum=inference.momentum,
        tolerance=inference.tolerance,
        threshold=inference.threshold,
    )
    return Relaxing(relaxation, Nudging(inference.nudging, inference.beta))


ALGORITHMS: dict[str, Callable[[Candidate], Algorithm]] = {
    "pc": relaxing,
    "ipc": relaxing,
    "z_il": relaxing,
    "fpa": relaxing,
    "epc": relaxing,
    "bp": lambda candidate: BackwardPass(),
}
"""By the word of files, what a candidate asks for."""
