"""Does this tree compute the same as an earlier revision: bits of learning, operations, counts, cycles, joules?

Every workload that both trees ship is put on every chip of both by every rule, order and schedule that fits; each
is written down as a program, placed, simulated and priced, and trained for a few updates. What differs is listed with
both values. A change that is meant belongs into the changelog with its reason; the exit code is 1 where anything
differs.

    python benchmarks/equal.py --against REVISION [--chips tile64,...] [--works digits,...] [--learning]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

WAYS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "fpa": ("pc.variant=fpa",),
    "ipc": ("pc.variant=ipc",),
    "epc": ("pc.variant=epc",),
    "gauss_seidel": ("pc.order=gauss_seidel",),
    "red_black": ("pc.order=red_black",),
    "momentum": ("pc.descent=momentum",),
    "adam states": ("pc.descent=adam",),
    "tolerance": ("pc.tolerance=1e-3",),
    "threshold": ("pc.threshold=1e-3",),
    "barrier": ("pc.schedule=barrier",),
    "skewed": ("pc.schedule=skewed",),
    "streamed": ("tiles.sram.weights=streamed",),
    "micro-batches": ("pc.micro_batches=2", "bp.schedule=gpipe", "bp.micro_batches=2"),
    "1f1b": ("bp.schedule=1f1b", "bp.micro_batches=4"),
    "zero bubble": ("bp.schedule=zb_h1", "bp.micro_batches=4"),
    "spread": ("pc.spread=2", "bp.spread=2"),
    "sgd": ("pc.optimiser.kind=sgd", "bp.optimiser.kind=sgd"),
    "post": ("network.placement=post", "network.parameterisation=sp", "network.skips=false"),
    "biases": ("network.bias=true",),
    "skips": ("network.skips=true",),
    "cross entropy": ("training.loss=cross_entropy",),
}
"""What is tried of every pair, as --set options."""

SHORT = ("training.seeds=1", "training.epochs=1")


def main() -> int:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("--against", metavar="REVISION", required=True)
    asked.add_argument("--chips", default="")
    asked.add_argument("--works", default="digits,mlp128,online")
    asked.add_argument("--learning", action="store_true", help="train, too, for one short epoch")
    asked.add_argument("--tree", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.tree:
        json.dump(dict(facts(given)), sys.stdout)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "tree"
        git("worktree", "add", "--detach", "--quiet", str(there), given.against)
        try:
            before, after = collected(there), collected(ROOT)
        finally:
            git("worktree", "remove", "--force", str(there))
    return compare(before, after)


def git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=ROOT, check=True)


def collected(tree: Path) -> dict[str, Any]:
    """What a process finds out in which ``tree`` is the package."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    words = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--tree", str(tree)]
    done = subprocess.run(words, env=environment, cwd=tree, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def facts(given: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """By pair, way and candidate: whatever must not change."""
    from pcsim.config import candidates, load_both
    from pcsim.errors import InputError
    from pcsim.shipped import shipped

    chips = given.chips.split(",") if given.chips else sorted(shipped("hardware"))
    for chip in chips:
        for work in given.works.split(","):
            for way, settings in WAYS.items():
                try:
                    pair = load_both(chip, work, overrides=[*SHORT, *settings])
                except InputError as error:
                    yield f"{chip} x {work}, {way}", {"refused": str(error)}
                    continue
                for candidate in candidates(*pair):
                    name = f"{chip} x {work}, {way}: {candidate.id}"
                    yield name, of_one(*pair, candidate, learning=given.learning)


def of_one(hardware: Any, workload: Any, candidate: Any, *, learning: bool) -> dict[str, Any]:
    from pcsim.engine import train
    from pcsim.errors import PcsimError
    from pcsim.machine import simulate
    from pcsim.placement import place
    from pcsim.schedules import update_program
    from pcsim.technology import bill, price_list

    found: dict[str, Any] = {}
    if learning:
        training = train(workload, candidate)
        found["learning"] = digest(training.curves)
    try:
        program = update_program(workload, candidate, profile=None)
        found |= {
            "operations": len(program.ops),
            "MACs": {str(kind): count for kind, count in program.macs().items()},
            "elementwise": program.elementwise(),
        }
        placed = place(program, hardware, spread=candidate.spread)
        tasks = placed.tasks
        sizes = zip(tasks.m.tolist(), tasks.n.tolist(), tasks.k.tolist(), strict=True)
        found |= {
            "tasks": len(tasks),
            "units": digest(sorted(tasks.units)),
            "sizes": digest(sorted(sizes)),
            "bytes": digest(sorted(tasks.size_bytes.tolist())),
            "needs": digest([tasks.needs_task.tolist(), tasks.needs_back.tolist()]),
            "SRAM": digest(sorted(placed.peak_bytes.items())),
        }
        activity = simulate(placed, hardware)
        counts = sorted((str(count), number) for count, number in activity.counts.items())
        paid = bill(activity, price_list(hardware), clock_hz=hardware.clock_hz)
        found |= {
            "cycles": activity.makespan_cycles,
            "counts": digest(counts),
            "joules": paid.energy_j,
        }
    except PcsimError as error:
        found["refused"] = str(error)
    return found


def digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def compare(before: dict[str, Any], after: dict[str, Any]) -> int:
    """Prints what differs; the exit code."""
    differing = 0
    for name in sorted(before.keys() | after.keys()):
        mine, theirs = after.get(name, {}), before.get(name, {})
        for key in sorted(mine.keys() | theirs.keys()):
            if mine.get(key) != theirs.get(key):
                differing += 1
                print(f"{name}: {key} was {theirs.get(key)}, is {mine.get(key)}")
    values = sum(map(len, after.values()))
    print(f"{len(after)} candidates, {values} values: {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
