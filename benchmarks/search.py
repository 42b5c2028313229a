"""How much of a true Pareto front does sampling find, and at what price? Against timing everything.

A space of 2,000 points is timed as a whole; then NSGA-II gets a quarter and a half as many timings. Nothing
is trained. A screened search that times everything finds the whole front by construction (tests hold it);
sampling, which larger spaces need, promises nothing, and this says what it gives here.

    python benchmarks/search.py
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from loky import cpu_count

from pcsim.search import search
from pcsim.sweeps import Setting, SweepPlan, open_store, parse_groups

SPACE = ("pc.steps=1..10", "tiles.vector.lanes=4..80 +4", "tiles.update.lanes=4..40 +4")
COSTS = ("energy_j", "latency_s", "area_mm2")


def front(plan: SweepPlan, folder: Path, screen: int) -> set[tuple[float, ...]]:
    """The costs of the points on the front that ``screen`` timings find."""
    found = search(plan, open_store(folder), screen=screen, jobs=cpu_count())
    return {tuple(row[name] for name in COSTS) for row in found.front}


def main() -> None:
    settings = (Setting("tiles.mesh=[2, 2]"), Setting("network.layers=[64, 16, 10]"))
    plan = SweepPlan("tile64", "digits", parse_groups(SPACE), settings, "pc", timing_only=True)
    with TemporaryDirectory() as name:
        folder = Path(name)
        true = front(plan, folder / "whole", 2000)
        print(f"2,000 points: {len(true)} on the true front")
        for screen in (500, 1000):
            found = front(plan, folder / str(screen), screen)
            print(
                f"{screen:,} trials: {len(found & true)} of them found, {len(found - true)} others"
            )


if __name__ == "__main__":
    main()
