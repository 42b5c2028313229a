"""Technology: tables are sound, prices follow from the chip, the documentation says the same."""

from __future__ import annotations

import copy
import csv
import itertools
import math
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import Hardware, load_hardware
from pcsim.errors import InputError, MissingCostError
from pcsim.program import kernels
from pcsim.technology import DramKind, Technology, available, dram_kinds, price_list
from pcsim.technology.actions import (
    ANALOG,
    ENERGY_UNITS,
    FORMAT_DEPENDENT,
    PRICED_AS,
    UNITS,
    quantity_of,
)
from pcsim.technology.analog import AnalogParts
from pcsim.technology.costs import Curve, UnitCost, total
from pcsim.technology.listing import analog_markdown, dram_markdown, technology_markdown
from pcsim.technology.tables import technology_of
from tests.helpers.programs import bp, run

KIB = 1024
MIB = 1024**2
TESTS = Path(__file__).parents[1]

CHIP: dict[str, Any] = {
    "schema": "pcsim/hardware/1",
    "name": "test-chip",
    "clock": "500 MHz",
    "technology": "horowitz-45nm",
    "tiles": {
        "mesh": [2, 2],
        "compute": {
            "kind": "systolic",
            "rows": 16,
            "cols": 16,
            "dataflow": "ws",
            "transposable": True,
        },
        "vector": {"lanes": 16, "latency": "4 cycles"},
        "update": {"lanes": 8, "latency": "4 cycles"},
        "sram": {"size": "128 KiB", "banks": 4, "port": "32 B/cycle", "cell": "lstp"},
        "dma": {"setup": "20 cycles"},
        "formats": dict.fromkeys(("weight", "state", "error", "accumulate", "optimiser"), "fp32"),
    },
    "noc": {
        "topology": "mesh",
        "link": "32 B/cycle",
        "router_latency": "1 cycle",
        "link_latency": "1 cycle",
        "hop_length": "2 mm",
    },
    "dram": {
        "kind": "lpddr4",
        "channels": 2,
        "capacity": "3 GiB",
        "bandwidth": "6.4 GB/s",
        "latency": "80 ns",
    },
}


def chip(*changes: tuple[str, Any], costs: dict[str, Any] | None = None) -> Hardware:
    """CHIP with dotted paths set to other values; None removes the key."""
    text = copy.deepcopy(CHIP)
    for path, value in changes:
        *folders, leaf = path.split(".")
        place = text
        for folder in folders:
            place = place[folder]
        if value is None:
            del place[leaf]
        else:
            place[leaf] = value
    return Hardware.model_validate({**text, "costs": costs or {}})


def raw_table(name: str = "horowitz-45nm") -> dict[str, Any]:
    path = resources.files("pcsim.technology") / "tables" / f"{name}.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def every_cost(technology: Technology) -> list[UnitCost]:
    """Each published number of a table, those of curves and of arithmetic included."""
    rows = technology.arithmetic.rows.values()
    entries = [*technology.costs.values(), *(entry for row in rows for entry in row.values())]
    return [
        cost
        for entry in entries
        for cost in ([entry] if isinstance(entry, UnitCost) else [cost for _, cost in entry.points])
    ]


def message_of(error: pytest.ExceptionInfo[BaseException]) -> str:
    return str(error.value)


def test_every_technology_prices_everything_that_a_chip_may_count() -> None:
    for name in available():
        costs = Technology.load(name).costs
        cells = {f"leakage.sram.{cell}" for cell in ("lstp", "lop", "hp")}
        dram = {key for key in UNITS if key.startswith("dram.")} | {"leakage.dram_standby"}
        from_mac = {"array.mac_backward", "array.mac_gradient"}
        elsewhere = dram | from_mac | ANALOG | PRICED_AS.keys()
        assert costs.keys() == (UNITS.keys() - elsewhere - {"leakage.sram"}) | cells
    assert AnalogParts.load().parts.keys() == ANALOG


def test_every_instruction_that_a_program_can_contain_has_a_price() -> None:
    functions = ("relu", "leaky_relu", "tanh", "gelu", "linear")
    of_vectors = [
        *(item for item in vars(kernels).values() if isinstance(item, kernels.Primitive)),
        *(item for name in functions for item in kernels.activation(name)),
        *(item for name in functions for item in kernels.derivative(name)),
    ]
    wanted = {f"vector.{action}" for item in of_vectors for action, _ in item.actions}
    wanted |= {f"update.{a}" for item in kernels.OPTIMISERS.values() for a, _ in item.actions}
    assert wanted <= ENERGY_UNITS.keys()
    assert len(wanted) >= 15


