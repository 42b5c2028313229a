"""Which figures has a report?"""

from __future__ import annotations

from pcsim.report.bars import energy_by_component, time_of_arrays
from pcsim.report.curves import accuracy_against_energy
from pcsim.verdict import Verdict


def figures(verdict: Verdict) -> dict[str, str]:
    """Every figure as SVG text, by name."""
    return {
        "energy": energy_by_component(verdict.results),
        "learning": accuracy_against_energy(verdict.results),
        "time": time_of_arrays(verdict.results),
    }
