"""From which batch on does PC pay for its multiply-accumulates, where weights come from DRAM?

With room for T + 1 layers Gauss-Seidel PC moves BP's weight words, once per batch. Of these and of the
multiply-accumulates alone E_PC / E_BP = (1 + R x) / (1 + x), with R the ratio of multiply-accumulates, about
(2/3)(T + 1), and x = B / B0, where B0 is the batch at which BP's two terms are equal: halfway between 1 and R. All else
that a chip pays for shifts the curve.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pcsim.experiments import streamed
from pcsim.experiments.drawing import plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import place
from pcsim.report import drawn, style
from pcsim.technology import Bill, bill
from pcsim.theory.counts import backpropagation_counts, predictive_coding_counts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS, WIDTH, STEPS = 16, 64, 4
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
NETWORK = chain((WIDTH,) * (LAYERS + 1), "tanh")
TERMS = {
    "weights": "weights from and to DRAM",
    "macs": "multiply-accumulates",
    "others": "all else that is done",
    "time": "leakage, DRAM standby",
}
SUMS = {
    "two terms": ("weights", "macs"),
    "dynamic": ("weights", "macs", "others"),
    "all": ("weights", "macs", "others", "time"),
}
"""What the ratio is taken of, from theory's two terms to everything."""
SUM_NAMES = {
    "two terms": "weights from DRAM and MACs alone",
    "dynamic": "with SRAM, array overheads and all else done",
    "all": "with leakage and DRAM standby",
}
LINES: dict[str, dict[str, Any]] = {
    "two terms": {"color": style.RULE_COLOURS["pc"], "marker": "o"},
    "dynamic": {"color": "#e69f00", "marker": "s"},
    "all": {"color": style.MUTED, "marker": "^"},
}


def measure() -> pd.DataFrame:
    """Joules of each term, weight words and multiply-accumulates of a steady update, by rule and batch."""
    import pandas as pd

    prices = streamed.prices()
    rows: list[dict[str, Any]] = []
    for batch in BATCHES:
        programs = {
            "pc": streamed.gauss_seidel(NETWORK, batch=batch, steps=STEPS),
            "bp": streamed.bp(NETWORK, batch=batch),
        }
        for rule, program in programs.items():
            hardware = streamed.chip_with_room(program, STEPS + 1)
            activity = simulate(place(program, hardware), hardware)
            cost = bill(activity, prices, clock_hz=hardware.clock_hz)
            rows.append(
                {
                    "rule": rule,
                    "batch": batch,
                    "macs": activity.macs,
                    "weight_words": sum(streamed.weight_words(activity)),
                    **{f"{term}_j": joules for term, joules in terms_of(cost).items()},
                }
            )
    return pd.DataFrame(rows)


def terms_of(cost: Bill) -> dict[str, float]:
    """Joules by term."""
    joules = dict.fromkeys(TERMS, 0.0)
    for line in cost.lines:
        if line.component == "dram" and line.stage != "data":
            term = "weights"
        elif line.key == "array.mac":
            term = "macs"
        else:
            term = "time" if line.stage == "static" else "others"
        joules[term] += line.energy_j
    return joules


def of_rule(table: pd.DataFrame, rule: str) -> pd.DataFrame:
    return table[table.rule == rule].set_index("batch").drop(columns="rule")


def ratio(table: pd.DataFrame, which: str) -> pd.Series:
    """E_PC / E_BP by batch, of the terms that ``which`` adds up."""
    columns = [f"{term}_j" for term in SUMS[which]]
    return of_rule(table, "pc")[columns].sum(axis=1) / of_rule(table, "bp")[columns].sum(axis=1)


def equal_batch(table: pd.DataFrame) -> float:
    """B0: BP's energy of weights per update over that of multiply-accumulates per sample."""
    last = of_rule(table, "bp").iloc[-1]
    return float(last.weights_j / (last.macs_j / BATCHES[-1]))


