"""Sweeps: what an axis is, that each point equals a run of its own, that training is shared."""

import math

import pandas as pd
import pytest

import pcsim
from pcsim.config import load_both
from pcsim.errors import InputError
from pcsim.line import run
from pcsim.sweeps import COLUMNS, Axis, parse_axis, write_sweep
from pcsim.sweeps import sweep as run_sweep
from pcsim.sweeps.axes import grid
from pcsim.sweeps.figure import _numbers

SHORT = ("training.epochs=1", "training.seeds=2", "network.layers=[64, 16, 16, 10]")


def test_an_axis_is_a_path_and_yaml_values():
    assert parse_axis("pc.steps=1,3, 10") == Axis("pc.steps", ("1", "3", "10"))
    assert parse_axis("noc.link=8 B/cycle,32 B/cycle").values == ("8 B/cycle", "32 B/cycle")
    lists = parse_axis("network.layers=[64, 32, 10],[64, 10]")
    assert lists.values == ("[64, 32, 10]", "[64, 10]")


@pytest.mark.parametrize("text", ["pc.steps", "pc.steps=", "=3", ""])
def test_an_axis_without_path_or_values_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_axis(text)
    assert str(caught.value) == (
        f"--axis must be path=value,value,..., not {text!r}\n"
        "    for example --axis tiles.vector.lanes=8,16,32"
    )


def test_the_last_axis_of_a_grid_varies_fastest():
    points = list(grid([Axis("a", ("1", "2")), Axis("b", ("x", "y", "z"))]))
    assert points == [{"a": a, "b": b} for a in "12" for b in "xyz"]


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


def test_processes_give_the_same_table_as_one():
    axes = ["noc.link=8 B/cycle,32 B/cycle,unlimited"]
    one, two = (run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_points_that_learn_alike_are_trained_once(monkeypatch):
    from pcsim.sweeps import sweep as module_function

    trained = []
    module = __import__("sys").modules[module_function.__module__]
    real = module.train_all

    def counting(workload, candidates, **options):
        trained.extend(candidate.id for candidate in candidates)
        return real(workload, candidates, **options)

    monkeypatch.setattr(module, "train_all", counting)
    axes = ["tiles.vector.lanes=4,8,16", "pc.steps=1,2"]
    run_sweep("tile64", "digits", axes, overrides=SHORT, jobs=1)
    # Lanes change no learning; steps change PC's, not BP's.
    assert sorted(trained) == ["bp-sequential", "pc-jacobi", "pc-jacobi"]


def test_a_point_that_does_not_fit_keeps_its_row_and_says_why():
    axes = ["tiles.sram.size=32 KiB,192 KiB"]
    settings = (*SHORT, "tiles.mesh=[1, 1]")
    table = run_sweep("tile64", "digits", axes, overrides=settings, rule="bp", jobs=1)
    small, large = (row for _, row in table.iterrows())
    assert small["error"].startswith("bp: the network needs ")
    assert math.isnan(small["energy_j"])
    assert large["error"] == "" and large["cycles"] > 0


def test_all_mistakes_of_all_points_are_told_at_once():
    with pytest.raises(InputError) as caught:
        run_sweep("tile64", "digits", ["pc.steps=0,2,-1", "pc.rat=0.1"], overrides=SHORT)
    text = str(caught.value)
    assert "did you mean 'rate'?" in text
    assert text.count("pc.steps must be") == 2


def test_a_sweep_is_written_whole_with_a_figure(tmp_path):
    table = run_sweep("tile64", "digits", ["pc.steps=1,2"], overrides=SHORT, jobs=1)
    folder = write_sweep(table, tmp_path / "out", name="x")
    assert sorted(path.name for path in folder.iterdir()) == ["sweep.csv", "sweep.svg"]
    again = pd.read_csv(folder / "sweep.csv", dtype={"pc.steps": str}, keep_default_na=False)
    assert list(again["cycles"].astype(int)) == list(table["cycles"])
    first = (folder / "sweep.svg").read_bytes()
    assert write_sweep(table, tmp_path / "out", name="x") == folder
    assert (folder / "sweep.svg").read_bytes() == first


def test_values_of_an_axis_are_numbers_only_where_their_units_agree():
    assert _numbers(["8 B/cycle", "32 B/cycle"]) == [8.0, 32.0]
    assert _numbers(["1", "1e-3"]) == [1.0, 1e-3]
    assert _numbers(["64 KiB", "1 MiB"]) is None
    assert _numbers(["relu", "tanh"]) is None


def test_the_python_interface_is_what_the_readme_shows():
    hardware = pcsim.load_hardware("tile64")
    workload = pcsim.load_workload("digits", overrides=SHORT)
    verdict = pcsim.run(hardware, workload, rule="all", seed=1)
    assert verdict.seeds == (1, 2)
    assert isinstance(verdict, pcsim.Verdict)
    update = {result.candidate.rule: result.per_update for result in verdict.results}
    assert verdict.ratios.energy == update["pc"].energy_j / update["bp"].energy_j
    assert callable(pcsim.sweep)
