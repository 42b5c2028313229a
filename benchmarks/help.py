"""How long does ``pcsim --help`` take against an interpreter that does nothing?

Runs both alternately in one go and prints the medians and their ratio. The goal is at most 3.

    python benchmarks/help.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

ROUNDS = 20
NOTHING = (sys.executable, "-c", "pass")
HELP = (sys.executable, "-m", "pcsim", "--help")


def seconds(command: Sequence[str]) -> float:
    """Wall time of one run of ``command``."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    seconds(NOTHING), seconds(HELP)  # Warms up the file system, and compiles to bytecode.
    rounds = [(seconds(NOTHING), seconds(HELP)) for _ in range(ROUNDS)]
    nothing, helping = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"python -c pass  {1e3 * nothing:6.1f} ms")
    print(f"pcsim --help    {1e3 * helping:6.1f} ms")
    print(f"ratio           {helping / nothing:6.2f}   (goal: at most 3)")


if __name__ == "__main__":
    main()
