"""The program that a candidate asks for."""

from __future__ import annotations

from pcsim.config import Candidate, Workload
from pcsim.program.backpropagation import backpropagation
from pcsim.program.form import Form
from pcsim.program.inference import inference
from pcsim.program.ops import Program
from pcsim.program.predictive_coding import predictive_coding


def program_of(workload: Workload, candidate: Candidate, *, steps: int) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed."""
    form, batch = form_of(workload), workload.training.batch
    optimiser = candidate.optimiser.kind
    if candidate.rule == "bp":
        return backpropagation(form, batch=batch, optimiser=optimiser)
    return predictive_coding(
        form,
        batch=batch,
        steps=steps,
        optimiser=optimiser,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
    )


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    return inference(form_of(workload), batch=workload.training.batch)


def form_of(workload: Workload) -> Form:
    """How the layers of ``workload``'s network predict."""
    network = workload.network
    return Form(network.layers, network.activation, loss=workload.training.loss)
