"""The verdict against numbers worked out by hand, and against scipy's own statistics."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pcsim.machine.activity import Activity, UnitTime
from pcsim.verdict import (
    NOT_MODELLED,
    Estimate,
    as_json,
    bound_of,
    compare,
    cost_of,
    factor,
    network_text,
    percent,
    summary,
    to_target,
)
from pcsim.verdict.assumed import assumed_costs
from pcsim.verdict.interval import paired_ratio
from pcsim.verdict.rows import comparison_rows
from pcsim.verdict.sentences import sentences
from tests.helpers.verdict_values import (
    BATCH,
    FAST,
    FAST_UPDATES,
    NEVER,
    SLOW,
    SLOW_UPDATES,
    SPACING,
    activity_of,
    bill_of,
    curve,
    prices,
    result,
    training,
    verdict,
)

ratios = st.lists(
    st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)), min_size=2, max_size=12
)

# Cost.


def test_a_cost_is_the_activity_and_the_bill_in_common_units():
    cost = cost_of(activity_of("pc"), bill_of("pc"), clock_hz=500_000_000, cycles_cold=1100)
    assert (cost.macs, cost.cycles, cost.cycles_cold) == (2048, 1000, 1100)
    assert cost.latency_s == 2e-6
    assert cost.energy_j == 4.5
    assert cost.static_energy_j == 1.0
    assert cost.energy_by_component_j == {
        "array": 3.0,
        "sram": 0.5,
        "leakage": 0.75,
        "dram_standby": 0.25,
    }
    assert cost.bytes == {"sram": 4096, "noc": 768, "dram": 0}
    assert cost.utilization == 2048 / (1024 * 1000)
    assert cost.edp_js == 4.5 * 2e-6
    assert cost.energy_per_mac_j == 4.5 / 2048


def test_without_multiplications_there_is_no_energy_per_mac():
    idle = replace(activity_of("pc"), macs=0)
    cost = cost_of(idle, bill_of("pc"), clock_hz=500_000_000, cycles_cold=None)
    assert cost.energy_per_mac_j is None


# To the target.


def test_what_it_took_is_updates_times_the_cost_of_one():
    trained = training("pc", [curve(7, FAST), curve(8, SLOW)])
    cost = cost_of(activity_of("pc"), bill_of("pc"), clock_hz=500_000_000, cycles_cold=9999)
    reached = to_target(trained, cost, target=0.9)
    first, second = reached.per_seed
    assert first.seed == 7 and second.seed == 8
    assert (first.updates, second.updates) == pytest.approx((FAST_UPDATES, SLOW_UPDATES))
    for seed in (first, second):
        assert seed.samples == pytest.approx(seed.updates * BATCH)
        assert seed.energy_j == pytest.approx(seed.updates * 4.5)
        assert seed.time_s == pytest.approx(seed.updates * 2e-6)
        assert (seed.at_least_updates, seed.missed_levels) == (seed.updates, 0)
    assert reached.seeds_reached == 2
    mean = (FAST_UPDATES + SLOW_UPDATES) / 2
    assert (reached.updates, reached.samples) == pytest.approx((mean, mean * BATCH))
    assert (reached.energy_j, reached.time_s) == pytest.approx((mean * 4.5, mean * 2e-6))


def test_one_seed_that_never_arrives_leaves_no_mean_but_the_others_keep_theirs():
    reached = result("pc", (FAST, NEVER, SLOW)).to_target
    assert (reached.updates, reached.samples, reached.time_s, reached.energy_j) == (None,) * 4
    assert reached.seeds_reached == 2
    fast, never, slow = reached.per_seed
    assert (fast.updates, slow.updates) == pytest.approx((FAST_UPDATES, SLOW_UPDATES))
    assert (never.updates, never.energy_j, never.missed_levels) == (None, None, 10)
    # The average over a window needs 1.2 times the updates: of 120 the last known are 100.
    assert never.at_least_updates == 100


# Ratios.


@given(ratios)
def test_the_interval_is_students_t_of_the_log_ratios(pairs):
    estimate = paired_ratio([a for a, _ in pairs], [b for _, b in pairs])
    logs = [math.log(a / b) for a, b in pairs]
    assert estimate.value == pytest.approx(stats.gmean([a / b for a, b in pairs]), rel=1e-9)
    error = stats.sem(logs)
    assert estimate.low is not None and estimate.high is not None
    low, high = stats.t.interval(0.95, len(logs) - 1, loc=sum(logs) / len(logs), scale=error or 1)
    if error == 0:
        low = high = math.log(estimate.value)
    assert math.log(estimate.low) == pytest.approx(low, rel=1e-6, abs=1e-6)
    assert math.log(estimate.high) == pytest.approx(high, rel=1e-6, abs=1e-6)


@given(ratios)
def test_turning_the_ratio_round_turns_its_interval_round(pairs):
    forth = paired_ratio([a for a, _ in pairs], [b for _, b in pairs])
    back = paired_ratio([b for _, b in pairs], [a for a, _ in pairs]).inverse()
    assert (back.value, back.low, back.high) == pytest.approx(
        (forth.value, forth.low, forth.high), rel=1e-9
    )
    assert back.per_seed == pytest.approx(forth.per_seed, rel=1e-12)


def test_one_seed_has_a_ratio_and_no_interval():
    assert paired_ratio([3.0], [2.0]) == Estimate(1.5, None, None, (1.5,))
    assert paired_ratio([3.0], [2.0]).scaled(2).inverse() == Estimate(1 / 3, None, None, (1 / 3,))


def test_pc_over_bp_is_worked_out_for_every_quantity():
    ratio = compare(result("pc", (FAST, SLOW)), result("bp", (SLOW, SLOW)), energy_range=(1.25, 2))
    assert (ratio.pc, ratio.bp) == ("pc-jacobi", "bp-sequential")
    assert (ratio.macs, ratio.cycles, ratio.energy) == (2, 1.25, 1.5)
    assert ratio.latency == pytest.approx(1.25, rel=1e-15)
    assert ratio.static_energy == 1 / 0.75
    assert ratio.edp == pytest.approx(1.5 * 1.25, rel=1e-15)
    assert ratio.utilization == pytest.approx(2 / 1.25, rel=1e-15)
    assert ratio.energy_range == (1.25, 2)
    # BP takes twice PC's updates on one seed and as many on the other: geometric mean sqrt(2).
    seeds = stats.t.ppf(0.975, 1) * (math.log(2) / math.sqrt(2)) / math.sqrt(2)
    # The spacing grows with the updates, so that it is the same fraction of every curve here.
    half = math.hypot(seeds, stats.norm.ppf(0.975) * math.sqrt(2) * SPACING / FAST_UPDATES)
    assert ratio.sample_advantage.per_seed == pytest.approx((2.0, 1.0))
    assert ratio.sample_advantage.value == pytest.approx(math.sqrt(2))
    assert ratio.sample_advantage.low == pytest.approx(math.exp(math.log(2) / 2 - half))
    assert ratio.sample_advantage.high == pytest.approx(math.exp(math.log(2) / 2 + half))
    assert ratio.energy_to_target.value == pytest.approx(1.5 / math.sqrt(2))
    assert ratio.energy_to_target.per_seed == pytest.approx((0.75, 1.5))
    assert ratio.energy_to_target.low == pytest.approx(1.5 / ratio.sample_advantage.high)
    assert ratio.energy_to_target.high == pytest.approx(1.5 / ratio.sample_advantage.low)
    assert ratio.time_to_target.value == pytest.approx(1.25 / math.sqrt(2))
    # A curve that is everywhere twice as slow has twice the crossing of a loss and twice the area.
    assert ratio.loss_crossing.per_seed == pytest.approx((0.5, 1.0))
    assert ratio.curve_area.per_seed == pytest.approx((0.5, 1.0))


def test_energy_to_target_by_seed_is_the_quotient_of_the_two_energies():
    pc, bp = result("pc", (FAST, SLOW, FAST)), result("bp", (SLOW, FAST, FAST))
    ratio = compare(pc, bp).energy_to_target
    quotients = [
        mine.energy_j / theirs.energy_j
        for mine, theirs in zip(pc.to_target.per_seed, bp.to_target.per_seed, strict=True)
    ]
    assert ratio.per_seed == pytest.approx(quotients)


@pytest.mark.parametrize("pc, bp", [((FAST, NEVER), (SLOW, SLOW)), ((FAST, FAST), (NEVER, NEVER))])
def test_nothing_to_target_is_compared_unless_every_seed_of_both_arrived(pc, bp):
    ratio = compare(result("pc", pc), result("bp", bp))
    assert (ratio.sample_advantage, ratio.energy_to_target, ratio.time_to_target) == (None,) * 3
    assert ratio.energy == 1.5


def test_a_ratio_over_zero_is_none():
    bp = result("bp", (SLOW,))
    free = replace(bp, per_update=replace(bp.per_update, static_energy_j=0.0))
    assert compare(result("pc", (FAST,)), free).static_energy is None


# What held the run up.


def test_the_bound_is_the_busiest_unit_and_the_average_array():
    bound = bound_of(activity_of("pc"))
    assert (bound.busiest, bound.kind, bound.tile) == ("tile[0,0].array", "array", 0)
    assert bound.busy_share == 0.6
    assert not bound.saturated
    # Two arrays, 1000 cycles: busy 600 + 200, waiting for noc 100 + 500 and vector 200, done 100 + 300.
    assert (bound.arrays, bound.array_busy, bound.array_finished) == (2, 0.4, 0.2)
    assert bound.array_waits == {"noc": 0.3, "vector": 0.1}
    assert next(iter(bound.array_waits)) == "noc"


def unit(name: str, kind: str, busy: int, *, makespan: int = 100) -> UnitTime:
    return UnitTime(name, kind, 0, busy, {}, makespan - busy)


def activity_with(*units: UnitTime) -> Activity:
    return replace(activity_of("pc"), makespan_cycles=100, units=units)


def test_a_unit_that_is_nearly_always_busy_saturates():
    assert bound_of(activity_with(unit("a", "array", 50), unit("u", "update", 90))).saturated
    assert not bound_of(activity_with(unit("a", "array", 50), unit("u", "update", 89))).saturated


def test_which_of_two_equally_busy_units_is_named_does_not_depend_on_their_order():
    units = (unit("tile[0,1].array", "array", 50), unit("tile[0,0].array", "array", 50))
    assert bound_of(activity_with(*units)) == bound_of(activity_with(*reversed(units)))
    assert bound_of(activity_with(*units)).busiest == "tile[0,0].array"


def test_arrays_without_work_do_not_dilute_the_average():
    bound = bound_of(activity_with(unit("a", "array", 50), unit("b", "array", 0)))
    assert (bound.arrays, bound.array_busy) == (1, 0.5)


# Assumed costs.


def test_assumed_costs_are_those_that_somebody_pays_largest_share_first():
    bills = {"pc": bill_of("pc"), "bp": bill_of("bp")}
    costs = assumed_costs(prices(), bills)
    assert [cost.name for cost in costs] == ["leakage.array", "sram.read_byte", "area.dma"]
    leakage, sram, area = costs
    assert leakage.shares == {"pc": 0.75 / 4.5, "bp": 0.5 / 3}
    assert (leakage.value, leakage.low, leakage.high) == (0.02, 0.01, 0.04)
    assert leakage.unit == "W on the whole chip"
    assert sram.shares == {"pc": 0.5 / 4.5, "bp": 0.25 / 3}
    assert (sram.value, sram.low, sram.high, sram.unit) == (4e-12, 2e-12, 8e-12, "J per mac")
    assert (sram.source, sram.note) == ("a paper", "a note")
    assert area.shares == {"pc": 0.0, "bp": 0.0}
    assert (area.value, area.unit) == (0.5, "mm2 on the whole chip")


def test_the_area_of_the_chip_is_the_sum_of_its_blocks():
    assert verdict().area_mm2 == 2.0


# Sentences.


def test_the_sentences_of_a_run_without_a_winner_say_so():
    said = verdict().sentences
    # Log ratios ln 0.75 and ln 1.5 at 1.06 on average: 12.7 / sqrt(2) times 0.49 each way.
    assert said[0].startswith("No winner by energy: PC takes 1.06 (0.01")
    assert (
        "times BP's energy to reach 80 to 90 % validation accuracy; the 95 % interval contains 1"
        in said[0]
    )
    assert said[1].startswith("No winner by time: PC takes 0.88 (0.01")
    assert said[2].startswith(
        "Break-even: PC must reach the target with 1.50 times fewer samples than BP to take the same energy "
        "on this chip; the measured advantage is 1.41 (0.01"
    )
    assert said[3].startswith("By other measures PC needs 0.71 (0.")
    assert said[4].startswith("At equal energy, ")
    assert said[5:8] == (
        "One update of PC takes 1.50 times BP's energy (1.25..2.00 over the ranges of the assumed "
        "costs), 1.25 times its cycles and 2.00 times its multiply-accumulates, with 3 inference "
        "steps.",
        "That is 1.5 J more per update, most of it from arrays +1 J, leakage +250 mJ, SRAM +250 mJ.",
        "Test accuracy after training: PC 95.00 % (95.00..95.00), BP 95.00 % (95.00..95.00).",
    )
    assert said[-1] == "The rates were not tuned here."


def test_assumed_costs_turn_a_verdict_or_do_not():
    said = verdict((SLOW, SLOW), (SLOW, SLOW)).sentences
    assert said[0].startswith("BP wins by energy: PC takes 1.50 (1.")
    assert "the measured advantage is 1.00 (0." in said[2]
    assert (
        "Assumed costs do not turn this: over their ranges PC's energy to target is 1.25 to 2.00 "
        "times BP's."
    ) in said
    pc, bp = result("pc", (SLOW, SLOW)), result("bp", (SLOW, SLOW))
    wide = compare(pc, bp, energy_range=(0.9, 3))
    assert (
        "Assumed costs could turn this: over their ranges PC's energy to target is 0.90 to 3.00 "
        "times BP's."
    ) in sentences([pc, bp], wide)


def test_one_seed_alone_makes_no_winner():
    said = verdict((FAST,), (SLOW,)).sentences
    assert said[0] == (
        "Undecided by energy: PC takes 0.75 times BP's energy to reach 80 to 90 % validation accuracy on one "
        "seed; two or more seeds are needed to tell."
    )


def test_a_rule_that_has_not_arrived_has_not_lost_by_that():
    said = verdict((FAST, NEVER), (SLOW, SLOW)).sentences
    assert said[0] == (
        "Undecided by energy: PC did not reach 80 to 90 % validation accuracy on 1 of 2 seeds, and had not yet "
        "spent more energy than the other; 1 more epoch would tell."
    )
    assert "the measured advantage is not known." in said[2]


def test_where_neither_arrives_nobody_wins():
    assert verdict((NEVER, NEVER), (NEVER, NEVER)).sentences[0] == (
        "Undecided by energy: PC did not reach 80 to 90 % validation accuracy on 2 of 2 seeds and BP did not reach "
        "80 to 90 % validation accuracy on 2 of 2 seeds; longer training would tell."
    )


def test_a_training_that_fell_back_from_its_best_is_named():
    fallen = result("pc", ((0.1, 0.9, 0.5), (0.1, 0.8, 0.8)))
    said = "PC fell back: its validation accuracy was 85 % at its best and 65 % at the end"
    assert f"{said} (means over seeds)." in sentences([fallen], None)
    steady = result("pc", ((0.1, 0.9, 0.88),))
    assert not any("fell back" in sentence for sentence in sentences([steady], None))


def test_one_rule_alone_is_described_without_ratios():
    alone = verdict(rules=("pc",))
    assert alone.ratios is None
    assert (
        alone.sentences[0]
        == "PC reached 80 to 90 % validation accuracy after 37 updates on average."
    )
    assert summary(alone)["ratios"] == {}


@pytest.mark.parametrize(
    "value, text",
    [
        (1.2749, "1.27"),
        (0.1, "0.10"),
        (0.0456, "0.046"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
    ],
)
def test_factors_have_three_digits(value, text):
    assert factor(value) == text


@pytest.mark.parametrize(
    "value, text", [(0.9, "90 %"), (0.975, "97.5 %"), (1, "100 %"), (0, "0 %")]
)
def test_percentages_have_the_decimals_that_are_there(value, text):
    assert percent(value) == text


# The summary.

RESULT_FIELDS = {
    "id",
    "rule",
    "order",
    "schedule",
    "numerics",
    "accuracy",
    "credit_depth",
    "inference_steps",
    "to_target",
    "per_update",
    "per_inference",
}
COST_FIELDS = {
    "macs",
    "cycles",
    "cycles_cold",
    "latency_s",
    "energy_j",
    "static_energy_j",
    "energy_by_component_j",
    "bytes",
    "utilization",
}


def test_the_summary_has_every_field_that_others_rely_on():
    facts = summary(verdict())
    assert facts["schema"] == "pcsim/summary/1"
    assert (facts["hardware"], facts["workload"]) == ("tiny-chip", "tiny-net")
    assert facts["seeds"] == [0, 1]
    assert (facts["chip"]["area_mm2"], facts["chip"]["tiles"]) == (2.0, 4)
    assert {"results", "ratios", "assumed", "not_modelled"} <= facts.keys()
    for found in facts["results"]:
        assert found.keys() >= RESULT_FIELDS
        assert found["accuracy"].keys() == {"mean", "per_seed"}
        assert found["to_target"].keys() >= {"target", "samples", "updates", "time_s", "energy_j"}
        for cost in (found["per_update"], found["per_inference"]):
            assert cost.keys() >= COST_FIELDS
            assert cost["bytes"].keys() == {"sram", "noc", "dram"}
            assert sum(cost["energy_by_component_j"].values()) == cost["energy_j"]
    assert {cost["name"] for cost in facts["assumed"]} == {
        "leakage.array",
        "sram.read_byte",
        "area.dma",
    }
    assert facts["assumed"][0].keys() >= {"name", "value", "low", "high", "unit", "shares"}


def test_the_summary_says_what_the_verdict_says():
    pc, bp = summary(verdict())["results"]
    assert (pc["id"], pc["rule"], pc["order"], pc["schedule"]) == (
        "pc-jacobi",
        "pc",
        "jacobi",
        "sequential",
    )
    assert (pc["credit_depth"], pc["inference_steps"], bp["inference_steps"]) == (2, 3, 0)
    assert pc["numerics"]["weight"] == "fp32"
    assert pc["accuracy"] == {"mean": 0.95, "per_seed": [0.95, 0.95]}
    assert pc["to_target"]["updates"] == pytest.approx((FAST_UPDATES + SLOW_UPDATES) / 2)
    assert pc["per_update"]["cycles_cold"] == 1100
    assert pc["per_inference"]["cycles_cold"] is None
    assert bp["order"] is None
    ratio = summary(verdict())["ratios"]
    assert (ratio["energy_j"], ratio["energy_j_range"]) == (1.5, [1.25, 2.0])
    assert ratio["break_even"]["sample_advantage_needed"] == 1.5
    assert ratio["break_even"]["sample_advantage_measured"] == pytest.approx(math.sqrt(2))


def test_the_summary_is_plain_json_and_the_same_every_time():
    facts = summary(verdict((FAST, NEVER), (SLOW, SLOW)))
    text = as_json(facts)
    assert json.loads(text, parse_constant=pytest.fail) == facts
    assert as_json(summary(verdict((FAST, NEVER), (SLOW, SLOW)))) == text
    assert text.endswith("}\n")


def test_json_has_no_word_for_nan():
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        as_json({"energy_j": math.nan})


def test_what_is_not_modelled_is_in_every_summary_as_topic_and_sentence():
    said = summary(verdict())["not_modelled"]
    assert said == list(NOT_MODELLED)
    assert len({sentence.partition(":")[0] for sentence in said}) == len(said)
    for sentence in said:
        topic, colon, rest = sentence.partition(": ")
        assert topic and colon and rest.endswith(".")


def test_a_notebook_shows_the_sentences_and_the_table_escaped():
    shown = verdict()
    hostile = replace(shown, sentences=("<script>alert(1)</script>",))
    html = hostile._repr_html_()
    assert html.startswith(
        "<h4>tiny-chip x tiny-net</h4><table><tr><th></th><th>PC</th><th>BP</th>"
    )
    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in html
    assert html.count("<tr>") == 1 + len(comparison_rows(summary(shown)))
    alone = verdict(rules=("pc",))._repr_html_()
    assert "PC / BP" not in alone


def test_many_equal_layers_in_a_row_are_counted():
    assert network_text((784, 128, 128, 128, 10)) == "784-128-128-128-10"
    assert network_text((784, *[128] * 127, 10)) == "784-128x127-10"
    assert network_text((5,)) == "5"
    shapes = [[1, 28, 28], *[[16, 32]] * 5, [10]]
    assert network_text((784, *[512] * 5, 10), shapes=shapes) == "1x28x28-16x32 (5 times)-10"
