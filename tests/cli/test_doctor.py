"""``pcsim doctor``: what it finds, and what it says to do."""

import os

import pytest

from pcsim.cli import doctor, selftest
from pcsim.cli.doctor import Diagnosis
from pcsim.version import VERSION
from tests.helpers.door import pcsim


def test_a_working_installation_is_well(here):
    done = pcsim("doctor")
    assert done.exit_code == 0, done.output
    *lines, blank, last = done.stdout.splitlines()
    assert (blank, last) == ("", "all is well")
    words = [line.split()[:2] for line in lines]
    names = [
        "pcsim", "python", "libraries", "blas", "cores", "cache", "output", "learning", "machine",
    ]  # fmt: skip
    assert words == [["ok", name] for name in names]
    assert lines[0].split()[2] == VERSION
    assert f"{os.environ['PCSIM_CACHE']} can be written" in done.output
    assert list(here.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told_with_what_to_do(here, monkeypatch):
    (here / "file").write_text("in the way")
    monkeypatch.setenv("PCSIM_CACHE", str(here / "file"))
    finding = doctor.cache()
    assert finding == Diagnosis(
        "cache",
        f"the cache folder {here / 'file'} cannot be written: File exists",
        "name another folder in the variable PCSIM_CACHE",
    )


def test_a_missing_library_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setattr(
        "pcsim.report.provenance.versions", lambda: {"pcsim": "1", "numpy": "2", "simpy": None}
    )
    assert doctor.libraries() == Diagnosis("libraries", "pcsim 1, numpy 2", "pip install simpy")


def test_a_check_that_breaks_is_a_finding():
    def numbers():
        raise ImportError("libfive.so is not there\nmore")

    assert doctor.attempted(numbers) == Diagnosis(
        "numbers",
        "ImportError: libfive.so is not there",
        "install pcsim anew: pip install --force-reinstall pcsim",
    )


@pytest.mark.parametrize("difference", [1e-3, float("nan")])
def test_wrong_learning_is_told(monkeypatch, difference):
    monkeypatch.setattr(selftest, "learning_differs_by", lambda: difference)
    assert doctor.learning().remedy == (
        "must be within 1e-09: remove the cache folder, then try other versions of numba and numpy"
    )


def test_a_wrong_machine_is_told(monkeypatch):
    monkeypatch.setattr(selftest, "cycles_and_closed_form", lambda: (683, 682))
    assert doctor.machine() == Diagnosis(
        "machine",
        "an ideal chip takes 683 cycles, in closed form 682",
        "must be equal: try another version of simpy",
    )


def test_what_fails_ends_with_exit_code_3(here, monkeypatch):
    monkeypatch.setattr(selftest, "cycles_and_closed_form", lambda: (1, 2))
    done = pcsim("doctor")
    assert done.exit_code == 3
    assert done.stdout.endswith(
        "FAIL  machine    an ideal chip takes 1 cycles, in closed form 2\n"
        "                 must be equal: try another version of simpy\n"
        "\n"
        "1 of 9 do not work\n"
    )


def test_a_folder_that_takes_no_report_is_told_with_what_to_do(here, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert doctor.output() == Diagnosis(
        "output",
        f"{here / 'reports'} cannot be written: permission denied",
        "work in another folder, or name one with -o",
    )
