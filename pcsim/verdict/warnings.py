"""What must a reader of a verdict not miss? It stands above everything else, the most important first.

A warning names a fact, in a sentence, and what can be done. Nothing here changes a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from pcsim.verdict.assumed import AssumedCost
from pcsim.verdict.result import Result
from pcsim.verdict.truncated import remedy_of, why_truncated
from pcsim.verdict.values import Warned
from pcsim.verdict.words import factor

if TYPE_CHECKING:
    from pcsim.engine import Training
    from pcsim.network import Graph

HALF = 0.5
"""From more than this share of an energy on, assumed costs are warned of."""

PARTS = ("training", "validation", "test")


def warnings_of(
    results: Sequence[Result],
    assumed: Sequence[AssumedCost],
    *,
    graph: Graph,
    further: Sequence[Warned] = (),
) -> tuple[Warned, ...]:
    """All warnings of a run on ``graph``; ``further`` are those that took simulations of their own."""
    found = [
        *(said for result in results for said in _diverged(result)),
        *(said for result in results for said in _rate(result)),
        *(said for result in results for said in _credit(result, graph)),
        *(_classes(results[0].training) if results else ()),
        *further,
        *_assumed(results, assumed),
    ]
    return tuple(found)


def _diverged(result: Result) -> Iterator[Warned]:
    curves = result.training.curves
    ends = [curve.diverged_at for curve in curves if curve.diverged_at is not None]
    if not ends:
        return
    if max(ends) == 0:
        yield Warned(
            "diverged",
            result.candidate.rule,
            f"{result.name}'s inference diverged on {len(ends)} of {len(curves)} seeds before the first "
            "weight update.",
            "A smaller pc.rate mends this.",
        )
        return
    when = "before its first update" if min(ends) == 0 else f"first at update {min(ends):,}"
    yield Warned(
        "diverged",
        result.candidate.rule,
        f"{result.name} diverged on {len(ends)} of {len(curves)} seeds, {when}; no accuracy is given.",
        f"A smaller {result.candidate.rule}.optimiser.rate may mend this.",
    )


def _rate(result: Result) -> Iterator[Warned]:
    excess, limit = result.training.rate_excess, result.training.profile.rate_limit
    if excess is None or limit is None or result.training.rate is None:
        return
    yield Warned(
        "rate",
        result.candidate.rule,
        f"{result.name}'s inference does not settle: its rate {result.training.rate:g} is "
        f"{factor(excess)} times the stability limit {limit:.3g}.",
        "A smaller pc.rate mends this.",
    )


def _credit(result: Result, graph: Graph) -> Iterator[Warned]:
    depth = result.depth
    if result.credit_depth >= depth or _all_diverged(result):
        return
    yield Warned(
        "credit",
        result.candidate.rule,
        f"Truncated credit: {result.name} teaches {result.credit_depth} of {depth} layers; "
        f"{why_truncated(result.training.profile)}.",
        remedy_of(result.candidate, result.training.profile, graph),
    )


def _all_diverged(result: Result) -> bool:
    return all(curve.diverged_at is not None for curve in result.training.curves)


def _classes(training: Training) -> Iterator[Warned]:
    said = absent_text(training.absent)
    if said:
        yield Warned(
            "classes",
            None,
            f"{said}, so that accuracy says nothing of them.",
            "More images or another split mend this.",
        )


def absent_text(absent: Sequence[Sequence[int]]) -> str:
    """Which classes have no image in which part; empty where all have."""
    found = [
        f"the {part} images lack {_classes_text(classes)}"
        for part, classes in zip(PARTS, absent, strict=True)
        if classes
    ]
    said = ", ".join(found)
    return said[:1].upper() + said[1:]


def _classes_text(classes: Sequence[int]) -> str:
    """``class 9``, or ``classes 0, 3 to 7``."""
    runs = [
        [label for _, label in run]
        for _, run in groupby(enumerate(classes), key=lambda pair: pair[1] - pair[0])
    ]
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"{'class' if len(classes) == 1 else 'classes'} {', '.join(parts)}"


def _assumed(results: Sequence[Result], assumed: Sequence[AssumedCost]) -> Iterator[Warned]:
    shares = [
        (result.name, sum(cost.shares.get(result.candidate.id, 0.0) for cost in assumed))
        for result in results
    ]
    most = [(name, share) for name, share in shares if share > HALF]
    if most:
        said = " and ".join(f"{100 * share:.0f} % of {name}'s" for name, share in most)
        yield Warned(
            "assumed",
            None,
            f"{said} energy rests on assumed costs.",
            "pcsim explain last assumed lists them; costs of a hardware file replace them.",
        )
