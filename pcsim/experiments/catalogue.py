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
    "mupc-depth": "Does a network stay trainable as it gets deeper, and how many layers learn?",
    "precision": "Which number formats does each rule bear, and which updates do narrow ones swallow?",
    "energy-to-accuracy": "What does each way of learning pay for the same accuracy?",
    "crossover": "Where is an update shorter than backpropagation's, and do all layers learn there?",
    "sweep-order": "What does an order of layers cost until inference is done: time, products, tiles?",
    "sram": "How much memory saves DRAM traffic, by the order in which weights are used?",
    "batch": "From which batch on does PC pay for its products, where weights come from DRAM?",
    "imbalance": "What does one slow layer cost, and does it help to spread it over tiles?",
    "tornado": "Which verdicts hang on a single cost, halved or doubled?",
}
"""Every experiment with its question; the module of the same name holds it as ``EXPERIMENT``."""


def load_experiment(name: str) -> Experiment:
    """The experiment ``name`` of EXPERIMENTS."""
    experiment = import_module(f"pcsim.experiments.{name.replace('-', '_')}").EXPERIMENT
    assert isinstance(experiment, Experiment)
    return experiment
