"""Every command that takes long, killed again and again at random moments, ends with the bytes of one never killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.folders import contents

pytestmark = pytest.mark.slow

SHORT = ["--set", "training.seeds=2", "--set", "training.epochs=30"]
AXES = ["--axis", "pc.steps=2,3", "--axis", "tiles.vector.lanes=8,16"]
COMMANDS = {
    "run": ["run", "tile64", "digits", *SHORT, "--set", "training.epochs=80", "-o", "out"],
    "sweep": ["sweep", "tile64", "digits", *AXES, *SHORT, "--jobs", "2", "-o", "out"],
    "tune": ["tune", "digits", "--budget", "4", "--epochs", "30", "-o", "out"],
    "search": ["search", "tile64", "digits", *AXES, *SHORT, "--jobs", "1", "-o", "out"],
}
EACH_TIME = ("provenance.json", ".lock")
"""What tells when and with what a command ran is another each time."""
MOMENTS = 10
"""Of each command: forty in all."""


def started(arguments: list[str], folder: Path) -> subprocess.Popen:
    """The command in a session of its own, so that its workers can be killed with it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pcsim", *arguments],
        cwd=folder,
        env={**os.environ, "PCSIM_CACHE": str(folder / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """A cache with compiled kernels and nothing trained."""
    folder = tmp_path_factory.mktemp("kernels")
    done = started(["run", "tile64", "digits", "--set", "training.epochs=1", "-o", "out"], folder)
    assert done.wait(timeout=300) == 0
    shutil.rmtree(folder / "cache" / "trainings")
    return folder / "cache"


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_killed_at_ten_moments_ends_with_the_same_bytes(verb, kernels, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        shutil.copytree(kernels, folder / "cache")
    began = time.monotonic()
    done = started(COMMANDS[verb], whole)
    assert done.wait(timeout=300) == 0
    seconds = time.monotonic() - began
    dice = random.Random(verb)
    for _ in range(MOMENTS):
        process = started(COMMANDS[verb], killed)
        time.sleep(dice.uniform(0.05, 1.0) * seconds)
        with suppress(ProcessLookupError):  # It may have ended.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = started(COMMANDS[verb], killed)
    assert done.wait(timeout=300) == 0
    expected, found = (contents(each / "out", but=EACH_TIME) for each in (whole, killed))
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
