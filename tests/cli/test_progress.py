"""Every stage says what it does, on a terminal and without one; standard output stays clean."""

import io
import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from pcsim.cli import clock, progress
from pcsim.cli.clock import Counted, StageClock
from pcsim.cli.progress import Progress
from pcsim.cli.stages import duration_text
from pcsim.compiled import listeners
from tests.helpers.door import pcsim

SHORT = ["--set", "training.epochs=1", "--set", "training.seeds=1"]


@pytest.fixture
def now(monkeypatch):
    """A clock that moves only when it is told to: ``now.at`` in seconds."""
    times = SimpleNamespace(at=100.0)
    fake = SimpleNamespace(monotonic=lambda: times.at, perf_counter=lambda: times.at)
    monkeypatch.setattr(progress, "time", fake)
    monkeypatch.setattr(clock, "time", fake)
    return times


@pytest.fixture
def plain(now):
    return Progress(io.StringIO(), terminal=False)


@pytest.fixture
def moving(now):
    return Progress(io.StringIO(), terminal=True)


def lines(shown):
    return shown._out.getvalue().splitlines()


def states(shown):
    """What the line of a terminal showed, one after the other, without what erases it."""
    return [text.rstrip() for text in shown._out.getvalue().split("\r") if text.strip()]


# --- Plain lines ---


def test_a_stage_is_told_when_it_begins_and_every_ten_seconds(plain, now):
    plain("measure", "this")
    for _ in range(25):
        now.at += 1
        plain.tick()
    plain("judge")
    assert lines(plain) == [
        "measuring this",
        "measuring this: 10 s so far",
        "measuring this: 20 s so far",
        "judging",
    ]


def test_what_is_mostly_over_at_once_is_told_only_where_it_lasts(plain, now):
    plain("load", "a")
    now.at += 9
    plain.tick()
    plain("judge")
    plain("load", "b")
    now.at += 10
    plain.tick()
    assert lines(plain) == ["judging", "loading b: 10 s so far"]


def test_what_is_counted_is_told_with_the_time_left(plain, now):
    count = plain.counting("updates", stage="train")
    plain("train")
    count(100, 2100)  # After 0 s of them: read back from the disk.
    now.at += 10
    count(600, 2100)  # 50 a second.
    plain.tick()
    now.at += 10
    count(2100, 2100)
    plain.tick()
    assert lines(plain) == [
        "training",
        "training: 600 of 2,100 updates, about 30 s left",
        "training: 2,100 of 2,100 updates",
    ]


def test_a_count_begins_its_stage_where_another_runs(plain):
    plain.counting("points", stage="points")(1, 4)
    plain.counting("updates", stage="train")(1, 4)
    assert lines(plain) == ["simulating", "training"]


def test_names_that_would_move_the_cursor_do_not(plain):
    plain("measure", "a\n\x1b[2Jb")
    assert lines(plain) == ["measuring a??[2Jb"]


# --- Compiling ---


def test_compiling_interrupts_a_stage_and_says_about_how_long_it_takes(plain, now):
    plain.compiling_takes = lambda stage: {"train": 21.0}[stage]
    count = plain.counting("updates", stage="train")
    with listeners.told(plain.compiling):
        plain("train")
        listeners.tell(True)
        now.at += 12
        plain.tick()
        listeners.tell(False)
        listeners.tell(True)  # One kernel after the other is one stage.
        now.at += 3
        listeners.tell(False)
        now.at += 0.5
        count(10, 50)
    assert lines(plain) == [
        "training",
        "compiling the kernels, once on this machine, about 21 s",
        "compiling the kernels, once on this machine, about 21 s: 12 s so far",
        "compiled, in 15 s",
        "training: 10 of 50 updates",
    ]


def test_kernels_that_are_compiled_later_in_a_stage_take_the_rest(plain, now):
    plain.compiling_takes = lambda _stage: 21.0
    plain("train")
    for seconds in (15, 4):
        plain.compiling(True)
        now.at += seconds
        plain.compiling(False)
        now.at += 2
        plain.tick()
    assert [line for line in lines(plain) if "once" in line] == [
        "compiling the kernels, once on this machine, about 21 s",
        "compiling the kernels, once on this machine, about 6 s",
    ]


