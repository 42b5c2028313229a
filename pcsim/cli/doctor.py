"""``pcsim doctor``: does this installation work, and what is to be done where it does not?"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from pcsim.cli.progress import show_progress


class Diagnosis(NamedTuple):
    """What was looked at, what was found there, and what to do about it, empty where all is well."""

    what: str
    found: str
    remedy: str = ""


@click.command("doctor")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Tell versions, folders and cores, and compare two small runs with closed forms.

    Exit code 3 when something does not work; what to do stands below it.
    """
    from pcsim.version import VERSION

    findings = [
        Diagnosis("pcsim", f"{VERSION} in {Path(__file__).parent.parent}"),
        Diagnosis(
            "python", f"{sys.version.split()[0]}, {platform.system()} on {platform.machine()}"
        ),
    ]
    tell = show_progress()
    for check in (libraries, blas, cores, cache, output, learning, machine):
        tell("test" if check in (learning, machine) else "look", check.__name__)
        findings.append(attempted(check))
    tell.stop()
    for line in shown(findings):
        click.echo(line)
    failed = sum(bool(finding.remedy) for finding in findings)
    click.echo(f"\n{failed} of {len(findings)} do not work" if failed else "\nall is well")
    if failed:
        ctx.exit(3)


def attempted(check: Callable[[], Diagnosis]) -> Diagnosis:
    """What ``check`` finds; any error of it, from a broken library say, is a finding too."""
    try:
        return check()
    except Exception as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        return Diagnosis(
            check.__name__, found, "install pcsim anew: pip install --force-reinstall pcsim"
        )


def shown(findings: list[Diagnosis]) -> Iterator[str]:
    """A line per finding, its remedy below it."""
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        yield f"{'FAIL' if finding.remedy else 'ok':<4}  {finding.what:<{width}}  {finding.found}"
        if finding.remedy:
            yield f"      {'':<{width}}  {finding.remedy}"


def libraries() -> Diagnosis:
    """Versions of what results depend on."""
    from pcsim.report.provenance import versions

    found = versions()
    known = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    missing = [name for name, version in found.items() if version is None and name != "pcsim"]
    remedy = f"pip install {' '.join(missing)}" if missing else ""
    return Diagnosis("libraries", known, remedy)


def blas() -> Diagnosis:
    """The matrix products' libraries. Training limits each to one thread."""
    import numpy  # noqa: F401 - loads its BLAS, to be seen below
    import scipy.linalg.cython_blas  # noqa: F401 - loads the one that numba calls
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = (
        f"{pool['internal_api']} {pool['version']} ({pool['num_threads']} threads)"
        for pool in pools
    )
    if not pools:
        return Diagnosis("blas", "none that threadpoolctl knows: products may use many threads")
    return Diagnosis("blas", f"{', '.join(names)}; training uses one thread of it per seed")


def cores() -> Diagnosis:
    """How many seeds and points train side by side."""
    from loky import cpu_count

    return Diagnosis("cores", f"{cpu_count()} usable of {os.cpu_count()}")


def cache() -> Diagnosis:
    """Where trainings and compiled kernels are kept."""
    from pcsim.cache import cache_folder, why_nothing_is_kept

    problem = why_nothing_is_kept()
    if problem:
        return Diagnosis("cache", problem, "name another folder in the variable PCSIM_CACHE")
    return Diagnosis("cache", f"{cache_folder()} can be written")


def output() -> Diagnosis:
    """Where reports go unless -o says otherwise."""
    folder = Path("reports")
    nearest = folder if folder.is_dir() else Path()
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Diagnosis("output", f"{folder.absolute()} can be written")
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        found = f"{folder.absolute()} cannot be written: {reason}"
        return Diagnosis("output", found, "work in another folder, or name one with -o")


def learning() -> Diagnosis:
    """Compile the kernels and hold relaxed activities against their equilibrium."""
    from pcsim.cli.selftest import TOLERANCE, learning_differs_by

    began = time.perf_counter()
    difference = learning_differs_by()
    found = (
        f"inference is within {difference:.0e} of its equilibrium "
        f"({time.perf_counter() - began:.1f} s, compiling included)"
    )
    wrong = not difference <= TOLERANCE  # A NaN is wrong, too.
    return Diagnosis(
        "learning",
        found,
        f"must be within {TOLERANCE:.0e}: remove the cache folder, then try other versions of numba "
        "and numpy"
        if wrong
        else "",
    )


def machine() -> Diagnosis:
    """Hold the simulated chip against the critical path."""
    from pcsim.cli.selftest import cycles_and_closed_form

    cycles, expected = cycles_and_closed_form()
    found = f"an ideal chip takes {cycles:,} cycles, in closed form {expected:,}"
    wrong = "must be equal: try another version of simpy" if cycles != expected else ""
    return Diagnosis("machine", found, wrong)
