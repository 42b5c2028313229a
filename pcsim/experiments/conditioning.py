"""How hard is inference in deep networks? The Hessian's condition number over depth, and steps by order.

The activity Hessian of a deep residual network of small scales is nearly the second difference over depth,
whose condition number grows like depth squared. Jacobi pays that in steps; Gauss-Seidel and red-black with
Young's over-relaxation pay its root (Innocenti et al. 2025; Young 1954).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.experiments.drawing import NETWORK_LINES, ORDER_LINES, ORDER_NAMES, plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn
from pcsim.theory import linear
from pcsim.theory.energy import loss
from pcsim.theory.networks import ReferenceNetwork, draw_data, draw_network
from pcsim.theory.relaxation import ORDERS, best_omega, chain_radius, relaxing, steps_until

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DEPTHS = (2, 4, 8, 16, 32, 64)
DEPTHS_RELAXED = (4, 8, 16, 32)
WIDTH, OUTPUTS, SAMPLES, GAP = 32, 10, 16, 0.05
KINDS: dict[str, dict[str, Any]] = {
    "sp": {"parameterisation": "sp", "skips": False},
    "sp with skips": {"parameterisation": "sp", "skips": True},
    "mupc with skips": {"parameterisation": "mupc", "skips": True},
}


def network_of(kind: str, hidden: int) -> ReferenceNetwork:
    return draw_network([WIDTH] * (hidden + 1) + [OUTPUTS], seed=0, **KINDS[kind])


def measure() -> pd.DataFrame:
    """Quantities condition, limit (by network and hidden layers) and steps (by order too), step (used)."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    limits: dict[int, float] = {}
    for kind in KINDS:
        for hidden in DEPTHS:
            spectrum = linear.spectrum(network_of(kind, hidden))
            found = {"condition": spectrum[-1] / spectrum[0], "limit": 2 / spectrum[-1]}
            if kind == "mupc with skips":
                limits[hidden] = found["limit"]
            for quantity, value in found.items():
                rows.append(_row(quantity, kind, hidden, value))
    for hidden in DEPTHS_RELAXED:
        network = network_of("mupc with skips", hidden)
        x, y = draw_data([WIDTH] * (hidden + 1) + [OUTPUTS], SAMPLES, seed=0)
        over = best_omega(chain_radius(network.layers, top="free")) / 2
        for order in ORDERS:
            step = 0.9 * limits[hidden] if order == "jacobi" else over
            needed = steps_until(
                relaxing(network, x, y, order=order, step=step),
                start=loss(network, x, y),
                end=linear.equilibrated_energy(network, x, y),
                gaps=(GAP,),
                most=20_000,
            )[GAP]
            rows.append(_row("step", "mupc with skips", hidden, step, order))
            rows.append(_row("steps", "mupc with skips", hidden, needed or np.nan, order))
    return pd.DataFrame(rows)


def _row(quantity: str, network: str, hidden: int, value: float, order: str = "") -> dict[str, Any]:
    return {
        "quantity": quantity,
        "network": network,
        "order": order,
        "hidden_layers": hidden,
        "value": float(value),
    }


def values(table: pd.DataFrame, quantity: str, network: str, order: str = "") -> pd.Series:
    """Value by hidden layers."""
    rows = table[(table.quantity == quantity) & (table.network == network) & (table.order == order)]
    return rows.set_index("hidden_layers")["value"]