@pytest.mark.parametrize(
    ("key", "picojoules"),
    [
        ("array.mac", 4.6),
        ("array.operand_hop", 0.23),
        ("array.idle_pe", 0.14),
        ("vector.tanh", 9.6),
        ("vector.instruction", 70),
        ("update.adam", 7 * 3.7 + 5 * 0.9 + 2 * 26.3),
        ("update.sgd", 3.7 + 0.9),
        ("sram.read_byte", 17.04 / 8),
        ("sram.write_byte", 15.4 / 8),
        ("noc.router_byte", 4.21 / 8),
        ("noc.link_byte", 0.066 * 8 * 2),
        ("noc.interface_byte", 1 / 8),
        ("dma.byte", 1.3 / 8),
        ("dma.descriptor", 70),
        ("dram.read_byte", (8.46 + 2) * 8),
        ("dram.write_byte", (5.03 + 2) * 8),
    ],
)
def test_a_price_is_the_published_number_brought_to_the_counted_unit(
    key: str, picojoules: float
) -> None:
    component, action = key.split(".")
    price = price_list(chip()).prices[component, action]
    assert price.joules == pytest.approx(picojoules * 1e-12, rel=1e-12)
    assert price.per == ENERGY_UNITS[key]
    assert price.low_j <= price.joules <= price.high_j
    assert price.source.startswith(price.source_id.split("+")[0] + ": ")


@pytest.mark.parametrize(
    ("block", "milliwatts", "count"),
    [
        ("array", 4 * 256 * 0.18, 4 * 256),
        ("vector", 4 * 16 * 0.25, 4 * 16),
        ("update", 4 * 8 * 0.25, 4 * 8),
        ("sram", 4 * 4 * 0.0009239, 4 * 4),
        ("noc", 4 * 0.38 * 32 / 8, 4),
        ("dma", 4 * 0.37, 4),
        ("dram_standby", 2 * (34.1 + 6) * 4, 2),
    ],
)
def test_a_block_leaks_its_unit_power_times_its_count(
    block: str, milliwatts: float, count: int
) -> None:
    leak = {leak.block: leak for leak in price_list(chip()).leaks}[block]
    assert leak.watts == pytest.approx(milliwatts * 1e-3, rel=1e-12)
    assert leak.count == count
    assert leak.low_w <= leak.watts <= leak.high_w


def test_area_is_the_sum_of_all_blocks() -> None:
    prices = price_list(chip())
    expected = 4 * (256 * 0.0125 + 16 * 0.022 + 8 * 0.022 + 4 * 0.09486 + 4 * 0.0319 + 0.03)
    assert prices.area_mm2 == pytest.approx(expected, rel=1e-12)


def test_a_sum_is_as_weak_as_its_weakest_part_and_its_ranges_add_up() -> None:
    price = price_list(chip()).prices["dram", "read_byte"]
    assert price.status == "assumed"
    assert price.low_j == pytest.approx((4.2 + 1) * 8e-12, rel=1e-12)
    assert price.high_j == pytest.approx((14 + 5) * 8e-12, rel=1e-12)
    assert price.source_id == "LP4+JUDGEMENT"


def test_parts_of_different_units_do_not_add_up() -> None:
    one = UnitCost(1, 1, 1, unit="J", per="bit", status="read", sources=(), note="")
    other = replace(one, per="byte")
    message = r"^parts of a sum must share one unit, not \['J per bit', 'J per byte'\]$"
    with pytest.raises(ValueError, match=message):
        total({"one": one, "other": other})


CURVES = ("sram.read_byte", "sram.write_byte", "leakage.sram.lstp", "area.sram")


def curve(key: str, technology: str = "horowitz-45nm") -> Curve:
    entry = Technology.load(technology).costs[key]
    assert isinstance(entry, Curve)
    return entry


@pytest.mark.parametrize("key", CURVES)
def test_interpolation_passes_through_every_tabled_size(key: str) -> None:
    points = curve(key).points
    assert [size for size, _ in points] == [KIB * 2**n for n in range(3, 11)]
    for size, cost in points:
        assert curve(key).at(size) is cost


