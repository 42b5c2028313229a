"""Quantities: exact reading and writing, display, and what is said of a wrong one."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.errors import PcsimError
from pcsim.units import (
    DIMENSIONS,
    QuantityError,
    auto_scale,
    exact_quantity,
    format_quantity,
    parse_area,
    parse_energy,
    parse_power,
    parse_quantity,
    parse_size,
    rate_number,
    scale_of,
)

WHOLE = [unit for unit, dimension in DIMENSIONS.items() if dimension.whole]
RATES = [unit for unit, dimension in DIMENSIONS.items() if dimension.rate]
REAL = [unit for unit, dimension in DIMENSIONS.items() if not dimension.whole]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("500 MHz", "Hz", 500 * 10**6),
        ("80 ns", "s", Fraction(80, 10**9)),
        ("64 KiB", "B", 64 * 1024),
        ("64 kB", "B", 64_000),
        ("1.5 MiB", "B", 3 * 2**19),
        ("2 GiB", "B", 2**31),
        ("12.8 GB/s", "B/s", 12_800_000_000),
        ("1 GiB/s", "B/s", 2**30),
        ("32 B/cycle", "B/cycle", 32),
        ("25.6 B/cycle", "B/cycle", Fraction(256, 10)),
        ("12.8 GiB/s", "B/s", Fraction(128, 10) * 2**30),
        ("1/3 GHz", "Hz", Fraction(10**9, 3)),
        ("-2 / 4 GHz", "Hz", -(10**9) // 2),
        ("1/2 KiB", "B", 512),
        ("4 cycles", "cycles", 4),
        ("1 cycle", "cycles", 1),
        ("2 mm", "m", Fraction(2, 1000)),
        ("7 nm", "m", Fraction(7, 10**9)),
        ("4.6 pJ", "J", Fraction(46, 10**13)),
        ("3e-1 fJ", "J", Fraction(3, 10**16)),
        ("0.2 mW", "W", Fraction(2, 10**4)),
        ("12500 um2", "m2", Fraction(125, 10**10)),
        ("0.5 mm2", "m2", Fraction(5, 10**7)),
    ],
)
def test_a_text_is_read_exactly(text, unit, value):
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize("text", ["3 uJ", "3 µJ", "3 μJ", "3µJ", " 3  uJ ", "+3 uJ", "3. uJ"])
def test_micro_and_blanks_may_be_written_in_every_usual_way(text):
    assert parse_quantity(text, "J") == Fraction(3, 10**6)


def test_blanks_around_the_stroke_do_not_matter():
    assert parse_quantity("32 B / cycle", "B/cycle") == 32


def test_each_named_parser_reads_its_unit():
    assert parse_size("64 KiB") == 65536
    assert parse_energy("4.6 pJ") == 4.6e-12
    assert parse_power("0.2 mW") == 0.2e-3
    assert parse_area("12500 um2") == 12500e-12


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        (
            "64 KiBs",
            "B",
            "must be a size such as '64 KiB', not '64 KiBs'; did you mean 'KiB'?",
        ),
        (
            "64 KB",
            "B",
            "must be a size such as '64 KiB', not '64 KB'; did you mean 'kB' or 'KiB'?",
        ),
        (
            "64",
            "B",
            "must be a size such as '64 KiB', not '64'; "
            "units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB",
        ),
        (
            64,
            "B",
            "must be a size such as '64 KiB', not 64; "
            "units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB",
        ),
        ("0.3 B", "B", "must be a whole number of bytes, not '0.3 B'"),
        ("0.5 cycles", "cycles", "must be a whole number of cycles, not '0.5 cycles'"),
        (
            "500 mhz",
            "Hz",
            "must be a frequency such as '500 MHz', not '500 mhz'; did you mean 'MHz'?",
        ),
        (
            "4 cycles",
            "s",
            "must be a time such as '80 ns', not '4 cycles'; units are fs, ps, ns, us, ms, s",
        ),
        (
            "2 pJ",
            "W",
            "must be a power such as '0.2 mW', not '2 pJ'; units are fW, pW, nW, uW, mW, W",
        ),
        (
            "2 mm",
            "m2",
            "must be an area such as '0.5 mm2', not '2 mm'; did you mean 'mm2'?",
        ),
    ],
)
def test_a_wrong_text_is_answered_with_what_would_be_right(text, unit, message):
    with pytest.raises(QuantityError, match=f"^{re.escape(message)}$"):
        parse_quantity(text, unit)


@pytest.mark.parametrize(
    "text",
    ["", "nan B", "inf B", "1e9999 B", "٣ B", "1_0 B", "0x10 B", "- 3 B", "B", "3 B B", "3" * 99],
)
def test_what_is_no_plain_decimal_number_is_refused(text):
    with pytest.raises(QuantityError):
        parse_quantity(text, "B")


@pytest.mark.parametrize("value", [None, True, 1.5, ["64 KiB"], b"64 KiB"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(QuantityError):
        parse_quantity(value, "B")


def test_a_quantity_error_is_the_users_mistake_and_rebuilds_from_its_arguments():
    error = QuantityError("a size", "x", "did you mean 'B'?")
    assert isinstance(error, PcsimError)
    assert isinstance(error, ValueError)
    assert error.exit_code == 2
    assert str(type(error)(*error.args)) == str(error)


@given(st.sampled_from(WHOLE), st.integers(-(2**70), 2**70))
def test_a_whole_number_is_written_so_that_it_reads_the_same(unit, value):
    assert parse_quantity(exact_quantity(value, unit), unit) == value


@given(st.sampled_from(RATES), st.fractions(min_value=1, max_denominator=10**9))
def test_a_fraction_is_written_so_that_it_reads_the_same_exactly(unit, value):
    assert parse_quantity(exact_quantity(value, unit), unit) == value


def test_a_rate_is_a_plain_number_where_files_know_no_fractions():
    assert [rate_number(rate) for rate in (4, Fraction(4), Fraction(5, 2))] == [4, 4, 2.5]
    assert [type(rate_number(rate)) for rate in (4, Fraction(4), Fraction(5, 2))] == [
        int,
        int,
        float,
    ]


@given(st.sampled_from(REAL), st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_so_that_it_reads_the_same_to_the_last_bit(unit, value):
    assert float(parse_quantity(exact_quantity(value, unit), unit)) == value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (131072, "B", "128 KiB"),
        (64_000, "B", "64 kB"),
        (1536, "B", "1536 B"),
        (12_800_000_000, "B/s", "12.8 GB/s"),
        (500_000_000, "Hz", "500 MHz"),
        (8e-8, "s", "80 ns"),
        (0.002, "m", "2 mm"),
        (4.6e-12, "J", "4.6 pJ"),
        (12500e-12, "m2", "12500 um2"),
        (1, "cycles", "1 cycle"),
        (4, "cycles", "4 cycles"),
        (0, "cycles", "0 cycles"),
        (0.0, "s", "0 s"),
        (Fraction(128, 10) * 2**30, "B/s", "12.8 GiB/s"),
        (Fraction(10**9, 3), "Hz", "1/3 GHz"),
        (Fraction(256, 10), "B/cycle", "25.6 B/cycle"),
    ],
)
def test_the_exact_text_is_the_one_a_person_would_write(value, unit, text):
    assert exact_quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.2415e-6, "J", "1.24 µJ"),
        (999.4e-9, "J", "999 nJ"),
        (999.9e-9, "J", "1 µJ"),
        (-3e-12, "J", "-3 pJ"),
        (0, "J", "0 J"),
        (1e-18, "J", "0.001 fJ"),
        (4.6e-12, "J/MAC", "4.6 pJ/MAC"),
        (3e-9, "J·s", "3 nJ·s"),
        (131072, "B", "128 KiB"),
        (1023 * 1024, "B", "1,023 KiB"),
        (2**20, "B", "1 MiB"),
        (12.8e9, "B/s", "12.8 GB/s"),
        (3.4e-6, "m2", "3.4 mm2"),
        (2e-12, "m2", "2 µm2"),
        (1, "cycles", "1 cycle"),
        (1_234_567, "cycles", "1,234,567 cycles"),
        (80e-9, "s", "80 ns"),
    ],
)
def test_people_are_shown_few_digits_in_the_unit_that_suits(value, unit, text):
    assert format_quantity(value, unit) == text


def test_people_may_ask_for_more_digits():
    assert format_quantity(1.2415e-6, "J", digits=5) == "1.2415 µJ"


@given(st.floats(1e-15, 1e3), st.sampled_from(["s", "J", "W"]))
def test_the_scaled_value_times_its_unit_is_the_value(value, unit):
    scaled, name = auto_scale(value, unit)
    size = float(parse_quantity(f"1 {name}", unit))
    assert scaled * size == pytest.approx(value, rel=1e-15)
    assert size == scale_of(value, unit).size
    assert 0.9995 <= scaled < 1000 or name == unit


@given(st.floats(1e-15, 1e2))
def test_what_people_are_shown_is_within_half_a_digit(value):
    shown = parse_quantity(format_quantity(value, "J"), "J")
    assert abs(Decimal(float(shown)) / Decimal(value) - 1) <= Decimal("0.00501")
