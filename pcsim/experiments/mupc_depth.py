"""Does a network stay trainable as it gets deeper, and how many of its layers learn what backpropagation teaches?

A residual muPC network with its published settings, and a standard one without skips. Accuracy alone says little: where
only the layers next to the output learn, the others are random features, which skips carry on to them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pcsim.config import Candidate, Workload, candidates, load_both
from pcsim.experiments.credit import ALIGNED
from pcsim.experiments.drawing import NETWORK_LINES, plain_ticks
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

DEPTHS = (8, 16, 32, 64, 128)
"""Hidden layers."""
WIDTH, STEP = 128, 0.0078
NETWORKS = ("mupc", "sp")
STANDARD_RATES = (1e-2, 1e-3, 1e-4)
"""Learning rates among which the standard network has its best, by depth and rule, on the validation images."""
CHANCE, LEARNT = 0.15, 0.75
"""Up to the one a network of ten classes has learnt nothing; from the other on it counts as trainable."""
NAMES = {"mupc": "residual muPC", "sp": "standard"}


def measure() -> pd.DataFrame:
    """Accuracies by network, rule, hidden layers and learning rate; with PC, how many layers have which gradient."""
    return measured(DEPTHS)


def measured(depths: Sequence[int], *, epochs: int = 1) -> pd.DataFrame:
    """The table for some depths."""
    import pandas as pd

    from pcsim.engine import train_all

    rows: list[dict[str, Any]] = []
    for hidden in depths:
        for network in NETWORKS:
            workload, tried = _learners(network, hidden, epochs)
            credit = _credit(workload)
            for name, training in train_all(workload, tried).items():
                (curve,) = training.curves
                rule, rate = name.split()
                rows.append(
                    {
                        "network": network,
                        "rule": rule,
                        "hidden": hidden,
                        "rate": float(rate),
                        "validation": curve.validation_accuracy[-1],
                        "test": curve.test_accuracy,
                        **(credit if rule == "pc" else {}),
                    }
                )
    return pd.DataFrame(rows).astype({"aligned": "Int64", "reached": "Int64"})


def _learners(network: str, hidden: int, epochs: int) -> tuple[Workload, list[Candidate]]:
    """The workload, and predictive coding and backpropagation at each learning rate that is tried."""
    settings = {
        "network.layers": [784, *[WIDTH] * hidden, 10],
        "network.parameterisation": network,
        "network.skips": str(network == "mupc").lower(),
        "training.epochs": epochs,
        "training.seeds": 1,
        "training.evaluate_every": 1000,
        "pc.steps": hidden,
        "pc.rate": STEP,
    }
    hardware, workload = load_both(
        "tile64", "mupc128", overrides=[f"{key}={value}" for key, value in settings.items()]
    )
    tried = []
    for candidate in candidates(hardware, workload):
        published = candidate.optimiser.rate
        for rate in (published,) if network == "mupc" else STANDARD_RATES:
            optimiser = candidate.optimiser.model_copy(update={"rate": rate})
            name = f"{candidate.rule} {rate:g}"
            tried.append(replace(candidate, id=name, optimiser=optimiser))
    return workload, tried


def _credit(workload: Workload) -> dict[str, int]:
    """How many layers of the untrained network have a gradient like BP's, and how many have any, in float64.

    From plain numpy, which shares no code with what trains, on the first batch of seed 0.
    """
    from pcsim.engine import DenseNetwork, initial_weights
    from pcsim.engine.datasets import load_dataset
    from pcsim.engine.network import batch_rows
    from pcsim.theory.alignment import alignment, credit_depth
    from pcsim.theory.energy import backpropagated, weight_gradients
    from pcsim.theory.networks import ReferenceNetwork
    from pcsim.theory.relaxation import relax

    assert workload.network.parameterisation is not None
    network = DenseNetwork(
        widths=workload.network.widths,
        activation="relu",
        loss="mse",
        parameterisation=workload.network.parameterisation,
        skips=workload.network.skips,
    )
    reference = ReferenceNetwork(
        initial_weights(network, seed=0), network.scales, network.skipped, "relu"
    )
    train = load_dataset(workload.data, classes=10).train
    batch = workload.training.batch
    rows = batch_rows(0, len(train.x), batch=batch, epochs=1)[0]
    x, y = train.x[rows], train.y[rows]
    steps = workload.challenger_steps
    relaxed = relax(reference, x, y, order="jacobi", step=STEP, steps=steps)
    gradients = weight_gradients(reference, x, relaxed.states, relaxed.errors)
    cosines = alignment(gradients, backpropagated(reference, x, y)[1]).cosines
    return {
        "aligned": sum(cosine >= ALIGNED for cosine in cosines),
        "reached": credit_depth(gradients),
    }


def best(table: pd.DataFrame, network: str, rule: str) -> pd.DataFrame:
    """By depth, the row with the learning rate that is best on the validation images; of equal ones the first."""
    rows = table[(table.network == network) & (table.rule == rule)]
    chosen = rows.groupby("hidden")["validation"].idxmax()
    return rows.loc[chosen].set_index("hidden")


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    deep, plain = best(table, "mupc", "pc"), best(table, "sp", "pc")
    deep_bp, plain_bp = best(table, "mupc", "bp").test, best(table, "sp", "bp").test
    depths = list(deep.index)
    shallow, deepest = depths[0], depths[-1]
    fall = 100 * (deep.test[shallow] - deep.test[deepest])
    lost = min((hidden for hidden in depths if plain.test[hidden] <= CHANCE), default="none")
    return (
        Statement(
            "muPC stays trainable at every depth (about 94 % at every depth after one epoch of all 60,000 images)",
            f"{_by_depth(deep.test)} with {', '.join(map(str, depths))} hidden layers after one epoch of 3,500 images",
            deep.test.min() >= LEARNT,
        ),
        Statement(
            "and its accuracy hardly falls with depth",
            f"{fall:.1f} points from {shallow} to {deepest} hidden layers; with BP, in the same network at its own "
            f"published rate, {_by_depth(deep_bp)}",
            fall < 5,
        ),
        Statement(
            "standard PC falls to chance by 128 hidden layers at the latest (82, 82, 67 and 10 % at 8, 16, 32 and 128 "
            "after one epoch of all images)",
            f"{_by_depth(plain.test)}, at the best of {len(STANDARD_RATES)} learning rates each: chance from {lost} on",
            bool(plain.test[deepest] <= CHANCE),
        ),
        Statement(
            "that is the network's doing and not the rule's: without skips BP fails in it, too",
            f"{_by_depth(plain_bp)} with BP, likewise at the best of {len(STANDARD_RATES)} learning rates",
            plain_bp[deepest] <= CHANCE,
        ),
        Statement(
            "accuracy says little about credit: at the published step fewer than 20 layers, however deep the network, "
            "have a gradient like BP's, even in float64",
            f"cosine at least {ALIGNED} in {_listed(deep.aligned)} of {', '.join(str(h + 1) for h in depths)} "
            f"layers of muPC, any gradient in {_listed(deep.reached)}",
            int(deep.aligned.max()) < 20,
        ),
    )


def _by_depth(accuracy: pd.Series) -> str:
    return ", ".join(f"{100 * value:.1f}" for value in accuracy) + " %"


def _listed(counts: pd.Series) -> str:
    return ", ".join(str(int(count)) for count in counts)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """By depth: test accuracies in percent, and layers with a gradient like BP's."""
    import pandas as pd

    found = {(n, rule): best(table, n, rule) for n in NETWORKS for rule in ("pc", "bp")}
    depths = list(found["mupc", "pc"].index)
    columns: dict[str, Any] = {"hidden layers": depths}
    for (network, rule), rows in found.items():
        columns[f"{NAMES[network]}, {rule.upper()} %"] = [f"{100 * a:.1f}" for a in rows.test]
    for network in NETWORKS:
        rows = found[network, "pc"]
        columns[f"aligned layers, {NAMES[network]}"] = [
            f"{int(aligned)} of {hidden + 1}"
            for hidden, aligned in zip(depths, rows.aligned, strict=True)
        ]
    return pd.DataFrame(columns)


