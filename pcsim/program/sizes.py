"""How large is a part of a network? Its channels, and how often its weights are used in one sample.

A part is a piece of a network with a group of tiles of its own: what has weights, or keeps a state. A dense layer is
n_in x n_out weights that one sample uses once. A convolution uses n_in x n_out windows of ``taps`` weights at
``rows_out`` places, a dense map of a sequence its weights for every token. Channels are what a part is cut along, so
everything of a slice is in proportion to its channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """Channels in and out, and for one sample the ``rows`` of values that each has: places of an image, tokens.

    With ``groups`` g, every g-th of the outputs sees a g-th of the inputs. ``weighted``: it has weights; parts
    without are attention's products, which multiply states, and states that no product predicts.
    """

    n_in: int
    n_out: int
    taps: int = 1
    rows_in: int = 1
    rows_out: int = 1
    groups: int = 1
    weighted: bool = True

    @property
    def weights(self) -> int:
        return self.n_in // self.groups * self.n_out * self.taps if self.weighted else 0

    @property
    def words_in(self) -> int:
        """Of the operand of one sample."""
        return self.n_in * self.rows_in

    @property
    def words_out(self) -> int:
        """Of the result of one sample."""
        return self.n_out * self.rows_out

    @property
    def paired(self) -> bool:
        """Whether a slice of outputs needs only its own slice of inputs, so that inputs and outputs are cut as one."""
        return self.groups > 1 or not self.weighted

    def cut(self, inputs: int, outputs: int) -> Sizes:
        """The sizes of a slice of so many inputs and outputs; of paired ones these are whole groups."""
        if self.n_in == inputs and self.n_out == outputs:
            return self
        groups = self.groups * outputs // self.n_out if self.paired else 1
        return replace(self, n_in=inputs, n_out=outputs, groups=groups)
