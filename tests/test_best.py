"""The best of many schedules: chosen by hand-made numbers, and end to end against runs that name theirs."""

import json
from dataclasses import replace
from itertools import combinations
from typing import get_args

import pytest

from pcsim.cli import main
from pcsim.config import candidates, learners, load_both
from pcsim.config.workload import Objective
from pcsim.engine.store import seed_key
from pcsim.errors import DoesNotFitError
from pcsim.line import run
from pcsim.verdict import (
    OBJECTIVE_NAMES,
    Tried,
    candidate_names,
    judge,
    measure,
    ranked,
    summary,
)
from pcsim.verdict.best import best_sentences
from pcsim.verdict.rows import names as candidate_heads
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import FAST, NEVER, SLOW, prices, result, verdict

SHORT = (
    "training.epochs=2",
    "training.seeds=2",
    "training.target_accuracy=0.5",
    "training.evaluate_every=5",
)
BEST = ("pc.schedule=best", "bp.schedule=best")


def tried(name, rule="pc", *, curves=(FAST, SLOW), energy=4.5, cycles=1000):
    """A schedule called ``name`` whose update takes ``energy`` joules and ``cycles`` at 500 MHz."""
    made = result(rule, curves)
    known = [seed.updates for seed in made.to_target.per_seed if seed.updates is not None]
    mean = sum(known) / len(known) if len(known) == len(curves) else None
    cost = replace(
        made.per_update,
        cycles=cycles,
        latency_s=cycles / 5e8,
        energy_j=energy,
    )
    target = replace(
        made.to_target,
        energy_j=None if mean is None else mean * energy,
        time_s=None if mean is None else mean * cost.latency_s,
    )
    return Tried(replace(made.candidate, id=name), cost, target)


def order(schedules, objective):
    return [each.candidate.id for each in ranked(schedules, objective)]


@pytest.mark.parametrize(
    "objective, best",
    [
        # Of an update a takes 4 J and 1000 cycles, b 6 J and 500, c 5 J and 700; c learns in half the updates.
        ("latency", ["b", "c", "a"]),  # 500, 700, 1000
        ("energy", ["a", "c", "b"]),  # 4, 5, 6
        ("edp", ["b", "c", "a"]),  # 3000, 3500, 4000
        ("time_to_target", ["c", "b", "a"]),  # 20 x 700, 40 x 500, 40 x 1000
        ("energy_to_target", ["c", "a", "b"]),  # 20 x 5, 40 x 4, 40 x 6
    ],
)
def test_the_best_is_the_one_with_least_of_the_objective(objective, best):
    slow, fast = (SLOW, SLOW), (FAST, FAST)
    offered = [
        tried("a", curves=slow, energy=4.0, cycles=1000),
        tried("b", curves=slow, energy=6.0, cycles=500),
        tried("c", curves=fast, energy=5.0, cycles=700),
    ]
    assert order(offered, objective) == best
    assert order(offered[::-1], objective) == best
    assert [each.chosen for each in ranked(offered, objective)] == [True, False, False]


def test_of_equal_ones_fewer_cycles_win_then_fewer_joules_then_the_name():
    offered = [
        tried("d", energy=4.0, cycles=500),
        tried("b", energy=4.0, cycles=500),
        tried("a", energy=4.0, cycles=600),
    ]
    assert order(offered, "energy") == ["b", "d", "a"]
    offered = [tried("a", energy=5.0), tried("b", energy=4.0)]
    assert order(offered, "latency") == ["b", "a"]


def test_what_never_reaches_the_target_cannot_win_against_what_does():
    offered = [
        tried("free", curves=(FAST, NEVER), energy=0.5),
        tried("dear", curves=(SLOW, SLOW), energy=64.0),
    ]
    assert order(offered, "energy_to_target") == ["dear", "free"]
    assert order(offered, "time_to_target") == ["dear", "free"]
    assert order(offered, "energy") == ["free", "dear"]
    assert measure(offered, "energy_to_target") == "energy_to_target"


def test_where_none_reaches_it_more_seeds_come_first_then_the_cost_of_an_update():
    offered = [
        tried("free", curves=(NEVER, NEVER), energy=0.5),
        tried("one", curves=(FAST, NEVER), energy=5.0, cycles=100),
        tried("other", curves=(NEVER, SLOW), energy=4.0, cycles=200),
    ]
    assert order(offered, "energy_to_target") == ["other", "one", "free"]
    assert order(offered, "time_to_target") == ["one", "other", "free"]
    assert measure(offered, "energy_to_target") == "energy"
    assert measure(offered, "time_to_target") == "latency"
    said = list(best_sentences(ranked(offered, "time_to_target"), "time_to_target"))
    assert said == [
        "PC runs one, the best of 3 schedules by time per update, of which all fit the chip.",
        "No schedule of PC reached the target on every seed: of those that did on the most seeds the "
        "best by time per update was taken, instead of by time to target.",
    ]


