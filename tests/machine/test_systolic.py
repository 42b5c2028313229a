"""Systolic arrays against SCALE-Sim 3, against a walk over every cell and cycle, and against bounds."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import Systolic
from pcsim.machine.units import Product, Weights
from pcsim.machine.units.systolic import product, product_cost, write
from pcsim.program import PRODUCTS, Kind
from pcsim.theory.private_ports import overall_cycles

GOLDEN = Path(__file__).parents[1] / "golden" / "hardware"


def rows_of(name):
    with (GOLDEN / name).open() as file:
        return list(csv.DictReader(file))


def cost_of_row(row):
    m, n, k, height, width = (int(row[key]) for key in ("M", "N", "K", "rows", "cols"))
    return product_cost(m, n, k, rows=height, cols=width, dataflow=row["dataflow"])


@pytest.mark.parametrize("dataflow,count", [("os", 429), ("ws", 429), ("is", 429)])
def test_every_run_of_scale_sim_is_met(dataflow, count):
    rows = [row for row in rows_of("scalesim_ideal_bw.csv") if row["dataflow"] == dataflow]
    assert len(rows) == count
    for row in rows:
        cost = cost_of_row(row)
        assert cost.cycles == int(row["compute_cycles"]), row["case_id"]
        if not row["sram_ifmap_reads"]:
            continue
        m, n, k = (int(row[key]) for key in ("M", "N", "K"))
        assert cost.passes.first * m * k == int(row["sram_ifmap_reads"]), row["case_id"]
        assert cost.passes.second * k * n == int(row["sram_filter_reads"]), row["case_id"]
        # SCALE-Sim adds R + C words per fold to the outputs of os, which nothing writes.
        miscounted = (int(row["rows"]) + int(row["cols"])) * (
            int(row["row_folds"]) * int(row["col_folds"]) if dataflow == "os" else 0
        )
        written = (1 + cost.passes.partials) * m * n
        assert written == int(row["sram_ofmap_writes"]) - miscounted, row["case_id"]


def test_every_run_of_scale_sim_with_private_ports_that_does_not_stall_is_met():
    rows = rows_of("scalesim_limited_bw.csv")
    for row in rows:
        assert cost_of_row(row).cycles == int(row["compute_cycles"]), row["case_id"]
    exact = [row for row in rows if row["closed_form_fit_overall"] != "-1"]
    assert len(exact) == 416
    for row in exact:
        m, n, k, height, width = (int(row[key]) for key in ("M", "N", "K", "rows", "cols"))
        overall = overall_cycles(
            m,
            n,
            k,
            rows=height,
            cols=width,
            dataflow=row["dataflow"],
            compute_cycles=cost_of_row(row).cycles,
            words=int(row["bw_words_per_cycle_each"]),
        )
        assert overall == int(row["scalesim_overall_cycles_incl_prefetch"]), row["case_id"]


def walked(m, n, k, *, rows, cols, dataflow, drain, edges, resident):
    """Cycles, words and shifts of a product, by every cell of every fold and every word streamed."""
    along_rows, along_cols, streamed = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[dataflow]
    cycles = first = second = partial = results = shifts = 0
    for top in range(0, along_rows, rows):
        for left in range(0, along_cols, cols):
            used = range(min(rows, along_rows - top)), range(min(cols, along_cols - left))
            height, width = (len(used[0]), len(used[1])) if edges == "trimmed" else (rows, cols)
            # A word that enters at time t meets cell (i, j) at t + i + j.
            last = max(
                t + i + j for t in range(streamed) for i in (0, height - 1) for j in (0, width - 1)
            )
            loaded = 0 if dataflow == "os" or resident else height
            drained = height if dataflow == "os" and drain == "serial" else 0
            cycles += loaded + last + 1 + drained
            if not resident:
                # Loaded from the top, or drained to the bottom: so many cells passed.
                shifts += sum(i + 1 for i in used[0] for _ in used[1])
            held = len(used[0]) * len(used[1])
            beside, below = streamed * len(used[0]), streamed * len(used[1])
            if dataflow == "os":
                first, second, results = first + beside, second + below, results + held
            else:
                moving, staying = beside, 0 if resident else held
                first += moving if dataflow == "ws" else staying
                second += staying if dataflow == "ws" else moving
                bottom = top + rows >= along_rows
                results += below if bottom else 0
                partial += 0 if bottom else below
    return cycles, first, second, partial, results, shifts


small = st.integers(1, 9)


@given(
    m=small,
    n=small,
    k=small,
    rows=st.integers(1, 5),
    cols=st.integers(1, 5),
    dataflow=st.sampled_from(["os", "ws", "is"]),
    drain=st.sampled_from(["overlapped", "serial"]),
    edges=st.sampled_from(["full", "trimmed"]),
    resident=st.booleans(),
)
def test_the_closed_form_equals_a_walk_over_cells_and_words(
    m, n, k, rows, cols, dataflow, drain, edges, resident
):
    resident = resident and dataflow == "ws"
    options = {
        "rows": rows, "cols": cols, "dataflow": dataflow, "edges": edges, "resident": resident
    }  # fmt: skip
    cost = product_cost(m, n, k, drain=drain, **options)
    passes = cost.passes
    assert (
        cost.cycles,
        passes.first * m * k,
        passes.second * k * n,
        passes.partials * m * n,
        m * n,
        cost.shifts,
    ) == walked(m, n, k, drain=drain, **options)


def array(dataflow="ws", rows=16, cols=16, **more):
    given_keys = {"transposable": True, **more}
    if dataflow == "os":
        given_keys.setdefault("drain", "overlapped")
    return Systolic(kind="systolic", rows=rows, cols=cols, dataflow=dataflow, **given_keys)


def test_serial_drain_gives_the_form_of_the_scale_sim_paper():
    # 2 R + C + T - 2 per fold, where the program has R + C + T - 2.
    for rows, cols, depth in ((4, 7, 5), (16, 16, 100)):
        shape = {"rows": rows, "cols": cols, "dataflow": "os", "drain": "serial"}
        assert product_cost(rows, cols, depth, **shape).cycles == 2 * rows + cols + depth - 2


def test_resident_weights_save_their_preload_and_their_reads(tile64):
    chip = tile64("tiles.sram.port=unlimited")
    task = Product(64, 128, 128, PRODUCTS[Kind.PRODUCT_FORWARD])
    loaded, kept = (product(task, array(resident_folds=folds), chip) for folds in (0, 64))
    assert loaded.cycles - kept.cycles == 64 * 16  # folds x R
    actions = dict((action[:2], action[2]) for action in kept.actions)
    assert actions["array", "weight_load"] == 0
    assert actions["sram", "read_byte"] == 4 * (64 * 128 * 8 + 64 * 128 * 7)
    # After an update they are loaded again, once.
    again = write(Weights(128, 128, True), array(resident_folds=64), chip)
    assert again.cycles == 64 * 16
    assert ("sram", "read_byte", 4 * 128 * 128) in again.actions
    # A gradient keeps its states in the cells, not the weights.
    task = Product(128, 128, 64, PRODUCTS[Kind.WEIGHT_GRADIENT])
    assert product(task, array(resident_folds=64), chip) == product(task, array(), chip)


def test_a_resident_array_is_read_backward_from_the_other_side(tile64):
    # 8 x 24 weights fill an 8 x 24 array once; W^T streams along its columns, in one fold too.
    chip = tile64("tiles.sram.port=unlimited")
    unit = array(rows=8, cols=24, resident_folds=1)
    for use, n, k in ((Kind.PRODUCT_FORWARD, 24, 8), (Kind.PRODUCT_BACKWARD, 8, 24)):
        assert product(Product(5, n, k, PRODUCTS[use]), unit, chip).cycles == 5 + 8 + 24 - 2


def test_narrow_ports_slow_a_product_down_to_the_time_its_words_take(tile64):
    chip = tile64("tiles.sram.port=1 B/cycle", "tiles.sram.banks=1")
    work = product(Product(64, 16, 16, PRODUCTS[Kind.PRODUCT_FORWARD]), array(), chip)
    words = 64 * 16 + 16 * 16 + 64 * 16
    assert work.cycles == 4 * words
    actions = {(component, action): amount for component, action, amount in work.actions}
    assert actions["array", "idle_pe"] == 256 * 4 * words - 64 * 16 * 16
