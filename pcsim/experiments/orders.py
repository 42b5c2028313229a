"""How far is a 128-layer network from equilibrium after T steps, by the order in which its layers move?

The gap to F* is 1 at the feed-forward start and 0 at equilibrium. Over-relaxation carries a signal
through all layers in about as many steps as there are; its best step lies between 1 / (1 + sin(pi / L)) and
1 / (1 + sin(pi / (2L - 1))), for a top layer that is held and one that is free.
"""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any

from pcsim.experiments.drawing import ORDER_LINES, ORDER_NAMES
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn, style
from pcsim.theory import linear
from pcsim.theory.alignment import alignment
from pcsim.theory.energy import loss, weight_gradients
from pcsim.theory.networks import draw_data, draw_network
from pcsim.theory.relaxation import (
    ORDERS,
    Order,
    best_omega,
    chain_radius,
    chain_steps_in_slots,
    gap,
    relaxing,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS, WIDTH, OUTPUTS, SAMPLES = 128, 32, 10, 16
SWEEP = LAYERS - 1
FOLLOWED: dict[Order, tuple[float, int]] = {
    "jacobi": (0.45, 2000),
    "red_black": (0.99, 256),
    "gauss_seidel": (0.99, 256),
}
"""The step of each order, and for how many steps it is followed."""
TRIED: dict[Order, tuple[float, ...]] = {
    "jacobi": (0.25, 0.35, 0.45),
    "red_black": (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99),
    "gauss_seidel": (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 1.0),
}
"""The steps after which the gap is compared once ``SWEEP`` inference steps are done."""


def measure() -> pd.DataFrame:
    """The gap by order, step and steps; cosine: the layers' median, of gradients with equilibrium's."""
    import pandas as pd

    widths = [WIDTH] * LAYERS + [OUTPUTS]
    network = draw_network(widths, seed=0, parameterisation="mupc", skips=True)
    x, y = draw_data(widths, SAMPLES, seed=0)
    start, end = loss(network, x, y), linear.equilibrated_energy(network, x, y)
    reference = linear.equilibrated_gradients(network, x, y)
    rows: list[dict[str, Any]] = []
    for order in ORDERS:
        for step in sorted({*TRIED[order], FOLLOWED[order][0]}):
            follow, steps = FOLLOWED[order] if step == FOLLOWED[order][0] else (None, SWEEP)
            trajectory = islice(relaxing(network, x, y, order=order, step=step), steps + 1)
            for t, relaxed in enumerate(trajectory):
                if t != SWEEP and (follow is None or not kept(t)):
                    continue
                gradients = weight_gradients(network, x, relaxed.states, relaxed.errors)
                rows.append(
                    {
                        "order": order,
                        "step": step,
                        "steps": t,
                        "slots": chain_steps_in_slots(order, LAYERS, t),
                        "gap": gap(relaxed.energy, start=start, end=end),
                        "cosine": median(alignment(gradients, reference).cosines),
                    }
                )
    return pd.DataFrame(rows)


def kept(steps: int) -> bool:
    """Whether a followed order is looked at after ``steps``: often at first, then ever more rarely."""
    return steps <= 16 or steps in (SWEEP, 500, 2000) or steps % 2 ** (steps.bit_length() - 4) == 0


def followed(table: pd.DataFrame, order: Order) -> pd.DataFrame:
    """The rows of an order at the step with which it is followed, by steps."""
    rows = table[(table.order == order) & (table.step == FOLLOWED[order][0])]
    return rows.set_index("steps")


def after_sweep(table: pd.DataFrame, order: Order) -> pd.Series:
    """The gap after ``SWEEP`` steps, by step."""
    rows = table[(table.order == order) & (table.steps == SWEEP)]
    return rows.set_index("step")["gap"]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    low, high = best_steps()
    jacobi, black, seidel = (
        followed(table, order) for order in ("jacobi", "red_black", "gauss_seidel")
    )
    scan = after_sweep(table, "gauss_seidel")
    best = min(TRIED["gauss_seidel"], key=lambda step: scan[step])
    return (
        Statement(
            "Jacobi needs steps like depth squared: after as many as there are hidden layers most of "
            "the way is left (0.72, 0.53, 0.30 of it after 127, 500, 2000 with another seed)",
            ", ".join(f"{jacobi.gap[t]:.2f} after {t}" for t in (SWEEP, 500, 2000)),
            jacobi.gap[SWEEP] > 0.5 and jacobi.gap[2000] > 0.15,
        ),
        Statement(
            "red-black and Gauss-Seidel at 0.99 need steps like depth (0.041 and 0.037 after 127, 0.0052 and "
            "0.0050 after 256 with another seed)",
            f"{black.gap[SWEEP]:.3f} and {seidel.gap[SWEEP]:.3f} after {SWEEP}, {black.gap[256]:.4f} and "
            f"{seidel.gap[256]:.4f} after 256",
            max(black.gap[SWEEP], seidel.gap[SWEEP]) < 0.1
            and max(black.gap[256], seidel.gap[256]) < 0.01,
        ),
        Statement(
            f"the best step lies between {low:.3f} and {high:.3f}, and inference diverges at 1",
            f"of those tried {best:g} is best after {SWEEP} steps; at 1 the gap is {scan[1.0]:.3g}",
            low - 0.01 < best < high + 0.005 and scan[1.0] > 1,
        ),
        Statement(
            f"after {SWEEP} steps Gauss-Seidel's gradients point where those at equilibrium do, Jacobi's do not "
            "(median cosines 0.88 and 0.13 with another seed)",
            f"median cosines {seidel.cosine[SWEEP]:.3f} and {jacobi.cosine[SWEEP]:.3f}",
            seidel.cosine[SWEEP] > 0.8 and jacobi.cosine[SWEEP] < 0.3,
        ),
        Statement(
            f"with a tile per layer {SWEEP} steps take about as long in either order (L + 2T + 1 and "
            "2L + 2T - 1 products one after another)",
            f"{jacobi.slots[SWEEP]} with Jacobi, {seidel.slots[SWEEP]} with Gauss-Seidel, "
            f"{black.slots[SWEEP]} with red-black",
            seidel.slots[SWEEP] < 1.5 * jacobi.slots[SWEEP],
        ),
    )


def best_steps() -> tuple[float, float]:
    """Half of Young's relaxation factor for a chain whose top is held, and whose top is free."""
    held, free = chain_radius(LAYERS, top="clamped"), chain_radius(LAYERS, top="free")
    return best_omega(held) / 2, best_omega(free) / 2


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Each order at its step, after some steps."""
    import pandas as pd

    at = {"jacobi": (32, SWEEP, 500, 2000), "red_black": (32, SWEEP, 256)}
    chosen = pd.concat(
        followed(table, order).loc[list(at.get(order, at["red_black"]))].reset_index()
        for order in ORDERS
    )[["order", "step", "steps", "slots", "gap", "cosine"]]
    return chosen.assign(order=chosen.order.map(ORDER_NAMES))


def figure(table: pd.DataFrame) -> str:
    with drawn("orders", width_in=8.4, height_in=3.6) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        _steps(left, table)
        _scan(right, table)
    return drawing.svg


def _steps(axes: Axes, table: pd.DataFrame) -> None:
    for order in ORDERS:
        rows = followed(table, order).loc[1:]
        line = {**ORDER_LINES[order], "marker": ""}
        name = f"{ORDER_NAMES[order]}, step {FOLLOWED[order][0]:g}"
        axes.plot(rows.index, rows.gap, label=name, **line)
    axes.axvline(SWEEP, color=style.MUTED, lw=1, ls=":")
    axes.annotate(
        f"{SWEEP}",
        (SWEEP, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -9),
        textcoords="offset points",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(left=1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_title("gap to equilibrium")
    axes.set_xlabel("inference steps T")
    axes.legend(loc="lower left")


def _scan(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    for order in ORDERS:
        found = after_sweep(table, order)
        shown = found[found < 2]
        axes.plot(shown.index, shown, label=ORDER_NAMES[order], markersize=4, **ORDER_LINES[order])
    low, high = best_steps()
    axes.axvspan(low, high, color=style.GRID, label="Young's best step")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title(f"gap after {SWEEP} steps")
    axes.set_xlabel("step per sample")
    axes.legend(loc="lower left")


EXPERIMENT = Experiment(
    name="orders",
    setting=(
        f"A linear muPC network with skips, {LAYERS} weight layers of width {WIDTH}, {OUTPUTS} outputs (weights "
        f"of seed 0), {SAMPLES} samples of standard normal inputs and targets (seed 0), from the feed-forward "
        "start. F* is known in closed form. Slots count products one after "
        "another in one update, with a tile per layer."
    ),
    caption=(
        f"Left: share of the way to equilibrium that is left after T steps. Right: the same after {SWEEP} steps, "
        "over the step; grey where theory has the best one for Gauss-Seidel and red-black."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
