"""Every command, YAML file and Python line of the documents works as it stands, every excerpt is one."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from pcsim.config import load_any
from pcsim.sweeps import points_of, read_plan

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("hw_configs/*.md"),
        *ROOT.glob("workloads/*.md"),
    )
    if path.name != "CHANGELOG.md"
]


def blocks(language):
    """(page, line number, text) of every fenced block in this language."""
    for page in sorted(PAGES):
        text = page.read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.S | re.M):
            yield page, text[: match.start()].count("\n") + 1, match[1]


def identify(value):
    return f"{value[0].relative_to(ROOT)}:{value[1]}"


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=identify)
def test_a_yaml_block_is_a_file_or_part_of_one(block, tmp_path):
    tree = yaml.safe_load(block[2])
    if "extensions" in tree:
        pytest.skip(
            "tests/whole/test_extending.py does what that page says, in a process of its own"
        )
    text = block[2]
    if "name" not in tree:
        workload = set(tree) & {"network", "data", "training", "pc", "bp"}
        head = {
            "name": "part",
            "extends": "mlp128" if workload else "tile64",
            "schema": f"pcsim/{'workload' if workload else 'hardware'}/1",
        }
        missing = {key: value for key, value in head.items() if key not in tree}
        text = yaml.safe_dump(missing) + text
    path = tmp_path / "file.yaml"
    path.write_text(text)
    if tree.get("schema") == "pcsim/sweep/1":
        assert points_of(read_plan(path)[1])
        return
    assert load_any(path) is not None


@pytest.mark.parametrize("block", list(blocks("py")), ids=identify)
def test_an_excerpt_is_in_the_file_that_the_page_links_last_before_it(block):
    page, line, text = block
    above = "\n".join(page.read_text().splitlines()[: line - 1])
    path = page.parent / re.findall(r"\]\(([^)#]+\.py)\)", above)[-1]
    lines, number = path.read_text().splitlines(), text.count("\n")
    passages = ("\n".join(lines[at : at + number]) for at in range(len(lines) - number + 1))
    assert text.strip() in (textwrap.dedent(passage).strip() for passage in passages), path


@pytest.mark.slow
@pytest.mark.parametrize("block", list(blocks("python")), ids=identify)
def test_a_python_block_runs(block, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block[2]],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def commands():
    """(page, line number, command) of every line behind a ``$`` that calls pcsim."""
    for page, line, text in blocks("console"):
        for offset, command in enumerate(text.splitlines()):
            # What installs is run by continuous integration, in environments of its own.
            if command.startswith("$ ") and "pip install" not in command and "pcsim" in command:
                yield page, line + offset, command.removeprefix("$ ")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a report of each pair that the documents name, and a home of its own."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / ".config" / "fish" / "completions").mkdir(parents=True)
    for hardware in ("tile64", "ideal"):
        call(f"pcsim run {hardware} mlp128", folder)
    return folder


def call(command, folder):
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(folder), "PATH": f"{scripts}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.slow
def test_every_command_of_the_documents_works(workplace):
    (tile64,) = (workplace / "reports").glob("tile64-mlp128-*")
    (ideal,) = (workplace / "reports").glob("ideal-mlp128-*")
    seen = 0
    for page, line, command in commands():
        print(f"{page.relative_to(ROOT)}:{line}: {command}")
        real = re.sub(r"reports/tile64-mlp128-0123abcd|\bRUN\b", str(tile64), command)
        real = re.sub(r"reports/ideal-mlp128-4567cdef", str(ideal), real)
        if real.startswith("pcsim new"):  # A file is never replaced; the documents make one twice.
            real = re.sub(r"new (\w+)", lambda name: f"rm -f {name[1]}.yaml", real.split("#")[0])
            real = f"{real.split(' --')[0].removeprefix('pcsim ')}; {command}"
        call(real, workplace)
        seen += 1
    assert seen >= 15
