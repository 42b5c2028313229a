"""The program that a candidate asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pcsim.config import Candidate, Workload
from pcsim.config.candidates import InferenceSettings
from pcsim.program.backpropagation import backpropagation
from pcsim.program.error_optimisation import error_optimisation
from pcsim.program.fixed_prediction import fixed_prediction, zero_divergence
from pcsim.program.form import Form
from pcsim.program.graphs.build import graph_inference_of, graph_program_of
from pcsim.program.incremental import incremental_predictive_coding
from pcsim.program.inference import inference
from pcsim.program.messages import EVERYTHING, Told
from pcsim.program.ops import Program
from pcsim.program.ordered import ordered_predictive_coding
from pcsim.program.pipelines import pipelined_backpropagation
from pcsim.program.predictive_coding import predictive_coding
from pcsim.program.synchronise import Control
from pcsim.program.visits import Visits


def program_of(
    workload: Workload, candidate: Candidate, *, steps: int, told: Told | None = None
) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed.

    ``told`` is what was told in each of them, where the candidate has a threshold; all, unless given.
    """
    if not workload.network.is_chain:
        return graph_program_of(workload, candidate, steps=steps)
    form = form_of(workload)
    common = Common(
        batch=workload.training.batch,
        optimiser=candidate.optimiser.kind,
        master=candidate.numerics.formats.master is not None,
    )
    if candidate.inference is None:
        return _backpropagation(form, candidate, common)
    return _relaxing(form, candidate, candidate.inference, common, steps, told)


class Common(NamedTuple):
    """What all rules are told: samples of a batch, the optimiser, and whether it steps a copy of its own."""

    batch: int
    optimiser: str
    master: bool


def _backpropagation(form: Form, candidate: Candidate, common: Common) -> Program:
    if candidate.schedule == "sequential":
        return backpropagation(form, at_once=candidate.streamed, **common._asdict())
    return pipelined_backpropagation(
        form,
        micro_batches=candidate.micro_batches,
        schedule=candidate.schedule,
        stash=candidate.stash,
        **common._asdict(),
    )


def _relaxing(
    form: Form,
    candidate: Candidate,
    how: InferenceSettings,
    common: Common,
    steps: int,
    told: Told | None,
) -> Program:
    """By the variant of predictive coding, and of plain predictive coding by its order.

    Where batches may settle early each step is checked; with a lag, steps are made in vain.
    """
    given = common._asdict()
    if how.variant == "ipc":
        return incremental_predictive_coding(form, steps=steps, **given)
    if how.variant == "fpa":
        return fixed_prediction(form, steps=steps, wavefront=candidate.wavefront, **given)
    if how.variant == "z_il":
        return zero_divergence(form, gated=candidate.gated, **given)
    if how.variant == "epc":
        return error_optimisation(form, steps=steps, **given)
    control = None
    if how.tolerance > 0:
        control = Control(energy=True, lag=candidate.check_lag)
        steps += candidate.check_lag
    elif candidate.schedule == "barrier":
        control = Control()
    relax: Callable[..., Program]
    if how.order == "jacobi":
        visits = None
        if candidate.streamed or candidate.schedule == "skewed":
            window = candidate.window if candidate.schedule == "skewed" else 0
            visits = Visits(form.depth, window)
        relax = partial(predictive_coding, visits=visits)
    else:
        relax = partial(ordered_predictive_coding, order=how.order, at_once=candidate.streamed)
    return relax(
        form,
        steps=steps,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
        micro_batches=candidate.micro_batches,
        control=control,
        descent=how.descent,
        nudged=how.nudging != "none",
        told=(told or EVERYTHING) if how.threshold > 0 else None,
        **given,
    )


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    if not workload.network.is_chain:
        return graph_inference_of(workload)
    return inference(form_of(workload), batch=workload.training.batch)


def form_of(workload: Workload) -> Form:
    """How the layers of ``workload``'s network predict."""
    network = workload.network
    assert network.activation is not None, "a chain has one"
    return Form(
        network.widths,
        network.activation,
        loss=workload.training.loss,
        scaled=network.parameterisation != "sp",
        bias=network.bias,
        skips=network.skips,
        post=network.placement == "post",
    )
