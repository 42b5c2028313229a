"""How do states or errors move? One table, by the words of ``pcsim.network.RULES`` that infer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pcsim.engine.graph.error_optimisation import ErrorRelaxer
from pcsim.engine.graph.fixed_prediction import FixedRelaxer, LevelRelaxer
from pcsim.engine.graph.model import GraphNetwork
from pcsim.engine.graph.relaxer import AlongRelaxer, GraphRelaxer
from pcsim.engine.operators.rounding import Rounding
from pcsim.engine.relaxation import Relaxation

RELAXERS: dict[str, type[GraphRelaxer]] = {
    "pc": GraphRelaxer,
    "ipc": AlongRelaxer,
    "fpa": FixedRelaxer,
    "z_il": LevelRelaxer,
    "epc": ErrorRelaxer,
}
"""By the word of files."""


def relaxer_of(
    network: GraphNetwork,
    weights: Mapping[str, np.ndarray],
    relaxation: Relaxation,
    samples: int,
    rounding: Rounding | None = None,
) -> GraphRelaxer:
    """Room for up to ``samples`` samples of ``network`` that relax by ``relaxation``."""
    return RELAXERS[relaxation.variant](network, weights, relaxation, samples, rounding)
