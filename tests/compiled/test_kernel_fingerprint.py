"""What makes a kernel be compiled again: a change in what it is compiled from, and nothing else."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import pcsim
from pcsim.compiled.fingerprint import UnknownError, fingerprint

CALLED = '''"""Functions for others."""
import math
from typing import NamedTuple
import numpy as np
from numba import types
from numba.extending import intrinsic
from pcsim.compiled.jit import implementing, inlined, inner

STEP = 3
TABLE = np.array([1.0, 2.0])
PAIR = (5, 6.0)


class Sizes(NamedTuple):
    wide: int
    high: int


def chosen(x):
    raise NotImplementedError


@implementing(chosen)
def _chosen(x):
    return lambda x: math.sqrt(x)


@intrinsic
def added(_context, x):
    def generate(context, builder, signature, arguments):
        return builder.add(arguments[0], arguments[0])

    return x(x), generate


@inlined
def small(x):
    return x - 1


@inner
def deep(x):
    """Far away."""
    return small(x) * STEP


@inner
def other(x):
    return 7 * x
'''
SCRIPT = """
import numpy as np
from called import Sizes, TABLE, PAIR, added, chosen, deep, other
from pcsim.compiled.jit import inner, jit

@jit
def first(x):
    return deep(x) + 1

@jit
def second(x):
    return other(x)

@jit
def third(sizes):
    return sizes.wide - sizes.high

@jit
def fourth(x):
    return added(x) + PAIR[0]

@jit
def fifth(x):
    return chosen(x) + TABLE[1]

print(first(2), second(2), third(Sizes(9, 4)), fourth(1), fifth(16.0))
for f in (first, second, third, fourth, fifth):
    print(f.__name__ if not f.stats.cache_hits else "", end=" ")
"""
RIGHT = ["4", "14", "5", "7", "6.0"]


@pytest.fixture
def script(tmp_path):
    (tmp_path / "called.py").write_text(CALLED)
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def run(folder):
    """(what the functions returned, the names of those that were compiled)."""
    done = subprocess.run(
        [sys.executable, str(folder / "script.py")],
        env={
            "PCSIM_CACHE": str(folder / "cache"),
            "PYTHONPATH": str(Path(pcsim.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",  # Files change faster than their times tell.
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed, compiled = done.stdout.split("\n")
    return printed.split(), compiled.split()


def test_a_kernel_is_compiled_again_where_what_it_is_compiled_from_has_changed(script):
    assert run(script) == (RIGHT, ["first", "second", "third", "fourth", "fifth"])
    assert run(script) == (RIGHT, [])
    text = CALLED
    for before, after, compiled, now in (
        ("STEP = 3", "STEP = 4", "first", ["5", "14", "5", "7", "6.0"]),
        ("return x - 1", "return x - 2", "first", ["1", "14", "5", "7", "6.0"]),
        ("7 * x", "8 * x", "second", ["1", "16", "5", "7", "6.0"]),
        ("wide: int\n    high", "high: int\n    wide", "third", ["1", "16", "-5", "7", "6.0"]),
        ("builder.add", "builder.mul", "fourth", ["1", "16", "-5", "6", "6.0"]),
        ("(5, 6.0)", "(6, 6.0)", "fourth", ["1", "16", "-5", "7", "6.0"]),
        ("math.sqrt(x)", "2 * math.sqrt(x)", "fifth", ["1", "16", "-5", "7", "10.0"]),
        ("[1.0, 2.0]", "[1.0, 3.0]", "fifth", ["1", "16", "-5", "7", "11.0"]),
    ):
        assert before in text
        text = text.replace(before, after)
        (script / "called.py").write_text(text)
        assert run(script) == (now, [compiled]), before


def test_it_is_not_where_something_else_has_changed(script):
    run(script)
    for before, after in (
        ("Far away.", "Further away, on\n\n    two lines."),
        ("STEP = 3", "# Three of them.\n\nUNUSED = 4\nSTEP = 3"),
        ("    return small", "    # A comment.\n    return small"),
        ("@inner\ndef other", "@inner\ndef another(x):\n    return x\n\n\n@inner\ndef other"),
    ):
        assert before in CALLED
        (script / "called.py").write_text(CALLED.replace(before, after))
        assert run(script) == (RIGHT, []), after


def kernels():
    """Every compiled function of pcsim, as it was written."""
    found = {}
    for module in pkgutil.walk_packages(pcsim.__path__, "pcsim."):
        if module.name.startswith(("pcsim.engine", "pcsim.machine")):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Dispatcher):
                    found[value.py_func] = None
    return list(found)


def test_all_our_kernels_have_a_fingerprint_each_its_own():
    found = kernels()
    assert len({fingerprint(kernel) for kernel in found}) == len(found) > 100


def test_a_kernel_that_uses_something_unknown_has_none():
    unknown = object()

    def uses_it(x):
        return unknown

    with pytest.raises(UnknownError):
        fingerprint(uses_it)


def test_what_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "script.py").write_text(
        "from pcsim.compiled.jit import jit, inner\n"
        "@inner\ndef twice(x):\n    return 2 * x\n"
        "@jit\ndef called(f, x):\n    return f(x)\n"
        "print(called(twice, 21))\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env={
            "PCSIM_CACHE": str(tmp_path / "cache"),
            "PYTHONPATH": str(Path(pcsim.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "42\n"
    assert done.stderr.startswith(
        "note: __main__.called cannot be kept and is compiled in every run: nobody knows what type("
    )


ALL = """
import sys
from pcsim.cli.selftest import cycles_and_closed_form
from pcsim.compiled import listeners
from pcsim.config import candidates, load_hardware, load_workload
from pcsim.engine import train

told = []
with listeners.told(told.append):
    cycles_and_closed_form()
    for chip, work in (("tile64", "digits"), ("edge4", "digits"), ("tile64", "resnet-digits")):
        short = ["training.epochs=1", "training.seeds=1", "data.train=64", "training.batch=32"]
        workload = load_workload(work, overrides=short)
        for candidate in candidates(load_hardware(chip), workload):
            train(workload, candidate, first_seed=int(sys.argv[1]))
print(len(told))
"""


def test_a_second_run_compiles_nothing(tmp_path):
    """On chips and networks that call most kernels: the simulator's, those of chains and of graphs."""
    found = [
        subprocess.run(
            [sys.executable, "-c", ALL, seed],
            env={**os.environ, "PYTHONPATH": str(Path(pcsim.__file__).parents[1])},
            capture_output=True,
            text=True,
            timeout=900,
        )
        for seed in ("90001", "90002")
    ]
    assert [(done.returncode, done.stderr) for done in found] == [(0, "")] * 2
    assert found[1].stdout == "0\n"


def test_functions_that_differ_by_what_they_close_over_differ():
    def made(by):
        def times(x):
            return by * x

        return times

    assert fingerprint(made(2)) == fingerprint(made(2))
    assert len({fingerprint(made(by)) for by in (2, 2.0, np.int64(2), np.float32(2), "2")}) == 5
