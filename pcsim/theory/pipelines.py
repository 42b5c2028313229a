"""How long does a batch of M micro-batches take through S stages, and what do the stages stash?

F, B and W are the times of a stage's forward, backward and weight-gradient products. GPipe: Huang et al.
2019; 1F1B: Narayanan et al. 2019; zero bubble: Qi et al. 2023 (arXiv 2401.10241), whose cost is that of
the longest stage from its first to its last product. Links are free of time unless said.
"""

from __future__ import annotations

from collections.abc import Sequence


def span(schedule: str, stages: int, parts: int, *, f: int, b: int, w: int) -> int:
    """From the first to the last product of the longest stage; zero-bubble schedules need M >= S, H2 2S - 1.

    gpipe and 1f1b: (M + S - 1)(F + B + W). zb_h1: M (F + B + W) + (S - 1)(F + B - W). zb_h2, where
    F = B = W: M (F + B + W) + (S - 1)(F + B - 2W).
    """
    each = f + b + w
    if schedule in ("gpipe", "1f1b"):
        return (parts + stages - 1) * each
    bubble = {"zb_h1": f + b - w, "zb_h2": f + b - 2 * w}[schedule]
    return parts * each + (stages - 1) * bubble


def makespan(schedule: str, stages: int, parts: int, *, f: int, b: int, w: int) -> int:
    """From the first product of all to the last. That of zb_h2 is a parallelogram: the last stage begins
    S - 1 forward products late and works without a gap."""
    late = (stages - 1) * f if schedule == "zb_h2" else 0
    return span(schedule, stages, parts, f=f, b=b, w=w) + late


def unequal_gpipe_makespan(
    forward: Sequence[int], backward: Sequence[int], parts: int, *, hop: int = 0
) -> int:
    """sum F + (M - 1) max F + sum B + (M - 1) max B + 2 (S - 1) c: two flow shops of M equal jobs.

    ``backward`` is B + W of each stage.
    """
    rounds = parts - 1
    there = sum(forward) + rounds * max(forward)
    back = sum(backward) + rounds * max(backward)
    return there + back + 2 * (len(forward) - 1) * hop


def stash(schedule: str, stage: int, stages: int, parts: int) -> int:
    """Micro-batches that ``stage`` (from 1) has begun and not ended, at most.

    gpipe: M. 1f1b: min(M, S - s + 1). zb_h1: min(M, S) and zb_h2: min(M, 2S - 1) on every stage, as weight
    gradients are put off the longer the higher the stage.
    """
    most = {"gpipe": parts, "1f1b": stages - stage + 1, "zb_h1": stages, "zb_h2": 2 * stages - 1}
    return min(parts, most[schedule])
