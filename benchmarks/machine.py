"""What does one simulated task cost against a bare SimPy timeout, and does memory grow with the number of steps?

A residual network of 128 layers on about a thousand tiles, one update of predictive coding. A task is one run of a
piece of work on a unit; its time includes placing and lowering, but not the compiling of the simulator, which is done
once on a machine. Timeouts are of as many processes as the chip has busy units. Each is timed in turn as
processor time; the ratio is that of medians. Peak memory is that of processes of their own.

    python benchmarks/machine.py [steps]...
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import simpy

from pcsim.config import Hardware, load_hardware
from pcsim.machine import simulate
from pcsim.network import Graph, chain
from pcsim.placement import place
from pcsim.program import Options, Program, predictive_coding

LAYERS, WIDTH, BATCH = 128, 128, 64
ROUNDS, TIMEOUTS = 3, 200_000
CHIP = ("tiles.mesh=[32, 32]", "tiles.sram.size=192 KiB")
STEPS = (32, 128)
SHORT, LONG = 8, 1024
"""Steps between which memory must not grow."""


def network(layers: int) -> Graph:
    widths = (784, *[WIDTH] * (layers - 1), 10)
    return chain(widths, "relu", skips=True, parameterisation="mupc")


def program_of(layers: int, steps: int, *, batch: int = BATCH) -> Program:
    options = Options(batch, steps, "adam", wavefront=False)
    return predictive_coding(network(layers), "mse", options)


def timeouts(processes: int) -> float:
    """Seconds of one timeout."""
    env = simpy.Environment()

    def ticking():
        for _ in range(TIMEOUTS // processes):
            yield env.timeout(1)

    for _ in range(processes):
        env.process(ticking())
    return seconds(env.run) / (TIMEOUTS // processes * processes)


def seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def tasks_against_timeouts(steps: int, chip: Hardware) -> None:
    program = program_of(LAYERS, steps)
    placement = place(program, chip)
    tasks = int(placement.tasks.instances().sum())
    units = len(placement.tasks.units)
    cycles = simulate(placement, chip).makespan_cycles  # Compiles, too.
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(timeouts(units))
        ours.append(seconds(lambda: simulate(place(program, chip), chip)) / tasks)
    mine, bare = statistics.median(ours), statistics.median(theirs)
    print(
        f"{LAYERS} layers, T = {steps}, {placement.tiles_used} tiles, {units} units: {cycles:,} cycles"
    )
    print(f"{tasks:,} tasks of {len(placement.tasks):,} templates")
    print(f"one task     {1e6 * mine:7.2f} us")
    print(f"one timeout  {1e6 * bare:7.2f} us")
    print(f"ratio        {mine / bare:7.2f}   (goal: at most 5)")


def peak_mib(steps: int) -> float:
    """Peak memory of a process that simulates one update of a smaller network."""
    command = [sys.executable, __file__, "--memory", str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    if sys.argv[1:2] == ["--memory"]:
        chip = load_hardware("tile64")
        simulate(place(program_of(16, int(sys.argv[2]), batch=16), chip), chip)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    chip = load_hardware("tile64", overrides=CHIP)
    for steps in map(int, sys.argv[1:] or STEPS):
        tasks_against_timeouts(steps, chip)
    short, long = peak_mib(SHORT), peak_mib(LONG)
    print(f"peak memory  {short:7.1f} MiB at T = {SHORT}, {long:.1f} MiB at T = {LONG}: ", end="")
    print(f"ratio {long / short:.3f}")


if __name__ == "__main__":
    main()
