"""Faults that outsiders met, as they met them: each case is a script that ends with 0 where pcsim is right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "cases"
SCRIPTS = sorted(path.parent.name for path in CASES.glob("*/cmd.sh"))
UNMISTAKABLE = {"a21-stored-training-altered": (("0.999", "0.123456"), ("grep -q", "grep -qF"))}
"""Where a script looks for an altered number that honest numbers resemble: another number, and only that."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCRIPTS, reason="the cases are not beside the checkout"),
]


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_outsiders_met_is_mended(name, tmp_path):
    program, here = tmp_path / "bin", tmp_path / "here"
    program.mkdir()
    here.mkdir()
    (program / "pcsim").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pcsim "$@"\n')
    (program / "pcsim").chmod(0o755)
    path = f"{program}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    environment.pop("PYTEST_CURRENT_TEST", None)
    script = (CASES / name / "cmd.sh").read_text()
    for words, instead in UNMISTAKABLE.get(name, ()):
        assert words in script
        script = script.replace(words, instead)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
