"""epc: the errors are free, z = p + e follows, and e moves along e - g, where g is what backpropagation brings."""

from __future__ import annotations

import numpy as np

from pcsim.engine.graph.relaxer import GraphRelaxer
from pcsim.engine.graph.rounded_prediction import TensorAtStep
from pcsim.engine.graph.steps import descend
from pcsim.engine.kernels.arithmetic import READ_PULL, STATE, STEEP_PULL


class ErrorRelaxer(GraphRelaxer):
    """epc: errors move, and values follow."""

    open_sums, waits = True, False

    def move_once(self) -> None:
        """epc: a backward pass that moves the errors, and a forward pass that the values follow."""
        rate = float(self.relaxation.rate)
        told = {self.output: self.predictions[self.output - 1].behind(self.e[self.output])}
        for node in reversed(self.graph.hidden):
            number = node.number
            if self.rounding is None:
                pulled = self._pull(number, told)
            else:
                pulled, _ = self._pull_rounded(number, told, int(STEEP_PULL))
                self.rounded[number - 1].errand.told = TensorAtStep(
                    int(READ_PULL), self.rounding.step
                )
            assert pulled is not None  # Every hidden node is read.
            told[number] = self.predictions[number - 1].behind(pulled)
            e = self.e[number].reshape(-1)
            descend(rate, e, pulled.reshape(-1), e)
        self.follow_errors()

    def follow_errors(self) -> None:
        """z = p + e of all hidden nodes, in order, and the output's error."""
        moved: set[int] = set()
        for prediction in self.predictions:
            number = prediction.node.number
            self.p[number] = prediction.predict(self.read, moved)
            if number != self.output:
                if self.rounding is not None:
                    self._written(number)
                np.add(self.p[number], self.e[number], out=self.z[number])
                if self.rounding is not None:
                    self.rounding.state(self.z[number], int(STATE), number)
                moved.add(number)
        self._meet_target()