@pytest.mark.parametrize("key", CURVES)
@given(sizes=st.tuples(*[st.integers(8 * KIB, MIB)] * 2).filter(lambda pair: pair[0] < pair[1]))
def test_a_larger_macro_never_costs_less(key: str, sizes: tuple[int, int]) -> None:
    small, large = (curve(key).at(size) for size in sizes)
    for field in ("value", "low", "high"):
        assert getattr(small, field) <= getattr(large, field) * (1 + 1e-15)


@pytest.mark.parametrize("key", CURVES)
@given(size=st.integers(8 * KIB, MIB))
def test_interpolation_is_a_power_law_between_neighbours(key: str, size: int) -> None:
    points = curve(key).points
    for (below, cost_below), (above, cost_above) in itertools.pairwise(points):
        if below < size < above:
            slope = math.log(cost_above.value / cost_below.value) / math.log(above / below)
            cost = curve(key).at(size)
            assert cost.value == pytest.approx(cost_below.value * (size / below) ** slope)
            assert cost.low <= cost.value * (1 + 1e-15)
            assert cost.value <= cost.high * (1 + 1e-15)
            assert "; interpolated between " in cost.note


def cacti_points(node: int = 45) -> dict[int, dict[str, float]]:
    """CACTI 7 runs at one node with a 64-bit port: size in bytes -> columns (pJ, mW, mm2)."""
    with (TESTS / "golden" / "hardware" / "cacti_sram.csv").open(encoding="utf-8") as file:
        rows = [
            r for r in csv.DictReader(file) if r["tech_nm"] == str(node) and r["width_bits"] == "64"
        ]
    columns = ("read_pJ", "write_pJ", "leak_mW", "area_mm2")
    return {int(row["size_bytes"]): {c: float(row[c]) for c in columns} for row in rows}


@pytest.mark.parametrize(
    ("key", "column", "unit"),
    [
        ("sram.read_byte", "read_pJ", 1e-12),
        ("sram.write_byte", "write_pJ", 1e-12),
        ("leakage.sram.lstp", "leak_mW", 1e-3),
        ("area.sram", "area_mm2", 1e-6),
    ],
)
def test_sram_numbers_are_those_of_cacti(key: str, column: str, unit: float) -> None:
    golden = cacti_points()
    for size, cost in curve(key).points:
        assert cost.value == pytest.approx(golden[size][column] * unit, rel=1e-3)


@pytest.mark.parametrize(
    ("key", "column", "unit"),
    [
        ("sram.read_byte", "read_pJ", 1e-12),
        ("sram.write_byte", "write_pJ", 1e-12),
        ("leakage.sram.lstp", "leak_mW", 1e-3),
        ("area.sram", "area_mm2", 1e-6),
    ],
)
def test_sram_at_28_nm_lies_on_the_power_law_between_cactis_nodes(
    key: str, column: str, unit: float
) -> None:
    below, above = cacti_points(node=22), cacti_points(node=32)
    share = math.log(28 / 22) / math.log(32 / 22)
    for size, cost in curve(key, "stillmaker-28nm").points:
        ratio = above[size][column] / below[size][column]
        assert cost.value == pytest.approx(below[size][column] * ratio**share * unit, rel=1e-3)


@pytest.mark.parametrize(
    ("key", "column", "unit"),
    [("leakage.sram.lstp", "leak_mW", 1e-3), ("area.sram", "area_mm2", 1e-6)],
)
def test_sram_leakage_and_area_at_7_nm_are_cactis_of_22_nm_by_the_rule_that_the_source_states(
    key: str, column: str, unit: float
) -> None:
    shrink = 7 / 22
    rule = {"leak_mW": 0.79 * math.sqrt(shrink), "area_mm2": shrink}[column]
    golden = cacti_points(node=22)
    for size, cost in curve(key, "jouppi-7nm").points:
        assert cost.value == pytest.approx(golden[size][column] * rule * unit, rel=1e-3)


def test_jouppis_sram_is_up_to_eight_times_cactis_and_agrees_at_1_mib() -> None:
    scaled = cacti_points(node=7)
    for size, most in ((8 * KIB, 8.5), (32 * KIB, 4.1), (MIB, 1.1)):
        cost = curve("sram.read_byte", "jouppi-7nm").at(size)
        assert 1 <= cost.value / (scaled[size]["read_pJ"] * 1e-12) <= most


