"""Bills: count x price, leakage by time, sums exact in any order, ratios at their extremes."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.errors import MissingCostError, PcsimError
from pcsim.machine.activity import Activity, Count
from pcsim.technology import (
    COMPONENT_ORDER,
    Bill,
    Leak,
    Price,
    PriceList,
    bill,
    ratio_range,
    uncertain_keys,
)

CLOCK_HZ = 500_000_000


def price(
    key: str, joules: float, *, low: float = 0, high: float = 1, status: str = "read"
) -> Price:
    component, action = key.split(".")
    return Price(
        component=component,
        action=action,
        joules=joules,
        per="one",
        status=status,
        low_j=low,
        high_j=high,
        source="a paper",
        note="",
        source_id="PAPER",
    )


def leak(
    block: str, watts: float, *, low: float = 0, high: float = 1, status: str = "read"
) -> Leak:
    return Leak(
        block=block,
        watts=watts,
        low_w=low,
        high_w=high,
        status=status,
        source="a paper",
        note="",
        count=1,
        per="one",
        source_id="PAPER",
    )


def prices_of(*costs: Price | Leak) -> PriceList:
    return PriceList(
        technology="toy",
        prices={(p.component, p.action): p for p in costs if isinstance(p, Price)},
        leaks=tuple(cost for cost in costs if isinstance(cost, Leak)),
        areas=None,
    )


def activity(counts: Mapping[Count, int], *, makespan_cycles: int = 0) -> Activity:
    return Activity(
        makespan_cycles=makespan_cycles,
        counts=counts,
        units=(),
        link_bytes={},
        peak_bytes={},
        noc_bytes=0,
        dram_bytes=0,
        sram_bytes=0,
        macs=0,
        array_cells=1,
    )


TOY = prices_of(
    price("array.mac", 4.6e-12),
    price("sram.read_byte", 2.13e-12, status="derived"),
    price("dram.write_byte", 5.6e-11, status="assumed"),
    leak("array", 0.05),
    leak("dram_standby", 0.04, status="derived"),
)
TOY_COUNTS = {
    Count("sram", "read_byte", 1, "forward"): 4000,
    Count("array", "mac", 2, "inference"): 2_000_000,
    Count("array", "mac", 1, "forward"): 1_000_000,
    Count("dram", "write_byte", 2, "update"): 640,
}


def test_a_bill_is_count_times_price_and_power_times_time() -> None:
    result = bill(activity(TOY_COUNTS, makespan_cycles=25_000), TOY, clock_hz=CLOCK_HZ)
    rows = [
        (line.component, line.action, line.layer, line.stage, line.count, line.status)
        for line in result.lines
    ]
    assert rows == [
        ("array", "mac", 1, "forward", 1_000_000, "read"),
        ("array", "mac", 2, "inference", 2_000_000, "read"),
        ("sram", "read_byte", 1, "forward", 4000, "derived"),
        ("dram", "write_byte", 2, "update", 640, "assumed"),
        ("leakage", "array", None, "static", 25_000, "read"),
        ("dram_standby", "dram_standby", None, "static", 25_000, "derived"),
    ]
    # 25,000 cycles at 500 MHz are 50 us.
    expected = [4.6e-6, 9.2e-6, 8.52e-9, 3.584e-8, 0.05 * 50e-6, 0.04 * 50e-6]
    assert [line.energy_j for line in result.lines] == pytest.approx(expected, rel=1e-9)
    assert [line.key for line in result.lines[-2:]] == ["leakage.array", "leakage.dram_standby"]
    assert {line.source_id for line in result.lines} == {"PAPER"}
    assert result.energy_j == pytest.approx(math.fsum(expected), rel=1e-12)
    assert result.static_energy_j == pytest.approx(4.5e-6, rel=1e-12)
    assert list(result.by_component()) == ["array", "sram", "dram", "leakage", "dram_standby"]
    assert result.by_component()["array"] == pytest.approx(13.8e-6, rel=1e-12)
    assert result.by_stage()["forward"] == pytest.approx(4.6e-6 + 8.52e-9, rel=1e-12)
    assert result.by_layer()[None] == result.static_energy_j


def test_the_order_of_counts_does_not_matter() -> None:
    there = bill(activity(TOY_COUNTS), TOY, clock_hz=CLOCK_HZ)
    back = bill(activity(dict(reversed(TOY_COUNTS.items()))), TOY, clock_hz=CLOCK_HZ)
    assert there == back


def test_nothing_done_in_no_time_costs_nothing() -> None:
    assert bill(activity({}), TOY, clock_hz=CLOCK_HZ).energy_j == 0


@given(
    counts=st.lists(st.integers(0, 10**15), min_size=1, max_size=40),
    joules=st.lists(st.floats(1e-16, 1e-8), min_size=40, max_size=40),
    makespan_cycles=st.integers(0, 10**12),
    seed=st.integers(0, 2**32),
)
def test_lines_add_up_exactly_in_any_order_and_grouping(
    counts: list[int], joules: list[float], makespan_cycles: int, seed: int
) -> None:
    prices = prices_of(
        *(price(f"array.a{n}", cost) for n, cost in enumerate(joules)), leak("array", 0.123)
    )
    counted = {
        Count("array", f"a{n}", n % 3 + 1, "forward"): count for n, count in enumerate(counts)
    }
    run = activity(counted, makespan_cycles=makespan_cycles)
    result = bill(run, prices, clock_hz=CLOCK_HZ)
    energies = [line.energy_j for line in result.lines]
    random.Random(seed).shuffle(energies)
    assert sum(energies, 0.0) == result.energy_j == math.fsum(energies)
    assert sum(result.by_layer().values()) == result.energy_j
    assert sum(result.by_stage().values()) == result.energy_j
    for line in result.lines:
        exact = line.count * line.unit_j
        assert abs(line.energy_j - exact) <= 4 * math.ulp(result.energy_j)


@given(
    counts=st.lists(st.integers(1, 10**6), min_size=3, max_size=3),
    doubled=st.integers(0, 2),
)
def test_doubling_a_price_moves_the_bill_by_exactly_its_lines(
    counts: list[int], doubled: int
) -> None:
    keys = ("array.mac", "sram.read_byte", "dma.descriptor")
    # Prices that are powers of two: no rounding anywhere, so the difference is exact.
    once = [price(key, 2.0 ** (-40 - n)) for n, key in enumerate(keys)]
    counted = {
        Count(cost.component, cost.action, 1, "forward"): count
        for cost, count in zip(once, counts, strict=True)
    }
    twice = list(once)
    twice[doubled] = replace(once[doubled], joules=2 * once[doubled].joules)
    run = activity(counted)
    before = bill(run, prices_of(*once), clock_hz=CLOCK_HZ)
    after = bill(run, prices_of(*twice), clock_hz=CLOCK_HZ)
    assert after.energy_j - before.energy_j == counts[doubled] * once[doubled].joules


def test_twice_the_time_costs_twice_the_static_energy() -> None:
    short = bill(activity(TOY_COUNTS, makespan_cycles=1000), TOY, clock_hz=CLOCK_HZ)
    long = bill(activity(TOY_COUNTS, makespan_cycles=2000), TOY, clock_hz=CLOCK_HZ)
    assert long.static_energy_j == pytest.approx(2 * short.static_energy_j, rel=1e-12)
    assert long.by_component()["array"] == pytest.approx(short.by_component()["array"], rel=1e-12)


def test_a_component_order_is_known_for_everything_a_bill_can_hold() -> None:
    assert COMPONENT_ORDER == (
        "array",
        "vector",
        "update",
        "sram",
        "buffer",
        "line_buffer",
        "noc",
        "dma",
        "dram",
        "clock",
        "leakage",
        "dram_standby",
    )


def test_all_missing_prices_are_named_at_once() -> None:
    counted = {
        **TOY_COUNTS,
        Count("vector", "relu", 1, "forward"): 10,
        Count("update", "adam", 1, "update"): 20,
    }
    with pytest.raises(MissingCostError) as error:
        bill(activity(counted), TOY, clock_hz=CLOCK_HZ)
    assert str(error.value) == (
        "technology toy has no cost of update.adam, vector.relu\n"
        "    give each with its source in the hardware file, like this:\n"
        "costs:\n"
        "  update.adam: {energy: 4.6 pJ, source: where it stands}  # per parameter\n"
        "  vector.relu: {energy: 4.6 pJ, source: where it stands}  # per element"
    )


def toy_bills(
    counts_a: list[int], counts_b: list[int], prices: PriceList, *, cycles: tuple[int, int]
) -> tuple[Bill, Bill]:
    """Bills of two runs: array.fixed, then array.x0, array.x1 ... with the given counts."""
    names = [action for _, action in prices.prices]
    runs = (
        activity(
            {Count("array", name, 1, "forward"): n for name, n in zip(names, counts, strict=True)},
            makespan_cycles=makespan_cycles,
        )
        for counts, makespan_cycles in zip((counts_a, counts_b), cycles, strict=True)
    )
    bill_a, bill_b = (bill(run, prices, clock_hz=CLOCK_HZ) for run in runs)
    return bill_a, bill_b


SMALL_INTEGERS = st.lists(st.integers(0, 1000), min_size=4, max_size=4)
RANGES = st.lists(st.tuples(st.floats(0, 1), st.floats(1, 30)), min_size=4, max_size=4)


@given(
    counts_a=SMALL_INTEGERS,
    counts_b=SMALL_INTEGERS,
    ranges=RANGES,
    cycles=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
    share=st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_the_ratio_range_is_that_of_all_corners_and_holds_every_point_inside(
    counts_a: list[int],
    counts_b: list[int],
    ranges: list[tuple[float, float]],
    cycles: tuple[int, int],
    share: list[float],
) -> None:
    moving = [
        price(f"array.x{n}", 1e-12, low=low * 1e-12, high=high * 1e-12, status="assumed")
        for n, (low, high) in enumerate(ranges[:3])
    ]
    low_w, high_w = (1e-3 * end for end in ranges[3])
    moving_leak = leak("vector", 1e-3, low=low_w, high=high_w, status="assumed")
    prices = prices_of(price("array.fixed", 3e-12), *moving, leak("array", 2e-3), moving_leak)
    bill_a, bill_b = toy_bills(counts_a, counts_b, prices, cycles=cycles)

    def ratio(units: list[float]) -> Fraction:
        """Exact E_a / E_b with array.x0, x1, x2 and the vector's watts at ``units``."""
        energies = []
        for counts, makespan_cycles in zip((counts_a, counts_b), cycles, strict=True):
            dynamic = Fraction(3e-12) * counts[0] + sum(
                Fraction(unit) * count for unit, count in zip(units[:3], counts[1:], strict=True)
            )
            power = Fraction(2e-3) + Fraction(units[3])
            energies.append(dynamic + power * Fraction(makespan_cycles, CLOCK_HZ))
        return energies[0] / energies[1]

    ends = [(cost.low_j, cost.high_j) for cost in moving] + [(low_w, high_w)]
    corners = [ratio(list(corner)) for corner in itertools.product(*ends)]
    low, high = ratio_range(bill_a, bill_b, prices)
    assert low == pytest.approx(float(min(corners)), rel=1e-9)
    assert high == pytest.approx(float(max(corners)), rel=1e-9)
    inside = ratio([end[0] + s * (end[1] - end[0]) for end, s in zip(ends, share, strict=True)])
    assert low * (1 - 1e-9) <= float(inside) <= high * (1 + 1e-9)


