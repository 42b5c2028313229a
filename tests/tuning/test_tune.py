"""Tuning: the same budget for both rules by a fixed design, the best by validation accuracy, the file it writes."""

import csv
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import (
    PredictiveCoding,
    Tuning,
    candidates,
    dump_yaml,
    load_hardware,
    load_workload,
    settings_fingerprint,
)
from pcsim.engine import train
from pcsim.errors import InputError
from pcsim.line import run
from pcsim.program import program_of
from pcsim.tuning import (
    Score,
    check_output,
    parse_ranges,
    plan_tuning,
    score_of,
    screen,
    tune,
    tuned_name,
    write_tuned,
)
from pcsim.tuning.design import _halton, accepts, weight_rates
from pcsim.tuning.span import PositiveRange
from pcsim.verdict import summary
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import FAST, FAST_UPDATES, SLOW, SLOW_UPDATES, curve, training

RANGES = parse_ranges(rate="1e-4..1e-1", pc_steps="1..32", pc_rate="0.02..1")
SHORT = ("training.epochs=1", "training.seeds=1", "network.layers=[64, 16, 16, 10]")


def plan(budget, *overrides, ranges=RANGES, **options):
    work = load_workload("digits", overrides=overrides)
    return plan_tuning(load_hardware("tile64"), work, ranges=ranges, budget=budget, **options)


def settings_of(plan, rule):
    return [getattr(trial.workload, rule) for trial in plan.trials if trial.rule == rule]


def scored_by(value):
    """A scorer that trains nothing: ``value(candidate)`` is (accuracy, updates to the target)."""
    return lambda plan: [Score(*value(candidate), diverged=0) for candidate in plan.candidates]


# --- Which settings are tried ---


@pytest.mark.parametrize("budget", [1, 2, 3, 16, 33])
def test_every_rule_gets_the_budget_all_different_with_the_own_setting_first(budget):
    planned = plan(budget)
    for rule in ("pc", "bp"):
        tried = settings_of(planned, rule)
        assert len(tried) == len(set(tried)) == budget
        assert tried[0] == getattr(planned.workload, rule)
        assert [t.number for t in planned.trials if t.rule == rule] == list(range(1, budget + 1))
    assert len({candidate.id for candidate in planned.candidates}) == 2 * budget


def test_a_trial_changes_its_own_rule_and_nothing_else():
    for trial in plan(8).trials:
        own = load_workload("digits")
        assert trial.workload.model_copy(update={trial.rule: getattr(own, trial.rule)}) == own
        tried = getattr(trial.workload, trial.rule)
        kept = {"pc": ("wavefront", "hoist"), "bp": ("schedule",)}[trial.rule]
        for field in kept:
            assert getattr(tried, field) == getattr(getattr(own, trial.rule), field)
        assert tried.optimiser.kind == getattr(own, trial.rule).optimiser.kind


def test_both_rules_try_the_same_weight_rates_evenly_spaced_but_for_their_own():
    planned = plan(4, "bp.optimiser.rate=5e-4", "pc.optimiser.rate=1e-3")
    rates = {
        rule: [setting.optimiser.rate for setting in settings_of(planned, rule)]
        for rule in ("pc", "bp")
    }
    # Four over three decades are the powers of ten, of which 1e-3 is the nearest to either own rate.
    assert rates["bp"] == [5e-4, 1e-4, 1e-2, 1e-1]
    assert rates["pc"][0] == 1e-3
    assert sorted(rates["pc"]) == [1e-4, 1e-3, 1e-2, 1e-1]


def test_a_weight_rate_outside_the_range_is_tried_in_place_of_the_nearest_end():
    assert weight_rates(PositiveRange(1e-4, 1e-1), 4, own=3.0) == [1e-4, 1e-3, 1e-2]
    assert weight_rates(PositiveRange(1e-4, 1e-1), 4, own=1e-9) == [1e-3, 1e-2, 1e-1]
    assert weight_rates(PositiveRange(1e-4, 1e-1), 1, own=1e-9) == []


