"""When did each layer compute, exchange and wait within one update?"""

from __future__ import annotations

from pcsim.machine import Recording
from pcsim.report.tables import Cell, Table
from pcsim.verdict import Verdict

FINEST = 512
"""Pauses shorter than this part of an update are not told apart, so that the table stays small."""


def timeline_table(verdict: Verdict) -> Table:
    """One row per candidate, layer, kind of unit and stretch of cycles in which any such unit worked
    for the layer.

    Candidates that were not recorded have no rows. Pauses of up to a 512th of the update are part of a
    stretch; operations that take no cycles are left out.
    """
    rows: list[tuple[Cell, ...]] = []
    for result in verdict.results:
        if result.recording is not None:
            rows += [(result.candidate.id, *row) for row in _stretches(result.recording)]
    return Table(("candidate", "layer", "kind", "start_cycle", "end_cycle"), tuple(rows))


def _stretches(recording: Recording) -> list[tuple[int, str, int, int]]:
    tasks = recording.tasks
    layers, units = tasks.layer.tolist(), tasks.unit.tolist()
    worked: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for span in recording.spans:
        if span.cycles:
            lane = layers[span.task], tasks.units[units[span.task]].kind
            worked.setdefault(lane, []).append((span.start, span.end))
    pause = recording.makespan_cycles // FINEST
    found = []
    for (layer, kind), spans in sorted(worked.items()):
        spans.sort()
        start, end = spans[0]
        for next_start, next_end in spans[1:]:
            if next_start > end + pause:
                found.append((layer, kind, start, end))
                start = next_start
            end = max(end, next_end)
        found.append((layer, kind, start, end))
    return found
