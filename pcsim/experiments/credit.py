"""Which layers learn within T steps, and is it what backpropagation would teach them?

With Jacobi a signal from the output moves one layer per step, with red-black two, with Gauss-Seidel all of
them. At the edge of Jacobi's light cone the gradient is backpropagation's times eta^T; k layers below the output it
is about C(T, k) eta^k times as large, and where that falls below a number format's rounding nothing arrives.
"""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.experiments.drawing import ORDER_NAMES
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn, style
from pcsim.theory.alignment import alignment, credit_depth, light_cone, signal_decay
from pcsim.theory.energy import backpropagated, weight_gradients
from pcsim.theory.networks import draw_data, draw_network
from pcsim.theory.relaxation import ORDERS, Order, relax, relaxing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

LAYERS, WIDTH, OUTPUTS, SAMPLES, STEP, STEPS = 16, 32, 10, 32, 0.3, 16
DEEP, DEEP_WIDTH, DEEP_STEP, DEEP_STEPS, DEEP_SAMPLES = 30, 128, 0.0078, 29, 64
"""The published setting of muPC at 30 layers: eta = 0.5 / 64, T = H."""
OVER_RELAXED = 0.98
"""A step with which Gauss-Seidel gets to equilibrium soonest, once it takes many."""
ALIGNED = 0.9
"""A gradient with at least this cosine counts as pointing where backpropagation's does."""


def measure() -> pd.DataFrame:
    """By part (reach, over-relaxed, decay), order, dtype, steps and layer: cosine and norm ratio to BP's gradient."""
    import pandas as pd

    return pd.DataFrame([*_reach(), *_decay()])


def _reach() -> list[dict[str, Any]]:
    widths = [WIDTH] * LAYERS + [OUTPUTS]
    network = draw_network(widths, seed=0, parameterisation="mupc", skips=True, activation="tanh")
    x, y = draw_data(widths, SAMPLES, seed=0)
    _, reference = backpropagated(network, x, y)
    rows = []
    for order in ORDERS:
        trajectory = islice(relaxing(network, x, y, order=order, step=STEP), STEPS + 1)
        for steps, relaxed in enumerate(trajectory):
            gradients = weight_gradients(network, x, relaxed.states, relaxed.errors)
            rows += _rows(
                gradients, reference, part="reach", order=order, dtype="float64", steps=steps
            )
    over = relax(network, x, y, order="gauss_seidel", step=OVER_RELAXED, steps=1)
    gradients = weight_gradients(network, x, over.states, over.errors)
    return rows + _rows(
        gradients,
        reference,
        part="over-relaxed",
        order="gauss_seidel",
        dtype="float64",
        steps=1,
    )


def _decay() -> list[dict[str, Any]]:
    widths = [DEEP_WIDTH] * DEEP + [OUTPUTS]
    network = draw_network(widths, seed=0, parameterisation="mupc", skips=True, activation="relu")
    x, y = draw_data(widths, DEEP_SAMPLES, seed=0)
    _, reference = backpropagated(network, x, y)
    rows = []
    for dtype in ("float64", "float32"):
        cast = network.astype(dtype), x.astype(dtype), y.astype(dtype)
        relaxed = relax(*cast, order="jacobi", step=DEEP_STEP, steps=DEEP_STEPS)
        gradients = weight_gradients(cast[0], cast[1], relaxed.states, relaxed.errors)
        rows += _rows(
            gradients, reference, part="decay", order="jacobi", dtype=dtype, steps=DEEP_STEPS
        )
    return rows


def _rows(
    gradients: tuple[np.ndarray, ...], reference: tuple[np.ndarray, ...], **of: Any
) -> list[dict[str, Any]]:
    found = alignment(gradients, reference)
    depth = credit_depth(gradients)
    return [
        {**of, "credit_depth": depth, "layer": layer, "cosine": cosine, "norm_ratio": ratio}
        for layer, (cosine, ratio) in enumerate(
            zip(found.cosines, found.norm_ratios, strict=True), 1
        )
    ]