def test_pc_meets_each_rate_with_a_halton_point_of_steps_and_inference_rate():
    # The radical inverses of 1, 2, 3, 4 to the bases 2, 3 and 5, worked out by hand.
    points = [(1 / 2, 1 / 3, 1 / 5), (1 / 4, 2 / 3, 2 / 5), (3 / 4, 1 / 9, 3 / 5), (1 / 8, 4 / 9, 4 / 5)]  # fmt: skip
    np.testing.assert_allclose(_halton(4, 3), points, rtol=1e-14)
    first, *tried = settings_of(plan(5, "pc.optimiser.rate=1e-4"), "pc")
    assert first.optimiser.rate == 1e-4
    # Five rates over three decades less the lowest, the own; by rank of the first coordinate.
    rates = [10 ** (-4 + 0.75 * k) for k in (1, 2, 3, 4)]
    ranks = [2, 1, 3, 0]
    for setting, (_, part, other), rank in zip(tried, points, ranks, strict=True):
        assert setting.steps == round(32**part)
        assert setting.rate == float(f"{0.02 * 50**other:.1e}")
        assert setting.optimiser.rate == float(f"{rates[rank]:.1e}")


def test_every_order_that_can_be_timed_is_tried_and_no_other(monkeypatch):
    known = get_args(PredictiveCoding.model_fields["order"].annotation)
    timed = set()
    for order in known:
        work = load_workload("digits", overrides=[f"pc.order={order}"])
        (candidate,) = candidates(load_hardware("tile64"), work, rule="pc")
        with suppress(InputError):
            program_of(work, candidate, steps=3)
            timed.add(order)
    assert {setting.order for setting in settings_of(plan(48), "pc")} == timed
    monkeypatch.setattr("pcsim.tuning.plan._is_timed", lambda *_: True)
    assert {setting.order for setting in settings_of(plan(48), "pc")} == set(known)


def test_an_own_order_that_cannot_be_timed_is_kept(monkeypatch):
    monkeypatch.setattr("pcsim.tuning.plan._is_timed", lambda *_: False)
    tried = settings_of(plan(6, "pc.order=red_black"), "pc")
    assert {setting.order for setting in tried} == {"red_black"}


def test_what_no_file_could_say_is_not_tried(monkeypatch):
    """Where other settings tie a field to one value, such as the rate here, it keeps that."""

    def tied(workload, field, value):
        return field != "rate" and accepts(workload, field, value)

    monkeypatch.setattr("pcsim.tuning.design.accepts", tied)
    tried = settings_of(plan(9), "pc")
    assert {setting.rate for setting in tried} == {load_workload("digits").pc.rate}
    assert len({setting.steps for setting in tried}) > 4


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 24),
    st.integers(1, 8),
    st.integers(8, 200),
    st.floats(1e-3, 0.1),
    st.floats(0.2, 5),
)
def test_every_trial_but_the_own_is_within_the_ranges(budget, fewest, most, low, high):
    ranges = replace(RANGES, pc_steps=PositiveRange(fewest, most), pc_rate=PositiveRange(low, high))
    for setting in settings_of(plan(budget, ranges=ranges), "pc")[1:]:
        assert fewest <= setting.steps <= most
        assert low * 0.95 <= setting.rate <= high * 1.05  # Two significant digits.
        assert 1e-4 <= setting.optimiser.rate <= 1e-1
        assert setting.optimiser.rate == float(f"{setting.optimiser.rate:.1e}")


def test_the_same_request_gives_the_same_plan():
    assert plan(16) == plan(16)


