"""The states of one batch in motion: scratch and kernels for any way to relax.

Importing this module imports numba, and compiles nothing that a run does not use.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pcsim.engine.kernels import layout
from pcsim.engine.kernels import predictive_coding as pc
from pcsim.engine.kernels.arithmetic import Arithmetic
from pcsim.engine.kernels.layout import Batch, Block, Shape
from pcsim.engine.network import DenseNetwork
from pcsim.engine.relaxation import Relaxation
from pcsim.network import RULES


class Relaxer:
    """Relaxes blocks of up to ``columns`` samples, one after the other.

    Of each: ``start``, then ``relax`` as often as wanted, then ``finish``. In an ``arithmetic`` of the
    hardware a batch is one block, so that its tensors, which may share a scale, are those of the chip.
    """

    def __init__(
        self,
        network: DenseNetwork,
        relaxation: Relaxation,
        samples: int,
        arithmetic: Arithmetic | None = None,
    ) -> None:
        self.network, self.relaxation, self.arithmetic = network, relaxation, arithmetic
        blocks = relaxation.in_blocks and arithmetic is None
        self.columns = layout.block_columns(network, samples) if blocks else samples
        self.shape: Shape = layout.shape_of(network)
        self.block: Block = layout.new_block(network, self.columns)
        self.heard = self.block
        if relaxation.threshold > 0:
            known = {name: np.zeros_like(self.block.z) for name in ("a", "z", "d")}
            self.heard = self.block._replace(**known)
        self.motion = layout.new_motion(network, self.columns)
        self.back = self.block.pull
        if RULES[relaxation.variant].free_errors:
            self.back = np.zeros_like(self.block.z)

    def start(
        self,
        weights: np.ndarray,
        batch: Batch,
        begin: int,
        columns: int,
        *,
        beta: float | None = None,
    ) -> None:
        """Samples begin..begin+columns of ``batch`` at their feed-forward state; ``beta`` nudges."""
        pc.start_block(self.shape, weights, batch, begin, columns, self.block, self.arithmetic)
        if beta is not None:
            from pcsim.engine.kernels.relaxation import nudge

            nudge(self.shape, self.block, columns, beta, self.arithmetic)
        for moments in (self.motion.first, self.motion.second):
            moments[:] = 0
        if self.heard is not self.block:
            for name in ("a", "z", "d"):
                getattr(self.heard, name)[:] = getattr(self.block, name)

    def relax(self, weights: np.ndarray, columns: int, *, done: int, steps: int) -> int:
        """Up to ``steps`` steps after ``done``; returns how many were made before the batch settled."""
        how = self.relaxation
        inference = layout.Inference(self.columns, done, steps, float(how.rate), how.wavefront)
        return STEPPING[how.variant](self, weights, columns, inference)

    def step_together(self, weights: np.ndarray, *, done: int) -> None:
        """ipc: move the states of the whole batch, whose errors ``finish`` has copied before."""
        from pcsim.engine.kernels.incremental import move_states

        how = self.relaxation
        inference = layout.Inference(self.columns, done, 1, float(how.rate), False)
        move_states(self.shape, weights, self.block, self.columns, inference, self.arithmetic)

    def predict_again(self, weights: np.ndarray, batch: Batch) -> None:
        """ipc: predictions and errors of the moved states by the new weights."""
        from pcsim.engine.kernels.incremental import predict_again

        predict_again(self.shape, weights, batch.x, self.block, self.columns, self.arithmetic)

    def finish(self, batch: Batch, begin: int, columns: int) -> None:
        """Copy what the weight update reads to ``batch``: activities as the layer above heard them."""
        learnt = self.block._replace(a=self.heard.a)
        pc.finish_block(self.shape, batch, begin, columns, learnt)

    def energies(self, columns: int) -> list[float]:
        """F of the block's samples by layer 1..L, summed over them."""
        layers = range(1, self.network.layers + 1)
        return [pc.layer_energy(self.shape, self.block, columns, layer) for layer in layers]

    def total_energy(self, columns: int) -> float:
        """The sum of ``energies``, rounded as the kernels do that decide whether a batch has settled."""
        return float(pc.total_energy(self.shape, self.block, columns))

    def take_sent(self) -> np.ndarray:
        """(2, L): elements of states and of errors that each layer has told since this was last asked."""
        sent = self.motion.sent[:, 1:].copy()
        self.motion.sent[:] = 0
        return sent


def _states(
    relaxer: Relaxer, weights: np.ndarray, columns: int, inference: layout.Inference
) -> int:
    """pc: states move; in the plain way by kernels of its own."""
    how = relaxer.relaxation
    if how.plain:
        pc.relax(relaxer.shape, weights, relaxer.block, columns, inference, relaxer.arithmetic)
        return inference.steps
    from pcsim.engine.kernels.relaxation import relax_otherwise

    descent = layout.descent_of(
        how.order,
        how.descent,
        momentum=how.momentum,
        tolerance=how.tolerance,
        threshold=how.threshold,
    )
    return int(
        relax_otherwise(
            relaxer.shape,
            weights,
            relaxer.block,
            relaxer.heard,
            relaxer.motion,
            columns,
            inference,
            descent,
            relaxer.arithmetic,
        )
    )


def _errors(
    relaxer: Relaxer, weights: np.ndarray, columns: int, inference: layout.Inference
) -> int:
    """epc: errors move, and states follow."""
    from pcsim.engine.kernels.error_optimisation import relax_errors

    relax_errors(
        relaxer.shape, weights, relaxer.block, relaxer.back, columns, inference, relaxer.arithmetic
    )
    return inference.steps


def _fixed(relaxer: Relaxer, weights: np.ndarray, columns: int, inference: layout.Inference) -> int:
    """fpa and z_il: states move around the predictions of the feed-forward pass."""
    from pcsim.engine.kernels.fixed_prediction import relax_fixed

    one_by_one = RULES[relaxer.relaxation.variant].step_per_node
    relax_fixed(
        relaxer.shape, weights, relaxer.block, columns, inference, one_by_one, relaxer.arithmetic
    )
    return inference.steps


STEPPING: dict[str, Callable[[Relaxer, np.ndarray, int, layout.Inference], int]] = {
    "pc": _states,
    "epc": _errors,
    "fpa": _fixed,
    "z_il": _fixed,
}
"""How states or errors move, by the word of files; ipc moves with its weights (``step_together``)."""
