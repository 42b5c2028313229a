"""The program that a candidate asks for where its network is no chain of dense layers."""

from __future__ import annotations

from collections.abc import Iterator

from pcsim.config import Candidate, Workload, problem_at
from pcsim.errors import InputError
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

VARIANTS = {
    "ipc": graph_incremental_predictive_coding,
    "fpa": graph_fixed_prediction,
    "epc": graph_error_optimisation,
}
"""How variants of predictive coding are written; z_il, which may be gated, and pc, which has orders, apart."""


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
    graph, loss = workload.network.graph, workload.training.loss
    batch, optimiser = workload.training.batch, candidate.optimiser.kind
    master = candidate.numerics.formats.master is not None
    how = candidate.inference
    if how is None and candidate.schedule != "sequential":
        return graph_pipelined_backpropagation(
            graph,
            loss,
            batch=batch,
            micro_batches=candidate.micro_batches,
            optimiser=optimiser,
            schedule=candidate.schedule,
            master=master,
        )
    if how is None:
        return graph_backpropagation(graph, loss, batch=batch, optimiser=optimiser, master=master)
    control = None
    if how.tolerance > 0:
        control = Control(energy=True, lag=candidate.check_lag)
        steps += candidate.check_lag
    elif candidate.schedule == "barrier":
        control = Control()
    options = Options(
        batch=batch,
        steps=steps,
        optimiser=optimiser,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
        descent=how.descent,
        nudged=how.nudging != "none",
        master=master,
        micro_batches=candidate.micro_batches,
        control=control,
    )
    if how.variant == "z_il":
        return graph_zero_divergence(graph, loss, options, gated=candidate.gated)
    if how.variant != "pc":
        return VARIANTS[how.variant](graph, loss, options)
    if how.order != "jacobi":
        return graph_ordered_predictive_coding(graph, loss, options, order=how.order)
    return graph_jacobi_predictive_coding(graph, loss, options)


def graph_inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    return graph_inference(workload.network.graph, batch=workload.training.batch)


def _why(workload: Workload) -> str:
    return f"where network.{workload.network.way} is no chain of dense layers: what that costs there is not written yet"


def _refused(candidate: Candidate) -> Iterator[tuple[str, str, object]]:
    """What has no program: its path, what it must be, what it is."""
    how = candidate.inference
    if how is None:
        if candidate.stash != "kept":
            yield "bp.stash", "kept", candidate.stash
        return
    if candidate.schedule not in ("free", "barrier"):
        yield "pc.schedule", "free or barrier", candidate.schedule
    if how.threshold > 0:
        yield "pc.threshold", "0", how.threshold
