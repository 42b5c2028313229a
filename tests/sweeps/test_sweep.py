"""Sweeps: each point equals a run of its own, training is shared, mistakes are told before anything runs."""

import math
import subprocess
import sys

import pandas as pd
import pytest

import pcsim
from pcsim.config import candidates, load_both
from pcsim.errors import InputError
from pcsim.line import run, time_candidate
from pcsim.sweeps import COLUMNS, SweepPlan, parse_groups, points_of
from pcsim.sweeps import sweep as run_sweep
from pcsim.sweeps.trainings import learners_of, missing_seeds
from pcsim.technology import price_list

SHORT = ("training.epochs=1", "training.seeds=2", "network.layers=[64, 16, 16, 10]")


def test_every_point_of_a_sweep_equals_a_run_of_its_own():
    axes = ["pc.steps=1,2", "tiles.vector.lanes=4,16"]
    table = run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=1)
    assert list(table.columns) == ["pc.steps", "tiles.vector.lanes", *COLUMNS]
    assert len(table) == 8
    for steps in (1, 2):
        for lanes in (4, 16):
            changed = (*SHORT, f"pc.steps={steps}", f"tiles.vector.lanes={lanes}")
            verdict = run(*load_both("tile64", "digits", overrides=changed))
            rows = table[
                (table["pc.steps"] == str(steps)) & (table["tiles.vector.lanes"] == str(lanes))
            ]
            for (_, row), result in zip(rows.iterrows(), verdict.results, strict=True):
                assert row["candidate"] == result.candidate.id
                assert row["cycles"] == result.per_update.cycles
                assert row["energy_j"] == result.per_update.energy_j
                assert row["accuracy"] == sum(result.accuracies) / 2
                assert row["energy_ratio"] == verdict.ratios.energy


def test_timing_only_gives_the_costs_of_a_run_and_knows_no_accuracy():
    axes = ["pc.steps=1,5", "tiles.vector.lanes=4,16"]
    timed = run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=1, timing_only=True)
    trained = run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=1)
    learned = ["accuracy", "credit_depth", "updates_to_target", "time_to_target_s"]
    learned += ["energy_to_target_j", "energy_to_target_ratio"]
    same = [name for name in timed.columns if name not in learned]
    pd.testing.assert_frame_equal(timed[same], trained[same], check_exact=True)
    assert timed[learned].isna().all(axis=None)
    assert not trained["accuracy"].isna().any()


def test_timing_only_takes_the_steps_that_the_file_gives():
    table = run_sweep("tile64", "digits", ["pc.steps=7"], overrides=SHORT, timing_only=True, jobs=1)
    chip, work = load_both("tile64", "digits", overrides=(*SHORT, "pc.steps=7"))
    (pc,) = candidates(chip, work, rule="pc")
    timed = time_candidate(chip, work, pc, profile=None, prices=price_list(chip))
    assert table["inference_steps"].tolist() == [7, 0]
    assert table["cycles"][0] == timed.per_update.cycles


def test_processes_give_the_same_table_as_one():
    axes = ["noc.link=8 B/cycle,32 B/cycle,unlimited"]
    one, two = (run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_script_needs_no_guard_for_the_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import pcsim\n"
        "table = pcsim.sweep('tile64', 'digits', ['pc.steps=1,2'], timing_only=True, jobs=2)\n"
        "print(len(table))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


def plan(*axes, overrides=SHORT, **options):
    from pcsim.sweeps import Setting

    settings = tuple(Setting(text) for text in overrides)
    return SweepPlan("tile64", "digits", parse_groups(axes), settings, **options)


def test_points_that_learn_alike_are_trained_once():
    points = points_of(plan("tiles.vector.lanes=4,8,16", "pc.steps=1,2"))
    # Lanes change no learning; steps change PC's, not BP's.
    learners = learners_of(points).values()
    assert sorted(learner.candidate.rule for learner in learners) == ["bp", "pc", "pc"]
    assert len(missing_seeds(learners, first_seed=1000)) == 3 * 2


def test_a_candidate_that_does_not_fit_keeps_its_row_and_says_why():
    axes = ["tiles.sram.size=32 KiB,192 KiB"]
    settings = (*SHORT, "tiles.mesh=[1, 1]")
    table = run_sweep("tile64", "digits", axes, overrides=settings, rule="bp", jobs=1)
    small, large = (row for _, row in table.iterrows())
    assert small["error"].startswith("bp: the network needs ")
    assert math.isnan(small["energy_j"])
    assert large["error"] == "" and large["cycles"] > 0


def test_all_mistakes_of_all_points_are_told_at_once_before_anything_runs(tmp_path):
    axes = ["pc.steps=0,2,-1", "pc.rat=0.1", "technology=horowitz-45nm,none"]
    with pytest.raises(InputError) as caught:
        run_sweep("tile64", "digits", axes, overrides=SHORT, folder=tmp_path / "never")
    assert str(caught.value).count("\n    ") == 1
    said = [str(problem).splitlines()[0] for problem in caught.value.problems]
    limits = "must be a whole number between 1 and 100000"
    assert said == [
        "--axis pc.rat=0.1: pc.rat must be a known key, not 'rat'",
        f"--axis pc.steps=0: pc.steps {limits}, not 0",
        "--axis technology=none: technology must be horowitz-45nm, jouppi-7nm or stillmaker-28nm, not 'none'",
        f"--axis pc.steps=-1: pc.steps {limits}, not -1",
    ]
    assert not (tmp_path / "never").exists()


def test_the_python_interface_is_what_the_readme_shows():
    hardware = pcsim.load_hardware("tile64")
    workload = pcsim.load_workload("digits", overrides=SHORT)
    verdict = pcsim.run(hardware, workload, rule="all", seed=1)
    assert verdict.seeds == (1, 2)
    assert isinstance(verdict, pcsim.Verdict)
    update = {result.candidate.rule: result.per_update for result in verdict.results}
    assert verdict.ratios.energy == update["pc"].energy_j / update["bp"].energy_j
    assert callable(pcsim.sweep)
