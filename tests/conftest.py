"""What several tests need: a cache of their own, the shipped chips with single values changed."""

import os
import shutil
import tempfile

import pytest

# Before pcsim is imported: tests neither see nor touch what the user's runs have kept. One folder for the
# whole session and all its parallel workers, which inherit it, so that kernels are compiled once.
WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not WORKER:
    os.environ["PCSIM_CACHE"] = tempfile.mkdtemp(prefix="pcsim-tests-")
CACHE = os.environ["PCSIM_CACHE"]

from pcsim.config import load_hardware  # noqa: E402


def pytest_unconfigure():
    if not WORKER:
        shutil.rmtree(CACHE, ignore_errors=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tile64():
    """``tile64("path=value", ...)``: the shipped chip with these values changed."""
    return lambda *overrides: load_hardware("tile64", overrides=overrides)


@pytest.fixture
def ideal():
    """``ideal("path=value", ...)``: the chip on which closed forms hold exactly."""
    return lambda *overrides: load_hardware("ideal", overrides=overrides)
