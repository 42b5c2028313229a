"""The program that a candidate asks for."""

from __future__ import annotations

from pcsim.config import Candidate, Workload, problem_at
from pcsim.errors import InputError
from pcsim.program.backpropagation import backpropagation
from pcsim.program.form import Form
from pcsim.program.inference import inference
from pcsim.program.ops import Program
from pcsim.program.predictive_coding import predictive_coding

UNTIMED = {
    "variant": "pc",
    "order": "jacobi",
    "descent": "gd",
    "tolerance": 0.0,
    "threshold": 0.0,
    "nudging": "none",
}
"""Settings of ``pc`` and the only value whose operations are described here so far."""


def program_of(workload: Workload, candidate: Candidate, *, steps: int) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed.

    Raises:
        InputError: the engine can train this candidate, but its operations are not described yet.
    """
    form, batch = form_of(workload), workload.training.batch
    optimiser = candidate.optimiser.kind
    master = candidate.numerics.formats.master is not None
    if candidate.inference is not None:
        problems = tuple(
            problem_at(
                workload,
                f"pc.{name}",
                f"pc.{name} must be {known} to be timed, not {value}",
                hint="the engine trains it; its time and energy on a chip are not modelled yet",
            )
            for name, known in UNTIMED.items()
            if (value := getattr(candidate.inference, name)) != known
        )
        if problems:
            raise InputError(problems)
    if candidate.rule == "bp":
        return backpropagation(form, batch=batch, optimiser=optimiser, master=master)
    return predictive_coding(
        form,
        batch=batch,
        steps=steps,
        optimiser=optimiser,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
        master=master,
    )


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    return inference(form_of(workload), batch=workload.training.batch)


def form_of(workload: Workload) -> Form:
    """How the layers of ``workload``'s network predict."""
    network = workload.network
    return Form(
        network.layers,
        network.activation,
        loss=workload.training.loss,
        scaled=network.parameterisation != "sp",
        bias=network.bias,
        skips=network.skips,
        post=network.placement == "post",
    )