def test_a_bill_against_itself_has_ratio_one_whatever_the_prices() -> None:
    moving = price("array.x", 1e-12, low=0.0, high=1e-9, status="assumed")
    prices = prices_of(moving, leak("array", 1))
    bill_a, bill_b = toy_bills([7], [7], prices, cycles=(10, 10))
    assert ratio_range(bill_a, bill_b, prices) == (1.0, 1.0)


def test_published_prices_stay_put_unless_asked_to_move() -> None:
    prices = prices_of(
        price("array.x", 1e-12, low=1e-12, high=4e-12, status="read"),
        price("array.y", 1e-12, low=1e-12, high=4e-12, status="derived"),
    )
    bill_a, bill_b = toy_bills([1, 1], [0, 1], prices, cycles=(1, 1))
    assert uncertain_keys(prices) == ()
    assert ratio_range(bill_a, bill_b, prices) == pytest.approx((2.0, 2.0), rel=1e-12)
    moved = ratio_range(bill_a, bill_b, prices, keys=["array.x"])
    assert moved == pytest.approx((2.0, 5.0), rel=1e-12)


def test_a_users_price_moves_exactly_when_it_has_a_range() -> None:
    prices = prices_of(
        price("array.x", 1e-12, low=1e-12, high=1e-12, status="user"),
        price("array.y", 1e-12, low=0.5e-12, high=1e-12, status="user"),
        leak("array", 1, low=1, high=2, status="user"),
        leak("vector", 1, low=1, high=1, status="user"),
    )
    assert uncertain_keys(prices) == ("array.y", "leakage.array")


def test_a_leak_that_is_zero_now_can_still_rise() -> None:
    prices = prices_of(
        leak("array", 1e-3),
        leak("noc", 0.0, low=0.0, high=1e-3, status="assumed"),
        price("array.x", 1e-12),
    )
    # 500,000 cycles are 1 ms, so each milliwatt is 1 uJ; a million actions at 1 pJ are 1 uJ too.
    bill_a, bill_b = toy_bills([0], [10**6], prices, cycles=(500_000, 500_000))
    assert ratio_range(bill_a, bill_b, prices) == pytest.approx((1 / 2, 2 / 3), rel=1e-12)


def test_a_ratio_to_nothing_is_refused() -> None:
    prices = prices_of(price("array.x", 1e-12, low=0.0, high=2e-12, status="assumed"))
    bill_a, bill_b = toy_bills([1], [1], prices, cycles=(0, 0))
    message = "^the second bill must cost something at the low end of prices, not 0 J$"
    with pytest.raises(PcsimError, match=message):
        ratio_range(bill_a, bill_b, prices)
