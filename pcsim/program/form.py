"""How a layer predicts: the elementwise work around its products.

    pre:   p_l = a_l (W_l phi(z_{l-1}) + b_l) + z_{l-1}     the last term where layer l has a skip
    post:  p_l = phi(W_l z_{l-1} + b_l), the last layer linear

phi is the identity on the input. Skips are on layers 2 .. L-1 whose two widths agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.program.kernels import (
    ADD,
    MULTIPLY,
    MULTIPLY_ADD,
    Kernel,
    Primitive,
    activation,
    derivative,
)
from pcsim.program.words import Words


@dataclass(frozen=True)
class Form:
    """What a network's layers have in common. ``scaled``: a_l is not 1 and must be multiplied by."""

    widths: tuple[int, ...]
    phi: str
    loss: str = "mse"
    scaled: bool = False
    bias: bool = False
    skips: bool = False
    post: bool = False

    @property
    def depth(self) -> int:
        """L, the number of weight layers."""
        return len(self.widths) - 1

    def skip(self, layer: int) -> bool:
        """Whether z_{l-1} is added to the prediction of ``layer``."""
        inside = self.skips and 2 <= layer < self.depth
        return inside and self.widths[layer - 1] == self.widths[layer]

    def combine(self, layer: int) -> Kernel:
        """From the summed product of ``layer`` to its prediction, phi of post placement apart."""
        skip = self.skip(layer)
        bias = (ADD,) if self.bias else ()
        if skip:
            return Kernel(
                (*bias, MULTIPLY_ADD if self.scaled else ADD),
                reads=Words(state=2),
                writes=Words(state=1),
            )
        scale = (MULTIPLY,) if self.scaled else ()
        return Kernel((*bias, *scale), reads=Words(state=1), writes=Words(state=1))

    def sends_state(self, layer: int) -> bool:
        """Whether layer l sends z_l, not phi(z_l): phi comes after the next product, or z_l is added."""
        return self.post or (layer < self.depth and self.skip(layer + 1))

    def received_activation(self, layer: int) -> Kernel | None:
        """What the tiles of ``layer`` do with an arriving z_{l-1} before its product, if anything."""
        if layer == 1 or self.post or not self.sends_state(layer - 1) or self.phi == "linear":
            return None
        return Kernel(activation(self.phi), reads=Words(state=1), writes=Words(state=1))

    def sent_activation(self, layer: int) -> tuple[Primitive, ...]:
        """phi where it is applied before z_l is sent up."""
        return () if self.sends_state(layer) else activation(self.phi)

    def predicted_activation(self, layer: int) -> tuple[Primitive, ...]:
        """phi where it belongs to the prediction of ``layer`` itself."""
        return activation(self.phi) if self.post and layer < self.depth else ()

    def slope(self) -> tuple[Primitive, ...]:
        """Multiplication by phi'; nothing for the identity."""
        return () if self.phi == "linear" else (*derivative(self.phi), MULTIPLY)

    def feedback(self, layer: int) -> Kernel | None:
        """What is done to the summed feedback of ``layer`` before it is sent down.

        A skip's share of the gradient, e_l, must stay apart from phi'(z_{l-1}) a_l W_l^T e_l, so the tiles
        of layer l, which hold z_{l-1}, apply phi' and a_l themselves and add e_l.
        """
        if not self.skip(layer):
            return None
        scale = (MULTIPLY,) if self.scaled else ()
        primitives = (*self.slope(), *scale, ADD)
        return Kernel(primitives, reads=Words(state=1, error=2), writes=Words(error=1))

    def received_slope(self, layer: int) -> tuple[Primitive, ...]:
        """What layer l multiplies arriving feedback by, where its sender has not done so."""
        above = layer + 1
        if self.skip(above):
            return ()
        scale = (MULTIPLY,) if self.scaled else ()
        return scale if self.post else (*self.slope(), *scale)