def test_seeds_and_epochs_of_the_trials_do_not_change_the_tuned_workload():
    planned = plan(2, seeds=5, epochs=7)
    assert (planned.course.training.seeds, planned.course.training.epochs) == (5, 7)
    tuned = tune(planned, scorer=scored_by(lambda c: (0.5, None))).workload
    assert tuned.training == load_workload("digits").training
    assert (tuned.tuning.budget, tuned.tuning.seeds, tuned.tuning.epochs) == (2, 5, 7)


# --- What is wrong with a request ---


def test_every_range_that_is_none_is_told_at_once():
    with pytest.raises(InputError) as caught:
        parse_ranges(rate="1e-1..1e-4", pc_steps="1..2.5", pc_rate="0.1")
    assert str(caught.value) == (
        "--rate must be LOW..HIGH, two numbers above 0 and at most 1000, not '1e-1..1e-4'\n"
        "    for example --rate 1e-4..1e-1\n"
        "--pc-steps must be LOW..HIGH, two whole numbers between 1 and 100,000, not '1..2.5'\n"
        "    for example --pc-steps 1..32\n"
        "--pc-rate must be LOW..HIGH, two numbers above 0 and at most 1000, not '0.1'\n"
        "    for example --pc-rate 1e-4..1e-1"
    )


@pytest.mark.parametrize(
    "text", ["nan..1", "0..1", "-1..1", "1..inf", "1..1001", "..", "", "1...2"]
)
def test_a_range_is_of_positive_numbers_within_bounds(text):
    with pytest.raises(InputError):
        parse_ranges(rate=text, pc_steps="1..2", pc_rate="0.1..1")


def test_a_range_with_fewer_rates_than_trainings_is_refused():
    ranges = parse_ranges(rate="1e-3..1.2e-3", pc_steps="1..2", pc_rate="0.1..1")
    with pytest.raises(InputError) as caught:
        plan(5, ranges=ranges)
    assert str(caught.value) == (
        "--rate must hold as many rates of two significant digits as --budget, not 3 for 5\n"
        "    take a wider range or a smaller budget"
    )


# --- Which setting is best ---


def closeness(candidate):
    """A landscape with its top at T = 5, eta = 0.2 and a weight rate of 3e-3."""
    away = abs(math.log(candidate.optimiser.rate / 3e-3))
    if candidate.rule == "pc":
        away += abs(math.log(candidate.steps / 5)) + abs(math.log(candidate.rate / 0.2))
    return round(1 / (1 + away), 9), None


def test_the_best_of_each_rule_is_taken_and_ranks_are_of_each_rule():
    planned = plan(16)
    tuned = tune(planned, scorer=scored_by(closeness))
    for rule in ("pc", "bp"):
        mine = [c for c in planned.candidates if c.rule == rule]
        best = max(mine, key=lambda candidate: closeness(candidate)[0])
        assert tuned.of(rule)[0].trial.candidate == best
        assert [outcome.rank for outcome in tuned.of(rule)] == list(range(1, 17))
        scores = [outcome.score.accuracy for outcome in tuned.of(rule)]
        assert scores == sorted(scores, reverse=True)
        (chosen,) = candidates(load_hardware("tile64"), tuned.workload, rule=rule)
        assert replace(chosen, id=best.id) == best


def test_of_equal_accuracies_the_fewer_updates_win_and_then_the_fewer_steps():
    planned = plan(16)
    flat = tune(planned, scorer=scored_by(lambda c: (0.9, None)))
    assert flat.workload.pc.steps == min(s.steps for s in settings_of(planned, "pc"))
    assert flat.workload.bp == planned.workload.bp  # Equal in everything: the first, the own.
    last = planned.candidates[-1]
    fast = tune(planned, scorer=scored_by(lambda c: (0.9, 50.0 if c is last else None)))
    assert fast.workload.bp.optimiser == last.optimiser
    most = max(planned.candidates, key=lambda candidate: candidate.steps)
    fast = tune(planned, scorer=scored_by(lambda c: (0.9, 50.0 if c is most else 60.0)))
    assert fast.workload.pc.steps == most.steps