def reach(table: pd.DataFrame, order: Order, *, column: str = "cosine") -> pd.DataFrame:
    """One column by layer (rows) and steps (columns)."""
    rows = table[(table.part == "reach") & (table.order == order)]
    return rows.pivot(index="layer", columns="steps", values=column)


def least(table: pd.DataFrame, order: Order) -> float:
    """The least cosine of a layer that has a gradient."""
    rows = table[(table.part == "reach") & (table.order == order) & (table.norm_ratio > 0)]
    return float(rows.cosine.min())


def decay(table: pd.DataFrame, dtype: str) -> pd.DataFrame:
    """Cosine and norm ratio by k, the layers below the output."""
    rows = table[(table.part == "decay") & (table.dtype == dtype)]
    return rows.assign(below=DEEP - rows.layer).set_index("below").sort_index()


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    depths = {order: reach(table, order, column="credit_depth").iloc[0] for order in ORDERS}
    wrong = sum(
        depths[order][steps] != light_cone(order, layers=LAYERS, steps=steps)
        for order in ORDERS
        for steps in range(STEPS + 1)
    )
    jacobi, seidel = reach(table, "jacobi"), reach(table, "gauss_seidel")
    over = table[table.part == "over-relaxed"].cosine
    ratios = reach(table, "jacobi", column="norm_ratio")
    edge = [(jacobi[t][LAYERS - t], ratios[t][LAYERS - t] / STEP**t) for t in range(LAYERS)]
    off = max(max(abs(cosine - 1), abs(ratio - 1)) for cosine, ratio in edge)
    double, single = decay(table, "float64"), decay(table, "float32")
    laws = [double.norm_ratio[k] / law(k) for k in range(1, 9)]
    aligned = {
        name: int((found.cosine >= ALIGNED).sum())
        for name, found in (("float64", double), ("float32", single))
    }
    reached = int((double.norm_ratio > 0).sum())
    noise = single[(single.cosine < ALIGNED) & (single.norm_ratio > 0)]
    return (
        Statement(
            "after T steps min(L, T + 1) layers have a gradient with Jacobi, min(L, 2T + 1) with "
            "red-black, all with Gauss-Seidel",
            f"{wrong} of {3 * (STEPS + 1)} cases differ",
            wrong == 0,
        ),
        Statement(
            "the lowest layer that Jacobi reaches has BP's gradient times eta^T, whatever the activation",
            f"cosine and ratio are within {off:.0e}, over {LAYERS} values of T",
            off < 1e-6,
        ),
        Statement(
            "inside the light cone gradients point about where BP's do, in every order",
            "the least cosine of any layer within "
            f"{STEPS} steps is "
            + ", ".join(f"{least(table, order):.2f} ({ORDER_NAMES[order]})" for order in ORDERS),
            min(least(table, order) for order in ORDERS) > 0.8,
        ),
        Statement(
            f"one Gauss-Seidel step of {STEP} teaches every layer about what BP does; one of {OVER_RELAXED}, best "
            "when many follow, does not",
            f"median cosines {median(seidel[1]):.3f} and {median(over):.3f}",
            median(seidel[1]) > ALIGNED and median(over) < 0.5,
        ),
        Statement(
            "with the published small step |g_PC| / |g_BP| falls as C(T, k) eta^k",
            f"for k = 1..8 the ratio to that law is {min(laws):.2f} to {max(laws):.2f} (float64, T = {DEEP_STEPS}, "
            f"eta = {DEEP_STEP})",
            min(laws) > 0.5 and max(laws) < 2,
        ),
        Statement(
            "in float32 only about the top 5 of 30 layers have a gradient like BP's, the rest rounding noise "
            "or nothing; float64 reaches further, but not all",
            f"cosine above {ALIGNED}: {aligned['float32']} layers in float32, {aligned['float64']} in "
            f"float64; {len(noise)} layers of noise in float32; {DEEP - reached} layers of the float64 run "
            "have exactly no gradient",
            3 <= aligned["float32"] <= 8 and aligned["float32"] < aligned["float64"] < 20,
        ),
    )


