"""Ways of learning that compete on one chip, trained on images and timed: from names to results.

Every way is the shipped workload with a few values changed, as by --set; all have its rates but for z_il, whose
rate and steps follow from what it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from pcsim.config import Hardware, candidates, load_workload
from pcsim.engine import train_all
from pcsim.line import result_of
from pcsim.technology import price_list
from pcsim.verdict import Result

PIPELINED = ("bp.micro_batches=2",)
WAYS: dict[str, tuple[str, ...]] = {
    "pc jacobi": (),
    "pc gauss_seidel": ("pc.order=gauss_seidel",),
    "ipc": ("pc.variant=ipc",),
    "epc": ("pc.variant=epc",),
    "z_il": ("pc.variant=z_il", "pc.rate=1", "pc.steps=2"),
    "bp": (),
    "bp 1f1b": ("bp.schedule=1f1b", *PIPELINED),
    "bp zb_h1": ("bp.schedule=zb_h1", *PIPELINED),
}
"""Values changed, by way; those that begin with bp are backpropagation. z_il: for a network of 2 hidden layers."""


def rule_of(way: str) -> str:
    return "bp" if way.startswith("bp") else "pc"


def result(way: str, hardware: Hardware, workload: str, overrides: Sequence[str] = ()) -> Result:
    """One way, trained on all seeds of the shipped ``workload`` with ``overrides``, timed and priced."""
    changed = load_workload(workload, overrides=(*overrides, *WAYS[way]))
    chosen = candidates(hardware, changed, rule=rule_of(way))
    trainings = train_all(changed, chosen, first_seed=0)
    (candidate,) = chosen
    prices = price_list(hardware)
    return result_of(hardware, changed, candidate, trainings[candidate.id], prices=prices)


def learnt(way: str, chip: str, found: Result) -> Iterator[dict[str, Any]]:
    """Rows of a table: an update, updates, joules and seconds to the target by seed, accuracy over updates."""
    cost = found.per_update
    yield {
        "kind": "update",
        "way": way,
        "chip": chip,
        "macs": cost.macs,
        "cycles": cost.cycles,
        "energy_j": cost.energy_j,
        "static_j": cost.static_energy_j,
        "time_s": cost.latency_s,
    }
    for seed, accuracy in zip(found.to_target.per_seed, found.accuracies, strict=True):
        yield {
            "kind": "target",
            "way": way,
            "chip": chip,
            "seed": seed.seed,
            "updates": seed.updates,
            "energy_j": seed.energy_j,
            "time_s": seed.time_s,
            "accuracy": accuracy,
        }
    curves = found.training.curves
    for at, updates in enumerate(curves[0].updates):
        yield {
            "kind": "curve",
            "way": way,
            "chip": chip,
            "updates": updates,
            "energy_j": updates * cost.energy_j,
            "time_s": updates * cost.latency_s,
            "accuracy": math.fsum(curve.validation_accuracy[at] for curve in curves) / len(curves),
        }
