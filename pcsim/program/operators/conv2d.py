"""Convolution as a product of windows and filters (im2col).

Its pull gives windows; where these overlap they are added up, and where a stride leaves places between them the
places are filled: one pass over the windows, sample by sample.
"""

from __future__ import annotations

from math import prod

from pcsim.network.operators import Conv2d, Shape
from pcsim.program.kernels import ADD
from pcsim.program.operators.work import PartWork
from pcsim.program.sizes import Sizes


def work(operator: Conv2d, reads: Shape, gives: Shape) -> tuple[PartWork, ...]:
    kernel, stride = operator.kernel, operator.stride
    sizes = Sizes(
        reads[0],
        gives[0],
        taps=kernel**2,
        rows_in=prod(reads[1:]),
        rows_out=prod(gives[1:]),
        groups=operator.groups,
    )
    folds = None
    if kernel > 1 or stride > 1 or operator.padding:
        folds = (ADD,) if kernel > stride else ()
    return (PartWork(sizes, bias=operator.bias, folds=folds),)
