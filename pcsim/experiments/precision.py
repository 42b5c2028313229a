"""Which number formats do predictive coding and backpropagation bear, and which updates do narrow numbers swallow?

Predictive coding keeps its signal in small changes of states that are not small: k layers below the output they are
about eta^k times its error. Where eta times the gradient is less than half a step of the format, rounding to the
nearest leaves the state where it was, and everything below learns nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.narrow import CELLS, ROWS, SR, STATES, WEIGHTS
from pcsim.experiments.precision_table import (
    EPOCHS,
    FEW,
    INFERENCE,
    LOOKED_AT,
    MANY,
    PLAIN,
    accuracy,
    by_layer,
    measured,
)
from pcsim.report import drawn, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

FOLLOWED_STATES = tuple(f"states {word}" for word in STATES)
FOLLOWED_WEIGHTS = (*(f"weights {word}" for word in WEIGHTS), "weights fp8_e4m3, master fp32")
MUCH, LITTLE = 2.5, 1.5
"""Points of accuracy that count as a loss, and that do not; seeds spread by half a point."""


def measure() -> pd.DataFrame:
    """By part (accuracy, states, weights, cells), row of ``ROWS`` or ``CELLS``, rule and, but for accuracies, layer."""
    return measured(tuple(ROWS), FOLLOWED_STATES, FOLLOWED_WEIGHTS, tuple(CELLS))


def losses(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Points of accuracy that a row costs against fp32, by row and rule."""
    found = accuracy(table)
    return {
        row: {rule: float(found[rule][PLAIN] - found[rule][row]) for rule in INFERENCE}
        for row in found.index
    }


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    lost = losses(table)
    narrow = [f"states {word}" for word in ("bf16", "fp8_e4m3", "int8", "bfp8/16")]
    of_bp = max(lost[row]["bp"] for row in narrow)
    of_pc = min(lost[row][rule] for row in narrow for rule in (FEW, MANY))
    fine = max(max(lost[f"states {word}"].values()) for word in ("fp16", "q4.12"))
    followed = {
        (word, rule): by_layer(table, "states", f"states {word}", rule, "vanished")
        for word in ("bf16", "fp16", "fp8_e4m3", "bfp8/16")
        for rule in (FEW, MANY)
    }
    few, many = (by_layer(table, "states", "states bf16", rule, "remains") for rule in (FEW, MANY))
    randomly = by_layer(table, "states", f"states bf16{SR}", MANY, "remains")
    once, chance = lost["states bf16"][MANY], lost[f"states bf16{SR}"][MANY]
    coarse, coarse_chance = (lost[f"states fp8_e4m3{how}"] for how in ("", SR))
    errors = max(max(lost[f"errors {word}"].values()) for word in ("bf16", "fp8_e5m2"))
    moments, without = (lost[f"all but sums{beside} fp16"] for beside in ("", " and moments"))
    left = {
        word: [
            value
            for rule in ("bp", FEW)
            for value in by_layer(table, "weights", f"weights {word}", rule, "remains")
        ]
        for word in ("bf16", "fp8_e4m3")
    }
    fp8, fp8_sr, master = (lost[f"weights fp8_e4m3{how}"] for how in ("", SR, ", master fp32"))
    reading, seen = (lost[f"crossbars, {what} 0.1"] for what in ("read noise", "mismatch"))
    adc = lost["crossbars, ADC of 4 bits"]
    small = max(
        max(lost[f"crossbars, {what} 0.01"].values())
        for what in ("read noise", "write noise", "mismatch")
    )
    noise, mismatch = (
        {rule: by_layer(table, "cells", row, rule, "cosine") for rule in INFERENCE}
        for row in ("read noise 0.01", "mismatch 0.1")
    )
    return (
        Statement(
            "PC fails earlier than BP where states are narrow and rounded to the nearest",
            f"with {', '.join(row.removeprefix('states ') for row in narrow)} BP loses at most {of_bp:.1f} points, PC "
            f"{_points(lost, narrow, FEW)} with few large steps and {_points(lost, narrow, MANY)} with many small "
            f"ones; with fp16 and q4.12 no rule loses more than {fine:.1f}",
            of_bp < LITTLE and of_pc > MUCH and fine < LITTLE,
        ),
        Statement(
            "because steps of states vanish, the more the further below the output (signal about eta^k)",
            f"in bf16 {_shares(followed['bf16', FEW])} of them in layers 3, 2, 1 with few large steps, "
            f"{_shares(followed['bf16', MANY])} with many small ones; fp16, fp8_e4m3 and bfp8/16 likewise",
            all(shares == sorted(shares, reverse=True) for shares in followed.values()),
        ),
        Statement(
            "and the more the smaller they are",
            f"what remains in bf16 of few large steps is {_down(few)}, of many small ones {_down(many)}",
            all(
                large <= little
                for word, rule in followed
                if rule == FEW
                for large, little in zip(followed[word, FEW], followed[word, MANY], strict=True)
            ),
        ),
        Statement(
            "stochastic rounding keeps on average what vanishes, which helps while its noise is small",
            f"{_down(randomly)} of many small steps remain in bf16, and {chance:.1f} points are lost in the place of "
            f"{once:.1f}; in fp8_e4m3 {coarse_chance[FEW]:.1f} and {coarse_chance[MANY]:.1f} in the place of "
            f"{coarse[FEW]:.1f} and {coarse[MANY]:.1f}",
            min(randomly) > 0.9
            and chance < once - MUCH
            and min(coarse_chance[FEW], coarse_chance[MANY]) > MUCH,
        ),
        Statement(
            "errors need range and hardly any digits",
            f"bf16 and fp8_e5m2 lose at most {errors:.1f} points in any rule; fp8_e4m3, with a digit more and less "
            f"range, {_each(lost['errors fp8_e4m3'])}",
            errors < LITTLE,
        ),
        Statement(
            "so do moments, which fall below what fp16 can hold",
            f"all but sums in fp16 loses {_each(moments)} points, all but sums and moments {_each(without)}",
            all(map(_broken, moments.values())) and max(without.values()) < LITTLE,
        ),
        Statement(
            "weights need stochastic rounding or a master copy where the format is coarser than the optimiser's steps: "
            "fp8_e4m3 is, bf16 is not at Adam's rate of 1e-3",
            f"at least {min(left['bf16']):.2f} of the updates remain in bf16, at most {max(left['fp8_e4m3']):.2f} in "
            f"fp8_e4m3, which loses {_each(fp8)} points, {_each(fp8_sr)} with stochastic rounding and "
            f"{_each(master)} with a master copy",
            min(left["bf16"]) > 0.9
            and max(left["fp8_e4m3"]) < 0.5
            and min(fp8.values()) > MUCH
            and max(*fp8_sr.values(), *master.values()) < LITTLE,
        ),
        Statement(
            "crossbars: errors of cells of 1 % of the largest weight hardly matter",
            f"at most {small:.1f} points are lost in any rule",
            small < LITTLE,
        ),
        Statement(
            "crossbars: relaxation averages noise of reading, and a mismatch of W and W^T biases it, so that PC bears "
            "noise better than mismatch",
            f"it is the other way round: at 10 % of the largest weight reading costs {_each(reading)} points, mismatch "
            f"{_each(seen)}",
            reading[MANY] < seen[MANY],
        ),
        Statement(
            "crossbars: PC's errors are differences of states and predictions, in which the noise of the last read "
            "stands in full beside a signal of eta^k; a mismatch only turns what is read through W^T",
            f"the least cosine of a layer's gradient to the undisturbed one is with noise of 1 % {_least(noise)}, with "
            f"mismatch of 10 % {_least(mismatch)}",
            all(min(mismatch[rule]) > 0.9 > min(noise[rule]) for rule in (FEW, MANY)),
        ),
        Statement(
            "crossbars: PC needs more bits of a converter than BP, as its errors are small differences",
            f"4 bits cost {_each(adc)} points",
            min(adc[FEW], adc[MANY]) > adc["bp"] + 1,
        ),
    )


