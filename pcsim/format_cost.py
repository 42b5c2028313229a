"""What do the chip's number formats cost of accuracy, and what would fp32 cost of energy?

Where a chip computes in narrower formats than fp32, or in analog cells, the same seeds are trained once
more in fp32, which takes less time than the rounded training did. Then the same chip is simulated with fp32.
Left out: formats between the two, and which value's format it is; ``pcsim experiment precision`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pcsim.config import Candidate, Formats, Hardware, Numerics, Workload
from pcsim.engine import train_all
from pcsim.errors import PcsimError
from pcsim.mapping import mapped
from pcsim.schedules import update_program
from pcsim.technology import bill, price_list
from pcsim.verdict import Result, Warned, factor, percent
from pcsim.verdict.interval import sample

NOTED = 0.005
"""A loss of accuracy from half a point on is warned of, if seeds tell it from none."""


def format_warnings(
    hardware: Hardware,
    workload: Workload,
    results: Sequence[Result],
    *,
    seed: int,
    tell: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> list[Warned]:
    """A warning for each of ``results`` whose formats cost accuracy; ``seed`` is the first seed.

    ``tell`` and ``progress`` as in ``line.run``.
    """
    wide = in_fp32([result.candidate for result in results])
    narrow = [result for result in results if result.candidate.id in wide]
    if not narrow:
        return []
    tell("train in fp32")
    trainings = train_all(workload, list(wide.values()), first_seed=seed, progress=progress)
    found = []
    for result in narrow:
        curves = trainings[result.candidate.id].curves
        pairs = [
            (mine, curve.test_accuracy)
            for mine, curve in zip(result.accuracies, curves, strict=True)
            if mine is not None and curve.test_accuracy is not None
        ]
        if len(pairs) < len(curves):
            continue
        loss = sample([theirs - mine for mine, theirs in pairs])
        if loss.low is None or loss.low <= 0 or loss.mean < NOTED:
            continue
        reached = percent(sum(theirs for _, theirs in pairs) / len(pairs))
        found.append(
            Warned(
                "format",
                result.candidate.rule,
                f"{result.name} loses {100 * loss.mean:.1f} points of accuracy to the chip's number "
                f"formats: in fp32 the same seeds reach {reached}.",
                _price(hardware, workload, wide[result.candidate.id], result),
            )
        )
    return found


def in_fp32(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """Those of ``candidates`` that compute in narrower formats, or in analog cells, as they are in fp32; by id."""
    fp32 = Numerics(_fp32())
    return {
        candidate.id: replace(candidate, numerics=fp32)
        for candidate in candidates
        if not candidate.numerics.plain
    }


def _fp32() -> Formats:
    return Formats.model_validate(dict.fromkeys(Formats.model_fields, "fp32") | {"master": None})


def _price(hardware: Hardware, workload: Workload, candidate: Candidate, result: Result) -> str:
    """What fp32 would cost on this chip, in words."""
    if candidate.numerics.analog or result.candidate.numerics.analog:
        return (
            "Analog cells cannot compute in fp32; pcsim experiment precision tells what they lose."
        )
    tiles = hardware.tiles.model_copy(update={"formats": _fp32()})
    wide = hardware.model_copy(update={"tiles": tiles})
    try:
        prices = price_list(wide)
        program = update_program(workload, candidate, profile=result.training.profile)
        activity = mapped(program, wide, spread=candidate.spread).activity
    except PcsimError:
        return "The chip cannot hold or price fp32."
    paid = bill(activity, prices, clock_hz=wide.clock_hz)
    energy = paid.energy_j / result.per_update.energy_j
    time = activity.makespan_cycles / result.per_update.cycles
    return f"fp32 there would take {factor(energy)} times the energy and {factor(time)} times the time."
