"""Where is an update of Jacobi PC shorter than one of backpropagation, by inference steps and depth?

With a layer per tile and equal products PC takes L + 2T + 1 slots and sequential BP 2L: PC is shorter where
T < (L - 1) / 2. Errors reach min(L, T + 1) layers, all of them from T = L - 1 on, so wherever PC is shorter
some layers do not learn.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from pcsim.experiments.drawing import plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.slots import SLOT, WIDTH, chip, slots, uniform
from pcsim.program import Options, backpropagation, predictive_coding
from pcsim.program.pipeline_orders import ORDERS
from pcsim.program.pipelines import pipelined_backpropagation
from pcsim.report import drawn, style
from pcsim.theory.credit import credited
from pcsim.theory.critical_path import backpropagation_slots, jacobi_slots

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DEPTHS = tuple(range(2, 26))
STEPS = tuple(range(1, 17))
SEQUENTIAL, PIPELINED = "sequential", "pipelined"
PIPELINED_DEPTHS, PIPELINED_STEPS = (4, 8, 16), (1, 2, 3, 7)
PARTS = (1, 2, 4, 8, 16, 32)
"""Micro-batches of no fewer than 16 samples, and how many of 16 samples the batches hold."""


def measure() -> pd.DataFrame:
    """Slots of either rule by case, layers and steps, and how many layers get a gradient."""
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(
        case: str,
        batch: int,
        layers: int,
        steps: int,
        pc: float,
        bp: float,
        best: str = "sequential",
    ) -> None:
        credit = credited(layers, "pc", "jacobi", steps)
        rows.append(
            {
                "case": case,
                "batch": batch,
                "layers": layers,
                "steps": steps,
                "credit": credit,
                "pc_slots": pc,
                "bp_slots": bp,
                "ratio": pc / bp,
                "bp_schedule": best,
            }
        )

    for layers in DEPTHS:
        bp, _ = best_backpropagation(layers, batch=WIDTH)
        for steps in STEPS:
            add(SEQUENTIAL, WIDTH, layers, steps, jacobi(layers, steps, batch=WIDTH), bp)
    for layers, most in itertools.product(PIPELINED_DEPTHS, PARTS):
        bp, best = best_backpropagation(layers, batch=most * WIDTH)
        for steps in PIPELINED_STEPS:
            pc = jacobi(layers, steps, batch=most * WIDTH)
            add(PIPELINED, most * WIDTH, layers, steps, pc, bp, best)
    return pd.DataFrame(rows)


def jacobi(layers: int, steps: int, *, batch: int) -> float:
    """The fewest slots of PC over all numbers of micro-batches."""
    tried = (
        predictive_coding(uniform(layers), "mse", Options(batch, steps, "sgd", micro_batches=parts))
        for parts in PARTS
        if parts * WIDTH <= batch
    )
    return min(slots(program, chip()) for program in tried)


def best_backpropagation(layers: int, *, batch: int) -> tuple[float, str]:
    """The fewest slots of all schedules and numbers of micro-batches, and which takes them."""
    network = uniform(layers)
    options: dict[str, Any] = {"batch": batch, "optimiser": "sgd"}
    tried = [(slots(backpropagation(network, "mse", **options), chip()), "sequential")]
    for schedule, parts in itertools.product(ORDERS, PARTS[1:]):
        if parts * WIDTH <= batch:
            program = pipelined_backpropagation(
                network, "mse", micro_batches=parts, schedule=schedule, **options
            )
            tried.append((slots(program, chip()), f"{schedule}, {parts} micro-batches"))
    return min(tried)


def of_case(table: pd.DataFrame, case: str) -> pd.DataFrame:
    return table[table.case == case]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    one, many = of_case(table, SEQUENTIAL), of_case(table, PIPELINED)
    differing = sum(
        pc != jacobi_slots(layers, steps) or bp != backpropagation_slots(layers)
        for layers, steps, pc, bp in zip(
            one.layers, one.steps, one.pc_slots, one.bp_slots, strict=True
        )
    )
    shorter = one.ratio < 1
    triangle = one.steps < (one.layers - 1) / 2
    full = one.credit == one.layers
    taught = float((one.credit / one.layers)[shorter].max())
    tie = one[full].ratio.min()
    large = many[many.batch >= 2 * WIDTH * many.layers]
    nearest = large.sort_values("ratio").iloc[0]
    inside = large[large.steps < (large.layers - 1) / 2]
    wins: Any = (
        many[many.ratio < 1].groupby("batch").size().reindex(many.batch.unique(), fill_value=0)
    )
    return (
        Statement(
            "an update takes L + 2T + 1 slots with Jacobi PC and 2L with sequential BP",
            f"the simulated chip takes other times in {differing} of {len(one)} cases",
            differing == 0,
        ),
        Statement(
            "PC is shorter exactly where T < (L - 1) / 2",
            f"it is shorter in {int(shorter.sum())} cases, T is below that in {int(triangle.sum())}, and they "
            f"are the same but for {int((shorter != triangle).sum())}",
            bool((shorter == triangle).all()) and bool(shorter.any()),
        ),
        Statement(
            "wherever PC is shorter, credit is truncated: only T + 1 of L layers learn",
            f"of the {int(shorter.sum())} cases, {int((shorter & full).sum())} teach all layers; "
            f"at most {taught:.0%} of the layers learn",
            not (shorter & full).any(),
        ),
        Statement(
            "where all layers must learn, PC is never shorter (3L - 1 slots at best against 2L)",
            f"the least ratio with full credit is {tie:.3g}, over {int(full.sum())} cases",
            tie >= 1,
        ),
        Statement(
            "a larger batch, which BP can pipeline, leaves PC shorter in ever fewer cases",
            f"of {len(many) // len(wins)} cases, "
            + ", ".join(f"{count} at batch {batch}" for batch, count in wins.items()),
            bool((wins.diff().dropna() <= 0).all()) and wins.iloc[0] > 0,
        ),
        Statement(
            f"with twice as many micro-batches of {WIDTH} samples as layers none is left, truncated or not",
            f"PC takes {nearest.ratio:.2f} times as long at least (L = {nearest.layers}, T = {nearest.steps}, batch "
            f"{nearest.batch}; BP with {nearest.bp_schedule}), though {len(inside)} of these {len(large)} cases "
            "have T < (L - 1) / 2",
            nearest.ratio > 1 and len(inside) > 0,
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The deepest network, by steps and batch."""
    many = of_case(table, PIPELINED)
    deepest = many[many.layers == PIPELINED_DEPTHS[-1]]
    chosen = deepest[["layers", "steps", "credit", "batch", "pc_slots", "bp_slots", "ratio"]]
    return chosen.rename(columns=lambda name: name.replace("_", " ")).assign(
        **{"BP schedule": deepest.bp_schedule}
    )


