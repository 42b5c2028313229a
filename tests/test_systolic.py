"""The weight-stationary closed form against SCALE-Sim 3 and against a brute-force sum over folds."""

import csv
from pathlib import Path

import pytest

from pcsim.machine.units.systolic import preload_shifts, product, weight_stationary
from pcsim.program import PRODUCTS, Kind

GOLDEN = Path(__file__).parent / "golden" / "hardware" / "scalesim_ideal_bw.csv"


def golden_rows():
    with GOLDEN.open() as file:
        return [row for row in csv.DictReader(file) if row["dataflow"] == "ws"]


def test_every_weight_stationary_row_of_scale_sim_is_met():
    rows = golden_rows()
    assert len(rows) == 429
    for row in rows:
        m, n, k, height, width = (int(row[key]) for key in ("M", "N", "K", "rows", "cols"))
        cost = weight_stationary(m, n, k, rows=height, cols=width)
        assert cost.cycles == int(row["compute_cycles"]), row["case_id"]
        assert cost.streamed_reads == int(row["sram_ifmap_reads"]), row["case_id"]
        assert cost.stationary_reads == int(row["sram_filter_reads"]), row["case_id"]
        assert cost.writes == int(row["sram_ofmap_writes"]), row["case_id"]


@pytest.mark.parametrize(
    "m,n,k,rows,cols", [(5, 9, 11, 4, 3), (1, 1, 1, 8, 8), (64, 128, 784, 16, 16)]
)
def test_the_closed_form_equals_a_walk_over_the_folds(m, n, k, rows, cols):
    cycles = reads = writes = partial = shifts = 0
    for top in range(0, k, rows):
        for left in range(0, n, cols):
            height, width = min(rows, k - top), min(cols, n - left)
            cycles += rows + (m + rows + cols - 2)  # preload, then stream M rows through
            reads += m * height
            writes += m * width
            partial += m * width if top else 0
            shifts += sum(row * width for row in range(1, height + 1))
    cost = weight_stationary(m, n, k, rows=rows, cols=cols)
    assert cost.cycles == cycles
    assert cost.streamed_reads == reads
    assert cost.writes == writes
    assert cost.partial_reads == partial
    assert preload_shifts(n, k, rows=rows) == shifts


def test_narrow_ports_slow_a_product_down_to_the_time_its_words_take(tile64):
    tiles = tile64("tiles.sram.port=1 B/cycle", "tiles.sram.banks=1").tiles
    work = product(
        64,
        16,
        16,
        array=tiles.compute,
        sram=tiles.sram,
        formats=tiles.formats,
        operands=PRODUCTS[Kind.PRODUCT_FORWARD],
    )
    words = 64 * 16 + 16 * 16 + 64 * 16
    assert work.cycles == 4 * words
    actions = {(component, action): amount for component, action, amount in work.actions}
    assert actions["array", "idle_pe"] == 256 * 4 * words - 64 * 16 * 16
