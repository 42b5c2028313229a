"""Which instances belong to which inference step of which micro-batch?

Instance (t - 1) M + m of an operation of phase STEP is step t of micro-batch m of M, so that
micro-batches take turns within a step and what one waits for is hidden behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.program.ops import IN_TURN, Phase, Place, Turn


@dataclass(frozen=True)
class Loop:
    """T inference steps of M micro-batches each."""

    steps: int
    micro_batches: int = 1

    def place(
        self,
        first: int = 1,
        *,
        last: int | None = None,
        turn: Turn = IN_TURN,
        stage: str = "inference",
    ) -> Place:
        """From step ``first`` to step ``last``, the last one unless given."""
        if self.micro_batches > 1:  # All micro-batches do one piece of work, then the next.
            turn = turn._replace(group=self.micro_batches)
        last = self.steps if last is None else last
        begin = (first - 1) * self.micro_batches + 1
        return Place(Phase.STEP, stage, begin, last * self.micro_batches, turn)

    @property
    def back(self) -> int:
        """``Need.back`` of the same micro-batch in the step before."""
        return self.micro_batches

    @property
    def final(self) -> int:
        """``Need.back`` from after the loop to the last step of the same micro-batch."""
        return -(self.steps - 1) * self.micro_batches
