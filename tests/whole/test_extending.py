"""The page about compute units of one's own, done as it says, in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()


@pytest.fixture
def here(tmp_path):
    for name, language in (("bitserial.py", "python"), ("pim.yaml", "yaml")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.S | re.M)
        (tmp_path / name).write_text(block)
    return tmp_path


def python(code, folder, *, fails=False):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout if not fails else done.stderr


def check(folder, *, fails=False):
    words = ["check", "pim.yaml", "digits", "--allow-extensions"]
    code = f"from pcsim.cli import main; main({words!r}, prog_name='pcsim')"
    return python(code, folder, fails=fails)


def test_the_page_is_short():
    assert len(PAGE.splitlines()) < 80


def test_a_chip_with_the_unit_of_the_page_is_placed_timed_and_priced(here):
    said = python(
        """
from pcsim.config import candidates, load_both
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import program_of
from pcsim.technology import bill, price_list

chip, work = load_both(
    "pim.yaml", "digits", overrides=["tiles.sram.port=unlimited"], allow_extensions=True
)
prices = price_list(chip)
for candidate in candidates(chip, work):
    program = program_of(work, candidate, steps=candidate.steps)
    activity = simulate(place(program, chip), chip)
    counts = {}
    for key, amount in activity.counts.items():
        counts[key.component, key.action] = counts.get((key.component, key.action), 0) + amount
    macs = sum(program.macs().values())
    assert activity.macs == macs
    assert counts["array", "bit_operation"] == 32 * macs
    assert 0 < activity.utilization <= 1 / 32
    array = bill(activity, prices, clock_hz=chip.clock_hz).by_component()["array"]
    assert abs(array / (32 * macs * 0.05e-12) - 1) < 1e-12
leaks = {leak.block: leak for leak in prices.leaks}
assert abs(leaks["column"].watts - 64 * 256 * 1e-6) < 1e-12
assert "array" not in leaks and "cell" not in leaks
assert any(area.block == "column" for area in prices.areas)
print("all of it")
""",
        here,
    )
    assert said == "all of it\n"


def test_the_file_is_found_wherever_pcsim_is_called_from(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    code = (
        "from pcsim.config import load_hardware\n"
        f"print(load_hardware({str(here / 'pim.yaml')!r}, allow_extensions=True).extensions)"
    )
    assert python(code, elsewhere) == f"({str(here / 'bitserial.py')!r},)\n"


def test_what_is_written_down_loads_again_elsewhere(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    code = f"""
from pathlib import Path
from pcsim.config import dump_yaml, load_hardware
chip = load_hardware("pim.yaml", allow_extensions=True)
path = Path({str(elsewhere)!r}) / "again.yaml"
path.write_text(dump_yaml(chip))
assert load_hardware(path) == chip
"""
    python(code, here)
    assert (
        python(
            "from pcsim.config import load_hardware; print(load_hardware('again.yaml', allow_extensions=True).name)",
            elsewhere,
        )
        == "pim\n"
    )


def test_worker_processes_know_the_unit(here):
    code = """
from joblib import Parallel, delayed
from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.network import chain
from pcsim.program import backpropagation

if __name__ == "__main__":
    chip = load_hardware("pim.yaml", allow_extensions=True)
    network = chain((8, 8, 4), "relu")
    program = backpropagation(network, "mse", batch=2, optimiser="sgd")
    placement = place(program, chip)
    there = Parallel(n_jobs=2)(delayed(simulate)(placement, chip) for _ in range(2))
    assert there == [simulate(placement, chip)] * 2
"""
    python(code, here)


def test_a_missing_cost_of_the_unit_is_asked_for_by_its_key(here):
    text = (here / "pim.yaml").read_text()
    (here / "pim.yaml").write_text(re.sub(r"  array.bit_operation.*\n", "", text))
    said = check(here, fails=True)
    assert said == (
        "pcsim: pim.yaml:6:19: technology horowitz-45nm has no cost of array.bit_operation\n"
        "      compute: {kind: bitserial, columns: 256}\n"
        "                      ^\n"
        "    give each with its source in the hardware file, like this:\ncosts:\n"
        "  array.bit_operation: {energy: 4.6 pJ, source: where it stands}  # per bit operation\n"
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            lambda here: (here / "bitserial.py").unlink(),
            "pcsim: pim.yaml:4:14: extensions[0] must be the path of a Python file such as ./dot.py that can be "
            "imported, not '{path}'\n    extensions: [./bitserial.py]\n                 ^\n"
            "    there is no such file\n",
        ),
        (
            lambda here: (here / "bitserial.py").write_text("import nothing_of_this_name\n"),
            "pcsim: pim.yaml:4:14: extensions[0] must be the path of a Python file such as ./dot.py that can be "
            "imported, not '{path}'\n    extensions: [./bitserial.py]\n                 ^\n"
            "    ModuleNotFoundError: No module named 'nothing_of_this_name'\n",
        ),
    ],
    ids=["gone", "broken"],
)  # fmt: skip
def test_an_extension_that_cannot_be_imported_is_told_at_its_place(here, broken, said):
    broken(here)
    heard = check(here, fails=True)
    # So its kind is not known either.
    kinds = "systolic, simd, crossbar or serial"
    said += (
        f"pim.yaml:6:19: tiles.compute.kind must be {kinds}, not 'bitserial'\n"
        "      compute: {{kind: bitserial, columns: 256}}\n"
        "                      ^\n"
        "    did you mean 'serial'?\n"
    )
    assert heard == said.format(path=here / "bitserial.py")


def test_a_kind_cannot_be_taken_twice(here):
    code = """
from typing import Literal
from pcsim.config import ComputeUnit
from pcsim.machine.units import Form, register
class Simd(ComputeUnit):
    kind: Literal["simd"]
try:
    register(Simd, Form(None, None))
except ValueError as error:
    print(error)
"""
    assert python(code, here) == "kind must be new, not 'simd', which is Simd\n"
