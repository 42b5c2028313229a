"""Number formats against what they are defined to be, against two other libraries, and against exact fractions."""

import math
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from pcsim.engine.numerics import (
    FormatError,
    analog,
    exact_terms,
    parse_format,
    products,
    random_bits,
)
from pcsim.engine.numerics.coding import code_of
from pcsim.engine.numerics.quantise import quantise, quantised, scale_of
from tests.oracles import scalar_reference as reference

SPECIAL = (
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -1e-310,
    1e-45,
    1e-40,
    1.5e308,
    -3.4e38,
)
ORACLES = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
}
GRIDS = (
    "q4.12",
    "q1.7",
    "q8.0",
    "q16.16",
    "int4",
    "int8",
    "int8_pow2",
    "int16",
    "bfp8/16",
    "bfp4/3",
)
# (bits, largest, smallest above zero, from 1 to the next), from IEEE 754 and the OCP 8-bit specification.
DEFINED = {
    "fp64": (64, 1.7976931348623157e308, 5e-324, 2.0**-52),
    "fp32": (32, 3.4028234663852886e38, 2.0**-149, 2.0**-23),
    "bf16": (16, 3.3895313892515355e38, 2.0**-133, 2.0**-7),
    "fp16": (16, 65504.0, 2.0**-24, 2.0**-10),
    "fp8_e4m3": (8, 448.0, 2.0**-9, 2.0**-3),
    "fp8_e5m2": (8, 57344.0, 2.0**-16, 2.0**-2),
    "q4.12": (16, 8 - 2.0**-12, 2.0**-12, 2.0**-12),
    "int8": (8, 127.0, 1.0, 1 / 127),
    "bfp8/16": (8.5, 127 * 2.0**121, 2.0**-132, 2.0**-6),
}


def same(found, wanted):
    """Equal bits, but for which NaN it is."""
    found, wanted = np.asarray(found), np.asarray(wanted).astype(np.asarray(found).dtype)
    nan = np.isnan(wanted)
    assert np.array_equal(np.isnan(found), nan)
    assert np.array_equal(found[~nan], wanted[~nan])
    assert np.array_equal(np.signbit(found[~nan]), np.signbit(wanted[~nan]))


def of_all_sizes(count, dtype, *, seed=0, powers=45):
    """Numbers of both signs whose exponents are spread evenly, and the special ones."""
    random = np.random.default_rng(seed)
    values = random.uniform(-2, 2, count) * 2.0 ** random.integers(-powers, powers, count)
    with np.errstate(all="ignore"):
        return np.concatenate((values, SPECIAL)).astype(dtype)


def around(name, dtype):
    """Every number of a format, every middle between two of them, and what lies just beside each."""
    table = np.array([float(number) for number in reference.numbers(name)])
    middles = (table[1:] + table[:-1]) / 2
    with np.errstate(over="ignore"):
        points = np.concatenate((table, middles)).astype(dtype)
        points = np.concatenate([np.nextafter(points, dtype(to)) for to in (0, np.inf)] + [points])
    return np.concatenate((points, -points))


def random_half_words(seed, tensor, update, count):
    words = np.empty(count, np.uint64)
    random_bits.fill_words(random_bits.stream_key(seed, tensor, update), 0, words)
    return [int(word) >> 32 for word in words]


# Formats.


@pytest.mark.parametrize("name", DEFINED)
def test_a_format_has_the_range_and_precision_that_its_definition_gives(name):
    number = parse_format(name)
    found = (number.bits_per_value, number.largest, number.smallest, number.epsilon)
    assert found == DEFINED[name]


@pytest.mark.parametrize("text", [*DEFINED, "int8_pow2", "bf16 stochastic", "bfp4/32 stochastic"])
def test_a_format_is_written_as_it_was_read(text):
    assert str(parse_format(text)) == text


def test_storage_counts_shared_exponents_and_scales():
    assert parse_format("bf16").storage_bits(100) == 1600
    assert parse_format("bfp8/16").storage_bits(100) == 800 + 7 * 8
    assert parse_format("int8").storage_bits(100) == 800 + 32
    assert parse_format("int8_pow2").storage_bits(100) == 800 + 8


