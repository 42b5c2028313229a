"""How much memory saves DRAM traffic: what do weights in DRAM cost by the room for them, and who stashes most?

Inference goes through the weights again and again. Layer by layer that reuses nothing until all layers
fit; visits skewed over layers and steps load about L T / G matrices, Gauss-Seidel passes that follow
one another closely the weights once, as backpropagation does, where T + 1 layers fit. Pipelined
backpropagation stashes activities for about L^2 / 2 micro-batches and layers, predictive coding keeps
its states and errors of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pcsim.experiments import streamed
from pcsim.experiments.experiment import Experiment, Statement
from pcsim.experiments.slots import WIDTH as STASH_WIDTH
from pcsim.experiments.slots import chip, uniform
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import place
from pcsim.program import Options, Program, predictive_coding
from pcsim.program.pipelines import pipelined_backpropagation
from pcsim.report import drawn, style
from pcsim.technology import bill
from pcsim.theory import streaming

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYERS, STEPS, WIDTH, BATCH = 24, 8, 32, 1
ROOMS = (1, 2, 4, 6, 7, 8, 9, 10, 12, 16, 20, 22, 23, 24)
STASH_DEPTHS = (4, 8, 16, 32, 64)
KEPT = {"stash pc": ("state", "error"), "stash bp": ("state",)}
"""What waits for later products; BP's errors do not have to, PC's do."""
NETWORK = chain((WIDTH,) * (LAYERS + 1), "tanh")
MATRIX = WIDTH * WIDTH
BUILD: dict[str, Callable[[int], Program]] = {
    "jacobi": lambda room: streamed.jacobi(NETWORK, batch=BATCH, steps=STEPS),
    "skewed": lambda room: streamed.jacobi(NETWORK, batch=BATCH, steps=STEPS, window=room),
    "gauss_seidel": lambda room: streamed.gauss_seidel(NETWORK, batch=BATCH, steps=STEPS),
    "bp": lambda room: streamed.bp(NETWORK, batch=BATCH),
}
NAMES = {
    "jacobi": "Jacobi, layer by layer",
    "skewed": "Jacobi, skewed",
    "gauss_seidel": "Gauss-Seidel",
    "bp": "BP",
}
LINES: dict[str, dict[str, Any]] = {
    "jacobi": {"color": "#d55e00", "marker": "o"},
    "skewed": {"color": "#e69f00", "marker": "^"},
    "gauss_seidel": {"color": "#009e73", "marker": "s"},
    "bp": {"color": style.INK, "marker": "", "ls": style.RULE_LINES["bp"]},
}


def measure() -> pd.DataFrame:
    """Loads, DRAM words, energy and cycles by way and room; stash by rule and depth (room then is the depth)."""
    import pandas as pd

    return pd.DataFrame([*_streaming(), *_stashing()])


def _streaming() -> Iterator[dict[str, Any]]:
    prices = streamed.prices()
    for way, build in BUILD.items():
        for room in ROOMS:
            program = build(room)
            hardware = streamed.chip_with_room(program, room)
            placement = place(program, hardware)
            cold = simulate(placement, hardware, cold=True)
            steady = simulate(placement, hardware)
            stages = ("forward", "backward", "update") if way == "bp" else ("forward", "inference")
            read, written = streamed.weight_words(steady)
            cost = bill(steady, prices, clock_hz=hardware.clock_hz)
            yield {
                "what": way,
                "room": room,
                "loads": streamed.weight_words(cold, *stages)[0] // MATRIX,
                "expected_loads": expected_loads(way, room),
                "dram_weight_words": read + written,
                "dram_energy_j": cost.by_component()["dram"],
                "energy_j": cost.energy_j,
                "cycles": steady.makespan_cycles,
            }


def expected_loads(way: str, room: int) -> int:
    """From an empty window: of the feed-forward pass and inference; for BP of all, as nothing else loads."""
    if way == "bp":
        return streaming.backpropagation_loads(LAYERS, room)
    if way == "jacobi":
        return streaming.jacobi_loads(LAYERS, STEPS, room)
    visits = {
        "skewed": streaming.skewed_visits(LAYERS, STEPS, room),
        "gauss_seidel": streaming.gauss_seidel_visits(LAYERS, STEPS),
    }
    return streaming.loads([*streaming.feed_forward_visits(LAYERS), *visits[way]], room)


def _stashing() -> Iterator[dict[str, Any]]:
    """Bytes that wait for later products on a chip without limits, a tile per layer."""
    for depth in STASH_DEPTHS:
        network = uniform(depth)
        rules = {
            "stash pc": predictive_coding(network, "mse", Options(STASH_WIDTH, STEPS, "sgd")),
            "stash bp": pipelined_backpropagation(
                network,
                "mse",
                batch=2 * depth * STASH_WIDTH,
                micro_batches=2 * depth,
                schedule="1f1b",
                optimiser="sgd",
            ),
        }
        for what, program in rules.items():
            copies = sum(
                buffer.copies
                for layer in range(2, depth + 1)
                for buffer in program.buffers_of(layer)
                if buffer.name == "operand"
            )
            occupied = place(program, chip()).occupancy_bytes.values()
            kept = sum(kinds.get(kind, 0) for kinds in occupied for kind in KEPT[what])
            yield {
                "what": what,
                "room": depth,
                "loads": copies,
                "stash_bytes": kept,
            }


def by_room(table: pd.DataFrame, what: str, quantity: str) -> pd.Series:
    rows = table[table.what == what]
    return rows.set_index("room")[quantity]


def statements(table: pd.DataFrame) -> tuple[Statement, ...]:
    import pandas as pd

    loads = {way: by_room(table, way, "loads") for way in BUILD}
    expected = {way: by_room(table, way, "expected_loads") for way in BUILD}
    words = {way: by_room(table, way, "dram_weight_words") for way in BUILD}
    energy = {way: by_room(table, way, "energy_j") for way in BUILD}
    dearer = {way: energy[way] / energy["bp"] for way in BUILD}
    cliff, knee = LAYERS - 1, STEPS + 1
    exact = {
        way: int((loads[way] != expected[way]).sum()) for way in ("jacobi", "gauss_seidel", "bp")
    }
    skewed = loads["skewed"] - LAYERS  # Without the feed-forward pass.
    law = pd.Series({room: streaming.skewed_loads(LAYERS, STEPS, room) for room in ROOMS})
    early = [room for room in ROOMS if room <= STEPS]
    most = float((skewed[early] / law[early] - 1).abs().max())
    off = (loads["skewed"] - expected["skewed"]).loc[: cliff - 1]
    below = ROOMS[ROOMS.index(cliff) - 1]
    before = ROOMS[ROOMS.index(knee) - 1]
    stash = {rule: by_room(table, f"stash {rule}", "stash_bytes") for rule in ("pc", "bp")}
    copies = by_room(table, "stash bp", "loads")
    deepest, half = STASH_DEPTHS[-1], STASH_DEPTHS[-2]
    powers = {rule: math.log2(float(found[deepest] / found[half])) for rule, found in stash.items()}
    ratio = {depth: float(stash["bp"][depth] / stash["pc"][depth]) for depth in STASH_DEPTHS}
    return (
        Statement(
            f"layer by layer, Jacobi loads L + T (L - 1) - G matrices: a cliff at G = L - 1 = {cliff}, where all "
            "that "
            "relax fit",
            f"{loads['jacobi'][1]:.0f} with room for 1, {loads['jacobi'][below]:.0f} for {below}, "
            f"{loads['jacobi'][cliff]:.0f} for {cliff}; other than the closed form in {exact['jacobi']} of "
            f"{len(ROOMS)} cases",
            exact["jacobi"] == 0 and loads["jacobi"][below] > 5 * loads["jacobi"][cliff],
        ),
        Statement(
            "skewed visits load (L - 1) (1 + (T - 1) / G) matrices for inference, about L T / G + L: what is beyond "
            "one pass falls as 1 / G",
            f"within {most:.1%} up to G = T, "
            + ", ".join(f"{skewed[room]:.0f} at G = {room}" for room in early)
            + f"; other than the walk through their parallelograms in {int((off != 0).sum())} of {len(off)} cases "
            f"below the cliff. At it {loads['skewed'][cliff] - expected['skewed'][cliff]:.0f} more than the walk, "
            "which leaves out that layers already learn while others relax, and the first with them",
            most < 0.05 and not off.any(),
        ),
        Statement(
            f"Gauss-Seidel has its knee at G = T + 1 = {knee}: from there on one pass through the weights",
            f"{loads['gauss_seidel'][before]:.0f} loads with room for {before}, "
            f"{loads['gauss_seidel'][knee]:.0f} for {knee} (2L - 1 - G); other than the walk in "
            f"{exact['gauss_seidel']} cases",
            exact["gauss_seidel"] == 0
            and loads["gauss_seidel"][knee] == 2 * LAYERS - 1 - knee
            and loads["gauss_seidel"][before] > 2 * loads["gauss_seidel"][knee],
        ),
        Statement(
            "BP loads 2L - G, and from its knee on Gauss-Seidel moves the same weight words, update included",
            f"other than 2L - G in {exact['bp']} cases; {words['gauss_seidel'][knee]:,.0f} words a steady update "
            f"against BP's {words['bp'][knee]:,.0f} at G = {knee}",
            exact["bp"] == 0
            and all(
                words["gauss_seidel"][room] == words["bp"][room] for room in ROOMS if room >= knee
            ),
        ),
        Statement(
            "energy follows: against BP, Gauss-Seidel with G = T + 1 is no dearer than where all weights fit, "
            "layer by "
            "layer Jacobi is",
            f"{dearer['gauss_seidel'][knee]:.2f} and {dearer['jacobi'][knee]:.2f} times BP's energy at G = {knee}, "
            f"{dearer['gauss_seidel'][LAYERS]:.2f} and {dearer['jacobi'][LAYERS]:.2f} where all fit",
            dearer["gauss_seidel"][knee] <= dearer["gauss_seidel"][LAYERS]
            and dearer["jacobi"][knee] > dearer["jacobi"][LAYERS],
        ),
        Statement(
            "1F1B stashes L (L - 1) / 2 micro-batches above the first layer: BP's memory grows like depth squared, "
            "PC's like depth",
            f"{copies[deepest]:.0f} at L = {deepest}; BP's activities grow with power {powers['bp']:.2f}, PC's "
            "states and "
            f"errors with {powers['pc']:.2f}; they are {ratio[STASH_DEPTHS[0]]:.1f} times PC's at L = "
            f"{STASH_DEPTHS[0]} and "
            f"{ratio[deepest]:.1f} times at L = {deepest}",
            all(copies[depth] == depth * (depth - 1) // 2 for depth in STASH_DEPTHS)
            and powers["bp"] > 1.7
            and powers["pc"] < 1.1,
        ),
    )


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """By room: matrices loaded from an empty window, and microjoules of a steady update."""
    import pandas as pd

    columns = {
        **{f"loads, {NAMES[way]}": by_room(table, way, "loads") for way in BUILD},
        **{f"µJ, {NAMES[way]}": by_room(table, way, "energy_j") * 1e6 for way in BUILD},
    }
    return pd.DataFrame(columns).rename_axis("room for layers").reset_index()


def figure(table: pd.DataFrame) -> str:
    with drawn("sram", width_in=9.6, height_in=3.6) as drawing:
        left, middle, right = drawing.figure.subplots(1, 3, width_ratios=(1.2, 1.2, 1))
        for way, line in LINES.items():
            loads = by_room(table, way, "loads")
            left.plot(loads.index, loads, markersize=4, **line)
            energy = by_room(table, way, "energy_j") * 1e6
            middle.plot(energy.index, energy, label=NAMES[way], markersize=4, **line)
        middle.legend(loc="upper right")
        left.set_yscale("log", base=2)
        left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        left.set_title("weight matrices loaded")
        middle.set_title("energy of a steady update, µJ")
        middle.set_ylim(bottom=0)
        for axes in (left, middle):
            axes.set_xlabel("room for weights, layers G")
            axes.set_xticks([1, STEPS + 1, 16, LAYERS - 1])
        _stash(right, table)
    return drawing.svg


def _stash(axes: Axes, table: pd.DataFrame) -> None:
    for rule, name in (("bp", "BP, 1F1B"), ("pc", "PC")):
        found = by_room(table, f"stash {rule}", "stash_bytes") / 1024
        axes.plot(
            found.index,
            found,
            color=style.RULE_COLOURS[rule],
            ls=style.RULE_LINES[rule],
            marker="o",
            markersize=4,
            label=name,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(STASH_DEPTHS, [str(depth) for depth in STASH_DEPTHS])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("weight layers L")
    axes.set_title("memory of activities, KiB")
    axes.legend(loc="upper left")


EXPERIMENT = Experiment(
    name="sram",
    setting=(
        f"A network of {LAYERS} layers of width {WIDTH}, T = {STEPS}, batch {BATCH}, SGD, on one tile of the shipped "
        "chip `tile64` with `tiles.sram.weights: streamed` and a memory that holds states, errors, updates and the "
        "weights of G layers; PC without wavefront. Loads are counted from an empty window, feed-forward pass and "
        "inference together (BP: all); energy, leakage and DRAM standby included, in the steady state, at the "
        "prices of "
        f"`tile64`'s own memory. Memory of states: layers of width {STASH_WIDTH} on `ideal`, PC with one "
        f"micro-batch of {STASH_WIDTH} samples, BP with 2L of them, enough to keep its stages busy."
    ),
    caption=(
        "Left: how often a weight matrix comes from DRAM in an update. Middle: what the update costs. Right: "
        "activities that BP's pipeline stashes, states and errors that PC keeps, on the whole chip."
    ),
    measure=measure,
    statements=statements,
    numbers=numbers,
    figure=figure,
)
