"""Whatever stands in a file, a setting or an axis: it loads, or is told, and never takes long."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcsim.config import load_both, load_hardware, load_workload, shipped
from pcsim.errors import InputError
from pcsim.sweeps import parse_axis
from pcsim.units import DIMENSIONS, QuantityError, parse_quantity

LOADERS = {"hardware": load_hardware, "workload": load_workload}
FILES = [(kind, path.read_text("utf-8")) for kind in LOADERS for path in shipped(kind).values()]
NASTY = (
    *("", "null", "true", "yes", "~", "0", "-1", "1e999", ".nan", ".inf", "0x10", "1_000", "9" * 50),
    *("unlimited", "64 KiB", "1e999 B", "-4 pJ", "4 cycles", "nan Hz", "½ B", "1 \N{MICRO SIGN}m"),
    *("[]", "{}", "[[[]]]", "{a: {b: {c: 1}}}", "[1, 2", "{a: 1", "'", '"', "|", ">", "&a", "*a", "? "),
    *("!!int 3", "!x", "%YAML 9", "---", "...", "- a", "a: b: c", "<<: *a", "\t", "\0", "\ufeff"),
    *('"\\UFFFFFFFF"', '"\\x00"', "\ud7ff", "\u2028", "/dev/zero", ".", "..", "tile64", "digits"),
    *("&a [*a]", "x" * 5000, "[" * 200, "a." * 200, "../" * 50 + "x", "./x.npz", "1:2:3", "2001-01-01"),
)  # fmt: skip
DEADLINE = timedelta(seconds=2)
"""Far above what a load takes: it is there to catch what hangs."""

quick = settings(max_examples=150, deadline=DEADLINE, derandomize=True)
thorough = settings(
    max_examples=2000,
    deadline=DEADLINE,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def mutated(text: str, dice: random.Random) -> str:
    """``text`` after a few of the accidents that happen to files."""
    for _ in range(dice.randint(1, 4)):
        lines = text.split("\n")
        here, there = dice.randrange(len(lines)), dice.randrange(len(lines))
        accident = dice.randrange(8)
        if accident == 0:
            del lines[here]
        elif accident == 1:
            lines.insert(there, lines[here])
        elif accident == 2:
            lines[here], lines[there] = lines[there], lines[here]
        elif accident == 3:
            key, _, _ = lines[here].partition(":")
            lines[here] = f"{key}: {dice.choice(NASTY)}"
        elif accident == 4:
            lines.insert(here, dice.choice((" ", "  ", "")) + dice.choice(NASTY))
        elif accident == 5 and lines[here]:
            at = dice.randrange(len(lines[here]))
            letter = dice.choice("\t :,-[]{}'\"#&*!|>%@`~0a\\\r\0é\ud7ff\U0001f600")
            lines[here] = lines[here][:at] + letter + lines[here][at + dice.randint(0, 1) :]
        elif accident == 6:
            lines[here] = lines[here].swapcase()
        else:
            lines[here] = dice.choice(("  ", "   ", "\t", "")) + lines[here].lstrip()
        text = "\n".join(lines) or "\n"
    return text


def assert_loads_or_is_told(load):
    """``load`` succeeds, or says in sentences what is wrong."""
    try:
        load()
    except InputError as error:
        assert error.problems
        assert error.exit_code == 2
        for problem in error.problems:
            assert problem.message
            assert "Traceback" not in problem.message
            assert " object at 0x" not in problem.message
            assert "Node(" not in problem.message
            assert "\n" not in problem.message
            assert max(map(len, str(problem).split("\n"))) < 800
        assert str(error)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "f.yaml"


def load_mutant(path, seed):
    dice = random.Random(seed)
    kind, text = dice.choice(FILES)
    path.write_text(mutated(text, dice), "utf-8", newline="")
    assert_loads_or_is_told(lambda: LOADERS[kind](path))


seeds = st.integers(0, 2**32)


@quick
@given(seeds)
def test_a_file_after_some_accidents_loads_or_is_told(path, seed):
    load_mutant(path, seed)


@pytest.mark.slow
@thorough
@given(seeds)
def test_a_file_after_many_more_accidents_loads_or_is_told(path, seed):
    load_mutant(path, seed)


@quick
@given(st.binary(max_size=400), st.integers(0, 2000))
def test_a_file_with_bytes_in_it_loads_or_is_told(path, content, at):
    kind, text = FILES[at % len(FILES)]
    whole = text.encode()
    path.write_bytes(whole[:at] + content + whole[at:])
    assert_loads_or_is_told(lambda: LOADERS[kind](path))


PATHS = ("pc.steps", "tiles.mesh", "tiles.mesh[0]", "network.layers", "costs.array.mac", "costs")
PATHS += ("data.dataset", "hardware.name", "dram", "noc.link", "bp.optimiser", "extends", "schema")
sets = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}={}".format, st.sampled_from(PATHS), st.sampled_from(NASTY) | st.text(max_size=20)
    ),
    st.builds("{}{}=1".format, st.sampled_from(PATHS), st.text(".[]0-9a=\n\0", max_size=12)),
)


@quick
@given(st.lists(sets, min_size=1, max_size=3))
def test_settings_are_made_or_told(overrides):
    assert_loads_or_is_told(lambda: load_both("tile64", "digits", overrides=overrides))


@quick
@given(sets | st.builds("pc.steps={}".format, st.lists(st.sampled_from(NASTY)).map(",".join)))
def test_an_axis_is_understood_or_told(text):
    assert_loads_or_is_told(lambda: parse_axis(text))


@quick
@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
    | st.from_regex(r"[-+]?[0-9.]{1,12}(e[-+]?[0-9]{1,5})? ?[a-zA-Zµ/0-9]{0,8}", fullmatch=True),
    st.sampled_from(sorted(DIMENSIONS)),
)  # fmt: skip
def test_a_quantity_is_exact_or_refused(text, unit):
    with suppress(QuantityError):
        value = parse_quantity(text, unit)
        assert value.denominator == 1 or not DIMENSIONS[unit].whole
