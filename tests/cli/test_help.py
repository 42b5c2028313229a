"""The door: what it shows, how fast it can, and how it says no."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pcsim.cli import main
from pcsim.cli.verbs import VERBS, help_page
from tests.helpers.door import pcsim

HEAVY = ["joblib", "matplotlib", "numba", "numpy", "pandas", "pydantic", "rich", "scipy", "yaml"]


def modules_after(code):
    """Which of ``HEAVY`` and click are loaded after ``code``, and what it printed."""
    script = (
        f"import sys, json\n{code}\nloaded = sorted({{*{HEAVY}, 'click'}} & set(sys.modules))\n"
    )
    script += "print(json.dumps(loaded), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr.splitlines()[-1]), done.stdout


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_shown_without_importing_anything_heavy_not_even_click(flag):
    code = f"sys.argv = ['pcsim', {flag!r}]\nfrom pcsim.__main__ import main\nmain()"
    assert modules_after(code) == ([], help_page("pcsim"))


def test_the_quick_page_is_the_one_that_click_makes(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["--help"], prog_name="pcsim", standalone_mode=False)
    assert capsys.readouterr().out == help_page("pcsim")


def test_a_narrow_terminal_gets_the_page_that_click_wraps_for_it():
    code = "sys.argv = ['pcsim', '-h']\nfrom pcsim.__main__ import main\ntry: main()\nexcept SystemExit: pass"
    script = f"import os\nos.environ['COLUMNS'] = '60'\n{code}"
    loaded, printed = modules_after(script)
    assert loaded == ["click"]
    assert max(map(len, printed.splitlines())) <= 60
    assert printed.split() == help_page("pcsim").split()


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_imports_nothing_heavy(verb):
    code = (
        "from click.testing import CliRunner\nfrom pcsim.cli import main\n"
        f"assert CliRunner().invoke(main, [{verb!r}, '--help']).exit_code == 0"
    )
    assert modules_after(code)[0] == ["click"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_command_of_its_name_with_help(verb):
    command = import_module(f"pcsim.cli.{verb}").command
    assert command.name == verb
    assert command.help
    assert len(f"  {max(VERBS, key=len)}  {VERBS[verb]}") <= 78


def test_there_is_nothing_else_to_import_from_the_door():
    with pytest.raises(ImportError):
        from pcsim.cli import anything  # noqa: F401


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("rum", "did you mean 'run'?"),
        ("zzz", f"verbs: {', '.join(VERBS)}"),
    ],
)
def test_an_unknown_verb_is_refused_with_the_one_that_was_meant(word, hint):
    done = pcsim(word)
    assert (done.exit_code, done.output) == (
        2,
        f"pcsim: VERB must be one that pcsim knows, not {word!r}\n    {hint}\n",
    )


def test_every_verb_is_documented_and_no_other():
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    named = set(re.findall(r"pcsim (\w+)", text)) - {"VERB"}
    assert named == set(VERBS)
