"""What several tests need: a cache of their own, the shipped chips with single values changed."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from pcsim.cache import cache_folder
from pcsim.compiled.known import FOLDER

WORKER = "PYTEST_XDIST_WORKER" in os.environ
KEPT_S = 14 * 24 * 3600
"""For so long compiled kernels stay for later sessions."""


def new_cache() -> str:
    """A folder in which no training is kept. Compiled kernels are: each is named after all that it was compiled from,
    so that those of earlier sessions are the right ones or are not found."""
    folder = tempfile.mkdtemp(prefix="pcsim-tests-")
    kernels = cache_folder() / "of-tests" / FOLDER
    try:
        kernels.mkdir(parents=True, exist_ok=True)
        for path in kernels.rglob("*.nbi"):
            if path.stat().st_mtime < time.time() - KEPT_S:
                path.unlink(missing_ok=True)
        (Path(folder) / FOLDER).symlink_to(kernels, target_is_directory=True)
    except OSError:  # Then this session compiles for itself.
        pass
    return folder


# Tests neither see nor touch what the user's runs have kept. One folder for the whole session and all its
# parallel workers, which inherit it.
if not WORKER:
    os.environ["PCSIM_CACHE"] = new_cache()
CACHE = os.environ["PCSIM_CACHE"]

from pcsim.config import load_hardware  # noqa: E402

BY_HAND = ("tiles.allocation=fewest", "tiles.handover=blocks")
NARROW = "tests/engine/test_formats.py", "tests/engine/test_graph_formats.py"
"""They need the same kernels, whose compiling takes longer than all else in them."""


class ByFile(LoadFileScheduling):
    """One process runs all tests of a file; and those of two files, where both would compile the same at once."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "narrow" if file in NARROW else file


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_unconfigure():
    if not WORKER:
        shutil.rmtree(CACHE, ignore_errors=True)  # The kernels are behind a link and stay.


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tile64():
    """``tile64("path=value", ...)``: the shipped chip with these values changed, every layer on the fewest tiles that
    hold it and blocks handed on, so that what happens can be said by hand."""
    return lambda *overrides: load_hardware("tile64", overrides=(*BY_HAND, *overrides))


@pytest.fixture
def ideal():
    """``ideal("path=value", ...)``: the chip on which closed forms hold exactly, as ``tile64`` is here."""
    return lambda *overrides: load_hardware("ideal", overrides=(*BY_HAND, *overrides))