def test_no_number_of_another_node_is_taken_over_in_silence() -> None:
    nodes = {"horowitz-45nm": "45 nm", "stillmaker-28nm": "28 nm", "jouppi-7nm": "7 nm"}
    assert {name: Technology.load(name).node for name in available()} == nodes
    for name in available():
        raw = raw_table(name)
        for cost in every_cost(Technology.load(name)):
            for source in cost.sources:
                assert raw.get("measured_at", {}).get(source, "") in cost.note
        # What a source says belongs to one node: only a listed one may stand in a table of another.
        for other in set(available()) - {name}:
            shared = raw["sources"].keys() & raw_table(other)["sources"].keys()
            here, there = (raw_table(t).get("measured_at", {}) for t in (name, other))
            general = {"STILL", "JUDGEMENT"}
            assert shared - general <= here.keys() | there.keys()


def test_a_number_of_another_node_must_say_so() -> None:
    table = raw_table("jouppi-7nm")
    table["energy"]["dma"]["descriptor"]["note"] = "taken as one instruction"
    with pytest.raises(InputError) as error:
        technology_of(table, "mine")
    assert message_of(error) == (
        "mine.yaml: dma.descriptor.note must name 45 nm, the node at which HOR14 holds"
    )
    table = raw_table("jouppi-7nm") | {"measured_at": {"HOR41": "45 nm"}}
    with pytest.raises(InputError) as error:
        technology_of(table, "mine")
    assert message_of(error) == "mine.yaml: measured_at must name sources, not HOR41"


def test_arithmetic_without_a_row_is_refused() -> None:
    table = raw_table()
    del table["arithmetic"]["adder"]
    with pytest.raises(InputError) as error:
        technology_of(table, "mine")
    assert message_of(error) == (
        "mine.yaml: arithmetic must hold multiply, add, multiplier, adder, register_bit, "
        "not multiply, add, multiplier, register_bit"
    )


@pytest.mark.parametrize("name", available())
def test_the_parts_of_a_table_add_up_to_its_sums(name: str) -> None:
    table = Technology.load(name)
    value = {key: cost.value for key, cost in table.costs.items() if isinstance(cost, UnitCost)}
    multiply, add = value["vector.mul"], value["vector.add"]
    for key, parts in {
        "array.mac": multiply + add,
        "update.sgd": multiply + add,
        "update.momentum": 2 * (multiply + add),
        "vector.tanh_derivative": multiply + add,
        "vector.leaky_relu": value["vector.relu"] + multiply,
        "vector.gelu": value["vector.tanh"] + 4 * multiply + 2 * add,
        "vector.gelu_derivative": value["vector.tanh"] + 6 * multiply + 4 * add,
        "update.adam": 7 * multiply + 5 * add + 2 * 7.1 * multiply,
        "update.adamw": value["update.adam"] + multiply + add,
    }.items():
        assert value[key] == pytest.approx(parts, rel=0.01), key
    rows = table.arithmetic.rows
    for row, key in (("multiply", "vector.mul"), ("add", "vector.add")):
        entry = rows[row]["fp32"]
        assert isinstance(entry, UnitCost) and entry.value == value[key]


def test_a_finer_node_costs_less_in_arithmetic_networks_and_area() -> None:
    tables = [Technology.load(n).costs for n in ("horowitz-45nm", "stillmaker-28nm", "jouppi-7nm")]
    for key in ("array.mac", "vector.tanh", "update.adam", "noc.router_byte", "area.array"):
        values = [table[key] for table in tables]
        assert all(isinstance(cost, UnitCost) for cost in values)
        assert values == sorted(values, key=lambda cost: -cost.value)


def test_cacti_and_horowitz_agree_within_40_percent_and_both_lie_in_the_range() -> None:
    for size, picojoules in ((8 * KIB, 10), (32 * KIB, 20), (MIB, 100)):
        for key in ("sram.read_byte", "sram.write_byte"):
            cost = curve(key).at(size)
            assert 0.6 <= cost.value / (picojoules * 1e-12) <= 1 / 0.6
            assert cost.low <= picojoules * 1e-12 <= cost.high


@pytest.mark.parametrize(("cell", "milliwatts"), [("lstp", 0.02496), ("lop", 20), ("hp", 497)])
def test_the_cell_type_decides_the_leakage_of_sram(cell: str, milliwatts: float) -> None:
    hardware = chip(("tiles.sram.size", "4 MiB"), ("tiles.sram.cell", cell))
    leak = {leak.block: leak for leak in price_list(hardware).leaks}["sram"]
    assert leak.watts == pytest.approx(4 * 4 * milliwatts * 1e-3, rel=1e-12)


