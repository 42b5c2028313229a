"""Whatever a user hands to a verb, the verb ends in a sentence: beyond the loaders, into placement, pricing,
axes, sweep files, stored reports, caches and data sets.

An input is wrong in a random way. The verb may do its work (0), say what is wrong (2) or why it could not be done
(3). Nothing else, and never a traceback. What stands in a file is told with its place.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pcsim.cli import main
from pcsim.config import load_hardware, load_workload, shipped
from pcsim.config.dump import to_plain
from tests.helpers import door
from tests.whole.test_fuzz_input import NASTY, mutated

QUICK, THOROUGH, REAL = 40, 1250, 60
"""Inputs of each of the eight kinds, in quick and in slow tests; of all kinds together in processes of their own."""

TERMS = (
    "energy",
    "bound",
    "levers",
    "to_target",
    "area",
    "cycles",
    "races",
    "ratios",
    "credit_depth",
    "x",
)

PLACE = re.compile(r"\w[\w.-]*\.yaml:\d+:\d+: ")
WITHOUT_PLACE = re.compile(
    r"does not fit|the network needs|--set |must be a file|holds no|is empty|must hold|UTF-8|"
    r"more than|at most|must be the path|must need|NUL|no text"
)
"""What cannot have a place in a file: a misfit of two files, an option, a file that is no text."""


def pcsim(*arguments: str, here: Path) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a verb, in this process."""
    before = Path.cwd()
    os.chdir(here)
    try:
        done = CliRunner().invoke(main, list(arguments), prog_name="pcsim")
    finally:
        os.chdir(before)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise AssertionError(arguments) from done.exception
    return done.exit_code, done.stdout, done.stderr


def process(*arguments: str, here: Path) -> tuple[int, str, str]:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pcsim", *arguments], cwd=here, capture_output=True, timeout=120
    )
    return (
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )


def check(run, arguments, here: Path) -> tuple[int, str]:
    code, out, err = run(*arguments, here=here)
    assert code in (0, 2, 3, 130), (arguments, code, err)
    assert "Traceback" not in out + err, (arguments, err)
    assert " object at 0x" not in out + err, (arguments, err)
    if code in (2, 3):
        assert err.strip() or "does not fit:" in out, (arguments, out)  # check answers a pair there
    return code, err or out


# Each kind makes one wrong input from the dice and gives the command that meets it.


def settings_of(dice: random.Random) -> list[str]:
    """One to three --set options on paths that exist, with values that may not."""
    paths = PATHS[dice.randrange(2)]
    chosen = []
    for _ in range(dice.randint(1, 3)):
        path, value = dice.choice(paths)
        if dice.random() < 0.6 and isinstance(value, int) and not isinstance(value, bool):
            value = dice.choice([0, 1, 2, 3, 7, -1, value * 2, value * 1000, 10**18, value + 1])
        else:
            value = dice.choice(NASTY)
        chosen.append(f"{path}={value}")
    return chosen


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}" if path else key)
    else:
        yield path, value


PATHS = (
    list(leaves(to_plain(load_hardware("tile64")))),
    list(leaves(to_plain(load_workload("digits")))),
)


def chips_and_works(dice: random.Random, here: Path) -> list[str]:
    kind = dice.choice(["hardware", "workload"])
    text = dice.choice(list(shipped(kind).values())).read_text("utf-8")
    (here / "f.yaml").write_text(mutated(text, dice), "utf-8", newline="")
    other = ["digits"] if kind == "hardware" else ["tile64"]
    return ["check", "f.yaml", *(other if dice.random() < 0.7 else [])]


def odd_chips(dice: random.Random, here: Path) -> list[str]:
    """Legal values in odd combinations, which placement and pricing meet."""
    chosen = [
        f"tiles: {{mesh: [{dice.choice([1, 2, 3, 16, 200])}, {dice.choice([1, 2, 5, 32])}], "
        f"sram: {{size: {dice.choice(['1 B', '7 KiB', '64 KiB', '1 GiB'])}, "
        f"banks: {dice.choice([1, 3, 1024])}}}}}",
        f"noc: {{link: {dice.choice(['1 B/cycle', '3 B/cycle', 'unlimited'])}, "
        f"topology: {dice.choice(['mesh', 'ring', 'bus', 'h-tree', 'torus', 'neighbour'])}}}",
        f"dram: {{channels: {dice.choice([1, 7, 1024])}, "
        f"bandwidth: {dice.choice(['1 B/s', '12.8 GB/s', 'unlimited'])}, "
        f"latency: {dice.choice(['0 s', '1 s'])}}}",
        f"technology: {dice.choice(['horowitz-45nm', 'stillmaker-28nm', 'jouppi-7nm', 'none'])}",
        f"clock: {dice.choice(['1 kHz', '1 GHz', '100 GHz'])}",
    ]
    lines = dice.sample(chosen, dice.randint(1, len(chosen)))
    text = "\n".join(["schema: pcsim/hardware/1", "name: f", "extends: tile64", *lines])
    (here / "f.yaml").write_text(text + "\n")
    return ["check", "f.yaml", dice.choice(["digits", "online"])]


def settings(dice: random.Random, here: Path) -> list[str]:
    options = [word for each in settings_of(dice) for word in ("--set", each)]
    axis = ["--axis", "pc.steps=1,2"]
    return ["sweep", "tile64", "digits", *axis, *options, "--dry-run", "--timing-only"]


