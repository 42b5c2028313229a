"""Where things are kept: which folder, whole files only, and no complaint where nothing can be kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from pcsim import cache


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path / "here"))
    assert cache.cache_folder() == tmp_path / "here"
    assert cache.why_nothing_is_kept() is None


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG folders are for other systems")
def test_without_it_the_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("PCSIM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "pcsim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "pcsim"


def test_a_folder_that_cannot_be_made_gives_the_reason(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "below"
    monkeypatch.setenv("PCSIM_CACHE", str(folder))
    reason = cache.why_nothing_is_kept()
    assert reason == f"the cache folder {folder} cannot be written: Not a directory"


def test_nothing_is_named_where_the_folder_cannot_be(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PCSIM_CACHE", "~nosuch/x")
    assert cache.why_nothing_is_kept() == (
        "the cache folder ~nosuch/x cannot be written: Could not determine home directory."
    )
    monkeypatch.setenv("PCSIM_CACHE", "n" * 5000)
    assert str(cache.why_nothing_is_kept()).endswith(" cannot be written: File name too long")
    assert not cache.keep(cache.cache_folder() / "x", b"x")
    assert cache.kept(cache.cache_folder() / "x") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG folders are for other systems")
def test_a_relative_folder_for_caches_is_ignored_and_a_relative_home_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PCSIM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache.cache_folder() == Path.home() / ".cache" / "pcsim"
    monkeypatch.setenv("HOME", "here")
    assert cache.why_nothing_is_kept() == (
        "the cache folder here/.cache/pcsim cannot be written: its path must be absolute"
    )
    assert not list(tmp_path.iterdir())


def test_trainings_are_known_by_every_source_of_the_places_that_decide_their_bits(
    monkeypatch, tmp_path
):
    (tmp_path / "engine" / "deep").mkdir(parents=True)
    (tmp_path / "formats.py").write_text("")
    monkeypatch.setattr(cache, "PACKAGE", tmp_path)
    found = set()
    for name in ("engine/a.py", "engine/deep/b.py", "formats.py", "elsewhere.py"):
        for text in ("a = 1", "a = 2"):
            (tmp_path / name).write_text(text)
            cache.source_fingerprint.cache_clear()
            found.add(cache.source_fingerprint("engine", "formats.py"))
    monkeypatch.undo()
    cache.source_fingerprint.cache_clear()
    assert len(found) == 6


@pytest.mark.parametrize("writable", [True, False])
def test_functions_compile_whether_or_not_they_can_be_kept(tmp_path, writable):
    folder = tmp_path / "cache"
    if not writable:
        folder.write_text("in the way")
    script = tmp_path / "script.py"
    script.write_text(
        "from pcsim.compiled.jit import jit\n"
        "@jit\n"
        "def twice(x):\n"
        "    return 2 * x\n"
        "print(twice(21))\n"
    )
    found = subprocess.run(
        [sys.executable, str(script)],
        env={"PCSIM_CACHE": str(folder), "PYTHONPATH": str(Path(cache.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "42\n"
    assert found.stderr == (
        ""
        if writable
        else f"note: the cache folder {folder} cannot be written: Not a directory; "
        "nothing more is kept in it\n"
    )
    assert writable == bool(list(folder.glob("kernels/*.nbi")) if folder.is_dir() else [])
