"""A sweep that is killed, shared or damaged: nothing is lost, nothing is double, the table has the same bytes."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcsim.errors import InputError
from pcsim.sweeps import Setting, Shard, SweepPlan, open_store, parse_groups, points_of, run_points
from pcsim.sweeps.claims import Claims
from pcsim.sweeps.plan import MOST_TOLD
from tests.helpers.door import pcsim

FEW = ["--axis", "pc.steps=1..4", "--axis", "tiles.vector.lanes=4..40 +4"]
SMALL = ["--set", "network.layers=[64, 16, 10]", "--set", "tiles.mesh=[2, 2]"]


def command(folder, axes, *arguments):
    return [
        sys.executable, "-m", "pcsim", "sweep", "tile64", "digits", *SMALL, *axes, "--timing-only",
        "-o", str(folder), *arguments,
    ]  # fmt: skip


def sweep(folder, axes, *arguments, **options):
    return subprocess.run(
        command(folder, axes, *arguments), capture_output=True, text=True, timeout=200, **options
    )


def start(folder, axes, *arguments):
    return subprocess.Popen(
        command(folder, axes, *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background may have it ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def end(process, number=None):
    """Send a signal, if any; the exit code and what was said on stderr once all of it has ended."""
    if number is not None:
        process.send_signal(number)
    _, said = process.communicate(timeout=100)
    return process.returncode, said


def results(folder):
    """The names and the bytes of all finished points."""
    return {path.name: path.read_bytes() for path in Path(folder).glob("points/[!.]*.json")}


def outputs(folder):
    """All that is written for people, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.parent.name != "points" and path.name != "claims.lock"
    }


def wait_for_points(folder, count, process):
    """Until so many points are there; fails if the process ended before."""
    while len(results(folder)) < count:
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an uninterrupted sweep in one process writes."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    done = in_process(folder, FEW)
    assert done.exit_code == 0, done.stderr
    assert len(results(folder)) == 40
    return folder


