"""What does an order of layers cost until inference is near equilibrium: time, products, tiles?

How many steps an order needs is measured on a deep residual network; what so many steps take is simulated.
Orders do the same products per step. With a tile per layer Jacobi and red-black take L + 2T + 1 slots, Gauss-Seidel
2L + 2T - 1, of which 2L are what BP takes. Skewed visits are Jacobi's, in an order for a tile that holds few
layers at a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pcsim.experiments.drawing import ORDER_LINES, ORDER_NAMES, plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.slots import WIDTH, chip, slots, uniform
from pcsim.program import Options, Program, backpropagation, predictive_coding
from pcsim.program.ordered import ordered_predictive_coding
from pcsim.program.visits import Visits
from pcsim.report import drawn, style
from pcsim.theory import linear
from pcsim.theory.critical_path import gauss_seidel_slots, jacobi_slots, red_black_slots
from pcsim.theory.energy import loss
from pcsim.theory.networks import draw_data, draw_network
from pcsim.theory.relaxation import (
    ORDERS,
    Order,
    best_omega,
    chain_radius,
    relaxing,
    steps_until,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS, WINDOW = 17, 4
GAPS = (0.5, 0.2, 0.1, 0.05, 0.02)
GAP = 0.05
HALF = (LAYERS + 1) // 2
TILES = (LAYERS, HALF, 6, 5, 3, 2, 1)
SHORT_STEPS = (1, 2, 4, 8)
SEIDEL, BLACK, JACOBI, SKEWED, BP = "gauss_seidel", "red_black", "jacobi", "skewed", "bp"
NAMES = {**ORDER_NAMES, SKEWED: f"Jacobi, skewed by {WINDOW}", BP: "BP"}
LINES: dict[str, dict[str, Any]] = {
    **ORDER_LINES,
    SKEWED: {"color": "#e69f00", "marker": "^", "linestyle": ":"},
    BP: {"color": style.INK, "marker": "", "linestyle": style.RULE_LINES["bp"]},
}


def measure() -> pd.DataFrame:
    """Slots and multiply-accumulates of an update by way, gap aimed at, steps and tiles (gap 1: given steps)."""
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(way: str, gap: float, steps: int, tiles: int) -> None:
        program = program_of(way, steps)
        rows.append(
            {
                "way": way,
                "gap": gap,
                "steps": steps,
                "tiles": tiles,
                "slots": slots(program, chip(f"tiles.mesh=[1, {tiles}]")),
                "macs": sum(program.macs().values()),
            }
        )

    for tiles in TILES:
        add(BP, 1, 0, tiles)
    for order, needed in steps_needed().items():
        for way in (JACOBI, SKEWED) if order == JACOBI else (order,):
            for gap in GAPS:
                for tiles in TILES if gap == GAP else (LAYERS,):
                    add(way, gap, needed[gap], tiles)
    for steps in SHORT_STEPS:
        add(SEIDEL, 1, steps, LAYERS)
    return pd.DataFrame(rows)


def steps_needed() -> dict[Order, dict[float, int]]:
    """After how many steps each order is at each gap, Jacobi at 0.9 of its limit, the others at Young's step."""
    widths = [WIDTH] * (LAYERS + 1)
    network = draw_network(widths, seed=0, parameterisation="mupc", skips=True)
    x, y = draw_data(widths, WIDTH, seed=0)
    limit = 2 / linear.spectrum(network)[-1]
    over = best_omega(chain_radius(LAYERS, top="free")) / 2
    found: dict[Order, dict[float, int]] = {}
    for order in ORDERS:
        steps = steps_until(
            relaxing(network, x, y, order=order, step=0.9 * limit if order == JACOBI else over),
            start=loss(network, x, y),
            end=linear.equilibrated_energy(network, x, y),
            gaps=GAPS,
            most=2000,
        )
        reached = {gap: count for gap, count in steps.items() if count is not None}
        assert len(reached) == len(GAPS), f"{order} is not at {min(GAPS)} after 2000 steps"
        found[order] = reached
    return found