def test_the_curve_over_steps_holds_the_best_of_each_number_of_steps():
    planned = plan(32)
    tuned = tune(planned, scorer=scored_by(closeness))
    best = {}
    for candidate in planned.candidates[:32]:
        best[candidate.steps] = max(best.get(candidate.steps, 0), closeness(candidate)[0])
    found = {o.trial.candidate.steps: o.score.accuracy for o in tuned.curve()}
    assert found == best
    assert list(found) == sorted(found)


def test_a_score_is_the_mean_of_the_last_three_validations_over_seeds():
    score = score_of(training("pc", [curve(0, FAST), curve(1, SLOW)]), target=0.9)
    assert score.accuracy == pytest.approx((1.0 + 1.0 + 0.95) / 3, abs=1e-9)
    assert score.updates_to_target == pytest.approx((FAST_UPDATES + SLOW_UPDATES) / 2)
    assert score.diverged == 0
    assert score_of(training("pc", [curve(0, FAST)]), target=0.99).updates_to_target is None


def test_a_score_does_not_depend_on_test_accuracy():
    good, bad = (replace(curve(0, FAST), test_accuracy=accuracy) for accuracy in (1.0, 0.0))
    scores = [score_of(training("pc", [found]), target=0.9) for found in (good, bad)]
    assert scores[0] == scores[1]


def test_what_is_not_accepted_is_what_no_file_could_say():
    work = load_workload("digits")
    assert accepts(work, "steps", 7) and not accepts(work, "steps", 0)
    assert accepts(work, "order", "jacobi") and not accepts(work, "order", "sideways")


def test_a_score_of_a_short_training_leaves_out_the_untrained_network():
    assert score_of(training("bp", [curve(0, (0.1, 0.7))]), target=0.9).accuracy == 0.7


def test_a_seed_that_diverged_counts_as_nothing_learnt():
    curves = [curve(0, (0.1, 0.9, 0.9, 0.9), diverged_at=40), curve(1, (0.1, 0.8))]
    assert score_of(training("pc", curves), target=0.9) == Score(0.4, None, 1)


def test_accuracies_that_differ_by_rounding_alone_are_equal():
    thirds = [curve(0, (0.0, 0.1, 0.2, 0.3)), curve(0, (0.0, 0.2, 0.2, 0.2))]
    one, other = (score_of(training("pc", [c]), target=0.9).accuracy for c in thirds)
    assert one == other


# --- Really trained ---


@pytest.fixture(scope="module")
def tuned():
    return tune(plan(3, *SHORT))


def test_scores_are_those_of_trainings_of_their_own(tuned):
    for outcome in tuned.outcomes:
        (candidate,) = candidates(
            load_hardware("tile64"), outcome.trial.workload, rule=outcome.trial.rule
        )
        alone = train(outcome.trial.workload, candidate)
        assert outcome.score == score_of(alone, target=0.95)


def test_the_tuned_file_loads_and_its_candidates_are_the_winners(tuned, tmp_path):
    path, table = write_tuned(tuned, tmp_path)
    assert (path.name, table.name) == ("digits-tuned.yaml", "digits-tuned.csv")
    loaded = load_workload(path)
    assert loaded == tuned.workload
    assert loaded.name == "digits-tuned"
    for candidate in candidates(load_hardware("tile64"), loaded):
        winner = tuned.of(candidate.rule)[0].trial.candidate
        assert replace(candidate, id=winner.id) == winner
    assert loaded.tuned


