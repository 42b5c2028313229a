"""Which operators are there? One table; the engine and the program have one of the same names each.

A file of your own adds to it: ``OPERATORS[MyOperator.name] = MyOperator`` (docs/operators.md).
"""

from __future__ import annotations

from pcsim.network.operators.attention import PROJECTIONS as PROJECTIONS
from pcsim.network.operators.attention import Attention as Attention
from pcsim.network.operators.conv2d import Conv2d as Conv2d
from pcsim.network.operators.dense import Dense as Dense
from pcsim.network.operators.norms import LayerNorm as LayerNorm
from pcsim.network.operators.norms import RmsNorm as RmsNorm
from pcsim.network.operators.operator import AttributeProblem as AttributeProblem
from pcsim.network.operators.operator import Operator as Operator
from pcsim.network.operators.operator import Shape as Shape
from pcsim.network.operators.operator import ShapeError as ShapeError
from pcsim.network.operators.operator import shape_text as shape_text
from pcsim.network.operators.operator import size as size
from pcsim.network.operators.pointwise import Activation as Activation
from pcsim.network.operators.pointwise import Gelu as Gelu
from pcsim.network.operators.pointwise import HardTanh as HardTanh
from pcsim.network.operators.pointwise import LeakyRelu as LeakyRelu
from pcsim.network.operators.pointwise import Position as Position
from pcsim.network.operators.pointwise import Relu as Relu
from pcsim.network.operators.pointwise import Scale as Scale
from pcsim.network.operators.pointwise import Sigmoid as Sigmoid
from pcsim.network.operators.pointwise import Silu as Silu
from pcsim.network.operators.pointwise import Tanh as Tanh
from pcsim.network.operators.pools import AvgPool as AvgPool
from pcsim.network.operators.pools import GlobalAvgPool as GlobalAvgPool
from pcsim.network.operators.pools import MaxPool as MaxPool
from pcsim.network.operators.pools import MeanTokens as MeanTokens
from pcsim.network.operators.reshapes import Flatten as Flatten
from pcsim.network.operators.reshapes import Patches as Patches
from pcsim.network.operators.reshapes import Tokens as Tokens

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator
    for operator in (
        Dense,
        Conv2d,
        MaxPool,
        AvgPool,
        GlobalAvgPool,
        MeanTokens,
        LayerNorm,
        RmsNorm,
        Attention,
        Relu,
        LeakyRelu,
        Tanh,
        Sigmoid,
        Silu,
        Gelu,
        HardTanh,
        Scale,
        Position,
        Flatten,
        Tokens,
        Patches,
    )
}
"""Every operator by the word of files."""
