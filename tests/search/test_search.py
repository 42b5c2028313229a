"""Search: it finds the whole Pareto front with few trainings, keeps to limits, and goes on where it was stopped."""

import math
import os
import re
import subprocess
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.errors import InputError
from pcsim.search import Limit, parse_limits, search
from pcsim.search.sample import values_at
from pcsim.sweeps import Setting, SweepPlan, grid, open_store, parse_groups, points_of, run_points
from pcsim.sweeps.report.front import OBJECTIVES, front_of
from pcsim.sweeps.store import Store
from tests.helpers.door import pcsim

SHORT = ("training.epochs=1", "training.seeds=1", "network.layers=[64, 16, 16, 10]")
COSTS = ("energy_j", "latency_s", "area_mm2")


def plan(*axes, settings=(), **options):
    settings = (*(Setting(text) for text in (*SHORT, "tiles.mesh=[2, 2]")), *settings)
    return SweepPlan("tile64", "digits", parse_groups(axes), settings, rule="pc", **options)


def exhaustive(asked, folder):
    """The rows of every point of the grid, run in full."""
    points = points_of(asked)
    return [row for rows in run_points(points, asked, open_store(folder)) for row in rows]


def vector(row):
    return (*(row[name] for name in COSTS), -(row["accuracy"] or 0.0))


def true_front(rows):
    """By comparing each with each: the oracle."""
    vectors = {vector(row) for row in rows if not row["error"]}
    return {
        one
        for one in vectors
        if not any(
            other != one and all(a <= b for a, b in zip(other, one, strict=True))
            for other in vectors
        )
    }


def compare(asked, tmp_path, **options):
    rows = exhaustive(asked, tmp_path / "grid")
    found = search(asked, open_store(tmp_path / "search"), **options)
    assert {vector(row) for row in found.front} == true_front(rows)
    assert found.every and found.otherwise == 0 and found.left_out == 0
    return rows, found


def test_a_screened_search_finds_the_true_front_of_a_grid(tmp_path):
    asked = plan("pc.steps=1..3", "tiles.vector.lanes=4..64 x2", "tiles.sram.banks=2,4")
    rows, found = compare(asked, tmp_path)
    assert len(found.points) < len(rows) / 2


@pytest.mark.slow
def test_the_true_front_of_five_hundred_points_takes_a_quarter_of_their_evaluations(tmp_path):
    asked = plan("pc.steps=1..5", "tiles.vector.lanes=2..40 +2", "tiles.sram.size=64..320 +64 KiB")
    rows, found = compare(asked, tmp_path, jobs=2)
    assert len(rows) == 500
    assert len(found.points) <= 125


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=1, max_size=40))
def test_the_front_is_what_comparing_each_with_each_leaves(costs):
    rows = [
        {"candidate": "pc-jacobi", "error": "", **dict(zip(COSTS, cost[:3], strict=True)), "accuracy": -cost[3]}
        for cost in costs
    ]  # fmt: skip
    front = [vector(row) for row in front_of(rows, OBJECTIVES)]
    assert set(front) == true_front(rows)
    assert len(front) == len(set(front))