def test_link_energy_grows_with_the_hop_and_not_with_bandwidth() -> None:
    def link_byte_j(hop: str, link: str) -> float:
        hardware = chip(("noc.hop_length", hop), ("noc.link", link))
        return price_list(hardware).prices["noc", "link_byte"].joules

    one = link_byte_j("1 mm", "8 B/cycle")
    assert link_byte_j("3 mm", "8 B/cycle") == pytest.approx(3 * one, rel=1e-12)
    assert link_byte_j("1 mm", "64 B/cycle") == one


def test_unlimited_parts_have_neither_leakage_nor_area() -> None:
    hardware = chip(
        ("tiles.vector.lanes", "unlimited"),
        ("noc.link", "unlimited"),
        ("tiles.sram.size", "unlimited"),
        ("tiles.sram.priced_as", "128 KiB"),
    )
    prices = price_list(hardware)
    leaks = {leak.block: leak for leak in prices.leaks}
    assert leaks["vector"].watts == leaks["noc"].watts == 0
    assert leaks["vector"].note.endswith("unlimited, therefore not counted")
    assert leaks["sram"] == {leak.block: leak for leak in price_list(chip()).leaks}["sram"]
    assert prices.prices["sram", "read_byte"] == price_list(chip()).prices["sram", "read_byte"]
    assert prices.areas is None
    assert prices.area_mm2 is None


def test_unlimited_sram_alone_leaves_the_chip_without_an_area() -> None:
    hardware = chip(("tiles.sram.size", "unlimited"), ("tiles.sram.priced_as", "128 KiB"))
    assert price_list(hardware).areas is None


@pytest.mark.parametrize(("channels", "stacks"), [(1, 1), (8, 1), (9, 2), (16, 2)])
def test_high_bandwidth_memory_is_paid_by_whole_stacks(channels: int, stacks: int) -> None:
    hardware = chip(("dram.kind", "hbm2"), ("dram.channels", channels))
    leak = {leak.block: leak for leak in price_list(hardware).leaks}["dram_standby"]
    assert leak.watts == pytest.approx(stacks * (1.305 + 0.035), rel=1e-12)
    assert leak.count == channels


def test_standby_scales_with_capacity_and_channels() -> None:
    hardware = chip(("dram.kind", "ddr4"), ("dram.channels", 3), ("dram.capacity", "2 GiB"))
    leak = {leak.block: leak for leak in price_list(hardware).leaks}["dram_standby"]
    assert leak.watts == pytest.approx(3 * 2 * (0.0408 + 0.0111), rel=1e-12)
    read = price_list(hardware).prices["dram", "read_byte"]
    assert read.joules == pytest.approx((5.73 + 8 + 5) * 8e-12, rel=1e-12)


def test_a_cost_in_the_hardware_file_replaces_its_price_and_no_other() -> None:
    given_mac = {"energy": "13.6 pJ", "source": "our synthesis", "low": "10 pJ", "high": "17 pJ"}
    before = price_list(chip()).prices
    after = price_list(chip(costs={"array.mac": given_mac})).prices
    assert {key for key in before if before[key] != after[key]} == {("array", "mac")}
    mac = after["array", "mac"]
    assert mac.joules == pytest.approx(13.6e-12, rel=1e-12)
    assert (mac.low_j, mac.high_j) == pytest.approx((10e-12, 17e-12), rel=1e-12)
    assert (mac.status, mac.source, mac.source_id) == ("user", "our synthesis", "user")


def test_a_cost_without_a_range_does_not_move() -> None:
    hardware = chip(costs={"dram.read_byte": {"energy": "40 pJ", "source": "vendor"}})
    price = price_list(hardware).prices["dram", "read_byte"]
    assert price.joules == price.low_j == price.high_j == pytest.approx(40e-12, rel=1e-12)


def test_leakage_and_area_are_given_per_unit_of_hardware() -> None:
    costs = {
        "leakage.noc": {"power": "2 mW", "source": "ours"},
        "leakage.dram_standby": {"power": "10 mW", "source": "ours"},
        "area.array": {"area": "10000 um2", "source": "ours"},
    }
    prices = price_list(chip(costs=costs))
    leaks = {leak.block: leak for leak in prices.leaks}
    assert leaks["noc"].watts == pytest.approx(4 * 2e-3, rel=1e-12)
    assert leaks["dram_standby"].watts == pytest.approx(2 * 10e-3, rel=1e-12)
    assert prices.areas is not None
    areas = {area.block: area for area in prices.areas}
    assert areas["array"].mm2 == pytest.approx(1024 * 0.01, rel=1e-12)


