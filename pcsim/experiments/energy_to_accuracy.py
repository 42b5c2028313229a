"""What does each way of learning pay for the same accuracy?

PC wins where its advantage in samples is larger than its price per sample. Its products are, for deep
equal layers, (2/3)(T + 1) times BP's; ipc does T times BP's and learns T times from them. Z-IL does
BP's products in BP's order and learns what BP learns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pcsim.config import candidates, load_hardware, load_workload
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.slots import simulated
from pcsim.experiments.trained import WAYS, learnt, result, rule_of
from pcsim.program import program_of
from pcsim.report import drawn, style
from pcsim.theory.counts import (
    backpropagation_counts,
    incremental_counts,
    predictive_coding_counts,
)
from pcsim.verdict import Estimate
from pcsim.verdict.interval import paired_ratio

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

CHIP, WORKLOAD = "tile64", "digits"
SETTINGS = (
    "training.epochs=8",
    "training.seeds=3",
    "training.evaluate_every=5",
    "pc.optimiser.rate=0.001",
    "bp.optimiser.rate=0.001",
)
COLOURS = {
    "pc jacobi": "#d55e00",
    "pc gauss_seidel": "#009e73",
    "ipc": "#e69f00",
    "epc": "#cc79a7",
    "z_il": "#56b4e9",
    "bp": style.INK,
    "bp 1f1b": style.MUTED,
    "bp zb_h1": "#0072b2",
}


def measure() -> pd.DataFrame:
    """An update by way and chip; updates, joules and seconds to the target by seed; accuracy over updates."""
    import pandas as pd

    return pd.DataFrame([row for way in WAYS for row in (*_learnt(way), _ideal(way))])


def _learnt(way: str) -> Iterator[dict[str, Any]]:
    return learnt(way, CHIP, result(way, load_hardware(CHIP), WORKLOAD, SETTINGS))


def _ideal(way: str) -> dict[str, Any]:
    """An update where only products take time."""
    workload = load_workload(WORKLOAD, overrides=(*SETTINGS, *WAYS[way]))
    hardware = load_hardware("ideal")
    (candidate,) = candidates(hardware, workload, rule=rule_of(way))
    activity = simulated(program_of(workload, candidate, steps=candidate.steps), hardware)
    cycles = activity.makespan_cycles
    return {"kind": "update", "way": way, "chip": "ideal", "macs": activity.macs, "cycles": cycles}


def updates(table: pd.DataFrame, chip: str) -> pd.DataFrame:
    """What an update takes, by way."""
    rows = table[(table.kind == "update") & (table.chip == chip)]
    return rows.set_index("way")[["macs", "cycles", "energy_j", "static_j", "time_s"]]


def against_bp(table: pd.DataFrame, way: str, quantity: str, *, bp: str = "bp") -> Estimate | None:
    """``quantity`` to the target over that of ``bp``, paired by seed; None where a seed did not get there."""
    rows = table[table.kind == "target"]
    ours, theirs = (rows[rows.way == who].sort_values("seed")[quantity] for who in (way, bp))
    if ours.isna().any() or theirs.isna().any():
        return None
    return paired_ratio(list(ours), list(theirs))


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    workload = load_workload(WORKLOAD, overrides=SETTINGS)
    widths, steps = workload.network.widths, workload.challenger_steps
    batch = workload.training.batch
    real, ideal = updates(table, CHIP), updates(table, "ideal")
    bp_macs = backpropagation_counts(widths, batch).macs
    expected = {
        "pc jacobi": predictive_coding_counts(widths, batch, steps=steps, wavefront=True).macs,
        "pc gauss_seidel": predictive_coding_counts(
            widths, batch, steps=steps, wavefront=False
        ).macs,
        "ipc": incremental_counts(widths, batch, steps=steps).macs,
        "epc": predictive_coding_counts(widths, batch, steps=steps, wavefront=False).macs,
        "z_il": bp_macs,
    }
    energy, samples = (
        {way: against_bp(table, way, quantity) for way in WAYS}
        for quantity in ("energy_j", "updates")
    )
    known = {way: ratio for way, ratio in energy.items() if ratio is not None}
    targets = table[table.kind == "target"]
    best = min(("bp", "bp 1f1b", "bp zb_h1"), key=lambda way: real.energy_j[way])
    paying = ("pc jacobi", "pc gauss_seidel", "ipc", "epc")
    against_best = {way: against_bp(table, way, "energy_j", bp=best) for way in paying}
    per_sample = {way: float(real.energy_j[way] / real.energy_j["bp"]) for way in expected}
    macs = {way: count / bp_macs for way, count in expected.items()}
    spent = real.energy_j - real.static_j
    work = {way: float(spent[way] / spent["bp"]) for way in expected}
    time = {way: float(real.time_s[way] / real.time_s["bp"]) for way in expected}
    zil, bp = (
        [int(count) for count in targets[targets.way == who].sort_values("seed").updates.dropna()]
        for who in ("z_il", "bp")
    )
    advantage = {way: 1 / found.value for way in paying if (found := samples[way]) is not None}
    return (
        Statement(
            "every way and seed gets to the target",
            f"{int(targets.updates.notna().sum())} of {len(targets)} do",
            len(known) == len(WAYS),
        ),
        Statement(
            "gated Z-IL is BP: the same updates to the target, and on the ideal chip the same cycles and products",
            f"{zil} and {bp} updates; {int(ideal.cycles['z_il'])} and {int(ideal.cycles['bp'])} cycles, "
            f"{int(ideal.macs['z_il']):,} and {int(ideal.macs['bp']):,} multiply-accumulates. On {CHIP} it costs "
            f"{per_sample['z_il']:.3f} times BP's energy, as it moves states and takes their errors where BP only "
            "multiplies",
            zil == bp
            and bool(
                (ideal.loc["z_il", ["cycles", "macs"]] == ideal.loc["bp", ["cycles", "macs"]]).all()
            ),
        ),
        Statement(
            f"the products of a sample are (2/3)(T + 1) = {2 / 3 * (steps + 1):.2f} times BP's for deep equal "
            "layers; less "
            "here, where the first of 3 layers holds half of the weights and is predicted once; T times for ipc",
            ", ".join(f"{way} {macs[way]:.2f}" for way in expected) + ", as counted in closed form",
            all(real.macs[way] == count for way, count in expected.items())
            and all(macs[way] < 2 / 3 * (steps + 1) for way in expected if way != "ipc")
            and macs["ipc"] == steps,
        ),
        Statement(
            "what is paid for work follows the products",
            "without leakage and DRAM standby "
            + ", ".join(f"{way} {work[way]:.2f}" for way in expected),
            all(abs(work[way] / macs[way] - 1) < 0.1 for way in expected),
        ),
        Statement(
            f"the whole energy follows time more closely, as most of it on {CHIP} is leakage of 64 tiles, of which "
            "so small a network fills few",
            f"{float((real.static_j / real.energy_j).min()):.0%} at least is leakage and DRAM standby; energy and "
            "time of an update "
            + ", ".join(f"{way} {per_sample[way]:.2f} and {time[way]:.2f}" for way in expected),
            all(
                abs(per_sample[way] - time[way]) <= abs(per_sample[way] - macs[way])
                for way in expected
            ),
        ),
        Statement(
            "so PC would have to learn from fewer samples by that factor, and does not: it pays it for the target",
            ", ".join(
                f"{way} needs {per_sample[way]:.2f} and has {found:.2f}"
                for way, found in advantage.items()
            ),
            len(advantage) == len(paying)
            and all(per_sample[way] > found for way, found in advantage.items()),
        ),
        Statement(
            "BP takes the least energy to the target, in its best schedule, beyond the spread of seeds",
            f"with {best}; of it "
            + ", ".join(f"{way} takes {_shown(found)}" for way, found in against_best.items())
            + " times the energy",
            all(found is not None and (found.low or 0) > 1 for found in against_best.values()),
        ),
    )


def _shown(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "an unknown number of"
    return f"{estimate.value:.2f} ({estimate.low:.2f}..{estimate.high:.2f})"


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Per way: products and energy of an update and updates, energy and time to the target, means over seeds."""
    import pandas as pd

    real, ideal = updates(table, CHIP), updates(table, "ideal")
    means = table[table.kind == "target"].groupby("way")[
        ["updates", "energy_j", "time_s", "accuracy"]
    ]
    to_target = means.mean()
    rows = [
        {
            "way": way,
            "MACs / BP": float(real.macs[way] / real.macs["bp"]),
            "slots / BP, ideal": float(ideal.cycles[way] / ideal.cycles["bp"]),
            "µJ per update": float(real.energy_j[way]) * 1e6,
            "updates to target": float(to_target.updates[way]),
            "mJ to target": float(to_target.energy_j[way]) * 1e3,
            "ms to target": float(to_target.time_s[way]) * 1e3,
            "test accuracy": f"{float(to_target.accuracy[way]):.1%}",
        }
        for way in WAYS
    ]
    return pd.DataFrame(rows)