def turning_batch(found: pd.Series) -> float:
    """The batch at which a ratio is halfway between its ends, between two batches along log B."""
    half = (float(found.iloc[0]) + float(found.iloc[-1])) / 2
    above = next(at for at, value in enumerate(found) if value >= half)
    low, high = float(found.iloc[above - 1]), float(found.iloc[above])
    share = (half - low) / (high - low)
    return float(BATCHES[above - 1] * (BATCHES[above] / BATCHES[above - 1]) ** share)


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    ratios = {which: ratio(table, which) for which in SUMS}
    pc, bp = of_rule(table, "pc"), of_rule(table, "bp")
    counted = predictive_coding_counts(NETWORK.widths, 1, steps=STEPS, wavefront=False).macs
    mac_ratio = counted / backpropagation_counts(NETWORK.widths, 1).macs
    limit = 2 / 3 * (STEPS + 1)
    two, equal = ratios["two terms"], equal_batch(table)
    law = {batch: (1 + mac_ratio * batch / equal) / (1 + batch / equal) for batch in BATCHES}
    off = max(abs(two[batch] / law[batch] - 1) for batch in BATCHES)
    turns = {which: turning_batch(found) for which, found in ratios.items()}
    first, last = BATCHES[0], BATCHES[-1]
    rising = {which: bool((found.diff().dropna() > 0).all()) for which, found in ratios.items()}
    extra = pc.loc[first] - bp.loc[first]
    paid = float((bp.weights_j + bp.macs_j + bp.others_j)[first])
    return (
        Statement(
            "PC moves BP's weight words at every batch, and R times its multiply-accumulates, near (2/3)(T + 1) "
            f"= {limit:.2f}",
            f"{pc.weight_words[first]:,.0f} words of each at batch {first}, the same at {last}; R = "
            f"{float(pc.macs[last] / bp.macs[last]):.3f}, {mac_ratio:.3f} in closed form",
            bool((pc.weight_words == bp.weight_words).all())
            and bp.weight_words.nunique() == 1
            and math.isclose(pc.macs[last] / bp.macs[last], mac_ratio, rel_tol=1e-12)
            and abs(mac_ratio / limit - 1) < 0.1,
        ),
        Statement(
            "of these two terms the ratio rises from about 1 at batch 1 towards R, (1 + R B / B0) / (1 + B / B0)",
            f"{two[first]:.3f} at batch {first}, {two[last]:.3f} at {last}; within {off:.1e} of the law",
            rising["two terms"]
            and off < 1e-9
            and two[first] < 1.1
            and two[last] > 0.95 * mac_ratio,
        ),
        Statement(
            "it turns, halfway between its ends, near the batch B0 where BP's DRAM term equals its MAC term",
            f"B0 = {equal:.1f}, the turning point measured at {turns['two terms']:.1f}",
            abs(turns["two terms"] / equal - 1) < 0.15,
        ),
        Statement(
            "with all else that is done the ratio still rises with the batch, but earlier, as SRAM and array are "
            "paid "
            "beside each multiply-accumulate",
            f"turning point {turns['dynamic']:.1f}; {ratios['dynamic'][first]:.2f} at batch {first} "
            f"and not 1: PC pays {extra.others_j * 1e6:.1f} µJ more there for loading weights into arrays, idle "
            "cells, "
            f"SRAM and states, {extra.macs_j * 1e6:.1f} µJ more for multiply-accumulates, of BP's "
            f"{paid * 1e6:.1f} µJ",
            rising["dynamic"] and turns["dynamic"] < turns["two terms"],
        ),
        Statement(
            "leakage and DRAM standby follow the time, in which PC is longer on one tile at any batch: they raise "
            "the ratio everywhere, most at a small batch",
            f"{ratios['all'][first]:.2f} at batch {first} and {ratios['all'][last]:.2f} at {last}; turning point "
            f"{turns['all']:.1f}",
            rising["all"]
            and bool((ratios["all"] > ratios["dynamic"]).all())
            and ratios["all"][first] / ratios["dynamic"][first]
            > ratios["all"][last] / ratios["dynamic"][last],
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """By batch: the three ratios, and BP's energy of weights over that of multiply-accumulates."""
    import pandas as pd

    bp = of_rule(table, "bp")
    columns = {
        **{f"E_PC / E_BP, {SUM_NAMES[which]}": ratio(table, which) for which in SUMS},
        "BP: weights / MACs": bp.weights_j / bp.macs_j,
    }
    return pd.DataFrame(columns).reset_index()


def figure(table: pd.DataFrame) -> str:
    with drawn("batch", width_in=8.6, height_in=3.6) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        _ratios(left, table)
        _terms(right, table)
    return drawing.svg


def _ratios(axes: Axes, table: pd.DataFrame) -> None:
    for which, line in LINES.items():
        found = ratio(table, which)
        axes.plot(found.index, found, label=SUM_NAMES[which], markersize=4, **line)
        axes.axvline(turning_batch(found), color=line["color"], lw=1, ls=":")
    axes.axhline(2 / 3 * (STEPS + 1), color=style.INK, lw=1, ls="--")
    axes.annotate(
        "(2/3)(T + 1)",
        (1, 2 / 3 * (STEPS + 1)),
        xytext=(0, -3),
        textcoords="offset points",
        va="top",
    )
    plain_ticks(axes, list(BATCHES[::2]))
    axes.set_ylim(0, None)
    axes.set_xlabel("batch B")
    axes.set_title("energy of an update, PC / BP")
    axes.legend(loc="lower right")


def _terms(axes: Axes, table: pd.DataFrame) -> None:
    for rule in ("pc", "bp"):
        found = of_rule(table, rule)
        for term, colour in (("weights", "#d55e00"), ("macs", "#0072b2")):
            axes.plot(
                found.index,
                found[f"{term}_j"] * 1e6,
                color=colour,
                ls=style.RULE_LINES[rule],
                label=f"{rule.upper()}, {TERMS[term]}",
            )
    axes.axvline(equal_batch(table), color=style.MUTED, lw=1, ls=":")
    axes.annotate(
        f"B0 = {equal_batch(table):.0f}",
        (equal_batch(table), 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -9),
        textcoords="offset points",
    )
    plain_ticks(axes, list(BATCHES[::2]))
    axes.set_yscale("log")
    axes.set_xlabel("batch B")
    axes.set_title("energy of an update by term, µJ")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    name="batch",
    setting=(
        f"{LAYERS} layers of width {WIDTH}, T = {STEPS}, Gauss-Seidel PC without wavefront and BP, SGD, on one "
        "tile of the "
        f"shipped chip `tile64` with `tiles.sram.weights: streamed` and room for the weights of T + 1 = {STEPS + 1} "
        "layers beside all states, in the steady state, at the prices of `tile64`'s own memory."
    ),
    caption=(
        "Left: what an update of PC costs against BP, of more and more of what a chip pays for; dotted where "
        "each curve is halfway. Right: the two terms of theory, PC solid, BP dashed."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