def test_rules_are_ranked_apart_and_what_dropped_out_comes_last():
    gone = replace(tried("gone"), per_update=None, to_target=None, reason="too large")
    offered = [
        gone,
        tried("a"),
        tried("b", energy=1.0),
        tried("x", "bp", energy=0.5),
    ]
    assert order(offered, "energy") == ["b", "a", "gone", "x"]
    ranks = ranked(offered, "energy")
    assert [each.candidate.id for each in ranks if each.chosen] == ["b", "x"]
    assert list(best_sentences(ranks, "energy")) == [
        "PC runs b, the best of 3 schedules by energy per update, of which 2 fit the chip.",
        "The same program placed both rules, with the same effort: PC was given 3 schedules, BP 1.",
    ]


def test_a_verdict_without_a_choice_says_nothing_of_schedules():
    facts = summary(verdict())
    assert not {"tried", "best", "objective"} & facts.keys()
    assert not [sentence for sentence in verdict().sentences if "schedule" in sentence]


def test_several_of_one_rule_are_told_apart_by_their_ids():
    assert candidate_names([("pc", "pc-jacobi"), ("bp", "bp-sequential")]) == ("PC", "BP")
    names = ("pc-jacobi", "pc-red-black", "BP")
    red_black = result("pc", (FAST, SLOW))
    red_black = replace(red_black, candidate=replace(red_black.candidate, id="pc-red-black"))
    both = verdict()
    found = judge(
        both.hardware,
        both.workload,
        seeds=(0, 1),
        results=[both.results[0], red_black, both.results[1]],
        prices=prices(),
        energy_range=(1.25, 2.0),
    )
    assert tuple(each.name for each in found.results) == names
    assert candidate_heads(summary(found)) == names
    assert (found.ratios.pc, found.ratios.bp) == ("pc-jacobi", "bp-sequential")
    assert (
        "Test accuracy after training: pc-jacobi 95.00 % (95.00..95.00), pc-red-black 95.00 % "
        "(95.00..95.00), BP 95.00 % (95.00..95.00)."
    ) in found.sentences


def test_every_objective_can_be_asked_for_and_has_a_name():
    assert tuple(OBJECTIVE_NAMES) == get_args(Objective)
    option = next(each for each in main.get_command(None, "run").params if each.name == "objective")
    assert tuple(option.type.choices) == get_args(Objective)


def test_candidates_learn_alike_exactly_where_they_share_a_training():
    hardware, workload = load_both("tile64", "digits", overrides=BEST)
    other = load_both("tile64", "digits", overrides=[*BEST, "pc.steps=4", "bp.stash=kept"])[1]
    ideal = load_both("ideal", "digits", overrides=["pc.wavefront=false", "pc.hoist=false"])
    streamed = load_both("tile64", "digits", overrides=[*BEST, "tiles.sram.weights=streamed"])
    known = [
        *((workload, each) for each in candidates(hardware, workload)),
        *((streamed[1], each) for each in candidates(*streamed)),
        *((other, each) for each in candidates(hardware, other)),
        *((ideal[1], each) for each in candidates(*ideal)),
    ]
    keyed = [(seed_key(work, each, seed=0), each.learner) for work, each in known]
    for (key, learner), (other_key, other_learner) in combinations(keyed, 2):
        assert (key == other_key) == (learner == other_learner)
    # Three orders of predictive coding and backpropagation.
    chosen = candidates(hardware, workload)
    assert [(each.rule, each.order) for each in learners(chosen)] == [
        ("pc", "jacobi"),
        ("pc", "gauss_seidel"),
        ("pc", "red_black"),
        ("bp", None),
    ]


# End to end.


@pytest.fixture(scope="module")
def small():
    """Both rules at their best on a chip that is too small for some schedules."""
    overrides = [*SHORT, *BEST, "tiles.mesh=[2, 4]", "tiles.sram.size=96 KiB"]
    return run(*load_both("tile64", "digits", overrides=overrides))


def test_each_rule_is_represented_by_the_best_of_what_fits(small):
    assert [each.candidate.rule for each in small.results] == ["pc", "bp"]
    for shown in small.results:
        mine = [each for each in small.tried if each.candidate.rule == shown.candidate.rule]
        ran = [each for each in mine if not each.reason]
        best = min(ran, key=lambda each: each.to_target.energy_j)
        assert best.to_target.energy_j == shown.to_target.energy_j
        assert [each.candidate for each in mine if each.chosen] == [shown.candidate]
        assert mine[0].candidate == shown.candidate
        assert 0 < len(ran) < len(mine)
        for each in mine[len(ran) :]:
            assert each.reason.startswith(f"{shown.candidate.rule}: the network needs ")
    assert {(each.candidate.rule) for each in small.tried} == {"pc", "bp"}
    assert len(small.tried) == 36 + 39


