"""Which experiments are there? Known without numpy; the module of one is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from pcsim.experiments.experiment import Experiment

EXPERIMENTS = {
    "equilibrium": "Where does inference end, and what does the energy there look like?",
    "conditioning": "How hard is inference in deep networks, and which order gets there?",
    "trust-region": "Which step do the states take, against gradient and Gauss-Newton?",
    "credit": "Which layers learn within T steps, and is it what BP would teach?",
    "orders": "How far is a 128-layer network from equilibrium, by order of layers?",
}
"""Every experiment with its question; the module of the same name holds it as ``EXPERIMENT``."""


def load_experiment(name: str) -> Experiment:
    """The experiment ``name`` of EXPERIMENTS."""
    experiment = import_module(f"pcsim.experiments.{name.replace('-', '_')}").EXPERIMENT
    assert isinstance(experiment, Experiment)
    return experiment
