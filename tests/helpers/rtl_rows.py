"""Register-level runs of streaming: the rows of tests/golden/hardware/rtl_streaming.csv as values of
`pcsim.theory.streamed_rows`."""

import csv
from pathlib import Path

from hypothesis import strategies as st

from pcsim.theory.streamed_rows import FoldedProduct, Layer, Pair, Reduction, Relaxation, Wire

GOLDEN = Path(__file__).parents[1] / "golden" / "hardware" / "rtl_streaming.csv"
PRELOADS = {"single": "serial", "flat": "chain", "wave": "wave"}
ORDERS = {"k outer": "k_outer", "n outer": "n_outer"}


def runs(*designs):
    """Its rows of these designs, as dictionaries of words."""
    with GOLDEN.open() as file:
        return [row for row in csv.DictReader(file) if row["design"] in designs]


def folds_of(row):
    """Of designs A to C and E. B's rows of both directions pass each fold one after the other."""
    rows, cols, samples, inner, outer = (int(row[key]) for key in ("R", "C", "M", "KF", "NF"))
    both_ways = 2 if row["design"] == "B" else 1
    return FoldedProduct(
        rows, cols, both_ways * samples, inner, outer, PRELOADS[row["weights"] or "wave"]
    )


def _vector(row):
    return int(row["ops"]) * -(-int(row["C"]) // int(row["V"]))


def _onward(row):
    return Wire(int(row["W2"]), int(row["H2"]))


def reduction_of(row):
    """Of design C."""
    return Reduction(
        folds_of(row),
        int(row["P"]),
        Wire(int(row["W"]), int(row["H"])),
        _vector(row),
        None if row["next"] == "none" else _onward(row),
        int(row["C2"]) if row["next"] == "array" else None,
        tree=row["tree"] == "1",
    )


def pair_of(row):
    """Of design E."""
    next_cols, next_outer = int(row["C2"]), int(row["NF2"])
    return Pair(
        folds_of(row), _vector(row), _onward(row), next_cols, next_outer, ORDERS[row["order"]]
    )


def relaxation_of(row):
    """Of design D."""
    samples, width, steps, layers, lanes = (int(row[key]) for key in ("M", "N", "T", "L", "V"))
    wire, first = Wire(int(row["W"]), int(row["H"])), row["order"] == "errors first"
    return Relaxation(samples, width, steps, layers, lanes, wire, first)


# The same at random.

SMALL = st.integers(1, 4)
WIRES = st.builds(Wire, st.integers(1, 8), st.integers(1, 5))
FOLDS = st.builds(
    FoldedProduct,
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(1, 20),
    SMALL,
    SMALL,
    st.sampled_from(sorted(PRELOADS.values())),
)


@st.composite
def reductions(draw):
    onward = draw(st.none() | WIRES)
    folds = draw(FOLDS)
    tree = draw(st.booleans())
    next_cols = draw(st.none() | st.integers(1, 7)) if onward and folds.outer == 1 else None
    tiles = 2 ** draw(st.integers(0, 3)) if tree else draw(st.integers(1, 5))
    return Reduction(
        folds, tiles, draw(WIRES), draw(st.integers(1, 12)), onward, next_cols, tree=tree
    )


REDUCTIONS = reductions()
PAIRS = st.builds(
    Pair, FOLDS, SMALL, WIRES, st.integers(1, 7), SMALL, st.sampled_from(sorted(ORDERS.values()))
)


def layers(draw, most=5):
    """``draw`` is a `random.Random`: two to ``most`` layers on arrays of 16 x 16 cells."""
    samples, preload = draw.choice((16, 32, 64)), draw.choice(sorted(PRELOADS.values()))
    inner, chain = draw.randint(1, 4), []
    for _ in range(draw.randint(2, most)):
        folds = FoldedProduct(16, 16, samples, inner, draw.randint(1, 4), preload)
        chain.append(Layer(folds, draw.randint(1, 2), Wire(16, draw.randint(1, 5))))
        inner = folds.outer
    return chain


RELAXATIONS = st.builds(
    Relaxation,
    samples=st.integers(1, 24),
    width=st.integers(1, 6),
    steps=SMALL,
    layers=st.integers(2, 5),
    lanes=st.integers(1, 7),
    wire=WIRES,
    errors_first=st.booleans(),
)
