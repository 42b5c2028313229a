"""The program that a candidate asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pcsim.config import Candidate, Workload, problem_at
from pcsim.config.candidates import InferenceSettings
from pcsim.errors import InputError
from pcsim.network import Graph
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


@dataclass(frozen=True)
class Asked:
    """One weight update of one batch, as ``candidate`` asks for it, with ``steps`` inference steps executed.

    ``told`` is what was told in each of them, where the candidate has a threshold; all, unless given.
    """

    graph: Graph
    loss: str
    batch: int
    candidate: Candidate
    steps: int
    told: Told | None = None

    @property
    def optimiser(self) -> str:
        return self.candidate.optimiser.kind

    @property
    def master(self) -> bool:
        """Whether the optimiser steps a copy of its own."""
        return self.candidate.numerics.formats.master is not None

    @property
    def options(self) -> Options:
        """What rules that relax are told. Where batches may settle early each step is checked; with a lag, steps are
        made in vain."""
        candidate, how = self.candidate, self.candidate.inference or InferenceSettings()
        control, steps = None, self.steps
        if how.tolerance > 0:
            control = Control(energy=True, lag=candidate.check_lag)
            steps += candidate.check_lag
        elif candidate.schedule == "barrier":
            control = Control()
        return Options(
            batch=self.batch,
            steps=steps,
            optimiser=self.optimiser,
            wavefront=candidate.wavefront,
            hoist=candidate.hoist,
            descent=how.descent,
            nudged=how.nudging != "none",
            master=self.master,
            micro_batches=candidate.micro_batches,
            control=control,
            told=(self.told or EVERYTHING) if how.threshold > 0 else None,
        )


def _predictive_coding(asked: Asked) -> Program:
    """By its order; where weights stream, nodes are visited one after the other and learn at once."""
    candidate, how, options = asked.candidate, asked.candidate.inference, asked.options
    if how is not None and how.order != "jacobi":
        options = replace(options, at_once=candidate.streamed)
        return ordered_predictive_coding(asked.graph, asked.loss, options, order=how.order)
    if candidate.streamed or candidate.schedule == "skewed":
        visits = Visits(candidate.window if candidate.schedule == "skewed" else 0)
        options = replace(options, visits=visits)
    return predictive_coding(asked.graph, asked.loss, options)


def _zero_divergence(asked: Asked) -> Program:
    gated = asked.candidate.gated
    return zero_divergence(asked.graph, asked.loss, asked.options, gated=gated)


def _backpropagation(asked: Asked) -> Program:
    candidate = asked.candidate
    if candidate.schedule == "sequential":
        return backpropagation(
            asked.graph,
            asked.loss,
            batch=asked.batch,
            optimiser=asked.optimiser,
            master=asked.master,
            at_once=candidate.streamed,
        )
    return pipelined_backpropagation(
        asked.graph,
        asked.loss,
        batch=asked.batch,
        micro_batches=candidate.micro_batches,
        optimiser=asked.optimiser,
        schedule=candidate.schedule,
        stash=candidate.stash,
        master=asked.master,
    )


PROGRAMS: dict[str, Callable[[Asked], Program]] = {
    "pc": _predictive_coding,
    "ipc": lambda asked: incremental_predictive_coding(asked.graph, asked.loss, asked.options),
    "z_il": _zero_divergence,
    "fpa": lambda asked: fixed_prediction(asked.graph, asked.loss, asked.options),
    "epc": lambda asked: error_optimisation(asked.graph, asked.loss, asked.options),
    "bp": _backpropagation,
}
"""Which operations each rule is, by the words of ``pcsim.network.RULES``; a file of your own adds to it."""


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
    training = workload.training
    graph, loss = workload.network.graph, training.loss
    asked = Asked(graph, loss, training.batch, candidate, steps, told)
    program = PROGRAMS[candidate.algorithm](asked)
    return _named(program, workload)


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    program = inference(workload.network.graph, batch=workload.training.batch)
    return _named(program, workload)


def _named(program: Program, workload: Workload) -> Program:
    """The parts of a network that was written as a list of layers are called by the numbers of these."""
    return replace(program, names=()) if workload.network.layers is not None else program
