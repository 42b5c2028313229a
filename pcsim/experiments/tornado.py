"""Which verdicts hang on one cost? Every price and leakage is halved and doubled, alike for both rules.

A verdict is on which side of 1 the ratio of PC's energy to BP's lies. Counts and cycles do not depend on costs, so
bills are priced anew and nothing is simulated twice; a ratio moves most with costs that the two rules pay
in the most different proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pcsim.config import load_hardware
from pcsim.experiments import batch, streamed
from pcsim.experiments.energy_to_accuracy import CHIP, SETTINGS, WORKLOAD
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.trained import WAYS, result, rule_of
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Program
from pcsim.report import drawn, style
from pcsim.technology import Bill, PriceList, bill, price_list, ratio_range
from pcsim.verdict import Estimate, Result
from pcsim.verdict.compare import sample_advantage

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

ONLINE = (
    "training.epochs=1",
    "training.seeds=2",
    "pc.optimiser.rate=0.1",
    "bp.optimiser.rate=0.03",
)
SCHEDULES = ("bp", "bp 1f1b", "bp zb_h1")
STREAMED = "batch 1, weights in DRAM"
ONLINE_CASE = "batch 1, weights on tiles"
SHOWN = (f"{WORKLOAD}, pc jacobi", ONLINE_CASE, STREAMED)
BARS = 6
PER_UPDATE = Estimate(1.0, None, None, ())
"""Of samples, where updates are compared and nothing is trained."""


@dataclass(frozen=True)
class PairOfBills:
    """Two bills of an update under one list of prices, and how many times BP's samples PC needs, over seeds."""

    case: str
    pc: Bill
    bp: Bill
    samples: Estimate
    prices: PriceList


def verdicts() -> Iterator[PairOfBills]:
    """The verdicts of energy-to-accuracy, each way against the best of BP's schedules, and of batch 1."""
    chip = load_hardware(CHIP)
    found = {way: result(way, chip, WORKLOAD, SETTINGS) for way in WAYS}
    best = min((found[way] for way in SCHEDULES), key=lambda one: one.per_update.energy_j)
    for way in WAYS:
        if rule_of(way) == "pc":
            yield _of_results(f"{WORKLOAD}, {way}", found[way], best, price_list(chip))
    pc, bp = (result(way, chip, "online", ONLINE) for way in ("pc jacobi", "bp"))
    yield _of_results(ONLINE_CASE, pc, bp, price_list(chip))
    seidel = streamed.gauss_seidel(batch.NETWORK, batch=1, steps=batch.STEPS)
    ours, theirs = _bill(seidel), _bill(streamed.bp(batch.NETWORK, batch=1))
    yield PairOfBills(STREAMED, ours, theirs, PER_UPDATE, streamed.prices())


def _bill(program: Program) -> Bill:
    """Of the chip whose weights come from DRAM, with room for T + 1 layers."""
    hardware = streamed.chip_with_room(program, batch.STEPS + 1)
    activity = simulate(place(program, hardware), hardware)
    return bill(activity, streamed.prices(), clock_hz=hardware.clock_hz)


def _of_results(case: str, pc: Result, bp: Result, prices: PriceList) -> PairOfBills:
    advantage = sample_advantage(pc, bp)
    assert advantage is not None, f"{case}: a seed did not reach the target"
    return PairOfBills(case, pc.bill, bp.bill, advantage.inverse(), prices)


def spread(prices: PriceList, factor: float) -> PriceList:
    """``prices`` with every range from 1 / ``factor`` to ``factor`` times its value."""
    return replace(
        prices,
        prices={
            key: replace(price, low_j=price.joules / factor, high_j=price.joules * factor)
            for key, price in prices.prices.items()
        },
        leaks=tuple(
            replace(leak, low_w=leak.watts / factor, high_w=leak.watts * factor)
            for leak in prices.leaks
        ),
    )