def law(below: int) -> float:
    """C(T, k) eta^k of the deep network."""
    return signal_decay(DEEP_STEPS, below, step=DEEP_STEP)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The deep network, layer by layer from the output down."""
    import pandas as pd

    double, single = decay(table, "float64"), decay(table, "float32")
    below = list(range(14))
    return pd.DataFrame(
        {
            "k below the output": below,
            "C(T, k) eta^k": [law(k) for k in below],
            "norm ratio, float64": double.norm_ratio[below].to_numpy(),
            "norm ratio, float32": single.norm_ratio[below].to_numpy(),
            "cosine, float64": double.cosine[below].to_numpy(),
            "cosine, float32": single.cosine[below].to_numpy(),
        }
    )


def figure(table: pd.DataFrame) -> str:
    with drawn("credit", width_in=9.6, height_in=6.0) as drawing:
        upper, lower = drawing.figure.subfigures(2, 1, height_ratios=(1.1, 1), squeeze=False).flat
        panels = upper.subplots(1, len(ORDERS), sharey=True)
        for axes, order in zip(panels, ORDERS, strict=True):
            mesh = _map(axes, reach(table, order, column="norm_ratio"))
            axes.set_title(ORDER_NAMES[order])
        panels[0].set_ylabel("layer")
        bar = upper.colorbar(mesh, ax=list(panels), pad=0.01)
        bar.set_label("|g_PC| / |g_BP|")
        bar.outline.set_visible(False)
        sizes, cosines = lower.subplots(1, 2)
        _fading(sizes, cosines, table)
    return drawing.svg


def _map(axes: Axes, ratio: pd.DataFrame) -> QuadMesh:
    """Norm ratio by steps and layer; white where there is no gradient."""
    from matplotlib.colors import LogNorm

    mesh = axes.pcolormesh(
        ratio.columns,
        ratio.index,
        np.ma.masked_equal(ratio.to_numpy(), 0),
        cmap="viridis",
        norm=LogNorm(1e-8, 1),
        edgecolors=style.PAPER,
        linewidth=0.4,
    )
    axes.grid(visible=False)
    axes.set_xlabel("inference steps T")
    axes.set_xticks(range(0, STEPS + 1, 4))
    axes.set_yticks([1, 4, 8, 12, 16])
    return mesh


def _fading(sizes: Axes, cosines: Axes, table: pd.DataFrame) -> None:
    lines: dict[str, dict[str, Any]] = {
        "float64": {"color": style.RULE_COLOURS["pc"], "marker": "o"},
        "float32": {"color": "#e69f00", "marker": "s"},
    }
    for dtype, line in lines.items():
        found = decay(table, dtype)
        found = found[found.norm_ratio > 0]
        sizes.plot(found.index, found.norm_ratio, label=dtype, markersize=3.5, **line)
        cosines.plot(found.index, found.cosine, label=dtype, markersize=3.5, **line)
    below = range(DEEP)
    sizes.plot(below, [law(k) for k in below], color=style.INK, lw=1, ls=":", label="C(T, k) ηᵏ")
    sizes.set_yscale("log")
    sizes.set_ylim(1e-22, 10)
    sizes.set_title(f"|g_PC| / |g_BP|, {DEEP} layers, published step")
    cosines.set_title("cosine with BP's gradient")
    for axes in (sizes, cosines):
        axes.set_xlim(-1, DEEP)
        axes.set_xlabel("layers below the output, k")
    sizes.legend(loc="upper right")


EXPERIMENT = Experiment(
    name="credit",
    setting=(
        f"Above: a tanh muPC network with skips, {LAYERS} layers of width {WIDTH}, step {STEP}, in float64. Below: "
        f"relu, {DEEP} layers of width {DEEP_WIDTH}, Jacobi with step {DEEP_STEP} and "
        f"T = {DEEP_STEPS}, in two number formats. Weights of seed 0, standard normal inputs and targets "
        f"of seed 0 ({SAMPLES} and {DEEP_SAMPLES} samples), {OUTPUTS} outputs."
    ),
    caption=(
        "Above: size of each layer's gradient after T steps against backpropagation's, white where "
        "there is no gradient. Below: size and direction of the gradients that there are, from the "
        "output (0) down."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
