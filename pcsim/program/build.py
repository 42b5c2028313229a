"""The program that a candidate asks for."""

from __future__ import annotations

from pcsim.config import Candidate, Workload
from pcsim.program.backpropagation import backpropagation
from pcsim.program.inference import inference
from pcsim.program.ops import Program
from pcsim.program.predictive_coding import predictive_coding


def program_of(workload: Workload, candidate: Candidate, *, steps: int) -> Program:
    """One weight update of one batch by ``candidate``'s rule, with ``steps`` inference steps executed."""
    network, training = workload.network, workload.training
    if candidate.rule == "bp":
        return backpropagation(
            network.layers,
            batch=training.batch,
            phi=network.activation,
            loss=training.loss,
            optimiser=candidate.optimiser.kind,
        )
    return predictive_coding(
        network.layers,
        batch=training.batch,
        steps=steps,
        phi=network.activation,
        loss=training.loss,
        optimiser=candidate.optimiser.kind,
        wavefront=candidate.wavefront,
        hoist=candidate.hoist,
    )


def inference_of(workload: Workload) -> Program:
    """The feed-forward pass of one batch."""
    network = workload.network
    return inference(network.layers, batch=workload.training.batch, phi=network.activation)