def growth(series: pd.Series) -> float:
    """The power of depth (weight layers) with which a quantity grows."""
    depth = np.log(series.index.to_numpy(dtype=float) + 1)
    return float(np.polyfit(depth, np.log(series.to_numpy()), 1)[0])


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    condition = {kind: values(table, "condition", kind) for kind in KINDS}
    limits = values(table, "limit", "mupc with skips")
    steps = {order: values(table, "steps", "mupc with skips", order) for order in ORDERS}
    powers = {order: growth(found) for order, found in steps.items()}
    deepest = DEPTHS_RELAXED[-1]
    residual = condition["sp with skips"]
    saved = steps["jacobi"][deepest] / steps["gauss_seidel"][deepest]
    mupc = growth(condition["mupc with skips"])
    return (
        Statement(
            "with muPC and skips the condition number grows like depth squared, 28 to 2.3e4 from 2 to 64 "
            "hidden layers with another seed",
            f"power {mupc:.2f}, {condition['mupc with skips'][2]:.3g} to "
            f"{condition['mupc with skips'][64]:.3g}",
            1.7 < mupc < 2.3,
        ),
        Statement(
            "sp with skips grows faster than any power, to 5e7 with another seed; sp without skips stays below 50",
            f"with skips {residual[64]:.2g} at 64 layers, {residual[64] / residual[32]:.0f} times that at 32, "
            f"after {residual[32] / residual[16]:.0f} times from 16 to 32; without {condition['sp'].max():.0f} "
            "at most",
            residual[64] / residual[32] > residual[32] / residual[16] > 4
            and condition["sp"].max() < 50,
        ),
        Statement(
            "muPC's stability limit hardly depends on depth, 0.37 to 0.47 per sample",
            f"{limits.min():.3f} to {limits.max():.3f}",
            limits.min() > 0.37 and limits.max() < 0.47,
        ),
        Statement(
            f"steps to a gap of {GAP:.0%} grow like depth squared with Jacobi, like depth with red-black and "
            "Gauss-Seidel at Young's step",
            "powers " + ", ".join(f"{ORDER_NAMES[o]} {power:.2f}" for o, power in powers.items()),
            powers["jacobi"] > 1.6
            and all(0.6 < powers[order] < 1.4 for order in ("red_black", "gauss_seidel")),
        ),
        Statement(
            f"at {deepest} hidden layers Gauss-Seidel saves more than a factor of 10 in steps",
            f"{steps['jacobi'][deepest]:.0f} against {steps['gauss_seidel'][deepest]:.0f} steps: a factor "
            f"of {saved:.0f}",
            saved > 10,
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """By hidden layers: condition numbers, and steps by order."""
    import pandas as pd

    columns = {
        **{f"condition, {kind}": values(table, "condition", kind) for kind in KINDS},
        **{
            f"steps, {ORDER_NAMES[order]}": values(table, "steps", "mupc with skips", order)
            for order in ORDERS
        },
    }
    return pd.DataFrame(columns).rename_axis("hidden layers").reset_index()


def figure(table: pd.DataFrame) -> str:
    with drawn("conditioning", width_in=8.4, height_in=3.5) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        for kind in KINDS:
            found = values(table, "condition", kind)
            left.plot(found.index, found, label=kind, markersize=4, **NETWORK_LINES[kind])
        _finish(left, DEPTHS, "condition number of the activity Hessian")
        for order in ORDERS:
            found = values(table, "steps", "mupc with skips", order)
            right.plot(
                found.index, found, label=ORDER_NAMES[order], markersize=4, **ORDER_LINES[order]
            )
        _finish(right, DEPTHS_RELAXED, f"steps to a gap of {GAP:.0%}, mupc with skips")
    return drawing.svg


def _finish(axes: Axes, depths: tuple[int, ...], title: str) -> None:
    plain_ticks(axes, list(depths))
    axes.set_yscale("log")
    axes.set_xlabel("hidden layers")
    axes.set_title(title)
    axes.legend(loc="upper left")


EXPERIMENT = Experiment(
    name="conditioning",
    setting=(
        f"Linear networks of width {WIDTH} with {OUTPUTS} outputs (weights of seed 0). Spectra are of the whole "
        f"activity Hessian. Steps count from the feed-forward start until {GAP:.0%} of the way from the loss "
        f"to F* is left, on {SAMPLES} samples of standard normal inputs and targets (seed 0); Jacobi at 0.9 of its "
        "stability limit, the others at half of Young's best relaxation factor for a chain with a free "
        "top, 1 / (1 + sin(pi / (2L - 1)))."
    ),
    caption=(
        "Left: condition number over depth. Right: inference steps over depth, by the order in which layers move."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