def axes(dice: random.Random, here: Path) -> list[str]:
    path, value = dice.choice(PATHS[dice.randrange(2)])
    ends = [str(value), *(str(dice.choice(NASTY)) for _ in range(2))]
    forms = [
        ",".join(ends),
        f"{dice.randint(-3, 9)}..{dice.randint(-3, 9)}",
        f"{ends[0]}..{ends[1]} x{dice.randint(0, 3)}",
        f"1..{10 ** dice.randint(0, 12)} +{dice.choice(['1', '0', '-1', '0.1', 'x'])}",
    ]
    options = ["--axis", f"{path}={dice.choice(forms)}"]
    if dice.random() < 0.3:
        options += [dice.choice(["--zip", "--when"]), dice.choice(NASTY)]
    return ["sweep", "tile64", "digits", *options, "--dry-run", "--timing-only"]


SWEEP = """schema: pcsim/sweep/1
name: m
hardware: tile64
workload: digits
timing_only: true
set: {tiles.vector.lanes: 8}
axes:
  - pc.steps: 1..4 x2
  - noc.link: [8 B/cycle, 16 B/cycle]
    when: {pc.steps: 2}
"""


def sweep_files(dice: random.Random, here: Path) -> list[str]:
    (here / "s.yaml").write_text(mutated(SWEEP, dice), "utf-8", newline="")
    return ["sweep", "s.yaml", "--dry-run"]


def stored_reports(dice: random.Random, here: Path) -> list[str]:
    """A report of which one key or one cell was altered."""
    folder = here / "rep"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPORT[0], folder)
    bad = dice.choice([None, "x", [], {}, 1e30, -1, True, 10**40, "", [1], {"a": 1}])
    name = dice.choice(
        ["summary.json", "summary.json", "energy.csv", "tiles.csv", "config.resolved.yaml"]
    )
    path = folder / name
    if name == "summary.json":
        tree = json.loads(path.read_text())
        places = list(nodes(tree))
        holder, key = dice.choice(places)
        if dice.random() < 0.4 and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = bad
        path.write_text(json.dumps(tree))
    elif dice.random() < 0.2:
        path.unlink()
    else:
        text = path.read_text()
        at = dice.randrange(len(text))
        path.write_text(text[:at] + str(bad) + text[at + dice.randint(0, 40) :])
    return dice.choice(
        [["report", "rep"], ["report", "rep", "--full"], ["explain", "rep", dice.choice(TERMS)],
         ["explain", "rep"]]
    )  # fmt: skip


def nodes(tree):
    """Every (container, key) of a JSON tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, child in list(items):
        yield tree, key
        if isinstance(child, dict | list):
            yield from nodes(child)


def data_sets(dice: random.Random, here: Path) -> list[str]:
    types = ["uint8", "uint16", "int64", "bool", "float32", "float64", "complex64", "S3", "object"]
    shape = dice.choice([(20, 8, 8), (20, 64), (20,), (0, 8, 8), (20, 8, 8, 3), (20, 7, 7), ()])
    pixels = np.ones(shape, dice.choice(types[:7]))
    labels = np.arange(20) % 10
    labels = dice.choice([labels, labels[:, None], np.eye(10)[labels], labels + 5, labels[:3]])
    names = dice.choice(
        [("images", "labels"), ("x", "y"), ("images", "label"), ("images", "images_")]
    )
    path = here / "d.npz"
    np.savez(path, **{names[0]: pixels, names[1]: labels.astype(dice.choice(types[:6]))})
    if dice.random() < 0.3:
        content = bytearray(path.read_bytes())
        for _ in range(dice.randint(1, 20)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        path.write_bytes(bytes(content[: dice.randint(0, len(content))]))
    (here / "w.yaml").write_text(
        "schema: pcsim/workload/1\nname: w\nextends: digits\nnetwork: {layers: [64, 8, 10]}\n"
        "data: {dataset: ./d.npz, train: 10, validation: 5, test: 5, normalise: false}\n"
        "training: {batch: 2, epochs: 1, seeds: 1}\n"
    )
    return ["check", "tile64", "w.yaml"]


def words(dice: random.Random, here: Path) -> list[str]:
    verb = dice.choice(["explain", "report", "technology", "new", "check", "schema", "run", "list"])
    said = [dice.choice((*NASTY, "tile64", "last", "energy", "--", "-o", "--seed", "--rule"))]
    said += [dice.choice(NASTY)] if dice.random() < 0.5 else []
    if any("\0" in word or "\ud7ff" in word or word == "/dev/zero" for word in said):
        said = ["x"]
    return [verb, *said] if verb != "run" else ["run", *said, "digits", "--seed", "x"]


KINDS = (chips_and_works, odd_chips, settings, axes, sweep_files, stored_reports, data_sets, words)
REPORT: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def report(tmp_path_factory):
    """One stored report, to be altered."""
    folder = tmp_path_factory.mktemp("stored") / "report"
    settings = ("training.epochs=1", "training.seeds=2")
    options = [word for each in settings for word in ("--set", each)]
    done = door.pcsim("run", "tile64", "digits", *options, "-o", folder)
    assert done.exit_code == 0, done.output
    REPORT[:] = [folder]


def fuzz(kind, here: Path, *, first: int, count: int, run=pcsim) -> None:
    for seed in range(first, first + count):
        dice = random.Random(f"{kind.__name__} {seed}")
        arguments = kind(dice, here)
        code, err = check(run, arguments, here)
        if code == 2 and kind in (chips_and_works, sweep_files):
            said = err.removeprefix("pcsim: ")
            assert PLACE.search(said) or WITHOUT_PLACE.search(said), (seed, arguments, err)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_wrong_input_ends_in_a_sentence(kind, tmp_path):
    fuzz(kind, tmp_path, first=0, count=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_many_more_wrong_inputs_end_in_a_sentence(kind, tmp_path):
    fuzz(kind, tmp_path, first=QUICK, count=THOROUGH)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_wrong_inputs_end_in_a_sentence_in_processes_of_their_own(kind, tmp_path):
    fuzz(kind, tmp_path, first=10**6, count=REAL // len(KINDS), run=process)