def test_fixed_point_reaches_one_step_further_below_zero():
    assert (parse_format("q4.12").lowest, parse_format("bf16").lowest) == (
        -8.0,
        -DEFINED["bf16"][1],
    )


@pytest.mark.parametrize(
    ("name", "carrier"),
    [
        ("bf16", "float32"),
        ("q8.16", "float32"),
        ("q9.16", "float32"),
        ("q10.16", "float64"),
        ("fp64", "float64"),
    ],
)
def test_a_carrier_has_the_digits_that_the_format_needs(name, carrier):
    assert parse_format(name).carrier == carrier


FORMAT = "must be a number format such as 'bf16', 'fp8_e4m3', 'q4.12', 'int8' or 'bfp8/16'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bf17", f"{FORMAT}, not 'bf17'; did you mean 'bf16'?"),
        ("e4m3", f"{FORMAT}, not 'e4m3'; did you mean 'fp8_e4m3'?"),
        ("posit", f"{FORMAT}, not 'posit'"),
        (16, f"{FORMAT}, not 16"),
        (
            "bf16 stochastik",
            "must be a number format, or one followed by 'stochastic', not 'bf16 stochastik'; "
            "did you mean 'bf16 stochastic'?",
        ),
        (
            "q0.16",
            "must be fixed point of 2 to 32 bits, at least one of them (the sign) before the point, not 'q0.16'",
        ),
        ("int1", "must be an integer format of 2 to 16 bits, not 'int1'"),
        (
            "bfp8/1",
            "must be block floating point of 2 to 16 bits a value and blocks of 2 to 1024 values, not 'bfp8/1'",
        ),
    ],
)
def test_a_word_that_is_no_format_is_refused(text, message):
    with pytest.raises(FormatError, match=f"^{re.escape(message)}$"):
        parse_format(text)


def test_a_carrier_too_narrow_is_refused():
    with pytest.raises(ValueError, match=r"^q16\.16 needs float64 arrays, not float32$"):
        quantised(np.zeros(1, np.float32), parse_format("q16.16"))
    with pytest.raises(ValueError, match=r"^values must be float32 or float64, not int64$"):
        quantised(np.zeros(1, np.int64), parse_format("bf16"))


