"""SRAM macros of any size, port and node: every golden run is met, and what lies between them lies between."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.technology import Macros, Technology, price_list
from pcsim.technology.costs import Curve

GOLDEN = Path(__file__).parents[1] / "golden" / "hardware" / "cacti_sram.csv"
COLUMNS = {
    "read_j": ("read_pJ", 1e-12),
    "write_j": ("write_pJ", 1e-12),
    "leakage_w": ("leak_mW", 1e-3),
    "area_m2": ("area_mm2", 1e-6),
}
KIB, MIB = 1024, 1024**2


def golden() -> list[dict[str, str]]:
    with GOLDEN.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_golden_run_is_met_and_those_below_22_nm_by_the_rule() -> None:
    rows = golden()
    assert len(rows) == 120
    for row in rows:
        size, bits, node = (int(row[key]) for key in ("size_bytes", "width_bits", "tech_nm"))
        macro = Macros.load().at(size, bits=bits, node_nm=node)
        for field, (column, unit) in COLUMNS.items():
            exact = 1e-12 if node >= 22 else 1e-5  # the golden rows below have six digits
            assert getattr(macro, field) == pytest.approx(float(row[column]) * unit, rel=exact)


@given(
    size=st.floats(8 * KIB, MIB),
    bits=st.floats(32, 128),
    node=st.floats(7, 65),
    more=st.floats(1, 2),
)
def test_between_runs_a_wider_access_and_a_coarser_node_cost_more_area_and_energy(
    size: float, bits: float, node: float, more: float
) -> None:
    macros = Macros.load()
    here = macros.at(size, bits=bits, node_nm=node)
    coarser = macros.at(size, bits=bits, node_nm=min(65, node * more))
    assert here.read_j <= coarser.read_j * (1 + 1e-12)
    assert here.area_m2 <= coarser.area_m2 * (1 + 1e-12)
    wider = macros.at(size, bits=min(128, bits * more), node_nm=node)
    assert here.write_j <= wider.write_j * (1 + 1e-12)


@pytest.mark.parametrize(("size", "above"), [(16 * KIB, 64 * KIB), (64 * KIB, MIB)])
def test_half_way_in_the_logarithm_of_a_node_is_the_geometric_mean(size: int, above: int) -> None:
    macros = Macros.load()
    for bits in (32, 64, 128):
        for coarse, fine in itertools.pairwise((65, 45, 32, 22)):
            middle = macros.at(size, bits=bits, node_nm=(coarse * fine) ** 0.5)
            ends = [macros.at(size, bits=bits, node_nm=node) for node in (coarse, fine)]
            for field in COLUMNS:
                mean = (getattr(ends[0], field) * getattr(ends[1], field)) ** 0.5
                assert getattr(middle, field) == pytest.approx(mean, rel=1e-9)
    assert (
        macros.at(above, bits=64, node_nm=45).area_m2 > macros.at(size, bits=64, node_nm=45).area_m2
    )


@pytest.mark.parametrize(
    ("size", "bits", "node"),
    [(512, 64, 45), (4 * MIB, 64, 45), (4 * KIB, 32, 45), (64 * KIB, 256, 45), (64 * KIB, 64, 5)],
)
def test_nothing_is_said_beyond_the_runs(size: int, bits: int, node: int) -> None:
    assert not Macros.load().covers(size, bits=bits, node_nm=node)
    with pytest.raises(
        ValueError, match=rf"^no macro of {size} B, {bits} bit and {node} nm was run$"
    ):
        Macros.load().at(size, bits=bits, node_nm=node)


@pytest.mark.parametrize(
    ("technology", "rel"), [("horowitz-45nm", 1e-3), ("stillmaker-28nm", 1e-3)]
)
def test_the_tables_hold_these_macros(technology: str, rel: float) -> None:
    table = Technology.load(technology)
    keys = ("sram.read_byte", "sram.write_byte", "leakage.sram.lstp", "area.sram")
    for key, field in zip(keys, COLUMNS, strict=True):
        curve = table.costs[key]
        assert isinstance(curve, Curve)
        for size, cost in curve.points:
            macro = Macros.load().at(size, bits=64, node_nm=table.node_nm)
            assert cost.value == pytest.approx(getattr(macro, field), rel=rel)


@pytest.mark.parametrize("access", [4, 16])
@pytest.mark.parametrize("bank", [8 * KIB, 32 * KIB, 64 * KIB, MIB])
def test_a_chip_whose_accesses_have_another_width_pays_what_cacti_says(
    access: int, bank: int
) -> None:
    settings = [f"tiles.sram.size={4 * bank} B", f"tiles.sram.access={access} B"]
    prices = price_list(load_hardware("tile64", overrides=settings))
    row = next(
        row
        for row in golden()
        if (row["size_bytes"], row["width_bits"], row["tech_nm"])
        == (str(bank), str(8 * access), "45")
    )
    for action, column in (("read_byte", "read_pJ"), ("write_byte", "write_pJ")):
        expected = float(row[column]) * 1e-12 / access
        assert prices.prices["sram", action].joules == pytest.approx(expected, rel=1e-3)
    assert prices.areas is not None
    area = next(area for area in prices.areas if area.block == "sram")
    assert area.mm2 == pytest.approx(64 * 4 * float(row["area_mm2"]), rel=1e-3)
    leak = next(leak for leak in prices.leaks if leak.block == "sram")
    assert leak.watts == pytest.approx(64 * 4 * float(row["leak_mW"]) * 1e-3, rel=1e-3)


def test_an_access_of_eight_bytes_is_what_the_table_prices() -> None:
    plain = price_list(load_hardware("tile64"))
    said = price_list(load_hardware("tile64", overrides=["tiles.sram.access=8 B"]))
    assert plain == said


def test_a_byte_read_sixteen_at_a_time_costs_what_the_energy_page_says() -> None:
    macros = Macros.load()
    wide, narrow = (macros.at(64 * KIB, bits=bits, node_nm=45).read_j for bits in (128, 64))
    assert wide / 16 / (narrow / 8) == pytest.approx(0.76, abs=0.005)
