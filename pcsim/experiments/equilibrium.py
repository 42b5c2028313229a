"""Where does inference end? F falls to the closed form F*, its layers to theirs, and F* has no flat saddle.

At zero weights the loss of an L-layer network is flat to order L: a small step s of the weights changes it
by s^L. F* falls by s^2/2 mean |W_L^T y|^2 instead: what inference adds makes the saddle strict (Innocenti,
Achour, Singh, Buckley 2024).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.experiments.drawing import NETWORK_LINES
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn, style
from pcsim.theory import linear
from pcsim.theory.energy import feed_forward, layer_energies, loss
from pcsim.theory.networks import ReferenceNetwork, draw_data, draw_network
from pcsim.theory.relaxation import relaxing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTHS = (16, *[16] * 5, 8)
LAYERS = len(WIDTHS) - 1
NETWORKS = {
    "sp": draw_network(WIDTHS, seed=0),
    "mupc with skips": draw_network(WIDTHS, seed=0, parameterisation="mupc", skips=True),
}
SAMPLES, STEP, STEPS = 64, 0.3, 1000
SIZES = np.logspace(-2, -0.5, 7)
SHADES = ("#9ecae1", "#4292c6", "#2171b5", "#08519c", "#08306b", "#041a3d")
"""Of the layers, from the output down."""


def measure() -> pd.DataFrame:
    """Quantities gap (at: step), energy (at: step, -1 for the closed form), and two changes (at: s)."""
    import pandas as pd

    x, y = draw_data(WIDTHS, SAMPLES, seed=0)
    rows: list[dict[str, Any]] = []

    def add(quantity: str, network: str, at: float, value: float, layer: int = 0) -> None:
        rows.append(
            {"quantity": quantity, "network": network, "at": at, "layer": layer, "value": value}
        )

    for name, network in NETWORKS.items():
        start, end = loss(network, x, y), linear.equilibrated_energy(network, x, y)
        add("loss", name, 0, start)
        add("equilibrated energy", name, -1, end)
        trajectory = islice(relaxing(network, x, y, order="jacobi", step=STEP), STEPS + 1)
        for step, relaxed in enumerate(trajectory):
            add("gap", name, step, (relaxed.energy - end) / (start - end))
            for layer, share in enumerate(relaxed.energies, 1):
                add("energy", name, step, float(share), layer)
        closed = layer_energies(linear.equilibrium_errors(network, x, y))
        for layer, share in enumerate(closed, 1):
            add("energy", name, -1, float(share), layer)
    way = NETWORKS["sp"]
    nothing = 0.5 * float(np.vdot(y, y)) / len(y)  # Loss and F* at zero weights.
    for size in SIZES:
        weights = tuple(size * matrix for matrix in way.weights)
        near = ReferenceNetwork(weights, way.scales, way.skips)
        output = feed_forward(near, x)[1]
        # The difference of two losses would be lost in rounding: s^6 is 1e-12.
        changed = float(np.vdot(0.5 * output - y, output)) / len(y)
        add("change of loss", "sp", size, abs(changed))
        add("change of F*", "sp", size, nothing - linear.equilibrated_energy(near, x, y))
        pull = y @ way.weights[-1]
        law = 0.5 * size**2 * float(np.vdot(pull, pull)) / len(y)
        add("law of F*", "sp", size, law)
    return pd.DataFrame(rows)


def values(
    table: pd.DataFrame, quantity: str, network: str = "sp"
) -> tuple[np.ndarray, np.ndarray]:
    """(at, value) of one quantity that has no layers."""
    rows = table[(table.quantity == quantity) & (table.network == network)]
    return rows["at"].to_numpy(), rows["value"].to_numpy()


def energies(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """Energy by step (rows, -1 the closed form) and layer (columns)."""
    rows = table[(table.quantity == "energy") & (table.network == network)]
    return rows.pivot(index="at", columns="layer", values="value")


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    gaps = {name: values(table, "gap", name)[1] for name in NETWORKS}
    by_layer = energies(table, "sp")
    closed, last, first = by_layer.loc[-1], by_layer.loc[STEPS], by_layer.loc[0]
    difference = float(np.abs(last.to_numpy() / closed.to_numpy() - 1).max())
    ends = {name: values(table, "equilibrated energy", name)[1][0] for name in NETWORKS}
    starts = {name: values(table, "loss", name)[1][0] for name in NETWORKS}
    orders = {
        what: float(
            np.polyfit(np.log(SIZES[:4]), np.log(values(table, f"change of {what}")[1][:4]), 1)[0]
        )
        for what in ("loss", "F*")
    }
    nearest = values(table, "change of F*")[1][0] / values(table, "law of F*")[1][0]
    return (
        Statement(
            f"F falls in every step, to the closed form F* (gap below 1e-9 after {STEPS} steps, sp)",
            "the gap is "
            + " and ".join(f"{abs(gap[-1]):.1e} ({name})" for name, gap in gaps.items()),
            all(bool((np.diff(gap) < 1e-12).all()) for gap in gaps.values())
            and abs(gaps["sp"][-1]) < 1e-9,
        ),
        Statement(
            "at the start all energy is the output layer's, F = BP's loss; at the end each layer has the "
            "share that its closed form P_{l+1}^T S^-1 r gives",
            f"below the output the start has {first.iloc[:-1].sum():.1e}; shares at the end differ "
            f"from the closed form by at most {difference:.0e} of themselves",
            bool(first.iloc[:-1].sum() == 0) and difference < 1e-6,
        ),
        Statement(
            "inference lowers the energy below the loss, 0 < F* < loss",
            ", ".join(f"{name}: F* = {ends[name] / starts[name]:.3f} of the loss" for name in ends),
            all(0 < ends[name] < starts[name] for name in ends),
        ),
        Statement(
            f"near zero weights the loss moves by s^{LAYERS} and F* falls by s^2/2 mean |W_L^T y|^2",
            f"fitted powers {orders['loss']:.2f} and {orders['F*']:.2f}; at s = {SIZES[0]:g} F* falls by "
            f"{nearest:.4f} of that law",
            abs(orders["loss"] - LAYERS) < 0.1
            and abs(orders["F*"] - 2) < 0.1
            and abs(nearest - 1) < 0.01,
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Gap to F* after some steps, per network."""
    import pandas as pd

    at = [0, 1, 3, 10, 30, 100, 300, 1000]
    return pd.DataFrame(
        {
            "steps": at,
            **{f"gap, {name}": values(table, "gap", name)[1][at] for name in NETWORKS},
        }
    )


