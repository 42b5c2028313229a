"""No Python file is run because a file names it: only because the user says so in that command."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pcsim.config import dump_yaml, load_any, load_both, load_hardware
from pcsim.errors import InputError
from pcsim.report import write_folder
from pcsim.sweeps import sweep
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import hardware, verdict, workload

ROOT = Path(__file__).parents[2]
CHIP = "schema: pcsim/hardware/1\nname: mine\nextends: tile64\nextensions: [./{module}.py]\n"
NUMBERS = itertools.count(1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with chip mine.yaml, whose extension leaves a file RAN where it is run."""
    monkeypatch.chdir(tmp_path)
    module = f"boom{next(NUMBERS)}"  # A module is imported once in a process.
    (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'RAN')!r}, 'w').close()\n")
    (tmp_path / "mine.yaml").write_text(CHIP.format(module=module))
    return tmp_path, module


def refusal(module):
    place = f"extensions: [./{module}.py]"
    return (
        f"mine.yaml:4:14: extensions[0] must be allowed in the command, as it names a program\n"
        f"    {place}\n                 ^\n"
        "    to trust that file as you would a program, give --allow-extensions, or in Python "
        "allow_extensions=True"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("check", "mine.yaml"),
        ("check", "mine.yaml", "digits"),
        ("run", "mine.yaml", "digits"),
        ("sweep", "mine.yaml", "digits", "--axis", "pc.steps=1,2", "--jobs", "1"),
        ("sweep", "mine.yaml", "digits", "--axis", "pc.steps=1,2", "--dry-run"),
        ("search", "mine.yaml", "digits", "--axis", "pc.steps=1,2", "--jobs", "1"),
        ("tune", "digits", "--hardware", "mine.yaml", "--budget", "1"),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_every_verb_asks_for_consent_and_takes_it(here, words):
    folder, module = here
    done = pcsim(*words)
    assert done.exit_code == 2
    assert done.output == f"pcsim: {refusal(module)}\n"
    assert not (folder / "RAN").exists()


def test_with_consent_the_file_is_run(here):
    folder, _ = here
    done = pcsim("check", "mine.yaml", "digits", "--allow-extensions")
    assert done.exit_code == 0, done.output
    assert (folder / "RAN").exists()


@pytest.mark.parametrize(
    "load",
    [
        lambda **more: load_hardware("mine.yaml", **more),
        lambda **more: load_any("mine.yaml", **more),
        lambda **more: load_both("mine.yaml", "digits", **more),
        lambda **more: sweep(
            "mine.yaml", "digits", ["pc.steps=1,2"], timing_only=True, jobs=1, **more
        ),
    ],
    ids=["load_hardware", "load_any", "load_both", "sweep"],
)
def test_python_asks_for_consent_too(here, load):
    folder, module = here
    with pytest.raises(InputError) as caught:
        load()
    assert str(caught.value) == refusal(module)
    assert not (folder / "RAN").exists()
    load(allow_extensions=True)
    assert (folder / "RAN").exists()
    load()  # What this process has imported may be used.


def test_a_base_file_and_an_option_and_a_sweep_file_ask_for_consent(here):
    folder, module = here
    (folder / "above.yaml").write_text("schema: pcsim/hardware/1\nname: above\nextends: mine\n")
    (folder / "all.yaml").write_text(
        "schema: pcsim/sweep/1\nname: all\nhardware: tile64\nworkload: digits\n"
        f"set: {{hardware.extensions: [{module}.py]}}\naxes:\n- pc.steps: [1, 2]\n"
    )
    for words in (
        ("check", "above.yaml"),
        ("run", "tile64", "digits", "--set", f"hardware.extensions=[{module}.py]"),
        ("sweep", "all.yaml", "--jobs", "1"),
    ):
        done = pcsim(*words)
        assert done.exit_code == 2
        assert "extensions[0] must be allowed in the command" in done.output
        assert not (folder / "RAN").exists()


def test_a_stored_report_runs_nothing(here):
    folder, module = here
    chip = hardware().model_copy(update={"extensions": (str(folder / f"{module}.py"),)})
    config = f"{dump_yaml(chip)}---\n{dump_yaml(workload())}"
    run = write_folder(verdict(), folder / "run", config_text=config, provenance={"command": []})
    for words in (
        ("report", run), ("report", run, "-o", folder / "again"), ("report", run, run),
        ("explain", run), ("explain", run, "energy"),
    ):  # fmt: skip
        done = pcsim(*words)
        assert done.exit_code == 0, done.output
    done = pcsim("explain", run, "sram.read_byte")
    assert done.exit_code == 0
    assert "not known, because the chip has extensions, which are programs: --allow-extensions" in (
        " ".join(done.output.split())
    )
    assert not (folder / "RAN").exists()
    assert "trail: " in pcsim("explain", run, "sram.read_byte", "--allow-extensions").output
    assert (folder / "RAN").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Own(BaseException):\n    def __str__(self): raise ValueError\nraise Own", "Own"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ],
    ids=["exit", "exit with words", "interrupt", "generator", "own", "lines", "depth"],
)
def test_whatever_an_extension_does_is_an_error_at_its_place(here, code, said):
    folder, module = here
    (folder / f"{module}.py").write_text(code)
    done = pcsim("check", "mine.yaml", "--allow-extensions")
    assert done.exit_code == 2
    assert done.output == (
        "pcsim: mine.yaml:4:14: extensions[0] must be the path of a Python file such as ./dot.py that can be "
        f"imported, not '{folder / module}.py'\n"
        f"    extensions: [./{module}.py]\n                 ^\n    {said}\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")
def test_a_real_interruption_while_an_extension_is_imported_is_one(here):
    folder, module = here
    (folder / f"{module}.py").write_text("import time\nopen('BEGUN', 'w').close()\ntime.sleep(30)")
    process = subprocess.Popen(
        [sys.executable, "-m", "pcsim", "check", "mine.yaml", "--allow-extensions"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (folder / "BEGUN").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1].endswith(b"pcsim: interrupted\n")
    assert process.returncode == 130


def test_the_processes_of_a_sweep_have_the_consent_of_the_command(here):
    """A chip with a compute unit of the documentation, by three processes and by one: the same rows."""
    folder, _ = here
    page = (ROOT / "docs" / "extending.md").read_text()
    for name, language in (("bitserial.py", "python"), ("pim.yaml", "yaml")):
        (folder / name).write_text(page.split(f"```{language}\n")[1].split("```")[0])
    sweeps = []
    for jobs in ("3", "1"):
        done = subprocess.run(
            [
                sys.executable, "-m", "pcsim", "sweep", "pim.yaml", "digits", "--timing-only", "--allow-extensions",
                "--axis", "pc.steps=1..12", "--jobs", jobs, "-o", f"by{jobs}",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        sweeps.append((folder / f"by{jobs}" / "sweep.csv").read_bytes())
    assert sweeps[0] == sweeps[1]
    assert json.loads((folder / "by1" / "plan.json").read_text())["hardware"] == "pim"