def test_the_table_holds_every_trial_and_the_header_the_winners(tuned, tmp_path):
    path, table = write_tuned(tuned, tmp_path)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["rule"], row["trial"]) for row in rows] == [
        (rule, str(number)) for rule in ("pc", "bp") for number in (1, 2, 3)
    ]
    for row, outcome in zip(rows, tuned.outcomes, strict=True):
        assert float(row["weight_rate"]) == outcome.trial.candidate.optimiser.rate
        assert int(row["steps"]) == outcome.trial.candidate.steps
        assert float(row["validation_accuracy"]) == outcome.score.accuracy
        assert int(row["rank"]) == outcome.rank
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    said = " ".join(line.removeprefix("# ") for line in comments)
    assert said.startswith(
        "Tuned by pcsim: each rule had 3 trainings, each of 1 seed from 0 and 1 epoch; scored by the "
        "mean over seeds of the mean of the last 3 validation accuracies."
    )
    for rule in ("pc", "bp"):
        best, own = tuned.of(rule)[0], tuned.own(rule)
        for outcome in (best, own):
            assert f"{100 * outcome.score.accuracy:.2f} %" in said
        assert f"adam {best.trial.candidate.optimiser.rate:g}" in said
        assert own.trial.number == 1


def test_repeating_a_tuning_writes_the_same_bytes_over_the_old(tuned, tmp_path):
    first = [path.read_bytes() for path in write_tuned(tuned, tmp_path)]
    again = tune(plan(3, *SHORT))
    assert [path.read_bytes() for path in write_tuned(again, tmp_path)] == first
    assert screen(again) == screen(tuned)


def test_test_images_decide_nothing_and_are_not_mentioned(tmp_path):
    """Two files alike but for their test images, all of which are noise."""
    random = np.random.default_rng(0)
    learnt = {"x_train": random.random((90, 12)), "y_train": random.integers(0, 3, 90)}
    files = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        test = {"x_test": random.random((30, 12)), "y_test": random.integers(0, 3, 30)}
        np.savez(folder / "images.npz", **learnt, **test)
        (folder / "own.yaml").write_text(
            "schema: pcsim/workload/1\nname: own\nextends: digits\nnetwork: {layers: [12, 8, 3]}\n"
            "data: {dataset: ./images.npz, train: 60, validation: 30, test: 30}\n"
            "training: {batch: 10, epochs: 2, evaluate_every: 2}\n"
        )
        done = pcsim("tune", str(folder / "own.yaml"), "--budget", "3")
        assert done.exit_code == 0, done.output
        table = (folder / "own-tuned.csv").read_text()
        # The only difference is where the data lies.
        workload = (folder / "own-tuned.yaml").read_text().replace(str(folder), "HERE")
        files.append((table, workload, done.stdout.replace(str(folder), "HERE")))
        assert "test" not in table + done.stdout.partition("\ntuned: ")[0]
    assert files[0] == files[1]


def test_what_was_interrupted_says_what_is_kept(monkeypatch, tmp_path):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pcsim.tuning.tune", interrupted)
    monkeypatch.chdir(tmp_path)
    arguments = ["tune", "digits", "--budget", "2", "--epochs", "977"]
    done = pcsim(*arguments)
    assert done.exit_code == 130
    assert done.output.endswith(
        "pcsim: interrupted; 0 of 4 trainings are kept; the same command goes on from there\n"
    )
    assert not list(tmp_path.iterdir())


# --- Where it is written ---


@pytest.mark.parametrize("name", ["digits-tuned.yaml", "digits-tuned.csv"])
def test_a_file_of_ones_own_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine\n")
    with pytest.raises(InputError) as caught:
        check_output("digits-tuned", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / name} must be what an earlier tuning wrote, or not be there\n"
        "    name another folder with -o"
    )
    done = pcsim("tune", "digits", "-o", str(tmp_path))
    assert done.exit_code == 2
    assert (tmp_path / name).read_text() == "mine\n"


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        check_output("digits-tuned", tmp_path / "file")
    assert str(caught.value) == (
        f"{tmp_path / 'file'} must be a folder that can be written to\n    name another folder with -o"
    )


