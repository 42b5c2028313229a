"""The verdict on all candidates: what the line of rooms leads to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pcsim.verdict.assumed import assumed_costs
from pcsim.verdict.best import best_sentences
from pcsim.verdict.compare import compare
from pcsim.verdict.comparison import Swing
from pcsim.verdict.equal_energy import equal_energy
from pcsim.verdict.lifetime import lifetime_sentence
from pcsim.verdict.not_modelled import left_out
from pcsim.verdict.result import Result, Tried
from pcsim.verdict.sentences import sentences
from pcsim.verdict.tuned import tuning_sentence
from pcsim.verdict.values import Lever, Verdict, Warned
from pcsim.verdict.warnings import warnings_of
from pcsim.verdict.words import BP, candidate_names, challenger_among

if TYPE_CHECKING:
    from pcsim.config import Hardware, Workload
    from pcsim.technology import PriceList


def judge(
    hardware: Hardware,
    workload: Workload,
    *,
    seeds: tuple[int, ...],
    results: Sequence[Result],
    prices: PriceList,
    energy_range: tuple[float, float] | None,
    swings: tuple[Swing, ...] = (),
    tried: tuple[Tried, ...] = (),
    not_modelled: tuple[str, ...] | None = None,
    further: Sequence[Warned] = (),
    levers: tuple[Lever, ...] = (),
) -> Verdict:
    """Compare the results of one run.

    ``seeds`` are the seeds trained; ``prices`` is the list that all bills were made with;
    ``energy_range`` the lowest and highest PC over BP energy per update over the ranges of the
    assumed costs, None where only one rule ran; ``swings`` what single costs do to that energy; ``tried``
    all schedules where the best was asked for. The first result of each rule is compared. ``not_modelled``
    is what the model of this chip leaves out, unless something else is given. ``further`` are warnings
    that took simulations of their own, ``levers`` what changes of the chip would bring.
    """
    names = candidate_names([(each.candidate.rule, each.candidate.id) for each in results])
    results = [replace(each, label=name) for each, name in zip(results, names, strict=True)]
    first = {result.candidate.rule: result for result in reversed(results)}
    rule = challenger_among(first) if len(first) == 2 else ""
    per_epoch = workload.data.train // workload.training.batch
    ratios = (
        compare(first[rule], first[BP], energy_range=energy_range, updates_per_epoch=per_epoch)
        if len(first) == 2
        else None
    )
    assumed = assumed_costs(prices, {result.candidate.id: result.bill for result in results})
    warned = warnings_of(results, assumed, graph=workload.network.graph, further=further)
    spent_alike = equal_energy(first[rule], first[BP]) if len(first) == 2 else None
    said = [
        *(f"{each.text} {each.mend}".strip() for each in warned),
        *sentences(results, ratios, at_equal_energy=spent_alike, swings=swings, levers=levers),
        *best_sentences(tried, workload.objective),
        *_of_the_chip(hardware, results),
        tuning_sentence(workload),
    ]
    return Verdict(
        hardware=hardware,
        workload=workload,
        seeds=seeds,
        areas=prices.areas,
        results=tuple(results),
        ratios=ratios,
        assumed=assumed,
        not_modelled=left_out(hardware) if not_modelled is None else not_modelled,
        sentences=tuple(said),
        warnings=warned,
        levers=levers,
        tried=tried,
        equal_energy=spent_alike,
        tornado=swings,
    )


def _of_the_chip(hardware: Hardware, results: Sequence[Result]) -> Iterator[str]:
    """How W^T is read where that costs something, and how long cells last."""
    compute = hardware.tiles.compute
    if compute.analog_errors or not compute.reads_both_ways:
        yield f"{compute.how_transposed}."
    for result in results:
        if said := lifetime_sentence(result, hardware):
            yield said