def test_everything_that_cannot_be_priced_is_reported_at_once() -> None:
    costs = {
        "array.mack": {"energy": "1 pJ", "source": "x"},
        "leakage.array": {"energy": "1 pJ", "source": "x"},
    }
    with pytest.raises(InputError) as error:
        price_list(chip(costs=costs))
    assert message_of(error) == (
        "costs.array.mack must be the key of a cost, not 'array.mack'\n"
        "    did you mean array.mac?\n"
        "costs.leakage.array must give power, not energy\n"
        "    for example power: 0.2 mW, per PE"
    )


def test_what_cannot_be_priced_is_shown_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**CHIP, "technology": "horowitz"}, sort_keys=False))
    with pytest.raises(InputError) as error:
        price_list(load_hardware(path))
    assert message_of(error) == (
        f"{path}:4:13: technology must be horowitz-45nm, jouppi-7nm or stillmaker-28nm, "
        "not 'horowitz'\n"
        "    technology: horowitz\n"
        "                ^\n"
        "    did you mean 'horowitz-45nm'?"
    )


@pytest.mark.parametrize(("size", "banks", "bank"), [("16 KiB", 4, "4 KiB"), ("8 MiB", 4, "2 MiB")])
def test_a_bank_outside_the_table_is_refused(size: str, banks: int, bank: str) -> None:
    with pytest.raises(InputError) as error:
        price_list(chip(("tiles.sram.size", size), ("tiles.sram.banks", banks)))
    assert message_of(error) == (
        "tiles.sram.size / tiles.sram.banks must be 8 KiB to 1 MiB, the macros that horowitz-45nm "
        f"prices, not {bank}\n"
        "    choose another number of banks, or give costs of your own for sram"
    )


def test_a_bank_outside_the_table_is_welcome_with_costs_of_its_own() -> None:
    costs = {
        "sram.read_byte": {"energy": "1 pJ", "source": "ours"},
        "sram.write_byte": {"energy": "2 pJ", "source": "ours"},
        "leakage.sram": {"power": "1 mW", "source": "ours"},
        "area.sram": {"area": "1 mm2", "source": "ours"},
    }
    prices = price_list(chip(("tiles.sram.size", "16 KiB"), costs=costs))
    assert prices.prices["sram", "write_byte"].joules == pytest.approx(2e-12, rel=1e-12)


FP64 = ("tiles.formats", dict.fromkeys(CHIP["tiles"]["formats"], "fp64"))
EXAMPLES = {"energy": "1 pJ", "power": "1 mW", "area": "1 um2"}


def own_costs(keys: frozenset[str]) -> dict[str, Any]:
    return {key: {quantity_of(key): EXAMPLES[quantity_of(key)], "source": "ours"} for key in keys}


def test_another_number_format_is_refused_until_its_datapath_is_priced() -> None:
    given_costs = own_costs(FORMAT_DEPENDENT - {"array.mac", "leakage.array", "area.vector"})
    with pytest.raises(MissingCostError) as error:
        price_list(chip(FP64, costs=given_costs))
    assert message_of(error) == (
        "technology horowitz-45nm has no cost for fp64 of array.mac, leakage.array, area.vector\n"
        "    give each with its source in the hardware file, like this:\n"
        "costs:\n"
        "  array.mac: {energy: 4.6 pJ, source: where it stands}  # per mac\n"
        "  leakage.array: {power: 0.2 mW, source: where it stands}  # per PE\n"
        "  area.vector: {area: 12500 um2, source: where it stands}  # per lane"
    )
    prices = price_list(chip(FP64, costs=own_costs(FORMAT_DEPENDENT)))
    assert prices.prices["array", "mac"].status == "user"
    assert prices.prices["sram", "read_byte"].status == "derived"


