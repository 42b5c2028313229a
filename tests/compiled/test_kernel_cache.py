"""Compiled functions that are kept: whatever happens to their files, results are right, with one note to the user."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcsim import cache

SCRIPT = """
import numpy as np
from pcsim.compiled.jit import inner, jit

@inner
def twice(x):
    return 2 * x

@jit
def six_times(x):
    return twice(x) + 4 * x

@jit
def seven_times(x):
    return twice(x) + 5 * x

print(six_times(7), seven_times(7), six_times(0.5))
print(sum(sum(f.stats.cache_hits.values()) for f in (six_times, seven_times)))
"""
RIGHT = "42 49 3.0"
COMPUTED_AGAIN = "what cannot be used there is computed again"


@pytest.fixture
def script(tmp_path):
    """(a file with three compiled functions, the folder of what is kept)."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path, tmp_path / "cache"


def run(script, *, prefix=(), folder=None):
    """(what it printed, how many functions it took from the folder, its notes)."""
    path, cache_folder = script
    done = subprocess.run(
        [*prefix, sys.executable, str(path)],
        env={
            "PCSIM_CACHE": str(folder or cache_folder),
            "PYTHONPATH": str(Path(cache.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    printed, hits = done.stdout.splitlines()
    return printed, int(hits), done.stderr


def files(script):
    return sorted(script[1].rglob("*.nbi"))


def test_what_was_compiled_is_taken_from_the_folder(script):
    assert run(script) == (RIGHT, 0, "")
    before = {path: path.read_bytes() for path in files(script)}
    assert run(script) == (RIGHT, 3, "")
    assert {path: path.read_bytes() for path in files(script)} == before
    assert sorted(path for path in script[1].rglob("*") if path.is_file()) == sorted(before)


def empty(paths):
    for path in paths:
        path.write_bytes(b"")


def cut(paths):
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(paths):
    for path in paths:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def other(paths):
    for path in paths:
        path.write_text("none of ours")


def swapped(paths):
    """Every file holds what is right for another function or for other types."""
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


@pytest.mark.parametrize("damage", [empty, cut, flipped, other, swapped])
def test_damaged_files_are_compiled_again_with_one_note(script, damage):
    run(script)
    whole = [path.read_bytes() for path in files(script)]
    damage(files(script))
    printed, hits, notes = run(script)
    assert (printed, hits) == (RIGHT, 0)
    (note,) = notes.splitlines()
    assert re.fullmatch(
        rf"note: \S+\.nbi in the cache folder {re.escape(str(script[1]))} is damaged; {COMPUTED_AGAIN}",
        note,
    )
    assert run(script) == (RIGHT, 3, "")
    assert [len(path.read_bytes()) for path in files(script)] == [len(each) for each in whole]


def test_kernels_of_another_version_are_not_used(script):
    """Even where somebody copies them to where this version looks."""
    path, _ = script
    run(script)
    older = set(files(script))
    path.write_text(SCRIPT.replace("return 2 * x", "return 3 * x"))
    assert run(script) == ("49 56 3.5", 0, "")
    newer = set(files(script)) - older
    assert len(newer) == len(older)
    for new in newer:
        function = new.name.rsplit(".", 2)[0]
        old = next(path for path in older if path.name.startswith(function + "."))
        new.write_bytes(old.read_bytes())
    printed, hits, notes = run(script)
    assert (printed, hits) == ("49 56 3.5", 0)
    assert "is damaged" in notes


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_code_of_another_user_is_not_run(script):
    run(script)
    for path in files(script):
        os.chown(path, 65534, 65534)
    printed, hits, notes = run(script)
    assert (printed, hits) == (RIGHT, 0)
    (note,) = notes.splitlines()
    assert note.endswith(
        f" in the cache folder {script[1]} belongs to another user; {COMPUTED_AGAIN}"
    )
    assert run(script) == (RIGHT, 3, "")


def test_a_file_in_place_of_a_folder_keeps_nothing(script):
    run(script)
    folder = script[1] / "kernels"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    printed, hits, notes = run(script)
    assert (printed, hits) == (RIGHT, 0)
    (note,) = notes.splitlines()
    assert note.startswith(f"note: the cache folder {script[1]} cannot be written: ")


def test_folders_in_place_of_files_keep_nothing(script):
    run(script)
    for path in files(script):
        path.unlink()
        path.mkdir()
    printed, hits, notes = run(script)
    assert (printed, hits, len(notes.splitlines())) == (RIGHT, 0, 1)
    assert str(script[1]) in notes


@pytest.mark.parametrize("named", ["~nosuch/x", "n" * 5000, "/dev/null", "/proc/nothing", "a\nb"])
def test_no_name_of_the_folder_ends_a_run(script, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    printed, hits, notes = run(script, folder=named)
    assert (printed, hits) == (RIGHT, 0)
    if named == "a\nb":
        assert notes == ""  # An odd name, but one that a folder can have.
        return
    assert notes.startswith("note: the cache folder ")
    assert notes.count("note:") == 1
    assert notes.endswith("; nothing more is kept in it\n")
    assert set(tmp_path.iterdir()) == before


def mounted(folder, options):
    """Whether a small file system of its own is at ``folder`` now."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
    )
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    if os.name != "posix" or os.geteuid() != 0 or not mounted(folder, "size=12k"):
        pytest.skip("needs a file system of its own, which only root can make")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_a_run_ends_all_the_same(script, small_disk):
    folder = small_disk / "cache"
    printed, hits, notes = run(script, folder=folder)
    assert (printed, hits) == (RIGHT, 0)
    assert notes == (
        f"note: the cache folder {folder} cannot be written: No space left on device; "
        "nothing more is kept in it\n"
    )
    printed, _, _ = run(script, folder=folder)  # With what was still kept.
    assert printed == RIGHT


def test_a_folder_that_can_only_be_read_is_read(script, small_disk):
    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    folder = small_disk / "cache"
    assert run(script, folder=folder) == (RIGHT, 0, "")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert run(script, folder=folder) == (RIGHT, 3, "")


@pytest.mark.slow
def test_a_process_killed_while_it_compiles_leaves_nothing_wrong(script):
    path, folder = script
    for moment in range(12):
        process = subprocess.Popen(
            [sys.executable, str(path)],
            env={"PCSIM_CACHE": str(folder), "PYTHONPATH": str(Path(cache.__file__).parents[1])},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(0.4 + moment / 8)
        process.send_signal(signal.SIGKILL)
        process.wait()
    printed, _, notes = run(script)
    assert (printed, notes) == (RIGHT, "")
    assert run(script) == (RIGHT, 3, "")


def test_two_processes_at_once_keep_what_is_right(script):
    path, folder = script
    environment = {
        "PCSIM_CACHE": str(folder),
        "PYTHONPATH": str(Path(cache.__file__).parents[1]),
    }
    both = [
        subprocess.Popen([sys.executable, str(path)], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate()[0].splitlines()[0] for process in both] == [RIGHT.encode()] * 2
    assert run(script) == (RIGHT, 3, "")
