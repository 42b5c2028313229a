"""DRAM requests by hand and against a walk from row to row: cycles, opened rows, bursts, refresh, prices."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import Dram, load_hardware
from pcsim.machine.units.dram import access, channel_cycles, latency_cycles, opened_rows
from pcsim.technology import price_list
from tests.helpers.programs import bp, run

CLOCK = 1_000_000_000
GIVEN = {
    "kind": "lpddr4",
    "channels": 1,
    "capacity": "1 GiB",
    "bandwidth": "1 GB/s",
    "latency": "80 ns",
}


def dram(**changed):
    """One byte a cycle of 1 GHz."""
    return Dram(**GIVEN, **changed)


def cycles(size, **changed):
    return channel_cycles(size, dram(**changed), clock_hz=CLOCK)


def test_a_stream_of_bursts_over_rows_of_one_bank_to_the_cycle():
    # 300 B in bursts of 32 B: 10 bursts, 320 cycles. Rows of 128 B: 128, 128 and 64 B, three misses of 36 cycles,
    # none hidden by the only bank: 36 + 128 + 36 + 128 + 36 + 64 = 428 = 320 + 3 x 36.
    rows = {"size": "128 B", "banks": 1, "miss": "36 ns"}
    chip = dram(burst="32 B", rows=rows)
    assert channel_cycles(300, chip, clock_hz=CLOCK) == 10 * 32 + 3 * 36 == 428
    assert opened_rows(300, chip) == 3
    assert access("read_byte", 300, chip) == (("dram", "read_byte", 320), ("dram", "activate", 3))
    # The data of the request are there tCL later: 428 + 80 cycles after it began.
    assert latency_cycles(chip, clock_hz=CLOCK) == 80


def test_a_second_bank_hides_what_it_can_of_a_miss():
    # Two banks, rows of 128 cycles, 36 to open one: only the first is seen, 36 + 320.
    assert cycles(320, rows={"size": "128 B", "banks": 2, "miss": "36 ns"}) == 36 + 320
    # Rows of 64 cycles, 200 to open one. Both banks open at 0; row 0 in [200, 264), row 1 in [264, 328). Row 2 opens at
    # 264, when row 0 has been moved: [464, 528); row 3 follows in [528, 592). Row 4 opens at 528: [728, 792).
    assert cycles(320, rows={"size": "64 B", "banks": 2, "miss": "200 ns"}) == 792


def test_refresh_takes_its_share_of_the_time():
    # 180 ns of every 3.9 us: 320 cycles become 320 x 3900 / 3720 = 335.48, so 336.
    assert cycles(320, refresh={"time": "180 ns", "interval": "3.9 us"}) == 336
    # 428 x 3900 / 3720 = 448.7: misses wait for refreshes as bursts do.
    rows = {"size": "128 B", "banks": 1, "miss": "36 ns"}
    both = {"rows": rows, "refresh": {"time": "180 ns", "interval": "3.9 us"}}
    assert cycles(300, burst="32 B", **both) == 449


def test_what_a_file_leaves_out_costs_nothing():
    assert cycles(300) == 300
    assert access("write_byte", 300, dram()) == (("dram", "write_byte", 300),)
    assert cycles(0, rows={"size": "128 B", "banks": 1, "miss": "36 ns"}) == 0


def test_rows_are_opened_even_where_bandwidth_is_unlimited():
    rows = {"size": "128 B", "banks": 2, "miss": "36 ns"}
    chip = dram(rows=rows).model_copy(update={"bandwidth_bytes_per_s": None})
    # 3 rows on 2 banks: the third opens after the first has been moved, which takes no time.
    assert channel_cycles(300, chip, clock_hz=CLOCK) == 36 + 36


def walk(size, *, burst, row, banks, miss, rate):
    """Row after row: each opens when its bank is free, and is moved when it is open and the channel free."""
    left, bank_free, channel_free, at = (
        -(-size // burst) * burst,
        [Fraction(0)] * banks,
        Fraction(0),
        0,
    )
    while left > 0:
        opened = bank_free[at % banks] + miss
        moved = min(row, left)
        channel_free = max(opened, channel_free) + Fraction(moved, rate)
        bank_free[at % banks] = channel_free
        left -= moved
        at += 1
    return ceil(channel_free), at


@given(
    size=st.integers(0, 5000),
    burst=st.sampled_from([1, 8, 32, 64]),
    row=st.sampled_from([64, 96, 128, 1024]),
    banks=st.integers(1, 9),
    miss=st.integers(0, 600),
    rate=st.integers(1, 70),
)
def test_the_closed_form_is_a_walk_from_row_to_row(size, burst, row, banks, miss, rate):
    chip = dram(
        burst=f"{burst} B", rows={"size": f"{row} B", "banks": banks, "miss": f"{miss} ns"}
    ).model_copy(update={"bandwidth_bytes_per_s": rate * 10**9})
    expected = walk(size, burst=burst, row=row, banks=banks, miss=miss, rate=rate)
    assert channel_cycles(size, chip, clock_hz=CLOCK) == expected[0]
    assert opened_rows(size, chip) == expected[1]


@given(
    size=st.integers(0, 10**9),
    rate=st.fractions(min_value=1, max_value=10**12, max_denominator=10**6),
    clock=st.fractions(min_value=1000, max_value=10**10, max_denominator=10**6),
)
def test_a_request_takes_its_exact_share_of_cycles_rounded_up(size, rate, clock):
    chip = dram().model_copy(update={"bandwidth_bytes_per_s": rate})
    cycles = channel_cycles(size, chip, clock_hz=clock)
    assert cycles - 1 < Fraction(size) * clock / rate <= cycles
    assert type(cycles) is int


def test_binary_gigabytes_a_second_are_no_whole_number_of_bytes():
    # 64 images of 784 fp32 at 500 MHz: 200,704 B x 500e6 / 13,743,895,347.2 B/s = 7,301.57 cycles.
    chip = dram().model_copy(update={"bandwidth_bytes_per_s": Fraction(137_438_953_472, 10)})
    assert Dram.model_validate({**GIVEN, "bandwidth": "12.8 GiB/s"}) == chip
    assert channel_cycles(200_704, chip, clock_hz=500_000_000) == 7302


ROWS = ("dram.rows={size: 2 KiB, banks: 8, miss: 36 ns}", "dram.burst=32 B")


def test_a_simulated_update_opens_the_rows_of_its_batch(tile64):
    # 16 inputs of 100 fp32 words are 6400 B in one piece, the targets 16 x 10 words 640 B: 4 rows and 1.
    program = bp((100, 32, 10), 16, optimiser="sgd")
    chip = tile64(*ROWS)
    counts = run(program, chip).counts
    opened = sum(many for key, many in counts.items() if key.action == "activate")
    assert opened == -(-6400 // 2048) + 1
    plain = tile64()
    without = run(program, plain).counts
    assert {key: many for key, many in counts.items() if key.action != "activate"} == without


@pytest.mark.parametrize(
    "kind,page,pj,read_pj",
    [("lpddr4", 2048, 1205, 8.46 + 2), ("ddr4", 8192, 8 * 431, 18.73), ("hbm2", 1024, 909, 6.71)],
)
def test_rows_pay_by_their_bytes_and_bytes_then_hold_no_activation(kind, page, pj, read_pj):
    size = 4096
    settings = (f"dram.kind={kind}", f"dram.rows={{size: {size} B, banks: 8, miss: 36 ns}}")
    prices = price_list(load_hardware("tile64", overrides=settings)).prices
    assert prices["dram", "activate"].joules == pytest.approx(pj * 1e-12 * size / page, rel=1e-12)
    assert prices["dram", "read_byte"].joules == pytest.approx(8 * read_pj * 1e-12, rel=1e-12)


def test_counted_rows_of_hbm2_replace_the_average_activation():
    # On average 1.21 pJ per bit are activation, as O'Connor has it; of a row that is moved whole, 909 pJ per KiB.
    prices = [
        price_list(load_hardware("tile64", overrides=("dram.kind=hbm2", *rows))).prices
        for rows in ((), ("dram.rows={size: 1 KiB, banks: 16, miss: 28 ns}",))
    ]
    average = 1024 * prices[0]["dram", "read_byte"].joules
    counted = 1024 * prices[1]["dram", "read_byte"].joules + prices[1]["dram", "activate"].joules
    assert average - counted == pytest.approx(8 * 1024 * 1.21e-12 - 909e-12, rel=1e-9)
