"""What the figures of experiments share: a colour and a mark per order and per kind of network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDER_NAMES = {"jacobi": "Jacobi", "red_black": "red-black", "gauss_seidel": "Gauss-Seidel"}
ORDER_LINES: dict[str, dict[str, Any]] = {
    "jacobi": {"color": "#d55e00", "marker": "o", "linestyle": "-"},
    "red_black": {"color": "#a6417f", "marker": "x", "linestyle": (0, (5, 2))},
    "gauss_seidel": {"color": "#009e73", "marker": "s", "linestyle": "-"},
}
NETWORK_LINES: dict[str, dict[str, Any]] = {
    "sp": {"color": "#56b4e9", "marker": "^", "linestyle": "-"},
    "sp with skips": {"color": "#e69f00", "marker": "v", "linestyle": "-"},
    "mupc with skips": {"color": "#0072b2", "marker": "o", "linestyle": "-"},
}


def plain_ticks(axes: Axes, values: list[int]) -> None:
    """Ticks of a logarithmic horizontal axis at ``values``, written as whole numbers."""
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(values, [f"{value:,}" for value in values])