def figure(table: pd.DataFrame) -> str:
    with drawn("equilibrium", width_in=9.6, height_in=3.3) as drawing:
        left, middle, right = drawing.figure.subplots(1, 3)
        _gaps(left, table)
        _layers(middle, table)
        _saddle(right, table)
    return drawing.svg


def _gaps(axes: Axes, table: pd.DataFrame) -> None:
    for name in NETWORKS:
        at, gaps = values(table, "gap", name)
        line = NETWORK_LINES[name]
        axes.plot(at, gaps, label=name, color=line["color"], linestyle=line["linestyle"])
    axes.set_yscale("log")
    axes.set_xlim(0, 300)
    axes.set_ylim(1e-12, 2)
    axes.set_title("way to equilibrium")
    axes.set_xlabel("inference steps")
    axes.set_ylabel("(F - F*) / (loss - F*)")
    axes.legend(loc="upper right")


def _layers(axes: Axes, table: pd.DataFrame) -> None:
    by_layer = energies(table, "sp")
    shown = by_layer.loc[0:60]
    layers = list(reversed(shown.columns))
    axes.stackplot(
        shown.index,
        [shown[layer] for layer in layers],
        colors=SHADES,
        labels=[f"layer {layer}" for layer in layers],
        edgecolor=style.PAPER,
        linewidth=0.5,
    )
    end = float(by_layer.loc[-1].to_numpy().sum())
    axes.axhline(end, color=style.INK, lw=1, ls=":")
    axes.annotate("F*", (60, end), xytext=(-3, 3), textcoords="offset points", ha="right")
    axes.set_xlim(0, 60)
    axes.set_title("energy by layer, sp")
    axes.set_xlabel("inference steps")
    axes.set_ylabel("F")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[2::-1], [*labels[2:0:-1], "output"], loc="lower center", ncols=3, handlelength=1.2
    )


def _saddle(axes: Axes, table: pd.DataFrame) -> None:
    for what, colour, mark in (
        ("F*", style.RULE_COLOURS["pc"], "o"),
        ("loss", style.RULE_COLOURS["bp"], "s"),
    ):
        at, drops = values(table, f"change of {what}")
        axes.plot(at, drops, color=colour, marker=mark, markersize=4, label=f"change of {what}")
    at, law = values(table, "law of F*")
    axes.plot(at, law, color=style.INK, lw=1, ls=":", label=r"$s^2/2$ mean $|W_L^T y|^2$")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title("leaving the saddle at zero weights")
    axes.set_xlabel("size s of the weights")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    name="equilibrium",
    setting=(
        f"Linear networks {'-'.join(map(str, WIDTHS))} (weights of seed 0), {SAMPLES} samples of standard normal "
        f"inputs and targets (seed 0), Jacobi inference with step {STEP} from the feed-forward start; "
        "F* and the energy of each layer there also in closed form, without any inference. For the "
        "saddle the weights of the sp network are scaled by s."
    ),
    caption=(
        "Left: how much of the way from the loss to F* is left. Middle: F by layer, the output's at the "
        "bottom, each layer upon the one above it. Right: how loss and F* change when the weights leave zero."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