def test_a_technology_or_dram_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError) as error:
        Technology.load("7nm")
    assert message_of(error) == (
        "technology must be the name of a table, not '7nm'\n"
        "    known: horowitz-45nm, jouppi-7nm, stillmaker-28nm"
    )
    with pytest.raises(InputError) as error:
        DramKind.load("sdram")
    assert message_of(error) == "dram.kind must be one of lpddr4, ddr4, hbm2, not 'sdram'"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": None}, "array.mac must give low"),
        ({"hihg": "1 pJ"}, "array.mac must not give hihg"),
        (
            {"status": "guessed"},
            "array.mac.status must be one of read, derived, assumed, not 'guessed'",
        ),
        ({"source": "HOR41"}, "array.mac.source must be one of the sources, not 'HOR41'"),
        (
            {"low": "5 pF"},
            "array.mac.low must be an energy such as '4.6 pJ', not '5 pF'; "
            "units are fJ, pJ, nJ, uJ, mJ, J",
        ),
        ({"low": "5 pJ"}, "array.mac.energy must lie in 5 pJ .. 17.3 pJ, not '4.6 pJ'"),
        ({"per": "bit"}, "array.mac.per must be one of mac, not 'bit'"),
    ],
)
def test_a_mistake_in_a_table_is_said_with_its_key(change: dict[str, Any], message: str) -> None:
    table = raw_table()
    array = table["energy"]["array"]
    changed = {**array["mac"], **change}
    array["mac"] = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(InputError) as error:
        technology_of(table, "mine")
    assert message_of(error) == f"mine.yaml: {message}"


def test_an_unknown_key_in_a_table_names_the_nearest() -> None:
    table = raw_table()
    table["energy"]["array"]["macs"] = table["energy"]["array"].pop("mac")
    with pytest.raises(InputError) as error:
        technology_of(table, "mine")
    assert message_of(error) == (
        "mine.yaml: array.macs must be a known cost; did you mean array.mac?"
    )


def test_a_source_id_means_the_same_in_all_tables() -> None:
    dram = DramKind.load("lpddr4").sources
    for name in available():
        sources = Technology.load(name).sources
        for key in sources.keys() & dram.keys():
            assert sources[key] == dram[key]


def test_every_source_is_used() -> None:
    for name in available():
        technology = Technology.load(name)
        used = {source for cost in every_cost(technology) for source in cost.sources}
        assert used == technology.sources.keys()


ENERGY_PAGE = (TESTS.parent / "docs" / "energy.md").read_text(encoding="utf-8")


def test_the_example_on_the_energy_page_is_a_legal_hardware_file() -> None:
    block = re.search("```yaml\n(costs:.*?)```", ENERGY_PAGE, re.DOTALL)
    assert block is not None
    prices = price_list(chip(costs=yaml.safe_load(block.group(1))["costs"]))
    leaks = {leak.block: leak for leak in prices.leaks}
    assert prices.prices["array", "mac"].high_j == pytest.approx(17.3e-12, rel=1e-12)
    assert leaks["sram"].watts == pytest.approx(4 * 4 * 0.5e-3, rel=1e-12)
    assert prices.areas is not None
    assert prices.areas[0].mm2 == pytest.approx(1024 * 0.009, rel=1e-12)


@pytest.mark.parametrize("listing", [*available(), "dram", "analog"])
def test_the_energy_page_agrees_with_the_tables(listing: str) -> None:
    pattern = f"<!-- {listing}: begin -->\n(.*?)\n<!-- {listing}: end -->"
    block = re.search(pattern, ENERGY_PAGE, re.DOTALL)
    assert block is not None
    if listing == "dram":
        expected = dram_markdown(DramKind.load(kind) for kind in dram_kinds())
    elif listing == "analog":
        expected = analog_markdown(AnalogParts.load())
    else:
        expected = technology_markdown(Technology.load(listing))
    assert block.group(1) == expected


def test_a_second_compute_unit_for_gradients_leaks_and_takes_area_and_dilutes_utilization(tile64):

    shared, own = tile64(), tile64("tiles.gradients=own")
    one, two = price_list(shared), price_list(own)
    for of in ("leaks", "areas"):
        before, after = (
            {each.block: each.count for each in getattr(prices, of)} for prices in (one, two)
        )
        assert after.pop("array") == 2 * before.pop("array")
        assert after == before
    program = bp((64, 64, 10), 16, optimiser="sgd", phi="relu")
    activities = [run(program, chip) for chip in (shared, own)]
    assert activities[1].array_cells == 2 * activities[0].array_cells
    assert activities[1].counts == activities[0].counts
    assert activities[1].makespan_cycles <= activities[0].makespan_cycles