def test_every_schedule_costs_what_a_run_that_names_it_says(small):
    by_id = {each.candidate.id: each for each in small.tried if not each.reason}
    named = {
        "pc-gauss-seidel": ["pc.order=gauss_seidel"],
        "pc-jacobi-m4": ["pc.micro_batches=4"],
        "bp-sequential": [],
        "bp-1f1b-m2": ["bp.schedule=1f1b", "bp.micro_batches=2"],
    }
    for name, settings in named.items():
        rule = name[:2]
        chip = ["tiles.mesh=[2, 4]", "tiles.sram.size=96 KiB"]
        alone = run(
            *load_both("tile64", "digits", overrides=[*SHORT, *chip, *settings]), rule=rule
        ).results[0]
        assert alone.candidate.id == name
        cost, target = by_id[name].per_update, by_id[name].to_target
        assert cost == replace(alone.per_update, cycles_cold=None)
        assert target == alone.to_target


def test_a_rule_of_which_nothing_fits_is_the_error_of_its_last_schedule():
    pair = load_both("tile64", "digits", overrides=[*BEST, "tiles.mesh=[1, 1]"])
    with pytest.raises(DoesNotFitError) as caught:
        run(*pair)
    assert ": network.layers must fit on tile64; pc: the network needs " in str(caught.value)


def test_the_command_writes_what_was_tried(tmp_path):
    folder = tmp_path / "out"
    settings = [word for each in (*SHORT, *BEST) for word in ("--set", each)]
    done = pcsim("run", "tile64", "digits", *settings, "--objective", "edp", "--full", "-o", folder)
    assert done.exit_code == 0, done.stderr
    facts = json.loads((folder / "summary.json").read_text())
    assert facts["objective"] == "edp"
    # Per update orders cannot be compared: one order, four numbers of micro-batches, three spreads.
    assert {rule: best["tried"] for rule, best in facts["best"].items()} == {"pc": 12, "bp": 39}
    for rule, best in facts["best"].items():
        mine = [each for each in facts["tried"] if each["rule"] == rule]
        assert best["by"] == "edp" and best["fit"] == sum(not each["reason"] for each in mine)
        assert min(mine, key=lambda each: each["edp_js"])["edp_js"] == mine[0]["edp_js"]
        assert best["id"] == mine[0]["id"]
        for each in mine:
            assert each["edp_js"] == each["energy_j"] * each["latency_s"]
    printed = " ".join(done.output.split())
    assert "the best of 12 schedules by energy-delay product per update" in printed
    rows = (folder / "tried.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == [each["id"] for each in facts["tried"]]
    page = (folder / "report.html").read_text()
    assert all(f">{each['id']}" in page for each in facts["tried"])
    assert page.count(" (best)</td>") == 2


def test_the_same_choice_is_made_again_to_the_same_bytes(tmp_path):
    settings = [word for each in (*SHORT, *BEST) for word in ("--set", each)]
    for name in "ab":
        assert pcsim("run", "tile64", "digits", *settings, "-o", tmp_path / name).exit_code == 0
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file() and path.name != "provenance.json":
            other = tmp_path / "b" / path.relative_to(tmp_path / "a")
            assert path.read_bytes() == other.read_bytes()


def test_a_sweep_takes_the_best_of_every_point(small):
    from pcsim.sweeps import sweep

    overrides = [*SHORT, *BEST, "tiles.mesh=[2, 4]"]
    table = sweep("tile64", "digits", ["tiles.sram.size=96 KiB"], overrides=overrides, jobs=1)
    assert list(table["candidate"]) == [each.candidate.id for each in small.results]
    assert list(table["energy_j"]) == [each.per_update.energy_j for each in small.results]


def test_check_tells_how_many_schedules_fit(small, tmp_path):
    chip, work = tmp_path / "chip.yaml", tmp_path / "work.yaml"
    fit = {
        rule: sum(not each.reason for each in small.tried if each.candidate.rule == rule)
        for rule in ("pc", "bp")
    }
    chip.write_text(
        "schema: pcsim/hardware/1\nname: chip\nextends: tile64\n"
        "tiles: {mesh: [2, 4], sram: {size: 96 KiB}}\n"
    )
    work.write_text(
        "schema: pcsim/workload/1\nname: work\nextends: digits\n"
        "pc: {schedule: best}\nbp: {schedule: best}\n"
    )
    done = pcsim("check", chip, work)
    assert done.exit_code == 0
    assert f"\n  PC fits in {fit['pc']} of 36 schedules\n" in done.output
    assert f"\n  BP fits in {fit['bp']} of 39 schedules\n" in done.output
    assert "of 40 are not stored" in done.output  # Three orders and backpropagation, ten seeds.


def test_full_credit_refuses_steps_that_leave_layers_out_and_says_how_many_are_enough():
    done = pcsim("run", "tile64", "digits", "--full-credit", "--set", "pc.steps=1")
    assert done.exit_code == 2
    assert done.stderr == (
        "pcsim: --set pc.steps=1: pc.steps must be at least 2 where pc.full_credit is true: fewer "
        "leave layers without a gradient, not 1\n"
    )
    axis = pcsim("sweep", "tile64", "digits", "--full-credit", "--axis", "pc.steps=1,2")
    assert axis.exit_code == 2
    assert axis.stderr == done.stderr.replace("--set", "--axis")