# Nearest.


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_16_bit_pattern_stays_as_it_is(name, dtype):
    patterns = np.arange(2**16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):  # NaNs that signal
        numbers = patterns.view(ORACLES[name]).astype(dtype)
    same(quantised(numbers, parse_format(name)), numbers)


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, np.float32) for name in ORACLES), ("fp16", np.float64)]
)
def test_every_number_every_middle_and_what_lies_beside_them_goes_where_another_library_sends_it(
    name, dtype
):
    # From float64 only numpy rounds once; the other library goes by way of float32.
    values = around(name, dtype)
    number = parse_format(name)
    if number.saturates:  # The other library does not.
        values = values[abs(values) <= number.largest]
    with np.errstate(over="ignore"):
        same(quantised(values, number), values.astype(ORACLES[name]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_precision_takes_every_upper_half_of_a_single_as_numpy_does(dtype):
    upper = np.arange(2**16, dtype=np.uint32) << 16
    for lower in (0, 1, 0x0FFF, 0x1000, 0x1001, 0xF000, 0xFFFF):
        with np.errstate(all="ignore"):
            values = (upper | lower).view(np.float32).astype(dtype)
            same(quantised(values, parse_format("fp16")), values.astype(np.float16))


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_of_all_sizes_round_as_exact_fractions_do(name, dtype):
    values = np.concatenate(
        (of_all_sizes(1500, dtype), around(name, dtype)[:: 97 if name in ("bf16", "fp16") else 1])
    )
    wanted = [reference.to_float(name, float(x)) for x in values]
    same(quantised(values, parse_format(name)), wanted)


def test_double_to_single_is_what_packing_four_bytes_gives():
    values = of_all_sizes(3000, np.float64, powers=150)
    wanted = []
    for x in values:
        try:
            wanted.append(struct.unpack("f", struct.pack("f", x))[0])
        except OverflowError:
            wanted.append(math.copysign(math.inf, x))
    same(quantised(values, parse_format("fp32")), wanted)


@pytest.mark.parametrize("name", ["fp32", "fp64"])
def test_a_format_that_is_the_carrier_changes_nothing(name):
    values = of_all_sizes(100, {"fp32": np.float32, "fp64": np.float64}[name])
    for text in (name, f"{name} stochastic"):
        same(quantised(values, parse_format(text)), values)


def test_eight_bits_saturate_and_sixteen_overflow():
    for name, top in (
        ("fp8_e4m3", 448.0),
        ("fp8_e5m2", 57344.0),
        ("fp16", math.inf),
        ("bf16", math.inf),
    ):
        values = np.array([math.inf, -math.inf, 3.4e38, -3.4e38], np.float32)
        same(quantised(values, parse_format(name)), [top, -top, top, -top])
    same(quantised(np.array([65519.0, 65520.0]), parse_format("fp16")), [65504.0, math.inf])


def grid_reference(values, name, bits):
    """What ``name`` makes of 1-d values, by exact fractions; ``bits`` None or one each."""
    number = parse_format(name)
    top = 2**number.digits - 1
    bits = bits or [None] * len(values)
    if number.kind == "block":
        result = []
        for begin in range(0, len(values), number.block):
            part = values[begin : begin + number.block]
            quantum = reference.block_quantum(part, number.bits)
            for x, b in zip(part, bits[begin:], strict=False):
                result.append(reference.to_grid(x, quantum, -top, top, b))
        return result
    if number.kind == "fixed":
        quantum, lowest = 2.0**-number.fraction_bits, -top - 1
    else:
        lowest, largest = -top, min(max(abs(x) for x in values if math.isfinite(x)), 2.0**127)
        if name.endswith("pow2"):
            quantum = 2.0**-126
            while Fraction(quantum) * top < Fraction(largest):
                quantum *= 2
        else:
            quantum = max(struct.unpack("f", struct.pack("f", largest / top))[0], 2.0**-126)
    return [
        reference.to_grid(x, quantum, lowest, top, b) for x, b in zip(values, bits, strict=True)
    ]


@pytest.mark.parametrize("powers", [4, 45])
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name in GRIDS
        for dtype in (np.float32, np.float64)
        if parse_format(name).fits(np.dtype(dtype).name)
    ],
)
@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_grids_round_as_exact_fractions_do(name, rounding, dtype, powers):
    number = parse_format(name if rounding == "nearest" else f"{name} stochastic")
    values = of_all_sizes(600, dtype, powers=powers)[: 600 if powers == 4 else None]
    bits = random_half_words(1, 2, 3, len(values)) if rounding == "stochastic" else None
    found = quantised(values, number, seed=1, tensor=2, update=3)
    same(found, grid_reference([float(x) for x in values], name, bits))


def test_middles_on_a_grid_go_to_the_even_side():
    halves = np.arange(-20, 20) + 0.5
    same(quantised(halves, parse_format("q6.0")), np.rint(halves) + 0.0)


def test_a_scale_is_the_largest_over_the_largest_integer_or_the_power_of_two_above():
    values = np.array([0.5, -3.0, 1.0], np.float32)
    assert scale_of(values, parse_format("int8")) == np.float32(3 / 127)
    assert scale_of(values, parse_format("int8_pow2")) == 2.0**-5
    assert scale_of(values * 0, parse_format("int8")) == 2.0**-126
    with pytest.raises(ValueError, match=r"^only integer formats have a scale, not bf16$"):
        scale_of(values, parse_format("bf16"))


@pytest.mark.parametrize("rounding", ["", " stochastic"])
def test_blocks_run_along_the_axis_that_was_asked_for(rounding):
    number = parse_format(f"bfp8/16{rounding}")
    values = of_all_sizes(3 * 20 * 5, np.float32, powers=4)[: 3 * 20 * 5].reshape(3, 20, 5)
    found = quantised(values, number, axis=1, seed=4)
    bits = np.array(random_half_words(4, 0, 0, values.size)).reshape(values.shape)
    for i in range(3):
        for j in range(5):
            lane = [float(x) for x in values[i, :, j]]
            same(
                found[i, :, j],
                grid_reference(lane, "bfp8/16", bits[i, :, j].tolist() if rounding else None),
            )


