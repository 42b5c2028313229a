"""Runs that are stopped, killed, diverge, or have nowhere to write: nothing is lost, nothing half-written."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcsim.errors import InputError, OutputError
from pcsim.report import replace_folder, workplace
from tests.helpers.door import pcsim
from tests.helpers.folders import contents

LONG = ["--set", "training.epochs=40", "--set", "training.seeds=2"]
EACH_TIME = ("provenance.json",)
SHORT = ["--set", "training.epochs=1", "--set", "training.seeds=1"]


def command(*arguments):
    return [sys.executable, "-m", "pcsim", "run", "tile64", "digits", *arguments]


def run(*arguments, cache=None, **options):
    environment = {**os.environ, **({"PCSIM_CACHE": str(cache)} if cache else {})}
    return subprocess.run(
        command(*arguments),
        env=options.pop("env", environment),
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def run_here(*arguments):
    """As ``run``, without a process."""
    return pcsim("run", "tile64", "digits", *arguments)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """The compiled kernels, so that fresh caches need not compile again."""
    done = run_here(*SHORT, "-o", str(tmp_path_factory.mktemp("first") / "report"))
    assert done.exit_code == 0, done.stderr
    return list(Path(os.environ["PCSIM_CACHE"]).glob("kernels"))


def lend(kernels, cache):
    cache.mkdir(parents=True)
    for folder in kernels:
        (cache / folder.name).symlink_to(folder.resolve(), target_is_directory=True)


@pytest.fixture
def fresh_cache(kernels, tmp_path):
    cache = tmp_path / "cache"
    lend(kernels, cache)
    return cache


@pytest.fixture(scope="module")
def whole(kernels, tmp_path_factory):
    """(the report of an uninterrupted run, the seconds it took), with a cache of its own."""
    folder = tmp_path_factory.mktemp("whole")
    lend(kernels, folder / "cache")
    began = time.monotonic()
    done = run(*LONG, "-o", str(folder / "report"), cache=folder / "cache")
    assert done.returncode == 0, done.stderr
    return contents(folder / "report", but=EACH_TIME), time.monotonic() - began


def start_and_kill(cache, report, *, after_s=None, how=signal.SIGKILL):
    """Start the long run, stop it after some seconds, or once the first of its trainings is kept; (exit status,
    stderr)."""
    process = subprocess.Popen(
        command(*LONG, "-o", str(report)),
        env={**os.environ, "PCSIM_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background may have it ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    if after_s is not None:
        time.sleep(after_s)
    while after_s is None and not list((cache / "trainings").glob("*.json")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def check_killed_runs_resume(whole, cache, tmp_path, moments):
    """Kill one run again and again, at ``moments`` (fractions of its whole time), then let it end."""
    expected, seconds = whole
    report = tmp_path / "report"
    for moment in moments:
        start_and_kill(cache, report, after_s=moment * seconds)
        assert not report.exists() or contents(report, but=EACH_TIME) == expected
    done = run(*LONG, "--resume", "-o", str(report), cache=cache)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("resuming: ")
    assert contents(report, but=EACH_TIME) == expected
    # Nothing half-written is left beside the report.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "report"]


def test_a_run_killed_twice_resumes_to_the_same_bytes(whole, fresh_cache, tmp_path):
    check_killed_runs_resume(whole, fresh_cache, tmp_path, (0.5, 0.8))


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_resumes_to_the_same_bytes(whole, fresh_cache, tmp_path):
    moments = [random.Random(seed).uniform(0.1, 1.1) for seed in range(10)]
    check_killed_runs_resume(whole, fresh_cache, tmp_path, moments)


def test_an_interrupt_keeps_what_is_trained_and_exits_with_130(whole, fresh_cache, tmp_path):
    expected, _ = whole
    report = tmp_path / "report"
    status, stderr = start_and_kill(fresh_cache, report, how=signal.SIGINT)
    assert status == 130, stderr
    assert "Traceback" not in stderr
    assert not report.exists()
    done = run(*LONG, "--resume", "-o", str(report), cache=fresh_cache)
    assert contents(report, but=EACH_TIME) == expected, done.stderr


def test_an_output_folder_that_cannot_be_made_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = run_here(*SHORT, "-o", str(tmp_path / "file" / "below"))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"pcsim: {tmp_path}/file/below must be a folder that can be made, but "
        f"{tmp_path}/file is a file\n    name another folder with -o\n"
    )


def test_a_folder_with_other_things_in_it_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = run_here(*SHORT, "-o", str(tmp_path))
    assert done.exit_code == 2
    assert done.stderr == (
        f"pcsim: {tmp_path} must hold nothing but an earlier report, not 'thesis.tex'\n"
        "    name another folder with -o\n"
    )
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_full_disk_leaves_the_old_report_and_nothing_half_written(tmp_path, monkeypatch):
    folder = replace_folder(tmp_path / "report", {"a.txt": "old", "b/c.csv": "old"})
    real = workplace.write_new
    written = []

    def full(path, data):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        return real(path, data)

    monkeypatch.setattr(workplace, "write_new", full)
    with pytest.raises(OutputError) as caught:
        replace_folder(folder, {"a.txt": "new", "b/c.csv": "new"})
    assert str(caught.value) == (
        f"{folder} could not be written: No space left on device; what was there is unchanged"
    )
    assert caught.value.exit_code == 3
    assert contents(folder) == {"a.txt": b"old", "b/c.csv": b"old"}
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_must_not_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError) as caught:
        replace_folder(tmp_path / "report", {"a.txt": ""})
    assert str(caught.value) == (
        f"{tmp_path}/report must be a folder that can be made, but {tmp_path} must not be written\n"
        "    name another folder with -o"
    )


@pytest.mark.slow
def test_without_a_writable_home_a_run_works_and_says_that_nothing_is_kept(tmp_path):
    left_out = ("PCSIM_CACHE", "XDG_CACHE_HOME", "MPLCONFIGDIR")
    env = {key: value for key, value in os.environ.items() if key not in left_out}
    env |= {"HOME": "/dev/null", "MPLCONFIGDIR": str(tmp_path / "mpl")}
    done = run(*SHORT, "--rule", "bp", "-o", str(tmp_path / "report"), env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(
        "note: the cache folder /dev/null/.cache/pcsim cannot be written: Not a directory; "
        "nothing is kept for later runs\n"
    )


def test_a_rule_that_diverges_leaves_the_other_rules_result(tmp_path):
    few = ["--set", "training.epochs=8", "--set", "training.seeds=3"]
    wild = ["--set", "pc.optimiser.kind=sgd", "--set", "pc.optimiser.rate=1000"]
    done = run_here(*few, *wild, "--json", "-o", str(tmp_path / "report"))
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    pc, bp = summary["results"]
    assert pc["to_target"]["updates"] is None
    assert bp["accuracy"]["mean"] > 0.9
    assert any("diverged" in sentence for sentence in summary["sentences"])