def figure(table: pd.DataFrame) -> str:
    with drawn("energy-to-accuracy", width_in=9.0, height_in=3.9) as drawing:
        left, right = drawing.figure.subplots(1, 2, width_ratios=(1.2, 1))
        _curves(left, table)
        _ratios(right, table)
    return drawing.svg


def _curves(axes: Axes, table: pd.DataFrame) -> None:
    for way in WAYS:
        rows = table[(table.kind == "curve") & (table.way == way)]
        axes.plot(
            rows.energy_j * 1e3,
            rows.accuracy,
            color=COLOURS[way],
            ls=style.RULE_LINES[rule_of(way)],
            lw=1.4,
            label=way,
        )
    target = load_workload(WORKLOAD).training.target_accuracy
    axes.axhline(target, color=style.MUTED, lw=1, ls=":")
    axes.annotate("target", (1.1, target), va="bottom")
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.set_ylim(0.5, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("energy spent on updates, mJ")
    axes.set_title("validation accuracy, mean over seeds")
    axes.legend(loc="lower right")


def _ratios(axes: Axes, table: pd.DataFrame) -> None:
    shown = [way for way in reversed(WAYS) if way != "bp"]
    for quantity, mark, shift in (("energy_j", "o", 0.12), ("time_s", "s", -0.12)):
        for at, way in enumerate(shown):
            found = against_bp(table, way, quantity)
            if found is None or found.low is None or found.high is None:
                continue
            axes.plot(
                [found.low, found.high], [at + shift] * 2, color=COLOURS[way], lw=1.6, alpha=0.6
            )
            axes.plot(found.value, at + shift, color=COLOURS[way], marker=mark, markersize=5)
    for mark, name in (("o", "energy"), ("s", "time")):
        axes.plot([], [], color=style.MUTED, marker=mark, ls="", label=name)
    axes.axvline(1, color=style.INK, ls=style.RULE_LINES["bp"], lw=1.2)
    axes.set_yticks(range(len(shown)), shown)
    axes.set_xlim(left=0)
    axes.set_title("to the target, times sequential BP's")
    axes.legend(loc="lower right")


EXPERIMENT = Experiment(
    name="energy-to-accuracy",
    setting=(
        f"The shipped workload `{WORKLOAD}` with {', '.join(SETTINGS)} on the shipped chip `{CHIP}`, "
        "weights resident; its seeds, target, steps and rates for all ways (z_il: rate 1 and a step per hidden "
        "layer, by what it is). Changed with --set, as any run can be: "
        + "; ".join(f"{way}: {', '.join(changed)}" for way, changed in WAYS.items() if changed)
        + ". Rates were not tuned for any way. Once more an update on `ideal`, where only products take time."
    ),
    caption=(
        "Left: accuracy by energy; BP dashed. Right: energy and time to the target against sequential BP, "
        "geometric means "
        "and 95 % intervals over seeds, which all ways share."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
