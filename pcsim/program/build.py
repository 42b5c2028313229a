"""The program that a candidate asks for."""

from __future__ import annotations

from dataclasses import replace

from pcsim.config import Candidate, Workload, problem_at
from pcsim.config.candidates import InferenceSettings
from pcsim.errors import InputError
from pcsim.program.backpropagation import backpropagation
from pcsim.program.error_optimisation import error_optimisation
from pcsim.program.fixed_prediction import fixed_prediction, zero_divergence
from pcsim.program.incremental import incremental_predictive_coding
from pcsim.program.inference import inference
from pcsim.program.messages import EVERYTHING, Told
from pcsim.program.ops import Program
from pcsim.program.options import Options
from pcsim.program.ordered import ordered_predictive_coding
from pcsim.program.pipelines import pipelined_backpropagation
from pcsim.program.predictive_coding import predictive_coding
from pcsim.program.synchronise import Control
from pcsim.program.visits import Visits

VARIANTS = {
    "ipc": incremental_predictive_coding,
    "fpa": fixed_prediction,
    "epc": error_optimisation,
}
"""How variants of predictive coding are written; z_il, which may be gated, and pc, which has orders, apart."""


def program_of(
    workload: Workload, candidate: Candidate, *, steps: int, told: Told | None = None
) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed.

    ``told`` is what was told in each of them, where the candidate has a threshold; all, unless given.

    Raises:
        InputError: there is a threshold where no training can say what is told.
    """
    how = candidate.inference
    if how is not None and how.threshold > 0 and not workload.network.is_chain:
        path, way = "pc.threshold", f"network.{workload.network.way}"
        said = f"{path} must be 0, not {how.threshold!r}, where {way} is no chain of dense layers: "
        why = "values told to neighbours only when they change are not computed there yet"
        raise InputError((problem_at(workload, path, said + why),))
    program = (
        _backpropagation(workload, candidate)
        if how is None
        else _relaxing(workload, candidate, how, steps, told)
    )
    return _named(program, workload)


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    program = inference(workload.network.graph, batch=workload.training.batch)
    return _named(program, workload)


def _named(program: Program, workload: Workload) -> Program:
    """The parts of a network that was written as a list of layers are called by the numbers of these."""
    return replace(program, names=()) if workload.network.layers is not None else program


def _backpropagation(workload: Workload, candidate: Candidate) -> Program:
    graph, loss, batch = workload.network.graph, workload.training.loss, workload.training.batch
    master = candidate.numerics.formats.master is not None
    optimiser = candidate.optimiser.kind
    if candidate.schedule == "sequential":
        return backpropagation(
            graph,
            loss,
            batch=batch,
            optimiser=optimiser,
            master=master,
            at_once=candidate.streamed,
        )
    return pipelined_backpropagation(
        graph,
        loss,
        batch=batch,
        micro_batches=candidate.micro_batches,
        optimiser=optimiser,
        schedule=candidate.schedule,
        stash=candidate.stash,
        master=master,
    )


def _relaxing(
    workload: Workload,
    candidate: Candidate,
    how: InferenceSettings,
    steps: int,
    told: Told | None,
) -> Program:
    """By the variant of predictive coding, and of plain predictive coding by its order.

    Where batches may settle early each step is checked; with a lag, steps are made in vain.
    """
    control, visits = None, None
    if how.tolerance > 0:
        control = Control(energy=True, lag=candidate.check_lag)
        steps += candidate.check_lag
    elif candidate.schedule == "barrier":
        control = Control()
    if candidate.streamed or candidate.schedule == "skewed":
        visits = Visits(candidate.window if candidate.schedule == "skewed" else 0)
    options = Options(
        batch=workload.training.batch,
        steps=steps,
        optimiser=candidate.optimiser.kind,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
        descent=how.descent,
        nudged=how.nudging != "none",
        master=candidate.numerics.formats.master is not None,
        micro_batches=candidate.micro_batches,
        control=control,
        told=(told or EVERYTHING) if how.threshold > 0 else None,
    )
    graph, loss = workload.network.graph, workload.training.loss
    if how.variant == "z_il":
        return zero_divergence(graph, loss, options, gated=candidate.gated)
    if how.variant != "pc":
        return VARIANTS[how.variant](graph, loss, options)
    if how.order != "jacobi":
        options = replace(options, at_once=candidate.streamed)
        return ordered_predictive_coding(graph, loss, options, order=how.order)
    return predictive_coding(graph, loss, replace(options, visits=visits))