def measure() -> pd.DataFrame:
    """Energy to the target, PC over BP, by case and cost: as it is, lowest and highest; all costs, too."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for verdict in verdicts():
        prices = spread(verdict.prices, 2)
        used = sorted(
            {line.key for cost in (verdict.pc, verdict.bp) for line in cost.lines if line.count}
        )
        per_update = verdict.pc.energy_j / verdict.bp.energy_j
        samples = verdict.samples.value
        for name, keys in (*((key, (key,)) for key in used), ("all costs", tuple(used))):
            low, high = ratio_range(verdict.pc, verdict.bp, prices, keys=keys)
            rows.append(
                {
                    "case": verdict.case,
                    "cost": name,
                    "samples": samples,
                    "samples_low": verdict.samples.low,
                    "samples_high": verdict.samples.high,
                    "ratio": samples * per_update,
                    "low": samples * low,
                    "high": samples * high,
                }
            )
    return pd.DataFrame(rows)


def flipped(rows: pd.DataFrame) -> pd.DataFrame:
    """Those whose range has both sides of 1."""
    return rows[(rows.low < 1) & (rows.high > 1)]


def single(table: pd.DataFrame, case: str) -> pd.DataFrame:
    """Rows of single costs, widest range first."""
    rows = table[(table.case == case) & (table.cost != "all costs")]
    order = (rows.high - rows.low).sort_values(ascending=False, kind="stable").index
    return rows.loc[order]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    import pandas as pd

    cases = list(dict.fromkeys(table.case))
    trained = [case for case in cases if case.startswith(f"{WORKLOAD}, ")]
    online = [ONLINE_CASE, STREAMED]
    flips = {case: list(flipped(single(table, case)).cost) for case in cases}
    whole = table[table.cost == "all costs"].set_index("case")
    seeds = whole[["samples_low", "samples_high"]].mul(whole.ratio / whole.samples, axis=0)
    seeds.columns = pd.Index(["low", "high"])
    z_il = f"{WORKLOAD}, z_il"
    tried = {case: len(single(table, case)) for case in cases}
    inside = bool(((table.low <= table.ratio) & (table.ratio <= table.high)).all())
    least = {case: float(single(table, case).low.min()) for case in cases}
    top = {case: single(table, case).iloc[0] for case in cases}
    return (
        Statement(
            "the verdicts of energy-to-accuracy hold when any one cost is halved or doubled",
            "; ".join(
                f"{case}: {float(whole.ratio[case]):.2f}, at least {least[case]:.2f}, "
                f"{_told(flips[case])} of {tried[case]} costs"
                for case in trained
            ),
            not any(flips[case] for case in trained),
        ),
        Statement(
            "so do those of learning at batch 1",
            "; ".join(
                f"{case}: {float(whole.ratio[case]):.2f}, at least {least[case]:.2f}, "
                f"{_told(flips[case])} of {tried[case]} costs"
                for case in online
            ),
            not any(flips[case] for case in online),
        ),
        Statement(
            "they hold as well when all costs move at once, each the worst way",
            "; ".join(
                f"{case}: {float(whole.low[case]):.2f} to {float(whole.high[case]):.2f}"
                for case in cases
            ),
            all(whole.low[case] > 1 for case in cases),
        ),
        Statement(
            "how many samples PC needs is known less well than costs: over seeds the ratio moves further than "
            "over all "
            "costs together, but for Z-IL, which needs as many as BP",
            "; ".join(
                f"{case}: {float(seeds.low[case]):.2f} to {float(seeds.high[case]):.2f} over seeds"
                for case in (*trained, ONLINE_CASE)
            ),
            all(
                seeds.high[case] - seeds.low[case] > whole.high[case] - whole.low[case]
                for case in (*trained, ONLINE_CASE)
                if case != z_il
            ),
        ),
        Statement(
            "every range has the ratio in it, and where weights come from DRAM their price moves it most",
            "; ".join(
                f"{case}: most by {top[case].cost}, {top[case].low:.2f} to {top[case].high:.2f}"
                for case in SHOWN
            ),
            inside and str(top[STREAMED].cost).startswith("dram"),
        ),
    )


def _told(costs: list[str]) -> str:
    return f"flipped by {', '.join(costs)}" if costs else "flipped by none"


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """By case: the ratio, its range over the widest single cost and over all, and what flips it."""
    import pandas as pd

    whole = table[table.cost == "all costs"].set_index("case")
    rows = []
    for case in dict.fromkeys(table.case):
        widest = single(table, case).iloc[0]
        rows.append(
            {
                "verdict": case,
                "PC / BP": float(whole.ratio[case]),
                "widest cost": widest.cost,
                "low": float(widest.low),
                "high": float(widest.high),
                "all costs, low": float(whole.low[case]),
                "all costs, high": float(whole.high[case]),
                "flipped by": ", ".join(flipped(single(table, case)).cost) or "none",
            }
        )
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame) -> str:
    with drawn("tornado", width_in=9.0, height_in=3.4) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        _verdicts(left, table)
        _bars(right, table, STREAMED)
    return drawing.svg


def _verdicts(axes: Axes, table: pd.DataFrame) -> None:
    cases = list(dict.fromkeys(table.case))[::-1]
    whole = table[table.cost == "all costs"].set_index("case").loc[cases]
    widest = [single(table, case).iloc[0] for case in cases]
    lows, highs = ([float(row[end]) for row in widest] for end in ("low", "high"))
    axes.barh(
        cases,
        whole.high - whole.low,
        left=whole.low,
        color=style.GRID,
        height=0.5,
        label="all costs, each the worst way",
    )
    lengths = [high - low for low, high in zip(lows, highs, strict=True)]
    colour = style.RULE_COLOURS["pc"]
    axes.barh(cases, lengths, left=lows, color=colour, height=0.5, label="the widest single cost")
    axes.plot(whole.ratio, cases, color=style.INK, ls="", marker="|", markersize=9)
    _finish(axes, "energy to the target, PC / BP")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.28))


def _bars(axes: Axes, table: pd.DataFrame, case: str) -> None:
    rows = single(table, case).head(BARS)[::-1]
    colour = style.RULE_COLOURS["pc"]
    axes.barh(rows.cost, rows.high - rows.low, left=rows.low, color=colour, height=0.6)
    axes.axvline(float(rows.ratio.iloc[0]), color=style.INK, lw=1)
    _finish(axes, case)


def _finish(axes: Axes, title: str) -> None:
    axes.axvline(1, color=style.RULE_COLOURS["bp"], ls=style.RULE_LINES["bp"], lw=1.4)
    axes.set_xlim(left=0.9)
    axes.grid(visible=False, axis="y")
    axes.set_title(title)


EXPERIMENT = Experiment(
    name="tornado",
    setting=(
        "The verdicts of energy-to-accuracy, each way of learning against BP in its best schedule there; the shipped "
        f"workload `online` (batch 1) with {' and '.join(ONLINE)} on `{CHIP}`, whose weights are on the tiles; and "
        "the "
        "chip of the experiment batch at batch 1, whose weights come from DRAM, update against update. Every "
        "price and "
        "leakage that either bill pays is halved and doubled, alike for both rules. The samples that PC needs are "
        "the geometric "
        "mean over seeds; their 95 % interval is told apart."
    ),
    caption=(
        "Left: every verdict, its range over the cost that moves it most and over all costs together, each moved "
        "against it. Right: the costs that move one of them most. PC wins left of the dashed line."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
