"""What does one slow layer cost: is a step as long as the slowest layer, an update of BP as long as all together?

Neighbouring layers wait for one another in every inference step, so that in the long run all keep the pace
of the slowest one: the largest mean over the cycles of the event graph. BP passes each layer once. The first
layer's products are no part of PC's steps, but of ipc's, whose weights change, and of BP's update.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from pcsim.config import Hardware
from pcsim.experiments.drawing import plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.slots import SLOT, WIDTH, chip, product_cycles, simulated
from pcsim.network import Graph, chain
from pcsim.program import Options, Program, backpropagation, predictive_coding
from pcsim.program.incremental import incremental_predictive_coding
from pcsim.report import drawn, style
from pcsim.theory.critical_path import backpropagation_makespan, jacobi_step_cycles

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS = 8
FACTORS = (1, 2, 4, 8, 16)
MIDDLE, FIRST = "middle", "first"
SHORT, LONG = 64, 96
"""Inference steps of two updates; their difference in time is that of the steps between."""
FEW, MORE = 8, 24
LATENCY, HOP = 7, 3
"""Cycles of a vector task and of a hop on the chip that has such."""


def measure() -> pd.DataFrame:
    """Cycles of a step (pc, ipc) or an update by where the wide layer is, its width and how layers are spread."""
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(
        wide: str, factor: int, spread: int, quantity: str, cycles: float, theory: float
    ) -> None:
        rows.append(
            {
                "wide": wide,
                "factor": factor,
                "spread": spread,
                "quantity": quantity,
                "cycles": cycles,
                "theory": theory,
            }
        )

    for wide, factor in itertools.product((MIDDLE, FIRST), FACTORS):
        chosen = network(wide, factor)
        products = layer_cycles(chosen)
        for spread in sorted({1, factor}):
            # Closed forms are of a layer on one tile.
            step = float(jacobi_step_cycles(*products[:2])) if spread == 1 else float("nan")
            update = float(backpropagation_makespan(*products)) if spread == 1 else float("nan")
            add(wide, factor, spread, "pc step", step_cycles(pc, chosen, spread), step)
            add(wide, factor, spread, "bp update", cycles(bp(chosen), spread), update)
            if wide == FIRST:
                add(
                    wide, factor, spread, "ipc step", step_cycles(ipc, chosen, spread), float("nan")
                )
                for steps in (FEW, MORE):
                    took = cycles(pc(chosen, steps), spread)
                    add(wide, factor, spread, f"pc update, {steps} steps", took, float("nan"))
    slower = chip(f"tiles.vector.latency={LATENCY} cycles", f"noc.router_latency={HOP} cycles")
    for factor in FACTORS:
        chosen = network(MIDDLE, factor, phi="linear")
        forward, backward, _ = layer_cycles(chosen)
        each = [LATENCY] * LAYERS
        step = float(jacobi_step_cycles(forward, backward, update=each, error=each, hop=HOP))
        found = step_cycles(pc, chosen, 1, hardware=slower)
        add("middle, with latencies", factor, 1, "pc step", found, step)
    return pd.DataFrame(rows)


def network(wide: str, factor: int, *, phi: str = "tanh") -> Graph:
    """Equal layers but for hidden layer 4 (``middle``) or the input (``first``), ``factor`` times as wide."""
    widths = [WIDTH] * (LAYERS + 1)
    widths[LAYERS // 2 if wide == MIDDLE else 0] *= factor
    return chain(tuple(widths), phi)


def layer_cycles(chosen: Graph) -> tuple[list[int], list[int], list[int]]:
    """Of each layer's forward, backward and gradient product on one array."""
    pairs = list(itertools.pairwise(chosen.widths))
    shapes = (
        [(WIDTH, n_out, n_in) for n_in, n_out in pairs],
        [(WIDTH, n_in, n_out) for n_in, n_out in pairs],
        [(n_out, n_in, WIDTH) for n_in, n_out in pairs],
    )
    forward, backward, gradient = ([product_cycles(*shape) for shape in kind] for kind in shapes)
    return forward, backward, gradient


