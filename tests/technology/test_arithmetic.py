"""What number formats cost: arithmetic by format, width and node; a format without a price is named."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.config.numerics import Formats
from pcsim.errors import MissingCostError
from pcsim.formats import parse_format
from pcsim.technology import PriceList, Technology, available, bill, price_list
from pcsim.technology.actions import FORMAT_DEPENDENT
from tests.helpers.programs import bp, run

KINDS = ("weight", "state", "error", "accumulate", "optimiser")


def prices(chip: str = "tile64", *, technology: str = "horowitz-45nm", **formats: str) -> PriceList:
    settings = [f"tiles.formats.{kind}={name}" for kind, name in formats.items()]
    return price_list(load_hardware(chip, overrides=[f"technology={technology}", *settings]))


def uniform(name: str, accumulate: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(KINDS, name), "accumulate": accumulate, **others}


def picojoules(costs: PriceList, key: str) -> float:
    component, action = key.split(".")
    return costs.prices[component, action].joules * 1e12


@pytest.mark.parametrize(
    ("technology", "formats", "expected"),
    [
        ("horowitz-45nm", uniform("fp32", "fp32"), 3.7 + 0.9),
        ("horowitz-45nm", uniform("fp16", "fp16"), 1.1 + 0.4),
        ("horowitz-45nm", uniform("fp16", "fp32"), 1.1 + 0.9),
        ("horowitz-45nm", uniform("bf16", "fp32"), 0.679 + 0.9),
        ("horowitz-45nm", uniform("int8_pow2", "int32"), 0.2 + 0.1),
        ("horowitz-45nm", uniform("q4.4", "q16.16"), 0.2 + 0.1),
        ("horowitz-45nm", uniform("q16.16", "q16.16"), 3.1 + 0.1),
        ("horowitz-45nm", uniform("bfp8/16", "fp32"), 0.2 + 0.03 / 16 + 0.9),
        ("horowitz-45nm", uniform("bf16 stochastic", "fp32"), 0.679 + 0.9),
    ],
)
def test_a_multiply_accumulate_costs_its_multiplication_and_its_addition(
    technology: str, formats: dict[str, str], expected: float
) -> None:
    costs = prices(technology=technology, **formats)
    for action in ("mac", "mac_backward", "mac_gradient"):
        assert picojoules(costs, f"array.{action}") == pytest.approx(expected, rel=1e-12)


def test_each_product_pays_for_its_own_operands() -> None:
    costs = prices(weight="int8", state="int8", error="fp16")
    assert picojoules(costs, "array.mac") == pytest.approx(0.2 + 0.9, rel=1e-12)
    assert picojoules(costs, "array.mac_backward") == pytest.approx(1.1 + 0.9, rel=1e-12)
    assert picojoules(costs, "array.mac_gradient") == pytest.approx(1.1 + 0.9, rel=1e-12)
    mixed = costs.prices["array", "mac_backward"]
    assert mixed.status == "assumed"
    assert "fp16 x int8 in the dearer unit" in mixed.note


@given(
    first=st.integers(4, 32).map(lambda bits: f"q1.{bits - 1}"),
    second=st.integers(4, 32).map(lambda bits: f"q1.{bits - 1}"),
)
def test_integers_of_two_widths_multiply_like_two_of_the_mean_and_alike_in_both_orders(
    first: str, second: str
) -> None:
    make = Technology.load("horowitz-45nm").arithmetic
    a, b = parse_format(first), parse_format(second)
    one = make.multiply(a, b).value
    assert one == make.multiply(b, a).value
    bounds = sorted((make.multiply(a, a).value, make.multiply(b, b).value))
    assert bounds[0] * (1 - 1e-12) <= one <= bounds[1] * (1 + 1e-12)
    if a.bits >= 8 and b.bits >= 8:
        exponent = math.log(3.1 / 0.2) / math.log(32 / 8)
        expected = 0.2e-12 * (math.sqrt(a.bits * b.bits) / 8) ** exponent
        assert one == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("technology", available())
def test_more_bits_never_cost_less(technology: str) -> None:
    make = Technology.load(technology).arithmetic
    numbers = [parse_format(f"q1.{bits - 1}") for bits in range(4, 33)]
    for narrow, wide in itertools.pairwise(numbers):
        for narrow_cost, wide_cost in (
            (make.add(narrow), make.add(wide)),
            (make.multiply(narrow, narrow), make.multiply(wide, wide)),
            (make.adder(narrow), make.adder(wide)),
            (make.multiplier(narrow, narrow), make.multiplier(wide, wide)),
        ):
            assert narrow_cost.value <= wide_cost.value * (1 + 1e-12)


@pytest.mark.parametrize("technology", available())
@pytest.mark.parametrize("name", ["bf16", "fp16", "int8", "q4.12", "bfp8/16"])
def test_a_narrower_datapath_costs_less_everywhere_and_its_ranges_hold_its_prices(
    technology: str, name: str
) -> None:
    formats = uniform(name, "fp32")
    wide, narrow = prices(technology=technology), prices(technology=technology, **formats)
    for price in narrow.prices.values():
        assert 0 <= price.low_j <= price.joules <= price.high_j
    for key in FORMAT_DEPENDENT:
        if key.startswith("array."):
            assert picojoules(narrow, key) < picojoules(wide, key)
    for before, after in zip(wide.leaks, narrow.leaks, strict=True):
        assert after.watts < before.watts if before.block == "array" else after == before
    assert narrow.area_mm2 is not None and wide.area_mm2 is not None
    assert narrow.area_mm2 < wide.area_mm2


@pytest.mark.parametrize("technology", available())
def test_functions_of_multiplications_and_additions_follow_both_together(technology: str) -> None:
    table = Technology.load(technology)
    half = parse_format("fp16")
    full = parse_format("fp32")
    ratio = (table.arithmetic.multiply(half, half).value + table.arithmetic.add(half).value) / (
        table.arithmetic.multiply(full, full).value + table.arithmetic.add(full).value
    )
    wide = prices(technology=technology)
    narrow = prices(technology=technology, **uniform("fp16", "fp16"))
    for key in ("vector.tanh", "vector.gelu", "vector.softmax", "update.adam", "update.sgd"):
        assert picojoules(narrow, key) == pytest.approx(ratio * picojoules(wide, key), rel=1e-12)
    for key in ("vector.relu", "vector.lane_op", "update.lane_op", "array.operand_hop"):
        assert picojoules(narrow, key) == pytest.approx(picojoules(wide, key) / 2, rel=1e-12)
    for key in ("array.step", "vector.instruction", "sram.read_byte", "noc.link_byte"):
        assert picojoules(narrow, key) == picojoules(wide, key)


def test_lanes_are_as_wide_as_the_dearest_thing_that_they_read_or_write() -> None:
    costs = prices(weight="fp16", state="fp16", error="fp16", accumulate="fp16")
    assert picojoules(costs, "vector.mul") == pytest.approx(1.1, rel=1e-12)
    assert picojoules(costs, "update.sgd") == pytest.approx(4.6, rel=1e-12)  # fp32 moments
    costs = prices(weight="fp16", state="fp16", error="fp16", optimiser="fp16")
    assert picojoules(costs, "vector.mul") == pytest.approx(3.7, rel=1e-12)  # fp32 sums
    costs = prices(**uniform("fp16", "fp16"), master="fp32")
    assert picojoules(costs, "update.sgd") == pytest.approx(4.6, rel=1e-12)
    assert picojoules(costs, "array.mac") == pytest.approx(1.5, rel=1e-12)
    # At 7 nm an int32 multiplication costs more than fp32's, both operations together less: Adam stays in fp32.
    whole = uniform("int8_pow2", "int32", optimiser="fp32")
    costs = prices(technology="jouppi-7nm", **whole)
    assert picojoules(costs, "update.sgd") == pytest.approx(1.31 + 0.38, rel=1e-12)


@pytest.mark.parametrize("technology", available())
@pytest.mark.parametrize(
    ("formats", "missing"),
    [
        ({"weight": "fp8_e4m3"}, {"weight": "array.mac, "}),
        ({"optimiser": "fp64"}, {"optimiser": "update.sgd, "}),
        ({"state": "int3", "error": "int3"}, {"state": "array.mac, "}),
        (
            {"state": "int3", "error": "fp8_e5m2"},
            {"state": "array.mac, ", "error": "array.mac_backward, "},
        ),
    ],
)
def test_a_format_without_a_price_is_named_and_never_taken_for_fp32(
    technology: str, formats: dict[str, str], missing: dict[str, str]
) -> None:
    """At the line that asks for it, each with the costs that depend on it."""
    with pytest.raises(MissingCostError) as caught:
        prices(technology=technology, **formats)
    problems = caught.value.problems
    asked = [f"--set tiles.formats.{field}={formats[field]}" for field in missing]
    assert [problem.file for problem in problems] == asked
    for problem, (field, keys) in zip(problems, missing.items(), strict=True):
        said = f"technology {technology} has no cost for {formats[field]} of {keys}"
        assert problem.message.startswith(said)


def test_a_chip_of_mixed_formats_is_billed_for_each_product_apart() -> None:
    settings = ["tiles.formats.weight=bf16", "tiles.formats.state=bf16"]
    hardware = load_hardware("ideal", overrides=settings)
    widths, batch = (9, 8, 7, 6), 5
    program = bp(widths, batch, optimiser="sgd", phi="relu")
    activity = run(program, hardware)
    paid = bill(activity, price_list(hardware), clock_hz=hardware.clock_hz)
    energy: dict[str, float] = {}
    for line in paid.lines:
        if line.action.startswith("mac"):
            energy[line.action] = energy.get(line.action, 0.0) + line.energy_j
    forward = batch * (9 * 8 + 8 * 7 + 7 * 6)
    backward = batch * (8 * 7 + 7 * 6)
    assert energy == pytest.approx(
        {
            "mac": forward * (0.679 + 0.9) * 1e-12,
            "mac_backward": backward * (3.7 + 0.9) * 1e-12,
            "mac_gradient": forward * (3.7 + 0.9) * 1e-12,
        },
        rel=1e-9,
    )


def test_the_formats_of_a_plain_chip_leave_the_table_as_it_is() -> None:
    for name in available():
        table = Technology.load(name)
        costs = prices(technology=name)
        for key in FORMAT_DEPENDENT:
            if key.split(".")[0] in ("array", "vector", "update") and key in table.costs:
                entry = table.costs[key]
                assert costs.prices[tuple(key.split("."))].note == entry.note  # type: ignore
    assert Formats.model_validate(dict.fromkeys(KINDS, "fp32")).plain == "fp32"
