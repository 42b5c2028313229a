"""How long a curve takes to the target, and who wins: against closed forms, and by what simulated trainings show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.engine import SeedCurve
from pcsim.verdict import compare
from pcsim.verdict.crossing import WINDOW, crossing, crossing_of, levels
from pcsim.verdict.interval import paired_ratio, pairs_needed
from pcsim.verdict.race import race
from pcsim.verdict.result import SeedToTarget
from tests.helpers.verdict_values import (
    FAST,
    FAST_AT_TARGET,
    FAST_UPDATES,
    NEVER,
    SLOW,
    SLOW_UPDATES,
    SPACING,
    curve,
    result,
)

# One curve.


def test_a_straight_line_crosses_where_it_does():
    found = crossing(curve(0, FAST), 0.9)
    assert found.updates == pytest.approx(FAST_UPDATES)
    assert found.last == pytest.approx(FAST_AT_TARGET)
    assert found.spacing == pytest.approx(SPACING)
    assert (found.missed, found.at_least) == (0, found.updates)
    slow = crossing(curve(0, SLOW), 0.9)
    assert (slow.updates, slow.spacing) == pytest.approx((SLOW_UPDATES, 2 * SPACING))


@pytest.mark.parametrize(
    "target, lowest", [(0.9, 0.8), (0.95, 0.9), (0.99, 0.98), (0.85, 0.75), (0.2, 0.15)]
)
def test_the_levels_reach_from_the_target_to_ten_points_or_its_error_or_a_quarter_below(
    target, lowest
):
    asked = levels(target)
    assert len(asked) == 10 and asked[-1] == target
    assert asked[0] == pytest.approx(lowest)
    assert np.diff(asked) == pytest.approx([(target - lowest) / 9] * 9)


@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=80),
    st.integers(1, 50),
    st.integers(0, 79),
    st.integers(0, 49),
)
def test_training_longer_never_changes_an_answer_that_was_there(right, every, kept, rest):
    """``kept`` evaluations of the same curve, and one more at the end, off the grid."""
    accuracy = tuple(value / 500 for value in right)
    updates = tuple(range(0, every * len(accuracy), every))
    whole = SeedCurve(0, updates, accuracy, accuracy, accuracy, 0.0, None)
    kept = min(max(kept, 3), len(accuracy))
    ends = ((updates[kept - 1] + rest % every,), (0.99,)) if rest % every else ((), ())
    part = replace(
        whole, updates=updates[:kept] + ends[0], validation_accuracy=accuracy[:kept] + ends[1]
    )
    early, late = crossing(part, 0.5), crossing(whole, 0.5)
    if early.updates is not None:
        assert early == late
    assert early.at_least <= late.at_least + 1e-9


@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=40),
    st.integers(1, 9),
    st.sampled_from([2, 4, 8]),
)
def test_a_curve_that_is_slower_throughout_crosses_later_by_the_same_factor(right, every, factor):
    values = [value / 500 for value in right]
    updates = [every * i for i in range(len(values))]
    one = crossing_of(updates, values, levels(0.5))
    other = crossing_of([factor * u for u in updates], values, levels(0.5))
    assert (one.updates is None) == (other.updates is None)
    assert other.at_least == pytest.approx(factor * one.at_least)
    assert other.spacing == pytest.approx(factor * one.spacing)


def test_one_lucky_evaluation_is_no_arrival():
    lucky = [0.5] * 10 + [0.95] + [0.5] * 20
    assert crossing_of(range(0, 310, 10), lucky, (0.9,)).updates is None


def test_two_evaluations_are_not_enough_and_a_start_at_the_target_takes_nothing():
    assert crossing_of((0, 10), (0.1, 0.95), (0.9,)).updates is None
    assert crossing_of((0, 10, 20), (0.95,) * 3, (0.9,)).updates == 0.0


def test_levels_not_crossed_count_as_the_last_update_that_is_known():
    # The line reaches 0.85 and stays: of ten levels from 0.8 to 0.9 five are crossed.
    values = [min(0.01 * u, 0.85) for u in range(0, 301, 5)]
    found = crossing_of(range(0, 301, 5), values, levels(0.9))
    assert (found.updates, found.last, found.missed) == (None, None, 5)
    crossed = [u for u in levels(0.9) if u < 0.85]
    assert found.at_least == pytest.approx((100 * sum(crossed) + 5 * 250) / 10, rel=0.03)


# Who wins.


def seed(
    updates: float | None, *, at_least: float = 100.0, missed: int = 10, spacing: float = 1e-6
):
    """What a seed needed; where it missed the target, ``missed`` of its levels and what is known."""
    known = at_least if updates is None else updates
    return SeedToTarget(
        0,
        updates,
        None,
        None,
        None,
        updates,
        known,
        missed if updates is None else 0,
        spacing,
        False,
    )


def test_a_rule_that_missed_has_lost_only_once_it_has_spent_more():
    bp = [seed(50.0), seed(52.0), seed(48.0)]
    late = [seed(None)] * 3
    for cost, winner in ((0.4, None), (0.5, None), (0.6, "bp"), (3.0, "bp")):
        found = race("energy", list(zip(late, bp, strict=True)), cost=cost)
        assert (found.winner, found.ratio, found.at_most) == (winner, None, None)
        assert found.at_least.value == pytest.approx(cost * 100 / (50 * 52 * 48) ** (1 / 3))
        turned = race("energy", list(zip(bp, late, strict=True)), cost=1 / cost)
        assert turned.winner == (winner and "pc")
        assert turned.at_most.value == pytest.approx(1 / found.at_least.value)


def test_how_many_more_epochs_would_tell():
    # Each of the 10 missed levels counts as 100 updates; 110 % of BP's 50 are 137.5 of PC at 0.4 of the
    # energy. The curve must be known up to there, so training goes 1.2 times as far: 45 updates more.
    pairs = [(seed(None), seed(50.0))] * 2
    found = race("energy", pairs, cost=0.4, updates_per_epoch=10)
    assert (found.reason, found.more_epochs) == ("missed", 5)
    assert race("energy", pairs, cost=0.4).more_epochs is None
    both = [(seed(None), seed(None))] * 2
    found = race("energy", both, cost=0.4, updates_per_epoch=10)
    assert (found.winner, found.reason, found.more_epochs) == (None, "missed", None)


def test_a_rule_that_diverged_has_not_lost():
    broken = replace(seed(None), diverged=True)
    found = race("energy", [(broken, seed(50.0))] * 3, cost=9.0)
    assert (found.winner, found.reason) == (None, "diverged")


def test_where_seeds_agree_the_interval_is_what_the_spacing_leaves():
    pairs = [(seed(60.0, spacing=3.0), seed(50.0, spacing=5.0))] * 4
    found = race("energy", pairs, cost=1.0)
    half = 1.959964 * math.hypot(3 / 60, 5 / 50)
    assert found.ratio.low == pytest.approx(1.2 * math.exp(-half))
    assert found.ratio.high == pytest.approx(1.2 * math.exp(half))
    assert found.winner is None and found.reason == "seeds"


def test_how_many_more_seeds_would_tell():
    found = race("time", [(seed(50.0), seed(49.0)), (seed(53.0), seed(50.0))], cost=1.0)
    needed = pairs_needed(found.ratio)
    assert found.more_seeds == needed - 2
    logs = [math.log(50 / 49), math.log(53 / 50)]
    from scipy import stats

    def half(count):
        return stats.t.ppf(0.975, count - 1) * np.std(logs, ddof=1) / math.sqrt(count)

    assert half(needed) < np.mean(logs) <= half(needed - 1)
    assert pairs_needed(paired_ratio([1.0, 1.001], [1.0, 1.0])) is None or needed > 2


def test_both_races_and_both_other_measures_are_in_the_comparison():
    ratio = compare(result("pc", (FAST, SLOW, FAST)), result("bp", (SLOW, SLOW, SLOW)))
    assert [each.what for each in ratio.races] == ["energy", "time"]
    assert ratio.races[0].ratio.value == pytest.approx(ratio.energy_to_target.value)
    assert ratio.races[1].ratio.value == pytest.approx(ratio.time_to_target.value)
    lost = compare(result("pc", (NEVER,) * 2), result("bp", (FAST,) * 2))
    assert (lost.loss_crossing, lost.curve_area, lost.energy_to_target) == (None, None, None)
    # PC is known for 100 updates of 4.5 J, BP took 24.375 of 3 J.
    assert lost.races[0].at_least.value == pytest.approx(100 * 4.5 / (FAST_UPDATES * 3))
    assert lost.races[0].winner == "bp"


# Simulated trainings with a known ratio.

SHAPES = {
    "exponential": lambda x: 0.1 + 0.85 * (1 - np.exp(-x)),
    "stretched": lambda x: 0.1 + 0.86 * (1 - np.exp(-(x**0.6))),
    "sigmoid": lambda x: 0.1 + 0.86 * x**2 / (1 + x**2),
    "step": lambda x: 0.1 + 0.86 / (1 + np.exp(-12 * (x - 1.5))),
}


def simulated(random, shape, scale, every, *, noise, epochs=None):
    """A curve of ``shape``, 500 validation images, evaluated every ``every`` updates."""
    end = epochs or 40 * scale
    updates = np.arange(0, max(end, 3 * every) + every, every)
    accuracy = SHAPES[shape](updates / scale) + random.normal(0, noise, len(updates))
    accuracy = np.round(np.clip(accuracy, 0, 1) * 500) / 500
    return updates, accuracy


def needed(updates, accuracy):
    found = crossing_of(updates, accuracy, levels(0.9))
    return SeedToTarget(
        0,
        found.updates,
        None,
        None,
        None,
        found.last,
        found.at_least,
        found.missed,
        found.spacing,
        False,
    )


def simulated_race(random, truth, every, seeds, *, shape, noise, epochs=None):
    """PC's time scale is ``truth`` times BP's; seeds differ, in part alike for both rules."""
    pairs = []
    for _ in range(seeds):
        common = random.normal(0, 0.05)
        pc, bp = (
            needed(
                *simulated(
                    random,
                    shape,
                    25 * ratio * math.exp(common + random.normal(0, 0.05)),
                    every,
                    noise=noise,
                    epochs=epochs,
                )
            )
            for ratio in (truth, 1.0)
        )
        pairs.append((pc, bp))
    return race("energy", pairs, cost=1.0)


@pytest.mark.parametrize("every", [2, 5, 10, 20, 50])
def test_the_interval_covers_the_truth_and_names_no_false_winner(every):
    random = np.random.default_rng(every)
    covered = false = trials = 0
    for truth in (1.0, 1.0, 1.3, 0.6):
        for shape in SHAPES:
            for noise in (0.0, 0.01):
                for seeds in (2, 3, 5, 8, 12):
                    for _ in range(8):
                        found = simulated_race(
                            random, truth, every, seeds, shape=shape, noise=noise
                        )
                        assert found.ratio is not None and found.ratio.low < found.ratio.high
                        trials += 1
                        covered += found.ratio.low <= truth <= found.ratio.high
                        right = {True: "bp", False: "pc"}[truth > 1] if truth != 1 else None
                        false += found.winner not in (None, right)
    assert covered >= 0.94 * trials
    assert false <= 0.05 * trials


@pytest.mark.parametrize("every", [2, 10, 50])
def test_no_false_winner_wherever_training_stops(every):
    """Half of the rules do not arrive, or arrive on some seeds only."""
    random = np.random.default_rng(every)
    false = trials = 0
    for end in (50, 70, 90, 120):
        for shape in SHAPES:
            for seeds in (2, 5, 12):
                for _ in range(12):
                    found = simulated_race(
                        random, 1.0, every, seeds, shape=shape, noise=0.01, epochs=end
                    )
                    trials += 1
                    false += found.winner is not None
    assert false <= 0.05 * trials


def test_the_window_must_be_known_before_an_answer():
    updates, accuracy = list(range(0, 101, 10)), [0.1] * 8 + [0.95] * 3
    found = crossing_of(updates, accuracy, (0.5,))
    # Known up to 100 / 1.2; the mean around 80 is over 64 to 96, around 70 over 56 to 84.
    assert found.updates is not None and found.updates <= 100 / (1 + WINDOW)
    assert crossing_of(updates[:10], accuracy[:10], (0.5,)).updates is None