def figure(table: pd.DataFrame) -> str:
    with drawn("crossover", width_in=8.6, height_in=3.8) as drawing:
        left, right = drawing.figure.subplots(1, 2, width_ratios=(1.15, 1))
        _map(left, of_case(table, SEQUENTIAL))
        _pipelined(right, of_case(table, PIPELINED))
    return drawing.svg


def _map(axes: Axes, one: pd.DataFrame) -> None:
    from matplotlib.colors import TwoSlopeNorm

    ratio = one.pivot(index="steps", columns="layers", values="ratio")
    mesh = axes.pcolormesh(
        ratio.columns,
        ratio.index,
        ratio,
        cmap="PuOr_r",
        norm=TwoSlopeNorm(1, vmin=0.25, vmax=4),
        edgecolors=style.PAPER,
        linewidth=0.3,
    )
    axes.grid(visible=False)
    top = STEPS[-1] + 0.5
    layers = [DEPTHS[0] - 0.5, DEPTHS[-1] + 0.5]
    axes.plot(layers, [(at - 1) / 2 for at in layers], color=style.INK, lw=1.2)
    axes.plot(layers, [at - 1 for at in layers], color=style.INK, lw=1.2, ls="--")
    axes.set_xlim(*layers)
    axes.set_ylim(0.5, top)
    axes.annotate("T = L − 1", (10.2, 9.6), rotation=52, ha="right", va="bottom")
    axes.annotate("T = (L − 1) / 2", (16.4, 8.2), rotation=33, ha="right", va="bottom")
    axes.annotate("PC shorter,\ncredit truncated", (18.2, 3), ha="center", va="center")
    axes.annotate("credit truncated", (19, 13.2), ha="center", va="center")
    axes.annotate("full credit", (9.4, 14.6), ha="center", va="center")
    axes.set_xlabel("weight layers L")
    axes.set_ylabel("inference steps T")
    axes.set_title("PC / sequential BP, latency of an update")
    bar = axes.figure.colorbar(
        mesh, ax=axes, pad=0.02, ticks=[0.25, 0.5, 0.75, 1, 2, 3, 4], extend="max"
    )
    bar.outline.set_visible(False)


def _pipelined(axes: Axes, many: pd.DataFrame) -> None:
    shades = ("#d4a5cb", "#bd72ae", style.RULE_COLOURS["pc"])
    steps = PIPELINED_STEPS[0]
    for layers, shade in zip(PIPELINED_DEPTHS, shades, strict=True):
        rows = many[(many.layers == layers) & (many.steps == steps)]
        axes.plot(
            rows.batch, rows.ratio, color=shade, marker="o", markersize=4, label=f"PC, L = {layers}"
        )
    axes.axhline(
        1, color=style.RULE_COLOURS["bp"], ls=style.RULE_LINES["bp"], label="BP, best schedule"
    )
    plain_ticks(axes, [WIDTH * parts for parts in PARTS])
    axes.set_ylim(0.4, 1.4)
    axes.set_xlabel("batch")
    axes.set_title(f"PC / BP with pipelining, T = {steps}")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    name="crossover",
    setting=(
        f"Networks of {DEPTHS[0]} to {DEPTHS[-1]} equal layers on the shipped chip `ideal`, a tile per layer, so "
        "that "
        f"all that takes time is products, {SLOT} cycles each at batch {WIDTH}: one slot. Jacobi PC with hoist "
        "and wavefront. Larger batches are tried whole and in micro-batches of no fewer than "
        f"{WIDTH} samples, by both rules alike and by BP with every schedule ({', '.join(ORDERS)}); the shortest of "
        "each rule is kept."
    ),
    caption=(
        "Left: how long an update takes against sequential BP; below the solid line PC is shorter, "
        "from the dashed line up all layers learn: the two regions do not meet. Right: PC at its shortest, one step "
        "that teaches two layers, over the batch that BP may pipeline."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