def program_of(way: str, steps: int) -> Program:
    """An update of the network of equal products that has as many layers."""
    network = uniform(LAYERS)
    options = Options(WIDTH, steps, "sgd", wavefront=False)
    if way == BP:
        return backpropagation(network, "mse", batch=WIDTH, optimiser="sgd")
    if way == JACOBI:
        return predictive_coding(network, "mse", options)
    if way == SKEWED:
        return predictive_coding(network, "mse", replace(options, visits=Visits(WINDOW)))
    return ordered_predictive_coding(network, "mse", options, order=way)


def by_tiles(table: pd.DataFrame, way: str) -> pd.Series:
    """Slots until the gap ``GAP`` (of BP: an update), by tiles."""
    rows = table[(table.way == way) & (table.gap == (1 if way == BP else GAP))]
    return rows.set_index("tiles")["slots"]


def by_gap(table: pd.DataFrame, way: str, quantity: str) -> pd.Series:
    """With a tile per layer."""
    rows = table[(table.way == way) & (table.tiles == LAYERS) & (table.gap < 1)]
    return rows.set_index("gap")[quantity]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    steps = {way: int(by_gap(table, way, "steps")[GAP]) for way in (*ORDERS, SKEWED)}
    took = {way: by_tiles(table, way) for way in (*ORDERS, SKEWED, BP)}
    bp_macs = int(table[table.way == BP].macs.iloc[0])
    macs: dict[str, pd.Series] = {way: by_gap(table, way, "macs") / bp_macs for way in ORDERS}
    short = table[(table.way == SEIDEL) & (table.gap == 1)].set_index("steps")["slots"]
    extra = short - took[BP][LAYERS]
    own = {
        JACOBI: jacobi_slots(LAYERS, steps[JACOBI]),
        SEIDEL: gauss_seidel_slots(LAYERS, steps[SEIDEL]),
        BLACK: jacobi_slots(LAYERS, steps[BLACK]),
    }
    half = {way: red_black_slots(LAYERS, steps[way]) for way in (BLACK, JACOBI)}
    longer = took[SKEWED] / took[JACOBI]
    return (
        Statement(
            "Gauss-Seidel gives every layer credit from one step on, 2T - 1 slots after BP",
            ", ".join(f"{extra[count]:.0f} slots more for T = {count}" for count in SHORT_STEPS),
            all(extra[count] == 2 * count - 1 for count in SHORT_STEPS),
        ),
        Statement(
            "Gauss-Seidel and red-black come to any gap with a fraction of Jacobi's products",
            "; ".join(
                f"to {gap:.0%} "
                + ", ".join(f"{macs[way][gap]:.1f} ({ORDER_NAMES[way]})" for way in ORDERS)
                for gap in GAPS
            )
            + " times BP's multiply-accumulates",
            all(2 * max(macs[SEIDEL][gap], macs[BLACK][gap]) < macs[JACOBI][gap] for gap in GAPS)
            and all(macs[SEIDEL][gap] <= macs[BLACK][gap] for gap in GAPS),
        ),
        Statement(
            "with a tile per layer that takes L + 2T + 1 slots with Jacobi and 2L + 2T - 1 with Gauss-Seidel; with "
            "red-black L + 2T + 1, too, where layers wait for their neighbours and not for half of all layers",
            f"{took[JACOBI][LAYERS]:.0f} (T = {steps[JACOBI]}), {took[SEIDEL][LAYERS]:.0f} (T = {steps[SEIDEL]}) and "
            f"{took[BLACK][LAYERS]:.0f} (T = {steps[BLACK]}) slots to a gap of {GAP:.0%}, BP's update "
            f"{took[BP][LAYERS]:.0f}",
            all(took[way][LAYERS] == own[way] for way in ORDERS),
        ),
        Statement(
            "on half the tiles red-black takes L + 4T + 1 slots, as long as with a barrier on all; but that is no "
            "privilege of red-black: against waiting for neighbours alone it is 2T slots more, for Jacobi as well",
            f"{took[BLACK][HALF]:.0f} on {HALF} tiles, {took[BLACK][LAYERS]:.0f} on {LAYERS}; Jacobi "
            f"{took[JACOBI][HALF]:.0f} "
            f"and {took[JACOBI][LAYERS]:.0f}, Gauss-Seidel {took[SEIDEL][HALF]:.0f} and {took[SEIDEL][LAYERS]:.0f}",
            all(took[way][HALF] == slots for way, slots in half.items()),
        ),
        Statement(
            f"skewed visits need the weights of only {WINDOW} layers at a time and take Jacobi's time, on a tile per "
            "layer as on one; between, tiles wait for one another's windows",
            f"{took[SKEWED][LAYERS]:.0f} slots on {LAYERS} tiles and {took[SKEWED][1]:,.0f} on one, as Jacobi's "
            f"{took[JACOBI][LAYERS]:.0f} and {took[JACOBI][1]:,.0f}; at most {longer.max() - 1:.1%} longer",
            longer[LAYERS] == longer[1] == 1 and longer.min() >= 1,
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """To the gap: steps, multiply-accumulates against BP, and slots by tiles."""
    import pandas as pd

    bp_macs = int(table[table.way == BP].macs.iloc[0])
    rows = []
    for way in (*ORDERS, SKEWED, BP):
        took = by_tiles(table, way)
        chosen = table[(table.way == way) & (table.gap == (1 if way == BP else GAP))].iloc[0]
        rows.append(
            {
                "order": NAMES[way],
                "steps": int(chosen.steps),
                "MACs / BP": float(chosen.macs / bp_macs),
                **{f"slots on {tiles} tiles": float(took[tiles]) for tiles in TILES},
            }
        )
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame) -> str:
    with drawn("sweep-order", width_in=8.6, height_in=3.6) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        bp_macs = int(table[table.way == BP].macs.iloc[0])
        for order in ORDERS:
            macs = by_gap(table, order, "macs") / bp_macs
            left.plot(macs, macs.index, label=NAMES[order], markersize=4, **LINES[order])
        left.axvline(1, label="BP, an update", **{**LINES[BP], "marker": ""})
        left.set_xscale("log")
        left.set_yscale("log")
        left.set_yticks(GAPS, [f"{gap:.0%}" for gap in GAPS])
        left.minorticks_off()
        left.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        left.set_xlabel("multiply-accumulates, times BP's update")
        left.set_title("gap to equilibrium that is left")
        left.legend(loc=(0.5, 0.04))
        _tiles(right, table)
    return drawing.svg


def _tiles(axes: Axes, table: pd.DataFrame) -> None:
    for way, line in LINES.items():
        took = by_tiles(table, way)
        axes.plot(took.index, took, label=NAMES[way], markersize=4, **line)
    plain_ticks(axes, sorted(TILES))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("tiles")
    axes.set_title(f"slots to a gap of {GAP:.0%}; BP: an update")
    axes.legend(loc=(0.03, 0.47))


EXPERIMENT = Experiment(
    name="sweep-order",
    setting=(
        f"Steps: a linear muPC network with skips, {LAYERS} weight layers of width {WIDTH} (weights of seed 0, "
        f"{WIDTH} samples of "
        "standard normal inputs and targets of seed 0), Jacobi at 0.9 of its limit of stability, red-black and "
        "Gauss-Seidel at Young's best step. Time and products: an update of so many steps, all layers every step, "
        "on the "
        "shipped chip `ideal`, where only products take time, one slot each."
    ),
    caption=(
        "Left: what is left of the way to equilibrium by multiply-accumulates spent. Right: time of an update to "
        f"{GAP:.0%} by tiles, layers dealt out evenly in a row."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
