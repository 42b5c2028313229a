"""The built wheel works without a clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), "."]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = folder.glob("pcsim-*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_everything_that_a_run_needs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        f"pcsim/{path.relative_to(ROOT).as_posix()}"
        for folder in ("hw_configs", "workloads")
        for path in (ROOT / folder).glob("*.yaml")
    }
    inside = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pcsim").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped | inside <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


@pytest.mark.slow
def test_a_run_from_the_wheel_needs_no_clone(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    settings = ["--set", "training.epochs=1", "--set", "training.seeds=1"]
    done = subprocess.run(
        [sys.executable, "-m", "pcsim", "run", "tile64", "mlp128", *settings],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (report,) = (tmp_path / "reports").iterdir()
    assert (report / "report.html").is_file()