def test_a_killed_sweep_goes_on_and_ends_with_the_same_bytes(whole, tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder, FEW, "--jobs", "2")
    wait_for_points(folder, 5, process)
    end(process, signal.SIGKILL)
    kept = results(folder)
    assert 5 <= len(kept) < 40
    assert kept.items() <= results(whole).items()
    done = sweep(folder, FEW, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert outputs(folder) == outputs(whole)
    assert results(folder) == results(whole)


def test_two_processes_share_one_folder_and_compute_each_point_once(whole, tmp_path):
    folder = tmp_path / "sweep"
    both = [start(folder, FEW, "--jobs", "1") for _ in range(2)]
    for code, said in map(end, both):
        # What lasts ten seconds is told, so on a busy machine the report may be, too.
        assert (code, {*said.splitlines()} - {"drawing the report"}) == (0, {"simulating"})
    assert outputs(folder) == outputs(whole)
    assert results(folder) == results(whole)


def test_an_interrupted_sweep_says_what_is_kept(tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder, FEW, "--jobs", "2")
    wait_for_points(folder, 3, process)
    assert end(process, signal.SIGINT) == (
        130,
        f"simulating\npcsim: interrupted; {len(results(folder))} of 40 points are kept in {folder}; "
        "the same command goes on from there\n",
    )


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
def test_a_worker_that_is_killed_is_told_and_what_came_before_is_kept(whole, tmp_path):
    folder = tmp_path / "sweep"
    process = start(folder, FEW, "--jobs", "2")
    wait_for_points(folder, 3, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [
        pid for pid in children if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(int(workers[0]), signal.SIGKILL)
    code, said = end(process)
    stage, first, *more = said.splitlines()
    assert (code, stage, first) == (
        3,
        "simulating",
        "pcsim: a worker process was killed, perhaps for want of memory; all results that came "
        "before are kept, and the same command goes on from there, with fewer processes by --jobs",
    )
    # The pool's own tracker may say that it has cleaned up behind the one that was killed.
    assert all("resource_tracker" in line or line.startswith("  warnings.warn") for line in more)
    assert 3 <= len(results(folder)) < 40
    assert results(folder).items() <= results(whole).items()


# --- In this process, where no time goes into starting ---

SETTINGS = tuple(Setting(text) for text in ("network.layers=[64, 16, 10]", "tiles.mesh=[2, 2]"))


def asked(*axes):
    return SweepPlan("tile64", "digits", parse_groups(axes), SETTINGS, timing_only=True)


EIGHT = asked("pc.steps=1,2", "tiles.vector.lanes=4..16 +4")


def run_eight(folder, **options):
    store = open_store(folder)
    return store, run_points(points_of(EIGHT), EIGHT, store, **options)


def in_process(folder, axes, *arguments):
    options = ["sweep", "tile64", "digits", *SMALL, *axes, "--timing-only", "--jobs", "1"]
    return pcsim(*options, "-o", str(folder), *arguments)


def test_an_axis_that_is_wrong_throughout_is_told_in_a_few_lines(tmp_path):
    done = in_process(tmp_path / "sweep", ["--axis", "pc.steps=2000001..2010000 +1"])
    assert done.exit_code == 2
    *told, last = done.stderr.splitlines()
    assert all("pc.steps must be a whole number between" in line for line in told)
    assert (len(told), last) == (MOST_TOLD, "9,975 more points were not looked at")


def test_shards_in_any_order_leave_nothing_out(tmp_path):
    _, whole = run_eight(tmp_path / "whole")
    for number, known in ((3, 2), (1, 5), (2, 8)):
        _, found = run_eight(tmp_path / "parts", shard=Shard(number, 3))
        assert sum(rows is not None for rows in found) == known
    assert found == whole
    assert results(tmp_path / "parts") == results(tmp_path / "whole")


def test_the_part_that_ends_last_writes_the_table(tmp_path):
    axes = ["--axis", "pc.steps=1,2,3"]
    first = in_process(tmp_path / "sweep", axes, "--shard", "2/2")
    assert (first.exit_code, first.stdout) == (
        0,
        f"1 of 3 points are in {tmp_path / 'sweep'}; the table is written by the part that ends last\n",
    )
    assert not (tmp_path / "sweep" / "sweep.csv").exists()
    assert in_process(tmp_path / "sweep", axes, "--shard", "1/2").exit_code == 0
    assert in_process(tmp_path / "whole", axes).exit_code == 0
    assert outputs(tmp_path / "sweep") == outputs(tmp_path / "whole")


@pytest.mark.parametrize("shard", ["0/3", "4/3", "3", "a/b", "-1/3"])
def test_a_shard_that_is_none_is_refused(shard, tmp_path):
    done = in_process(tmp_path / "sweep", FEW, f"--shard={shard}")
    assert (done.exit_code, done.output) == (
        2,
        f"pcsim: --shard must be K/N with K from 1 to N, not {shard!r}\n"
        "    for example --shard 1/8 to --shard 8/8\n",
    )


def damaged_by_cutting(content):
    return content[: len(content) // 2]


def damaged_by_a_number(content):
    stored = json.loads(content)
    stored["rows"][0]["cycles"] += 1
    return json.dumps(stored).encode()


def damaged_by_zeros(content):
    return bytes(len(content))


@pytest.mark.parametrize("damage", [damaged_by_cutting, damaged_by_a_number, damaged_by_zeros])
def test_a_damaged_result_is_found_and_computed_again(damage, tmp_path):
    run_eight(tmp_path)
    before = results(tmp_path)
    path = sorted((tmp_path / "points").glob("*.json"))[5]
    path.write_bytes(damage(path.read_bytes()))
    store, _ = run_eight(tmp_path)
    assert store.damaged == [path]
    assert results(tmp_path) == before


def test_a_result_under_the_name_of_another_point_is_noticed(tmp_path):
    run_eight(tmp_path)
    before = results(tmp_path)
    one, two = sorted((tmp_path / "points").glob("*.json"))[:2]
    one.write_bytes(two.read_bytes())
    store, _ = run_eight(tmp_path)
    assert store.damaged == [one]
    assert results(tmp_path) == before


def test_a_damaged_result_is_named(tmp_path):
    axes = ["--axis", "pc.steps=1,2"]
    assert in_process(tmp_path / "sweep", axes).exit_code == 0
    path = min((tmp_path / "sweep" / "points").glob("*.json"))
    path.write_bytes(b"")
    told = in_process(tmp_path / "sweep", axes).stderr.splitlines()
    assert f"note: {path} was damaged and was computed again" in told


def test_a_wider_axis_computes_only_what_is_new(tmp_path):
    run_eight(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "points").iterdir()}
    wider = asked("pc.steps=1,2,3", "tiles.vector.lanes=4..16 +4")
    run_points(points_of(wider), wider, open_store(tmp_path))
    assert len(results(tmp_path)) == 12
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_full_disk_is_told_and_nothing_is_lost(whole, tmp_path):
    folder = tmp_path / "sweep"

    def limit():  # No file may grow beyond this: points are smaller, the table is not.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = sweep(folder, FEW, "--jobs", "1", preexec_fn=limit, env=environment)
    assert (done.returncode, done.stderr.partition("pcsim: ")[2]) == (
        3,
        f"{folder / 'sweep.csv'} could not be written: File too large; what was written before "
        "is kept, and the same command goes on from there\n",
    )
    assert results(folder) == results(whole)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert in_process(folder, FEW).exit_code == 0
    assert outputs(folder) == outputs(whole)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    done = in_process(tmp_path, FEW)
    assert (done.exit_code, done.output) == (
        2,
        f"pcsim: {tmp_path} must hold nothing but an earlier sweep, not 'thesis.tex'\n"
        "    name another folder with -o\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_key_of_a_point_is_of_all_that_its_result_depends_on():
    def keys(axis="pc.steps=1,2", **options):
        plan = SweepPlan("tile64", "digits", parse_groups([axis]), timing_only=True, **options)
        return [point.key for point in points_of(plan)]

    assert keys() == keys()
    assert keys("pc.steps=2")[0] == keys()[1]
    every = [*keys(), *keys(rule="pc"), *keys("tiles.vector.lanes=3,5"), *keys("pc.rate=0.1")]
    assert len(set(every)) == len(every)


def test_a_claim_is_held_by_one_process_and_ends_with_it(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom pcsim.sweeps.claims import Claims\n"
        "claims = Claims(Path(sys.argv[1]))\nprint(claims.take('ab' * 32), flush=True)\ninput()\n"
    )
    path = tmp_path / "claims.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "True\n"
    with Claims(path) as claims:
        assert not claims.take("ab" * 32)
        assert claims.take("cd" * 32)
        other.kill()
        other.communicate()
        assert claims.take("ab" * 32)


def test_a_store_refuses_a_file_in_place_of_its_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        open_store(tmp_path / "file")
    assert str(caught.value) == (
        f"{tmp_path / 'file'} must be a folder, not a file\n    name another folder with -o"
    )


# --- A thousand points ---

LARGE = ["--axis", "pc.steps=1..10", "--axis", "tiles.vector.lanes=1..100"]


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thousand") / "sweep"
    done = sweep(folder, LARGE)
    assert done.returncode == 0, done.stderr
    assert len(results(folder)) == 1000
    return folder


@pytest.mark.slow
def test_a_thousand_points_killed_in_the_middle_end_with_the_same_bytes(thousand, tmp_path):
    folder = tmp_path / "sweep"
    for count in (250, 600):
        process = start(folder, LARGE)
        wait_for_points(folder, count, process)
        end(process, signal.SIGKILL)
        assert count <= len(results(folder)) < 1000
    assert sweep(folder, LARGE).returncode == 0
    assert outputs(folder) == outputs(thousand)
    assert results(folder) == results(thousand)


@pytest.mark.slow
def test_a_thousand_points_by_two_processes_one_killed_end_with_the_same_bytes(thousand, tmp_path):
    folder = tmp_path / "sweep"
    first, second = (start(folder, LARGE, "--jobs", "1") for _ in range(2))
    wait_for_points(folder, 400, second)
    end(first, signal.SIGKILL)
    code, said = end(second)
    assert (code, said.splitlines()[0]) == (0, "simulating")
    assert outputs(folder) == outputs(thousand)
    assert results(folder) == results(thousand)