def figure(table: pd.DataFrame) -> str:
    with drawn("mupc-depth", width_in=8.4, height_in=3.6) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        _accuracy(left, table)
        _aligned(right, table)
    return drawing.svg


_COLOURS = {
    "mupc": NETWORK_LINES["mupc with skips"],
    "sp": {**NETWORK_LINES["sp"], "color": "#d55e00"},
}


def _accuracy(axes: Axes, table: pd.DataFrame) -> None:
    for network in NETWORKS:
        for rule in ("pc", "bp"):
            rows = best(table, network, rule)
            line = {**_COLOURS[network], "linestyle": style.RULE_LINES[rule]}
            name = f"{NAMES[network]}, {rule.upper()}"
            axes.plot(rows.index, 100 * rows.test, label=name, markersize=4, **line)
    axes.axhline(10, color=style.MUTED, lw=1, ls=":", label="chance")
    axes.set_ylim(0, 100)
    axes.set_title("test accuracy, %")
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.45))
    _over_depth(axes, table)


def _aligned(axes: Axes, table: pd.DataFrame) -> None:
    for network in NETWORKS:
        rows = best(table, network, "pc")
        aligned = rows.aligned.astype(int)
        axes.plot(rows.index, aligned, label=NAMES[network], markersize=4, **_COLOURS[network])
    depths = sorted(set(table.hidden))
    axes.plot(depths, [h + 1 for h in depths], color=style.MUTED, lw=1, ls=":", label="all layers")
    axes.set_yscale("symlog", base=2, linthresh=1)
    axes.set_yticks([0, *(2**power for power in range(8))])
    axes.set_ylim(bottom=-0.2)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title("layers whose gradient is like BP's")
    axes.legend(loc="upper left")
    _over_depth(axes, table)


def _over_depth(axes: Axes, table: pd.DataFrame) -> None:
    plain_ticks(axes, sorted(set(table.hidden)))
    axes.set_xlabel("hidden layers")


EXPERIMENT = Experiment(
    name="mupc-depth",
    setting=(
        f"relu networks 784, H times {WIDTH}, 10 on MNIST images, one-hot targets and squared error. muPC has skips "
        "and the settings that were published with it (arXiv 2505.13124): batches of 64, as many inference steps as "
        "hidden layers, eta = 0.5 / 64, Adam at 0.1 for PC and 0.005 for BP. The standard network has no skips "
        f"and the best of the learning rates {', '.join(f'{rate:g}' for rate in STANDARD_RATES)} on the validation "
        "images. Shorter than published: one seed, one epoch of 3,500 images (54 updates) in place of 60,000, width "
        f"{WIDTH} in place of 512. Gradients are compared at the initial weights in float64, on the first batch."
    ),
    caption=(
        "Left: accuracy on 1,000 test images over depth. Right: how many layers have a gradient with a cosine of at "
        f"least {ALIGNED} to backpropagation's; dotted, all there are."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