@pytest.mark.parametrize("name", [*ORACLES, "q4.12", "int8_pow2", "bfp8/16"])
@pytest.mark.parametrize("rounding", ["", " stochastic"])
def test_what_a_format_holds_it_keeps(name, rounding):
    number = parse_format(name + rounding)
    once = quantised(of_all_sizes(500, np.float32, powers=6)[:500], number, seed=5)
    same(quantised(once, number, seed=6), once)


# At random.


def test_the_random_words_are_those_of_splitmix64():
    words = np.empty(5, np.uint64)
    random_bits.fill_words(np.uint64(1234567), 0, words)
    assert words.tolist() == [  # as printed with the published algorithm
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_streams_differ_in_seed_tensor_and_update():
    keys = {int(random_bits.stream_key(*at)) for at in np.ndindex(20, 20, 20)}
    assert len(keys) == 20**3


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_rounding_of_floats_is_what_exact_fractions_make_of_the_same_bits(name, dtype):
    values = of_all_sizes(2000, dtype)
    bits = random_half_words(7, 8, 9, len(values))
    wanted = [reference.to_float(name, float(x), b) for x, b in zip(values, bits, strict=True)]
    found = quantised(values, parse_format(f"{name} stochastic"), seed=7, tensor=8, update=9)
    same(found, wanted)


def test_random_rounding_to_single_goes_to_a_neighbour_by_its_bits():
    values = of_all_sizes(2000, np.float64, powers=120)[:2000]
    found = quantised(values, parse_format("fp32 stochastic"), seed=7)
    toward_zero = values.astype(np.float32)
    too_far = abs(toward_zero.astype(np.float64)) > abs(values)
    toward_zero[too_far] = np.nextafter(toward_zero[too_far], np.float32(0))
    beyond = np.nextafter(toward_zero, np.copysign(np.float32(np.inf), toward_zero))
    for x, low, high, bits, y in zip(
        values, toward_zero, beyond, random_half_words(7, 0, 0, 2000), found, strict=True
    ):
        place = (Fraction(x) - Fraction(float(low))) / (
            Fraction(float(high)) - Fraction(float(low))
        )
        assert y == (high if reference.rounded_whole(place, bits) else low)


@pytest.mark.parametrize("name", ["bf16", "fp16", "fp8_e4m3", "q4.12", "int8", "bfp8/16"])
def test_random_rounding_is_right_on_average(name):
    number, count = parse_format(f"{name} stochastic"), 40_000
    for x in (0.3, -1.01, 1e-3):
        values = np.full(count, x)
        values[-16:] = 1.7  # the same scale or shared exponent for all
        found = quantised(values, number, seed=11)[:-16]
        lower, upper = found.min(), found.max()
        exact = quantised(np.array([x] * 15 + [1.7]), parse_format(name))[0] == x
        assert exact or lower < upper
        deviation = (upper - lower) / 2 / math.sqrt(count)
        assert abs(found.mean() - x) <= 5 * deviation + 1e-9


def test_random_rounding_does_not_depend_on_how_the_work_is_cut():
    values = of_all_sizes(1000, np.float32)[:1000]
    number = parse_format("bf16 stochastic")
    whole = quantised(values, number, seed=1, tensor=2, update=3)
    code, key = code_of(number, "float32"), random_bits.stream_key(1, 2, 3)
    parts = values.copy()
    with ThreadPoolExecutor(4) as pool:
        starts = reversed(range(0, 1000, 90))
        list(pool.map(lambda at: quantise(parts[at : at + 90], code, key, at, 1), starts))
    same(parts, whole)


# Products.


@pytest.mark.parametrize("name", ["fp16", "bf16", "fp16 stochastic", "fp32"])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_a_narrow_accumulator_rounds_in_the_order_it_states(name, chunk):
    random = np.random.default_rng(2)
    a, b = (
        quantised(random.normal(size=s).astype(np.float32), parse_format("bf16"))
        for s in ((3, 21), (21, 5))
    )
    number = parse_format(name)
    found = np.empty((3, 5), np.float32)
    products.narrow_product(
        a, b, found, code_of(number, "float32"), random_bits.stream_key(3, 0, 0), chunk
    )
    bits = random_half_words(3, 0, 0, 3 * 21 * 5)

    def rounded(x, index):
        if name == "fp32":
            return x
        return reference.to_float(
            name.split()[0], x, bits[index] if number.rounding == "stochastic" else None
        )

    wanted = reference.narrow_product(a, b, rounded, chunk, np.float32)
    same(found.ravel(), np.array(wanted, np.float32))


def test_a_narrow_accumulator_stops_growing_where_one_more_is_lost():
    ones = np.ones((1, 4096), np.float32)
    out = np.empty((1, 1), np.float32)
    for name, chunk, total in (
        ("bf16", 1, 256),
        ("fp16", 1, 2048),
        ("bf16", 64, 4096),
        ("fp32", 1, 4096),
    ):
        products.narrow_product(
            ones, ones.T.copy(), out, code_of(parse_format(name), "float32"), np.uint64(0), chunk
        )
        assert out[0, 0] == total


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_integer_products_are_those_of_whole_numbers(dtype):
    random = np.random.default_rng(3)
    span = np.iinfo(dtype)
    a, b = (
        random.integers(span.min, span.max, s, dtype, endpoint=True) for s in ((7, 50), (50, 9))
    )
    out = np.empty((7, 9), np.int32 if dtype == np.int8 else np.int64)
    products.integer_product(a, b, out)
    assert out.tolist() == (a.astype(object) @ b.astype(object)).tolist()


def test_an_accumulator_is_exact_up_to_so_many_terms_and_no_more():
    int8, fixed = parse_format("int8"), parse_format("q4.12")
    assert exact_terms(int8, int8, accumulator_bits=32) == 133_144
    assert exact_terms(int8, int8, accumulator_bits=25) == 1040
    assert exact_terms(fixed, fixed, accumulator_bits=32) == 1
    terms = exact_terms(int8, int8, accumulator_bits=32)
    top = np.full((1, terms + 1), 127, np.int8)
    out = np.empty((1, 1), np.int32)
    products.integer_product(top[:, :-1], top[:, :-1].T.copy(), out)
    assert out[0, 0] == 127 * 127 * terms
    products.integer_product(top, top.T.copy(), out)
    assert out[0, 0] == 127 * 127 * (terms + 1) - 2**32
    with pytest.raises(ValueError, match=r"^exact_terms is of integers and fixed point, not bf16$"):
        exact_terms(int8, parse_format("bf16"), accumulator_bits=32)


@pytest.mark.parametrize(
    ("name", "dtype", "terms"), [("int8_pow2", np.float32, 1040), ("q4.12", np.float64, 5000)]
)
def test_a_product_in_the_carrier_is_the_integer_product_where_that_fits(name, dtype, terms):
    random = np.random.default_rng(4)
    number = parse_format(name)
    a, b = (
        quantised(random.normal(0, 1, s).astype(dtype), number) for s in ((8, terms), (terms, 8))
    )
    steps = [number.smallest if number.kind == "fixed" else scale_of(x, number) for x in (a, b)]
    out = np.empty((8, 8), np.int64)
    products.integer_product(
        *((x / step).astype(np.int32) for x, step in zip((a, b), steps, strict=True)), out
    )
    assert np.array_equal(a @ b, out * (steps[0] * steps[1]))


@pytest.mark.parametrize("shift", [0, 1, 12, 31, 32, 45])
def test_requantised_sums_are_those_of_exact_fractions(shift):
    random = np.random.default_rng(shift)
    sums = np.concatenate((random.integers(-(2**31), 2**31, 500), np.arange(-40, 40)))
    multiplier = 3 if shift < 30 else int(random.integers(2**29, 2**30))
    found = np.empty(sums.size, np.int64)
    products.requantise(sums, found, multiplier, shift, -128, 127)
    exact = [Fraction(int(s) * multiplier, 2**shift) for s in sums]
    assert found.tolist() == [min(max(round(value), -128), 127) for value in exact]
    products.requantise_randomly(
        sums, found, multiplier, shift, -128, 127, random_bits.stream_key(1, 0, 0), 0
    )
    bits = random_half_words(1, 0, 0, sums.size)
    wanted = [
        math.copysign(1, value) * reference.rounded_whole(abs(value), b)
        for value, b in zip(exact, bits, strict=True)
    ]
    assert found.tolist() == [min(max(value, -128), 127) for value in wanted]


# Analog.


WEIGHTS = np.random.default_rng(5).normal(size=(200, 300))


def test_without_noise_a_crossbar_changes_nothing():
    x = np.random.default_rng(6).normal(size=(300, 4))
    same(analog.written(WEIGHTS, deviation=0.0, seed=1, update=2), WEIGHTS)
    same(analog.seen_transposed(WEIGHTS, deviation=0.0, seed=1), WEIGHTS)
    same(analog.read(WEIGHTS @ x, x, deviation=0.0, seed=1, reading=2), WEIGHTS @ x)


def moments(noise, deviation):
    """Mean, variance, skewness and kurtosis lie within five standard errors of a normal distribution's."""
    z, n = noise.ravel() / deviation, noise.size
    for found, wanted, spread in ((z, 0, 1), (z**2, 1, 2), (z**3, 0, 15), (z**4, 3, 96)):
        assert abs(found.mean() - wanted) < 5 * math.sqrt(spread / n)
    assert abs((z[:-1] * z[1:]).mean()) < 5 / math.sqrt(n)


def test_errors_of_cells_are_normal():
    moments(analog.written(WEIGHTS, deviation=0.1, seed=1, update=2) - WEIGHTS, 0.1)
    moments(analog.seen_transposed(WEIGHTS, deviation=0.1, seed=1) - WEIGHTS, 0.1)


def test_writes_err_anew_while_the_mismatch_stays_and_no_two_errors_are_one():
    first, again, later = (
        analog.written(WEIGHTS, deviation=0.1, seed=1, update=u) for u in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    fixed = analog.seen_transposed(WEIGHTS, deviation=0.1, seed=1)
    for one, other in (
        (first, later),
        (first, fixed),
        (fixed, analog.seen_transposed(WEIGHTS, deviation=0.1, seed=2)),
    ):
        both = ((one - WEIGHTS) * (other - WEIGHTS)).mean() / 0.1**2
        assert abs(both) < 5 / math.sqrt(WEIGHTS.size)


def test_noise_of_a_read_is_that_of_its_cells_added_up():
    x = np.random.default_rng(7).normal(size=(300, 100))
    found = analog.read(np.zeros((200, 100)), x, deviation=0.1, seed=1, reading=2)
    moments(found / np.linalg.norm(x, axis=0), 0.1)
    cells = np.stack(
        [(0.1 * np.random.default_rng(i).normal(size=(200, 300))) @ x[:, 0] for i in range(20)]
    )
    deviation = 0.1 * np.linalg.norm(x[:, 0])
    assert abs((cells**2).mean() / deviation**2 - 1) < 5 * math.sqrt(2 / cells.size)


def test_a_converter_has_its_steps_and_clips():
    ramp = np.linspace(-3, 3, 6001)
    found = analog.converted(ramp, bits=4, full_scale=1.75)
    assert np.array_equal(np.unique(found), np.arange(-7, 8) * 0.25)
    inside = abs(ramp) <= 1.75
    assert abs(found - ramp)[inside].max() <= 0.125
    assert np.array_equal(found[~inside], np.sign(ramp[~inside]) * 1.75)
    uniform = np.random.default_rng(8).uniform(-1, 1, 50_000)
    error = analog.converted(uniform, bits=8, full_scale=1.0) - uniform
    assert error.var() == pytest.approx((1 / 127) ** 2 / 12, rel=0.03)


def test_a_converter_of_many_bits_is_close_to_none():
    values = np.random.default_rng(9).uniform(-1, 1, 1000)
    assert abs(analog.converted(values, bits=24, full_scale=1.0) - values).max() <= 2.0**-24 * 1.01


@pytest.mark.parametrize(
    ("bits", "full_scale", "message"),
    [
        (1, 1.0, "bits must be a whole number between 2 and 24, not 1"),
        (8, 0.0, "full_scale must be a number above 0, not 0.0"),
    ],
)
def test_a_converter_that_is_none_is_refused(bits, full_scale, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        analog.converted(np.zeros(1), bits=bits, full_scale=full_scale)