def test_an_estimate_that_fails_is_left_out(plain):
    def fail(_stage):
        raise OSError

    plain.compiling_takes = fail
    plain("train")
    plain.compiling(True)
    assert lines(plain)[1] == "compiling the kernels, once on this machine"


def test_time_of_compiling_is_not_the_stages(plain, now):
    for stage, seconds in (("load", 1), ("train", 2)):
        plain(stage)
        now.at += seconds
    plain.compiling(True)
    now.at += 30
    plain.compiling(False)
    now.at += 5
    plain("report")
    now.at += 4
    assert plain.wall_s() == {"load": 1, "train": 2 + 5, "compile": 30, "report": 4}


def test_the_engine_tells_of_what_it_compiles_and_of_nothing_else():
    from pcsim.compiled.jit import inner, jit

    now = time.time_ns()  # No session before can have kept the same kernel.

    @inner
    def twice(x):
        return 2 * x + 0 * now

    @jit
    def four_times(x):
        return twice(twice(x))

    told = []
    with listeners.told(told.append):
        assert four_times(3) == 12
        assert told == [True, False]
        assert four_times(4) == 16
        assert told == [True, False]
        assert four_times(2.5) == 10.0
    assert told == [True, False, True, False]
    assert four_times(1j) == 4j
    assert len(told) == 4


# --- A terminal ---


def test_the_line_of_a_terminal_moves_and_is_gone_in_the_end(moving, now):
    moving("load", "x")
    now.at += 1
    moving.tick()
    moving.counting("updates", stage="train")(5, 20)
    now.at += 1
    moving.tick()
    moving.stop()
    moving.tick()
    shown = moving._out.getvalue()
    assert states(moving) == [
        "loading x ... 0 s",
        "loading x ... 1 s",
        "training ... 0 s",
        "training [#####...............] 5 of 20 updates",
    ]
    assert "\n" not in shown
    assert shown.endswith("\r")
    assert shown.rstrip("\r").rsplit("\r", 1)[1].strip() == ""


def test_a_shorter_line_leaves_nothing_of_the_longer_one(moving):
    moving("load", "a long name")
    moving("judge")
    first, second = moving._out.getvalue().split("\r")[1:]
    assert len(second) == len(first)


def test_a_line_is_no_wider_than_the_terminal(moving, monkeypatch):
    monkeypatch.setattr(Progress, "_columns", lambda self: 30)
    moving("load", "x" * 100)
    assert states(moving) == ["loading " + "x" * 18 + "..."]


def test_what_others_write_stands_above_the_line(moving):
    moving("load", "x")
    progress._Above(moving._out, moving).write("note: this\n")
    assert moving._out.getvalue().endswith("\r" + " " * 17 + "\rnote: this\n")


def test_where_nobody_listens_the_command_goes_on(now):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    for terminal in (True, False):
        shown = Progress(Gone(), terminal=terminal)
        shown("load")
        shown.tick()
        shown.stop()


# --- Numbers ---


def test_no_time_is_told_before_anything_is_known():
    counted = Counted("points")
    assert counted.left_s(0.0) is None
    counted.set(3, 9, now=1.0)
    assert counted.text(5.0) == "3 of 9 points"
    counted.set(5, 9, now=5.0)  # 2 in 4 s.
    assert counted.left_s(5.0) == pytest.approx(8.0)
    assert counted.text(5.0) == "5 of 9 points, about 8 s left"


def test_a_stage_that_comes_again_is_added_up(now):
    watch = StageClock()
    for stage, seconds in (("a", 1), ("b", 2), ("a", 3)):
        watch(stage)
        now.at += seconds
    assert watch.wall_s() == {"a": 4, "b": 2}
    assert list(watch.wall_s()) == ["a", "b"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.3, "less than a second"),
        (1.23, "about 1.2 s"),
        (89, "about 89 s"),
        (600, "about 10 min"),
        (7200, "about 2 h"),
        (720_000, "about 200 h"),
    ],
)
def test_durations_are_as_rough_as_they_are_known(seconds, text):
    assert duration_text(seconds) == text


# --- Verbs ---

