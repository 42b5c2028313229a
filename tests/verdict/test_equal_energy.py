"""Accuracy at equal energy and the swing of single costs, by hand and against other ways to get there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pcsim.config import candidates, load_both
from pcsim.line import time_candidate
from pcsim.technology import Bill, price_list, ratio_range
from pcsim.verdict import Sample, summary, tornado
from pcsim.verdict.equal_energy import equal_energy, equal_energy_sentence
from pcsim.verdict.interval import sample
from pcsim.verdict.tornado import tornado_sentence
from tests.helpers.verdict_values import (
    FAST,
    FAST_AT_TARGET,
    NEVER,
    SLOW,
    SLOW_AT_TARGET,
    UPDATES,
    curve,
    prices,
    result,
    verdict,
)

# Accuracy at equal energy. An update of PC takes 4.5 J, one of BP 3 J. On the straight line of FAST an
# accuracy of 0.9 takes 355 / 12 updates, on that of SLOW twice as many.


def line(updates, every=10):
    return 0.616 + 0.096 * updates / every


def test_both_are_read_off_at_the_energy_that_the_cheaper_rule_took_to_the_target():
    # PC arrives after 133 J, which is 44.4 updates of BP; BP arrives after 178 J.
    at = equal_energy(result("pc", (FAST, FAST)), result("bp", (SLOW, SLOW)))
    assert (at.energy_j, at.reason) == (
        pytest.approx(FAST_AT_TARGET * 4.5),
        "what PC took to 90 %",
    )
    assert at.pc.per_seed == pytest.approx((0.9, 0.9))
    assert at.bp.per_seed == pytest.approx([line(FAST_AT_TARGET * 1.5, every=20)] * 2)
    assert at.difference.mean == pytest.approx(0.9 - line(FAST_AT_TARGET * 1.5, every=20))


def test_the_energy_to_the_target_is_a_mean_over_seeds():
    at = equal_energy(result("pc", (SLOW, SLOW)), result("bp", (FAST, SLOW)))
    mean = (FAST_AT_TARGET + SLOW_AT_TARGET) / 2
    assert at.energy_j == pytest.approx(mean * 3)
    assert at.bp.per_seed[1] == pytest.approx(line(mean, every=20))
    assert at.pc.per_seed == pytest.approx([line(mean * 3 / 4.5, every=20)] * 2)


def test_where_nobody_arrived_the_smaller_training_sets_the_energy():
    at = equal_energy(result("pc", (NEVER,)), result("bp", (NEVER,)))
    assert (at.energy_j, at.reason) == (UPDATES * 3.0, "what BP's whole training took")


def test_nothing_is_read_off_behind_the_end_of_a_training():
    # PC arrives after 59.2 updates; BP never does, and ends after fewer joules than that.
    pc, bp = result("pc", (SLOW,)), result("bp", (NEVER,))
    short = replace(bp, training=replace(bp.training, updates_total=80))
    at = equal_energy(pc, short)
    assert (at.energy_j, at.reason) == (80 * 3.0, "what BP's whole training took")


@pytest.mark.parametrize("diverged_at, known", [(119, False), (120, False), (121, True)])
def test_what_a_seed_knew_after_it_diverged_is_not_known(diverged_at, known):
    bp = result("bp", (NEVER,))
    broken = (curve(0, NEVER, diverged_at=diverged_at),)
    bp = replace(bp, training=replace(bp.training, curves=broken))
    # Nobody arrives; all of BP's training is 120 updates.
    assert (equal_energy(result("pc", (NEVER,)), bp) is not None) == known


@given(st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=2, max_size=9))
def test_the_interval_is_students_t_of_the_mean(values):
    found = sample(values)
    error = stats.sem(values)
    if len(set(values)) == 1:
        assert (found.low, found.high) == (None, None)
        return
    low, high = stats.t.interval(0.95, len(values) - 1, loc=found.mean, scale=error)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-12)


def test_one_seed_has_no_interval():
    assert sample([0.5]) == Sample(0.5, None, None, (0.5,))
    at = equal_energy(result("pc", (FAST,)), result("bp", (SLOW,)))
    # BP knows 0.616 + 0.0048 x 44.375 = 0.829 then.
    assert equal_energy_sentence(at) == (
        "At equal energy, 133 J, what PC took to 90 %: validation accuracy PC 90 %, BP 82.9 %, a "
        "difference of +7.10 points."
    )


def test_equal_seeds_leave_what_the_spacing_leaves():
    at = equal_energy(result("pc", (FAST, FAST)), result("bp", (SLOW, SLOW)))
    # Both rise by 9.6 points from one evaluation to the next, anywhere between which they may be.
    half = stats.norm.ppf(0.975) * 2**0.5 * 0.096 / 12**0.5
    assert at.difference.high - at.difference.mean == pytest.approx(half)
    assert at.difference.mean - at.difference.low == pytest.approx(half)


def test_the_summary_has_it_with_values_per_seed():
    facts = summary(verdict((FAST, FAST), (SLOW, SLOW)))["equal_energy"]
    assert facts["reason"] == "what PC took to 90 %"
    assert facts["pc"]["per_seed"] == pytest.approx([0.9, 0.9])
    assert facts["difference"].keys() == {"mean", "low", "high", "per_seed"}
    assert summary(verdict(rules=("pc",)))["equal_energy"] is None


# Single costs.


def test_the_swing_of_a_cost_is_worked_out_by_hand():
    pc, bp = result("pc", (SLOW,)), result("bp", (SLOW,))
    found = {swing.key: swing for swing in tornado(pc, bp, prices())}
    paid = {"array.mac", "leakage.array", "sram.read_byte", "leakage.dram_standby"}
    assert found.keys() == paid
    # SRAM: 0.5 of 4.5 J against 0.25 of 3 J; its range is half to twice its value.
    sram = found["sram.read_byte"]
    assert sram.at_half == sram.at_low == 4.25 / 2.875
    assert sram.at_double == sram.at_high == 5.0 / 3.25
    assert sram.span == (4.25 / 2.875, 5.0 / 3.25)
    # Arrays: 3 of 4.5 J against 2 of 3 J, at any price the same share.
    assert found["array.mac"].at_half == 3.0 / 2.0
    assert found["array.mac"].at_double == 7.5 / 5.0


def test_only_what_somebody_pays_swings_and_the_widest_is_first():
    swings = tornado(result("pc", (SLOW,)), result("bp", (SLOW,)), prices())
    assert "dram.read_byte" not in [swing.key for swing in swings]
    widths = [swing.span[1] - swing.span[0] for swing in swings]
    assert widths == sorted(widths, reverse=True)


@pytest.fixture(scope="module")
def real():
    """(PC, BP) with the bills of one update of digits on tile64, and the prices of these."""
    hardware, workload = load_both("tile64", "digits")
    table = price_list(hardware)
    found = []
    for candidate, curves in zip(candidates(hardware, workload), (FAST, SLOW), strict=True):
        timed = time_candidate(hardware, workload, candidate, profile=None, prices=table)
        shown = result(candidate.rule, (curves,))
        found.append(replace(shown, per_update=timed.per_update, bill=timed.bill))
    return *found, table


def test_the_ends_of_every_cost_are_those_of_the_range_of_two_bills(real):
    pc, bp, table = real
    swings = tornado(pc, bp, table)
    assert len(swings) > 20
    for swing in swings:
        low, high = ratio_range(pc.bill, bp.bill, table, keys=(swing.key,))
        ends = sorted((swing.at_low, swing.at_high))
        assert ends == pytest.approx([low, high], rel=1e-9)


@pytest.mark.parametrize(
    "key, setting",
    [("array.mac", "energy"), ("sram.read_byte", "energy"), ("leakage.array", "power")],
)
def test_a_doubled_cost_is_what_a_chip_with_that_cost_pays(real, key, setting):
    pc, bp, table = real
    swing = next(each for each in tornado(pc, bp, table) if each.key == key)
    costs = {price.key: f"{2 * price.joules!r} J" for price in table.prices.values()}
    blocks = {leak.key: f"{2 * leak.watts / leak.count!r} W" for leak in table.leaks}
    doubled = f"costs.{key}={{{setting}: {(costs | blocks)[key]}, source: twice}}"
    hardware, workload = load_both("tile64", "digits", overrides=[doubled])
    energies = [
        time_candidate(
            hardware, workload, each, profile=None, prices=price_list(hardware)
        ).per_update.energy_j
        for each in candidates(hardware, workload)
    ]
    assert swing.at_double == pytest.approx(energies[0] / energies[1], rel=1e-9)


def test_a_cost_without_a_price_so_far_swings_by_what_is_counted_of_it():
    pc, bp = result("pc", (SLOW,)), result("bp", (SLOW,))
    free = replace(prices().prices["sram", "read_byte"], joules=0.0, low_j=0.0, high_j=2.0**-10)
    table = replace(prices(), prices={**prices().prices, ("sram", "read_byte"): free})
    priced_at_nothing = [
        replace(
            each,
            bill=Bill(tuple(_free(line, "sram.read_byte") for line in each.bill.lines)),
            per_update=replace(each.per_update, energy_j=each.per_update.energy_j - spent),
        )
        for each, spent in ((pc, 0.5), (bp, 0.25))
    ]
    swing = next(
        each for each in tornado(*priced_at_nothing, table) if each.key == "sram.read_byte"
    )
    # 1024 counts of 2^-10 J are 1 J more for either.
    assert (swing.at_low, swing.at_high) == (4.0 / 2.75, 5.0 / 3.75)


def _free(line, key):
    return replace(line, unit_j=0.0, energy_j=0.0) if line.key == key else line


def swings_with(advantage_pc, advantage_bp, *, high_j=8e-12):
    table = prices()
    sram = replace(table.prices["sram", "read_byte"], high_j=high_j)
    table = replace(table, prices={**table.prices, ("sram", "read_byte"): sram})
    return tornado(result("pc", (advantage_pc,)), result("bp", (advantage_bp,)), table)


def test_a_cost_turns_the_verdict_when_the_ratio_crosses_what_pc_learns_faster_by():
    # PC learns in half the updates: what counts is whether its update takes less than twice BP's energy.
    # SRAM at x times its price: (4 + 0.5 x) / (2.75 + 0.25 x) approaches 2 from below: it never turns.
    assert not any(swing.turns_target for swing in swings_with(FAST, SLOW, high_j=1.0))
    # As fast as BP the threshold is 1, and every ratio above it stays so.
    assert not any(swing.turns_target for swing in swings_with(SLOW, SLOW))
    assert [swing.turns_target for swing in swings_with(SLOW, NEVER)] == [None] * 4


def test_what_turns_the_verdict_is_named():
    # As PC, BP with the leakage of three: 3 - 0.5 + 1.75 J = 4.25 J against 4.5 J. Half of PC's arrays, 1.5 J
    # less, against 1 J less of BP's: 3 J against 3.25 J. Twice: 7.5 J against 6.25 J.
    pc, bp = result("pc", (SLOW,)), result("bp", (SLOW,))
    leaky = tuple(
        replace(line, energy_j=1.75) if line.key == "leakage.array" else line
        for line in bp.bill.lines
    )
    bp = replace(bp, bill=Bill(leaky), per_update=replace(bp.per_update, energy_j=4.25))
    swings = tornado(pc, bp, prices())
    turning = {swing.key for swing in swings if swing.turns_update}
    # SRAM: 4.25 / 4.125 and 5 / 4.5. Leakage: 4.125 / 3.375 and 5.25 / 6. Standby: 4.375 / 4.125, 4.75 / 4.5.
    assert turning == {"array.mac", "leakage.array"}
    assert {swing.key for swing in swings if swing.turns_target} == turning
    names = ", ".join(swing.key for swing in swings if swing.turns_update)
    moved = "halved, doubled or at an end of its range"
    assert tornado_sentence(swings, 1.0) == (
        f"A single cost, {moved}, can turn the energy to target around: {names}."
    )
    assert tornado_sentence(swings, None) == (
        f"A single cost, {moved}, can turn the energy per update around: {names}."
    )


def test_where_nothing_turns_it_the_sentence_gives_the_span():
    swings = tornado(result("pc", (SLOW,)), result("bp", (SLOW,)), prices())
    # The extremes: standby at twice its value 4.75 / 3.25 = 1.46; SRAM at twice 5 / 3.25 = 1.54.
    assert tornado_sentence(swings, 1.0) == (
        "No single cost, halved, doubled or at an end of its range, turns the energy to target around: "
        "PC's stays 1.46 to 1.54 times BP's."
    )