def pc(chosen: Graph, steps: int) -> Program:
    return predictive_coding(chosen, "mse", Options(WIDTH, steps, "sgd", wavefront=False))


def ipc(chosen: Graph, steps: int) -> Program:
    return incremental_predictive_coding(chosen, "mse", Options(WIDTH, steps, "sgd"))


def bp(chosen: Graph) -> Program:
    return backpropagation(chosen, "mse", batch=WIDTH, optimiser="sgd")


def cycles(program: Program, spread: int, *, hardware: Hardware | None = None) -> int:
    return simulated(program, hardware or chip(), spread=spread).makespan_cycles


def step_cycles(
    rule: Any, chosen: Graph, spread: int, *, hardware: Hardware | None = None
) -> float:
    """Cycles of a step in the long run."""
    short, long = (
        cycles(rule(chosen, steps), spread, hardware=hardware) for steps in (SHORT, LONG)
    )
    return (long - short) / (LONG - SHORT)


def series(table: pd.DataFrame, wide: str, quantity: str, *, spread: bool) -> pd.Series:
    """Cycles by factor, every layer on one tile or (``spread``) on ``factor`` of them."""
    rows = table[(table.wide == wide) & (table.quantity == quantity)]
    rows = rows[rows.spread == (rows.factor if spread else 1)]
    return rows.set_index("factor")["cycles"]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    known = table.dropna(subset=["theory"])
    steps, updates = (known[known.quantity == name] for name in ("pc step", "bp update"))
    most = FACTORS[-1]

    def grown(wide: str, quantity: str, *, spread: bool = False) -> float:
        found = series(table, wide, quantity, spread=spread)
        return float(found[most] / found[1])

    saved = {
        count: float(
            series(table, FIRST, f"pc update, {count} steps", spread=False)[most]
            - series(table, FIRST, f"pc update, {count} steps", spread=True)[most]
        )
        / SLOT
        for count in (FEW, MORE)
    }
    ipc_saved = (grown(FIRST, "ipc step"), grown(FIRST, "ipc step", spread=True))
    bp_saved = (grown(FIRST, "bp update"), grown(FIRST, "bp update", spread=True))
    widest = (2 * most - 2 + LAYERS) / LAYERS
    return (
        Statement(
            "in the long run a step of PC is the largest cycle mean of the event graph, on a chip with latencies "
            "as on one without",
            f"it is, to the cycle, in {int((steps.cycles == steps.theory).sum())} of {len(steps)} cases",
            bool((steps.cycles == steps.theory).all()),
        ),
        Statement(
            "an update of BP is the sum over the layers on its way",
            f"it is, to the cycle, in {int((updates.cycles == updates.theory).sum())} of {len(updates)} cases",
            bool((updates.cycles == updates.theory).all()),
        ),
        Statement(
            f"a hidden layer {most} times as wide makes each step of PC {most} times as long, the slowest layer "
            f"alone; the work of a step grows by {widest:.2g} only, and BP's update by about that",
            f"PC's step grows by {grown(MIDDLE, 'pc step'):.3g}, BP's update by {grown(MIDDLE, 'bp update'):.3g}",
            grown(MIDDLE, "pc step") == most and grown(MIDDLE, "bp update") < most / 2,
        ),
        Statement(
            "layers spread over as many tiles as the widest needs have the step of equal layers again",
            f"PC's step is then {grown(MIDDLE, 'pc step', spread=True):.3g} times that of equal layers, BP's update "
            f"{grown(MIDDLE, 'bp update', spread=True):.3g} times",
            grown(MIDDLE, "pc step", spread=True) == 1
            and 0.9 < grown(MIDDLE, "bp update", spread=True) <= 1,
        ),
        Statement(
            "a wide first layer is no part of PC's steps: splitting it saves the same once per update, however "
            "many steps there are",
            f"with {most} times the inputs a step takes {grown(FIRST, 'pc step'):.3g} times as long; splitting saves "
            f"{saved[FEW]:.3g} slots of {FEW} steps and {saved[MORE]:.3g} of {MORE}",
            grown(FIRST, "pc step") == 1 and saved[FEW] == saved[MORE] > 0,
        ),
        Statement(
            "for ipc, in every step, and for BP splitting it is essential",
            f"ipc's step is {ipc_saved[0]:.3g} times as long unsplit and {ipc_saved[1]:.3g} times split, BP's update "
            f"{bp_saved[0]:.3g} and {bp_saved[1]:.3g} times",
            ipc_saved[0] > 4 * ipc_saved[1] and bp_saved[0] > 2 * bp_saved[1],
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """In slots, by factor: steps and updates with every layer on one tile and spread."""
    import pandas as pd

    columns = {
        f"{quantity}, {wide} wide{', spread' if spread else ''}": series(
            table, wide, quantity, spread=spread
        )
        / SLOT
        for wide, quantity in LINES
        for spread in (False, True)
    }
    return pd.DataFrame(columns).rename_axis("times as wide").reset_index()


LINES: dict[tuple[str, str], dict[str, Any]] = {
    (MIDDLE, "pc step"): {"color": style.RULE_COLOURS["pc"], "marker": "o"},
    (MIDDLE, "bp update"): {"color": style.RULE_COLOURS["bp"], "marker": "s"},
    (FIRST, "pc step"): {"color": style.RULE_COLOURS["pc"], "marker": "o"},
    (FIRST, "ipc step"): {"color": "#e69f00", "marker": "^"},
    (FIRST, "bp update"): {"color": style.RULE_COLOURS["bp"], "marker": "s"},
}


def figure(table: pd.DataFrame) -> str:
    with drawn("imbalance", width_in=8.4, height_in=3.5) as drawing:
        panels = drawing.figure.subplots(1, 2, sharey=True)
        titles = {MIDDLE: "one wide hidden layer", FIRST: "a wide input"}
        for axes, (wide, title) in zip(panels, titles.items(), strict=True):
            _grown(axes, table, wide)
            axes.set_title(f"{title}: time against equal layers")
    return drawing.svg


def _grown(axes: Axes, table: pd.DataFrame, wide: str) -> None:
    for (place, quantity), line in LINES.items():
        if place != wide:
            continue
        for spread, drawn_as in ((False, "-"), (True, ":")):
            found = series(table, wide, quantity, spread=spread)
            name = quantity.replace("pc", "PC").replace("bp", "BP")
            axes.plot(
                found.index,
                found / found[1],
                ls=drawn_as,
                markersize=4,
                label=f"{name}{', spread' if spread else ''}",
                **line,
            )
    plain_ticks(axes, list(FACTORS))
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("times as wide as the others")
    axes.legend(loc="upper left")


EXPERIMENT = Experiment(
    name="imbalance",
    setting=(
        f"Networks of {LAYERS} layers of width {WIDTH} at batch {WIDTH} on the shipped chip `ideal`, where only "
        f"products take time ({SLOT} cycles, one slot, for a layer of equal widths). One hidden layer, and with it "
        f"two of the weight layers, or the input is {FACTORS[0]} to {FACTORS[-1]} times as wide. Every layer is on "
        "one "
        "tile, or all layers are spread over as many tiles as the wide one is wide (a part that does not fill its "
        "array is a little faster than a whole). A step is one of the steps that "
        f"an update of {LONG} has more than one of {SHORT}. Once more with vector units of {LATENCY} cycles and hops "
        f"of {HOP}, and a linear network."
    ),
    caption=(
        "Left: a step of PC is as slow as its slowest layer, an update of BP as the sum of all. Right: the first "
        "layer "
        "is no part of PC's steps. Dotted: spread over more tiles."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