def test_a_search_keeps_to_its_limits(tmp_path):
    asked = plan("pc.steps=1..4", "tiles.vector.lanes=4..64 x2")
    rows = exhaustive(asked, tmp_path / "grid")
    middle = {name: sorted(row[name] for row in rows)[len(rows) // 2] for name in COSTS}
    limits = [Limit(name, bound) for name, bound in middle.items()]
    limits.append(Limit("accuracy", min(row["accuracy"] for row in rows), at_least=True))
    found = search(asked, open_store(tmp_path / "search"), limits=limits)
    right = [row for row in rows if all(row[name] <= bound for name, bound in middle.items())]
    assert right and {vector(row) for row in found.front} == true_front(right)


def test_a_search_without_training_ranks_by_cost_alone(tmp_path):
    asked = plan("pc.steps=1..3", "tiles.vector.lanes=4..64 x2", timing_only=True)
    rows = exhaustive(asked, tmp_path / "grid")
    found = search(asked, open_store(tmp_path / "search"))
    assert {vector(row) for row in found.front} == true_front(rows)


def test_a_search_goes_on_where_it_was_and_says_the_same(tmp_path):
    asked = plan("pc.steps=1..3", "tiles.vector.lanes=4..64 x2")
    store = open_store(tmp_path / "search")
    first = search(asked, store)
    points = sorted((tmp_path / "search" / "points").iterdir())
    times = [path.stat().st_mtime_ns for path in points]
    points[3].unlink()
    again = search(asked, store)
    assert again.front == first.front and again.screened == first.screened
    new = [path.stat().st_mtime_ns for path in sorted((tmp_path / "search" / "points").iterdir())]
    assert sum(old != now for old, now in zip(times, new, strict=True)) == 1


def test_evaluations_are_bounded_and_what_is_left_out_is_counted(tmp_path):
    asked = plan("pc.steps=1..3", "tiles.vector.lanes=4..64 x2")
    whole = search(asked, open_store(tmp_path / "search"))
    few = search(asked, open_store(tmp_path / "search"), evaluations=4)
    assert (len(few.points), few.left_out) == (4, len(whole.points) - 4)


def test_a_space_larger_than_the_screen_is_sampled_alike_however_often_it_is_stopped(tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    asked = plan("pc.steps=1..20", "tiles.vector.lanes=1..40", timing_only=True)
    whole = search(asked, open_store(tmp_path / "whole"), screen=150)
    parts = open_store(tmp_path / "parts")
    for screen in (50, 100, 150):  # As if stopped behind each generation.
        found = search(asked, parts, screen=screen)
    assert not found.every
    assert found.front == whole.front and found.screened == whole.screened
    assert {vector(row) for row in found.front} == true_front(whole.screened)


def test_a_sampled_point_is_one_of_the_grid():
    groups = parse_groups(["a=1,2", "b=x,y,z", "c=7,8,9"], zips=["b,c"], conditions=["b if a=2"])
    sampled = [values_at(groups, indices) for indices in product(range(2), range(3))]
    assert [dict(point) for point in dict.fromkeys(tuple(s.items()) for s in sampled)] == list(
        grid(groups)
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("latency<=100 us", Limit("latency_s", 1e-4)),
        ("energy <= 0.5 mJ", Limit("energy_j", 5e-4)),
        ("area<=60 mm2", Limit("area_mm2", 60.0)),
        ("accuracy>=95 %", Limit("accuracy", 0.95, at_least=True)),
        ("accuracy>=0.9", Limit("accuracy", 0.9, at_least=True)),
    ],
)
def test_a_limit_has_a_unit(text, limit):
    (parsed,) = parse_limits([text])
    assert (parsed.column, parsed.at_least) == (limit.column, limit.at_least)
    assert math.isclose(parsed.bound, limit.bound, rel_tol=1e-12)


def test_every_mistake_in_limits_is_told_at_once():
    with pytest.raises(InputError) as caught:
        parse_limits(["power<=1 W", "latency=3", "area<=60 m", "accuracy>=95"])
    assert (
        str(caught.value)
        == """\
--limit must be energy, latency, area or accuracy with <= or >= and a bound, not 'power<=1 W'
    for example --limit 'latency<=100 us'
--limit must be energy, latency, area or accuracy with <= or >= and a bound, not 'latency=3'
    for example --limit 'latency<=100 us'
--limit area must be an area such as '0.5 mm2', not '60 m'
    units are nm2, um2, mm2, m2
--limit accuracy must be a share from 0 to 1 or in %, not '95'
    for example --limit 'accuracy>=95 %'"""
    )


def test_the_command_prints_the_front_and_writes_it(tmp_path):
    options = [
        "--axis",
        "pc.steps=1,2",
        "--timing-only",
        "--jobs",
        "1",
        "-o",
        str(tmp_path / "out"),
    ]
    done = pcsim("search", "tile64", "digits", *options)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("timed 2 points: all points of the space\ntiming only: ")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"front.csv", "search.csv", "sweep.csv", "report.html", "points"} <= names


SPACE = ("pc.steps=1..20", "tiles.vector.lanes=1..40")


def test_a_search_stopped_within_a_generation_gives_the_same_points(tmp_path, monkeypatch):
    pytest.importorskip("optuna", reason="optuna is not installed")
    asked = plan(*SPACE, timing_only=True)
    whole = search(asked, open_store(tmp_path / "whole"), screen=150)
    parts = open_store(tmp_path / "parts")
    real, timed = Store.save, []

    def stopped(self, key, rows):
        timed.append(key)
        if len(timed) == 70:
            raise KeyboardInterrupt
        real(self, key, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", stopped)
        with pytest.raises(KeyboardInterrupt):
            search(asked, parts, screen=150)
    found = search(asked, parts, screen=150)
    assert found.screened == whole.screened and found.front == whole.front


@pytest.mark.parametrize("damage", [lambda text: "", lambda text: text[:-40], lambda text: "[[[["])
def test_damaged_generations_are_bred_again(tmp_path, damage):
    pytest.importorskip("optuna", reason="optuna is not installed")
    asked = plan(*SPACE, timing_only=True)
    store = open_store(tmp_path / "search")
    whole = search(asked, store, screen=100)
    kept = [path for path in (store.folder / "points").iterdir() if "indices" in path.read_text()]
    assert len(kept) == 2
    for path in kept:
        path.write_text(damage(path.read_text()))
    again = open_store(tmp_path / "search")
    found = search(asked, again, screen=100)
    assert found.screened == whole.screened and found.front == whole.front
    assert sorted(again.damaged) == sorted(kept)


def test_generations_of_another_chip_are_not_taken(tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    fast, slow = (
        plan(*SPACE, timing_only=True, settings=(Setting(f"clock={clock} MHz"),))
        for clock in (500, 100)
    )
    alone = search(slow, open_store(tmp_path / "alone"), screen=100)
    search(fast, open_store(tmp_path / "both"), screen=100)
    assert search(slow, open_store(tmp_path / "both"), screen=100).screened == alone.screened


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount")
def test_a_search_on_a_full_disk_says_so(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("needs a file system of its own")
    try:
        options = [*(f"--axis={axis}" for axis in SPACE), "--timing-only", "--screen", "100"]
        done = pcsim("search", "tile64", "digits", *options, "--jobs", "1", "-o", f"{folder}/se")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert done.exit_code == 3
    assert re.fullmatch(
        rf"(?s:.*)\npcsim: {folder}/se/points/[0-9a-f]+\.json could not be written: No space left on device; "
        "what was written before is kept, and the same command goes on from there\n",
        done.output,
    )
