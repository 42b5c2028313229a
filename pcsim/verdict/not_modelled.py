"""What does the model leave out? One sentence each, for every report."""

from __future__ import annotations

from pcsim.config import Hardware

DIGITAL = "Analog effects: no noise, wire resistance or device mismatch; arithmetic is digital."
ANALOG = (
    "Analog effects: no drift, stuck cells, wire resistance or steps of unequal size; no calibration, and "
    "cells are not written again after a failed check."
)

BUFFER = "Global buffer: each request uses all banks; it holds weights and moments, nothing else."

NOT_MODELLED = (
    "Clock trunk: idle blocks are gated at no cost, and the tree above the gates is free.",
    "Voltage and temperature: one operating point, no variation, no frequency scaling.",
    "DRAM: rows and refresh only where the chip gives them; no read-write turnaround.",
    "Network flow control: no virtual channels; a blocked transfer waits at its source.",
    "SRAM bank conflicts: only those of walks along columns, where the chip interleaves.",
    "SRAM sharing: the units of a tile do not slow one another down at its ports.",
    "Array folds: preloading a fold does not overlap with the fold before it.",
    "Control: instruction fetch costs energy but no time, and nothing at the arrays.",
    "Zero skipping: a zero activation or error is multiplied like any other number.",
    "Spare tiles: copies of a layer for parts of the batch only on graphs; tiles are shared evenly among layers.",
    "Schedules: the best is the best of those listed; none is searched for layer by layer.",
    "Updates: the chip drains at each; no batch is begun with weights that are about to change.",
    DIGITAL,
    "Evaluation: validation and test passes cost neither time nor energy to target.",
    "Cold start: to the target every update counts at its steady-state cost.",
    "Host: loading data into DRAM, shuffling and reading results back are free.",
    "Tuning: the runs spent on choosing rates and inference steps are not counted.",
    "Package and board: no voltage regulators, pins or cooling.",
)
"""Of chips that are digital throughout and have no global buffer."""


def left_out(hardware: Hardware) -> tuple[str, ...]:
    """What is left out of the model of this chip."""
    analog = hardware.tiles.compute.analog_errors is not None
    said = tuple(ANALOG if analog and one is DIGITAL else one for one in NOT_MODELLED)
    return said if hardware.buffer is None else (*said, BUFFER)