TOLD = {
    "run": (
        ["tile64", "digits", *SHORT],
        ["training", "simulating", "judging", "drawing"],
    ),
    "sweep": (
        ["tile64", "digits", "--axis", "pc.steps=1,2", *SHORT, "--jobs", "1"],
        ["training", "simulating", "drawing"],
    ),
    "search": (
        ["tile64", "digits", "--axis", "pc.steps=4,5", *SHORT, "--jobs", "1"],
        ["simulating", "training", "drawing"],
    ),
    "tune": (["digits", "--budget", "1", "--epochs", "1"], ["training 2 settings"]),
    "experiment": (["equilibrium"], ["measuring", "drawing"]),
    "doctor": ([], ["comparing with closed forms: learning"]),
}  # fmt: skip


@pytest.mark.parametrize("verb", TOLD)
def test_every_verb_that_takes_time_tells_its_stages_in_order(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, stages = TOLD[verb]
    done = pcsim(verb, *arguments)
    assert done.exit_code == 0, done.output
    told = done.stderr
    for stage in stages:
        assert stage in told
        told = told.partition(stage)[2]
    assert not {line for line in done.stderr.splitlines() if line} & {*done.stdout.splitlines()}


def process(*arguments, cwd, cache=None, **options):
    environment = {**os.environ, **({"PCSIM_CACHE": str(cache)} if cache else {})}
    return subprocess.Popen(
        [sys.executable, "-m", "pcsim", *arguments], cwd=cwd, env=environment,
        stdout=subprocess.PIPE, **options,
    )  # fmt: skip


@pytest.mark.slow
def test_a_first_run_tells_that_it_compiles_and_how_long_that_takes(tmp_path):
    arguments = ["run", "tile64", "digits", *SHORT, "--json", "-o", "o"]
    running = process(
        *arguments, cwd=tmp_path, cache=tmp_path / "cache", stderr=subprocess.PIPE, text=True
    )
    printed, told = running.communicate(timeout=300)
    assert running.returncode == 0, told
    assert json.loads(printed) == json.loads((tmp_path / "o" / "summary.json").read_text())
    ours = re.compile(r"compiling the kernels, once on this machine, about [0-9.]+ s")
    first = next(at for at, line in enumerate(told.splitlines()) if ours.fullmatch(line))
    assert told.splitlines()[first - 1] == "training"
    after = told.partition("simulating updates on the chip\n")[2].splitlines()
    assert ours.fullmatch(after[0])
    assert told.count("compiled, in ") >= 2
    spent = json.loads((tmp_path / "o" / "provenance.json").read_text())["wall_s"]
    assert {"load", "place", "train", "compile", "simulate", "judge", "report"} <= set(spent)
    # A second run has nothing to compile.
    arguments = [*arguments, "--set", "pc.steps=2"]
    running = process(
        *arguments, cwd=tmp_path, cache=tmp_path / "cache", stderr=subprocess.PIPE, text=True
    )
    assert "compil" not in running.communicate(timeout=300)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_one_line_moves_and_is_gone_in_the_end(tmp_path):
    import pty

    ours, theirs = pty.openpty()
    running = process("run", "tile64", "digits", *SHORT, "-o", "o", cwd=tmp_path, stderr=theirs)
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, 4096):
            told += piece
    except OSError:  # How the end of a terminal is told.
        pass
    finally:
        os.close(ours)
    printed = running.communicate(timeout=60)[0].decode()
    assert running.returncode == 0
    shown = [text.strip() for text in told.decode().split("\r") if text.strip()]
    assert shown[0] == "loading tile64 and digits ... 0 s"
    assert any(text.startswith("placing ") for text in shown)
    assert any(text.startswith("drawing ") for text in shown)
    assert told.endswith(b"\r")
    assert b"\n" not in told
    assert "o/report.html" in printed
    assert "\r" not in printed


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_standard_error_ends_nothing(tmp_path):
    with open("/dev/full", "w") as full:
        running = process("run", "tile64", "digits", *SHORT, "-o", "o", cwd=tmp_path, stderr=full)
        printed = running.communicate(timeout=120)[0]
    assert running.returncode == 0
    assert b"o/report.html" in printed