def _points(lost: dict[str, dict[str, float]], rows: Sequence[str], rule: str) -> str:
    return ", ".join(_loss(lost[row][rule]) for row in rows)


def _each(lost: dict[str, float]) -> str:
    return ", ".join(f"{_loss(lost[rule])} ({rule})" for rule in INFERENCE)


def _loss(points: float) -> str:
    return "all (diverged)" if math.isnan(points) else f"{points:.1f}"


def _broken(points: float) -> bool:
    """Whether nothing of use is learnt; a network that diverged has no accuracy."""
    return math.isnan(points) or points > 50


def _least(cosines: dict[str, list[float]]) -> str:
    return ", ".join(f"{min(of):.2f} ({rule})" for rule, of in cosines.items())


def _shares(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * share:.0f} %" for share in reversed(shares))


def _down(remains: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in reversed(remains))


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy by row and rule, and what remains of the updates of states in the lowest and highest layer."""
    import pandas as pd

    found = accuracy(table)
    columns: dict[str, Any] = {"not fp32": list(found.index)}
    for rule in INFERENCE:
        columns[f"{rule}, %"] = [
            "diverged" if math.isnan(value) else f"{value:.1f}" for value in found[rule]
        ]
    for rule in (FEW, MANY):
        remains = [by_layer(table, "states", row, rule, "remains") for row in found.index]
        columns[f"remains, layers 3 2 1, {rule}"] = [_down(layers) or "-" for layers in remains]
    return pd.DataFrame(columns)


_LINES: dict[str, dict[str, Any]] = {
    "bp": {"color": style.RULE_COLOURS["bp"], "marker": "s"},
    FEW: {"color": style.RULE_COLOURS["pc"], "marker": "o"},
    MANY: {"color": "#e69f00", "marker": "^"},
}


def figure(table: pd.DataFrame) -> str:
    with drawn("precision", width_in=9.6, height_in=7.2) as drawing:
        left, right = drawing.figure.subfigures(1, 2, width_ratios=(1.15, 1), squeeze=False).flat
        _accuracy(left.subplots(), accuracy(table))
        upper, lower = right.subplots(2, 1, height_ratios=(1.5, 1))
        states = [f"states {word}" for word in STATES]
        _remains(upper, table, "states", states, (FEW, MANY))
        upper.set_title("what remains of updates of states")
        _remains(lower, table, "weights", FOLLOWED_WEIGHTS, ("bp", FEW))
        lower.set_title("what remains of updates of weights")
    return drawing.svg


def _accuracy(axes: Axes, found: pd.DataFrame) -> None:
    places = range(len(found))
    for rule in INFERENCE:
        axes.plot(found[rule], places, label=rule, linestyle="", markersize=4, **_LINES[rule])
    axes.set_yticks(places, list(found.index), fontsize=7)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_title("test accuracy, %, not fp32:")
    axes.legend(loc="lower left")


def _remains(
    axes: Axes, table: pd.DataFrame, part: str, rows: Sequence[str], rules: Sequence[str]
) -> None:
    """Shares by row and, under each rule, by layer from the output down."""
    values = [
        [share for rule in rules for share in reversed(by_layer(table, part, row, rule, "remains"))]
        for row in rows
    ]
    layers = len(values[0]) // len(rules)
    axes.pcolormesh(values, cmap="viridis", vmin=0, vmax=1.3, edgecolors=style.PAPER, linewidth=0.8)
    for y, line in enumerate(values):
        for x, share in enumerate(line):
            colour = style.PAPER if share < 0.8 else style.INK
            axes.text(
                x + 0.5, y + 0.5, f"{share:.2f}", color=colour, ha="center", va="center", fontsize=7
            )
    names = [
        f"{layer}\n{rule}" if layer == (layers + 1) // 2 else f"{layer}"
        for rule in rules
        for layer in range(layers, 0, -1)
    ]
    axes.set_xticks([x + 0.5 for x in range(len(names))], names)
    words = [row.split(" ", 1)[1] for row in rows]
    axes.set_yticks([y + 0.5 for y in range(len(rows))], words, fontsize=7)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.axvline(layers, color=style.INK, lw=1)
    axes.set_xlabel("layer")


EXPERIMENT = Experiment(
    name="precision",
    setting=(
        "The workload mlp128 (784-128-128-128-10, relu, 3,500 MNIST images, Adam at 1e-3), "
        f"{EPOCHS} epochs, seed 0, by backpropagation (bp) and by predictive coding with few large or many small "
        "inference steps (pc T x eta), everything in fp32 but what a row names. Crossbars read both products of "
        "inference through analog cells, which are written from fp32 after each step of the weights. Updates of states "
        "are followed over one inference at the weights after an epoch in fp32, those of weights over the "
        f"{LOOKED_AT} updates after an epoch in the format. Gradients with errors of cells, but exact converters, are "
        "compared at the weights after an epoch in fp32."
    ),
    caption=(
        "Left: accuracy on 1,000 test images. Right: sum D d / sum d^2 of a layer's updates, d what a value is meant "
        "to move and D what it does: 1 where rounding is right on average, 0 where nothing moves."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
