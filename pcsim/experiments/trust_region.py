"""Which step do the states take? Inference ends where a trust-region method would step to at once.

From the feed-forward pass to equilibrium the states move by -(P + G)^-1 g: Gauss-Newton on the loss (G), held
back by the Fisher information P of the network as a generative model. Seen in the errors e, where P is the
identity, an eigenvalue s of S - I = sum P_l P_l^T decides: along its eigenvector one gradient step of rate 1
(backpropagation's errors, added to every layer) removes s of the output's error, Gauss-Newton's smallest
step 1, and inference s / (1 + s), which never overshoots (Innocenti, Singh, Buckley 2023).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pcsim.experiments.experiment import Experiment, Statement
from pcsim.report import drawn, style
from pcsim.theory import linear
from pcsim.theory.energy import backpropagated, feed_forward
from pcsim.theory.networks import Arrays, ReferenceNetwork, draw_data, draw_network
from pcsim.theory.relaxation import relaxing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

WIDTHS, SAMPLES = (16, *[16] * 5, 8), 64
NETWORKS = {
    "sp": draw_network(WIDTHS, seed=0),
    "sp with skips": draw_network(WIDTHS, seed=0, skips=True),
    "mupc with skips": draw_network(WIDTHS, seed=0, parameterisation="mupc", skips=True),
    "mupc": draw_network(WIDTHS, seed=0, parameterisation="mupc"),
}
FOLLOWED, STEP, STEPS = "sp", 0.1, 300
STEP_KINDS: dict[str, dict[str, Any]] = {
    "gradient": {"color": style.RULE_COLOURS["bp"], "marker": "s"},
    "Gauss-Newton": {"color": style.MUTED, "marker": "D"},
    "inference": {"color": style.RULE_COLOURS["pc"], "marker": "o"},
}


def measure() -> pd.DataFrame:
    """Quantities identity (by network), removed (by step and s = at) and cosine (by step and t = at)."""
    import pandas as pd

    x, y = draw_data(WIDTHS, SAMPLES, seed=0)
    rows: list[dict[str, Any]] = []

    def add(quantity: str, network: str, value: float, step: str = "", at: float = 0.0) -> None:
        rows.append(
            {"quantity": quantity, "network": network, "step": step, "at": at, "value": value}
        )

    for name, network in NETWORKS.items():
        end = np.hstack(linear.equilibrium(network, x, y))
        taken = end - np.hstack(feed_forward(network, x)[0])
        predicted = np.hstack(linear.trust_region_step(network, x, y))
        add("identity", name, float(np.abs(taken - predicted).max() / np.abs(taken).max()))
        for step, (sizes, removed) in removed_by_step(network, x, y).items():
            for size, share in zip(sizes, removed, strict=True):
                add("removed", name, float(share), step, float(size))
    network = NETWORKS[FOLLOWED]
    start = np.hstack(feed_forward(network, x)[0])
    ways = {
        "gradient": np.hstack(first_step(network, x, y)) - start,
        "natural gradient": np.hstack(moved(network, x, backpropagated(network, x, y)[0])) - start,
        "trust-region step": np.hstack(linear.equilibrium(network, x, y)) - start,
    }
    trajectory = relaxing(network, x, y, order="jacobi", step=STEP)
    for t, relaxed in enumerate(islice(trajectory, 1, STEPS + 1), 1):
        way = np.hstack(relaxed.states) - start
        for kind, other in ways.items():
            cosine = np.vdot(way, other) / np.linalg.norm(way) / np.linalg.norm(other)
            add("cosine", FOLLOWED, float(cosine), kind, t)
    return pd.DataFrame(rows)


def first_step(network: ReferenceNetwork, x: np.ndarray, y: np.ndarray) -> Arrays:
    """Where one small gradient step of the states leads: only the top hidden layer moves."""
    return next(islice(relaxing(network, x, y, order="jacobi", step=STEP), 1, None)).states


def moved(network: ReferenceNetwork, x: np.ndarray, e: Arrays) -> Arrays:
    """The states of a forward pass to which layer l adds ``e[l - 1]``."""
    states = [x]
    for matrix, error in zip(linear.matrices(network)[:-1], e[:-1], strict=True):
        states.append(states[-1] @ matrix.T + error)
    return tuple(states[1:])


def removed_by_step(
    network: ReferenceNetwork, x: np.ndarray, y: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Per kind of step: s, and the share of the output's error it removes along each eigenvector."""
    deltas, _ = backpropagated(network, x, y)
    residual, metric = deltas[-1], linear.output_metric(network)
    sizes, vectors = np.linalg.eigh(metric - np.eye(len(metric)))
    pseudo = (
        residual @ vectors / sizes
    ) @ vectors.T  # (S - I)^-1 r: what each layer's e is carried from.
    downs = linear.maps_to_output(network)[1:]
    steps = {
        "gradient": moved(network, x, deltas),
        "Gauss-Newton": moved(network, x, tuple(pseudo @ down for down in downs)),
        "inference": linear.equilibrium(network, x, y),
    }
    along = residual @ vectors
    top = linear.matrices(network)[-1]
    return {
        kind: (
            sizes,
            1
            - np.sum((y - states[-1] @ top.T) @ vectors * along, axis=0) / np.sum(along**2, axis=0),
        )
        for kind, states in steps.items()
    }


def removed(table: pd.DataFrame, step: str) -> pd.DataFrame:
    """Rows (at = s, value) of one kind of step, by s."""
    return table[(table.quantity == "removed") & (table.step == step)].sort_values("at")