def test_a_shipped_workload_is_tuned_here_and_a_file_beside_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = ["--budget", "1", "--epochs", "1"]
    assert pcsim("tune", "digits", *few).exit_code == 0
    assert (tmp_path / "digits-tuned.yaml").exists()
    mine = tmp_path / "tasks" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text("schema: pcsim/workload/1\nname: mine\nextends: digits\n")
    assert pcsim("tune", str(mine), *few).exit_code == 0
    assert {path.name for path in mine.parent.iterdir()} == {
        "mine.yaml",
        "mine-tuned.yaml",
        "mine-tuned.csv",
    }


def test_a_name_too_long_to_say_tuned_is_cut():
    work = load_workload("digits").model_copy(update={"name": "n" * 64})
    assert tuned_name(work) == "n" * 58 + "-tuned"


# --- What reports say of it ---


def as_tuned(work, **changes):
    facts = {"budget": 16, "seeds": 1, "epochs": 1, "settings": settings_fingerprint(work)}
    return work.model_copy(update={"tuning": Tuning(**{**facts, **changes})})


def told(work):
    facts = summary(run(load_hardware("tile64"), work, rule="bp"))
    return facts["tuning"], facts["sentences"][-1]


def test_a_verdict_says_whether_the_rates_were_tuned_and_how_hard():
    work = load_workload("digits", overrides=SHORT)
    assert told(work) == (None, "The rates were not tuned here.")
    assert told(as_tuned(work)) == (
        {"budget": 16, "seeds": 1, "epochs": 1},
        "Both rules were tuned with 16 trainings each on the validation images.",
    )
    assert told(as_tuned(work, budget=1, epochs=4))[1] == (
        "Both rules were tuned with 1 training of 4 epochs each on the validation images."
    )
    changed = as_tuned(work, settings="0badc0de")
    said = "The rates were not tuned here: those that were belong to other settings."
    assert told(changed) == (None, said)


@pytest.mark.parametrize(
    ("override", "still"),
    [
        ("pc.steps=4", False),
        ("bp.optimiser.rate=0.5", False),
        ("network.layers=[64, 32, 10]", False),
        ("training.batch=16", False),
        ("data.train=600", False),
        ("data.validation=200", False),
        ("training.loss=cross_entropy", False),
        ("training.epochs=3", True),
        ("training.seeds=9", True),
        ("training.target_accuracy=0.5", True),
        ("training.evaluate_every=5", True),
        ("data.test=100", True),
        ("pc.wavefront=false", True),
        ("name=other", True),
    ],
)
def test_a_file_is_called_tuned_as_long_as_its_settings_are_those_tuned(tmp_path, override, still):
    path: Path = tmp_path / "tuned.yaml"
    path.write_text(dump_yaml(as_tuned(load_workload("digits"))))
    assert load_workload(path).tuned
    word = "workload.name=other" if override.startswith("name") else override
    assert load_workload(path, overrides=[word.removeprefix("workload.")]).tuned is still


@pytest.mark.parametrize(
    "fingerprint", ["12345678", "1234e567", "0x123456", "00000000", "2e8f7a5c"]
)
def test_a_fingerprint_that_looks_like_a_number_is_read_back(tmp_path, fingerprint):
    path = tmp_path / "tuned.yaml"
    path.write_text(dump_yaml(as_tuned(load_workload("digits"), settings=fingerprint)))
    assert load_workload(path).tuning.settings == fingerprint


def test_mistakes_in_the_section_are_told_as_in_any_other(tmp_path):
    path = tmp_path / "tuned.yaml"
    text = dump_yaml(as_tuned(load_workload("digits")))
    path.write_text(text.replace("budget: 16", "budget: 0").replace("epochs: 1,", "epoch: 1,"))
    with pytest.raises(InputError) as caught:
        load_workload(path)
    said = str(caught.value)
    assert "tuning.budget must be a whole number between 1 and 100000, not 0" in said
    assert "tuning.epoch must be a known key, not 'epoch'" in said
    assert "did you mean 'tuning.epochs'?" in said
