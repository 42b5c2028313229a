"""The program that a candidate asks for where its network is no chain of dense layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pcsim.config import Candidate, Workload, problem_at
from pcsim.config.candidates import InferenceSettings
from pcsim.errors import InputError
from pcsim.network import Graph
from pcsim.program.graphs.backpropagation import graph_backpropagation
from pcsim.program.graphs.error_optimisation import graph_error_optimisation
from pcsim.program.graphs.fixed_prediction import graph_fixed_prediction, graph_zero_divergence
from pcsim.program.graphs.incremental import graph_incremental_predictive_coding
from pcsim.program.graphs.inference import graph_inference
from pcsim.program.graphs.ordered import graph_ordered_predictive_coding
from pcsim.program.graphs.pipelines import graph_pipelined_backpropagation
from pcsim.program.graphs.predictive_coding import graph_jacobi_predictive_coding
from pcsim.program.graphs.relaxing import Options
from pcsim.program.ops import Program
from pcsim.program.synchronise import Control


@dataclass(frozen=True)
class Asked:
    """One weight update of one batch, as ``candidate`` asks for it, with ``steps`` inference steps executed."""

    graph: Graph
    loss: str
    batch: int
    candidate: Candidate
    steps: int

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
        )


def _predictive_coding(asked: Asked) -> Program:
    how = asked.candidate.inference
    if how is not None and how.order != "jacobi":
        return graph_ordered_predictive_coding(
            asked.graph, asked.loss, asked.options, order=how.order
        )
    return graph_jacobi_predictive_coding(asked.graph, asked.loss, asked.options)


def _zero_divergence(asked: Asked) -> Program:
    gated = asked.candidate.gated
    return graph_zero_divergence(asked.graph, asked.loss, asked.options, gated=gated)


def _backpropagation(asked: Asked) -> Program:
    if asked.candidate.schedule == "sequential":
        return graph_backpropagation(
            asked.graph,
            asked.loss,
            batch=asked.batch,
            optimiser=asked.optimiser,
            master=asked.master,
        )
    return graph_pipelined_backpropagation(
        asked.graph,
        asked.loss,
        batch=asked.batch,
        micro_batches=asked.candidate.micro_batches,
        optimiser=asked.optimiser,
        schedule=asked.candidate.schedule,
        master=asked.master,
    )


PROGRAMS: dict[str, Callable[[Asked], Program]] = {
    "pc": _predictive_coding,
    "ipc": lambda asked: graph_incremental_predictive_coding(
        asked.graph, asked.loss, asked.options
    ),
    "z_il": _zero_divergence,
    "fpa": lambda asked: graph_fixed_prediction(asked.graph, asked.loss, asked.options),
    "epc": lambda asked: graph_error_optimisation(asked.graph, asked.loss, asked.options),
    "bp": _backpropagation,
}
"""Which operations each rule is, by the words of ``pcsim.network.RULES``; a file of your own adds to it."""


def graph_program_of(workload: Workload, candidate: Candidate, *, steps: int) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed.

    Raises:
        InputError: with everything asked for that is not written for such networks yet.
    """
    refused = tuple(
        problem_at(workload, path, f"{path} must be {wanted}, not {value!r}, {_why(workload)}")
        for path, wanted, value in _refused(candidate)
    )
    if refused:
        raise InputError(refused)
    training = workload.training
    asked = Asked(workload.network.graph, training.loss, training.batch, candidate, steps)
    return PROGRAMS[candidate.algorithm](asked)


def graph_inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    return graph_inference(workload.network.graph, batch=workload.training.batch)


def _why(workload: Workload) -> str:
    return f"where network.{workload.network.way} is no chain of dense layers: what that costs there is not written yet"


def _refused(candidate: Candidate) -> Iterator[tuple[str, str, object]]:
    """What has no program: its path, what it must be, what it is."""
    how = candidate.inference
    if candidate.own is not None:
        return
    if how is None:
        if candidate.stash != "kept":
            yield "bp.stash", "kept", candidate.stash
        return
    if candidate.schedule not in ("free", "barrier"):
        yield "pc.schedule", "free or barrier", candidate.schedule
    if how.threshold > 0:
        yield "pc.threshold", "0", how.threshold
