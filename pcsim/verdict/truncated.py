"""Why do layers get no credit, and what would give it to them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcsim.network import RULES, Graph, credited

if TYPE_CHECKING:
    from pcsim.config import Candidate
    from pcsim.engine import Profile

REASONS = {
    "steps": "errors reach the others only after more inference steps",
    "rate": "the errors that reach the others are smaller than the rounding of their states",
    "format": "the number formats of the chip lose the errors of the others, which fp32 would keep",
    "underflow": "errors become too small on their way down to change the states of the others",
    "zero": "units that pass nothing on leave the others without any gradient",
    "diverged": "gradients are no longer finite",
}
"""By the reasons of ``engine/credit.py``; of several the nearest to the output is told."""


def reason_of(profile: Profile) -> str:
    """Why the lowest layers have no credit: the reason of the highest layer that has none; "" where all
    have."""
    return next((why for why in reversed(profile.credit_reasons) if why), "")


def why_truncated(profile: Profile) -> str:
    """The reason in words."""
    return REASONS.get(reason_of(profile), "the others do not learn")


def remedy_of(candidate: Candidate, profile: Profile, graph: Graph) -> str:
    """What would give every layer of ``graph`` credit."""
    reason, how = reason_of(profile), candidate.inference
    if reason == "format":
        return "Wider tiles.formats of states and errors, such as fp32, mend this."
    if reason in ("zero", "diverged") or how is None:
        return ""
    others = RULES[how.variant].reads_all and how.order != "gauss_seidel"
    sweep = ", or pc.order: gauss_seidel" if others else ""
    if reason == "steps":
        enough = next(
            (
                steps
                for steps in range(candidate.steps, 2 * len(graph.nodes) + 1)
                if len(credited(graph, how.variant, how.order, steps)) == len(graph.nodes)
            ),
            None,
        )
        return "" if enough is None else f"pc.steps of at least {enough}{sweep} mend this."
    return f"A larger pc.rate{sweep} may mend this."


def credit_label(reason: str) -> str:
    """For a cell of a table: empty where every layer learns."""
    return f"truncated: {reason}" if reason else ""