def cosines(table: pd.DataFrame, way: str) -> pd.Series:
    """Cosine with one way, by t."""
    rows = table[(table.quantity == "cosine") & (table.step == way)]
    return rows.set_index("at")["value"]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    identity = table[table.quantity == "identity"].value.max()
    inference, gradient = removed(table, "inference"), removed(table, "gradient")
    newton = removed(table, "Gauss-Newton")
    law = (inference.value - inference["at"] / (1 + inference["at"])).abs().max()
    first = (gradient.value / gradient["at"] - 1).abs().max()
    whole = (newton.value - 1).abs().max()
    overshooting = int((gradient.value > 2).sum())
    begin, natural, end = (
        cosines(table, way) for way in ("gradient", "natural gradient", "trust-region step")
    )
    return (
        Statement(
            "the states move by the trust-region step -(P + G)^-1 g, exactly in linear networks",
            f"the largest difference is {identity:.0e} of the step, over {len(NETWORKS)} networks",
            identity < 1e-10,
        ),
        Statement(
            "inference removes s / (1 + s) of the output's error along each eigenvector of S - I",
            f"within {law:.0e}, for s from {inference['at'].min():.1e} to {inference['at'].max():.0f}",
            law < 1e-9,
        ),
        Statement(
            "a gradient step of rate 1 removes s, and makes the error larger where s > 2; Gauss-Newton removes all",
            f"within {first:.0e} and {whole:.0e}; in {overshooting} of {len(gradient)} directions s > 2",
            first < 1e-9 and whole < 1e-6 and overshooting > 0,
        ),
        Statement(
            "inference starts along the gradient of the states and turns towards the trust-region step",
            f"cosine with the gradient {begin.loc[1]:.3f} after 1 step and {begin.loc[STEPS]:.3f} after "
            f"{STEPS}; with the step of equilibrium {end.loc[1]:.3f} and {end.loc[STEPS]:.6f}",
            begin.loc[1] > 1 - 1e-9 and end.loc[STEPS] > 1 - 1e-6,
        ),
        Statement(
            "where s is small P rules, and the end lies closer to the natural gradient P^-1 g than to "
            "the gradient",
            f"cosines {natural.loc[STEPS]:.3f} and {begin.loc[STEPS]:.3f}",
            natural.loc[STEPS] > begin.loc[STEPS],
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Cosines of the way so far with three others, after some steps."""
    import pandas as pd

    at = [1, 3, 10, 30, 100, 300]
    ways = ("gradient", "natural gradient", "trust-region step")
    return pd.DataFrame(
        {"steps": at, **{f"cosine, {way}": cosines(table, way).loc[at].to_numpy() for way in ways}}
    )


def figure(table: pd.DataFrame) -> str:
    with drawn("trust-region", width_in=8.4, height_in=3.6) as drawing:
        left, right = drawing.figure.subplots(1, 2)
        _removed(left, table)
        _turning(right, table)
    return drawing.svg


def _removed(axes: Axes, table: pd.DataFrame) -> None:
    s = np.logspace(-4, 3, 100)
    laws = {"gradient": s, "Gauss-Newton": np.ones_like(s), "inference": s / (1 + s)}
    names = {
        "gradient": "gradient: s",
        "Gauss-Newton": "Gauss-Newton: 1",
        "inference": "inference: s / (1 + s)",
    }
    for kind, line in STEP_KINDS.items():
        axes.plot(s, laws[kind], color=line["color"], lw=1)
        rows = removed(table, kind)
        axes.plot(rows["at"], rows.value, linestyle="", markersize=3.5, label=names[kind], **line)
    lowest = removed(table, "inference")["at"]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lowest.min() / 2, lowest.max() * 2)
    axes.set_ylim(lowest.min() / 2, lowest.max() * 2)
    axes.set_title("share of the output's error that a step removes")
    axes.set_xlabel("eigenvalue s of S - I")
    axes.legend(loc="upper left")


def _turning(axes: Axes, table: pd.DataFrame) -> None:
    lines: dict[str, dict[str, Any]] = {
        "gradient": {"color": style.RULE_COLOURS["bp"], "linestyle": style.RULE_LINES["bp"]},
        "natural gradient": {"color": style.MUTED, "linestyle": ":"},
        "trust-region step": {"color": style.RULE_COLOURS["pc"], "linestyle": "-"},
    }
    for way, line in lines.items():
        found = cosines(table, way)
        axes.plot(found.index, found, label=way, **line)
    axes.set_xscale("log")
    axes.set_xlim(1, STEPS)
    axes.set_ylim(top=1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title(f"direction in which the states have come, {FOLLOWED}")
    axes.set_xlabel("inference steps")
    axes.set_ylabel("cosine")
    axes.legend(loc="lower center", title="with the way of the")


EXPERIMENT = Experiment(
    name="trust-region",
    setting=(
        f"Linear networks {'-'.join(map(str, WIDTHS))} of four kinds (weights of seed 0), {SAMPLES} samples of "
        f"standard normal inputs and targets (seed 0). The way of inference is that of the {FOLLOWED} network, Jacobi "
        f"with step {STEP}."
    ),
    caption=(
        "Left: what a step from the feed-forward pass does to the output's error, one mark per "
        "eigenvector of S - I and network, lines in closed form. Right: cosine of the way that the states have come "
        "with the gradient, the natural gradient (backpropagation's errors, carried forward) and the "
        "trust-region step, which ends at equilibrium."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
