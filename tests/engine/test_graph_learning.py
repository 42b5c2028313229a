"""Graphs in training: against the chains' learner, plain optimisers, and between settings that must not matter."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml

import pcsim.engine.network as chains
from pcsim.config import OptimiserSettings, candidates, load_workload
from pcsim.engine import train_all
from pcsim.engine.checkpoint import Checkpoint
from pcsim.engine.datasets import Dataset, DatasetSplit
from pcsim.engine.graph import GraphNetwork, backpropagate, infer, initial_weights
from pcsim.engine.graph import model as graph_model
from pcsim.engine.graph.learner import GraphLearner
from pcsim.engine.graph.model import block_samples
from pcsim.engine.kinds import compiled, kinds_of, operators_of
from pcsim.engine.learn import course_of
from pcsim.engine.learner import Learner
from pcsim.engine.loop import Course, learn_seed, learner_of, profile_of
from pcsim.engine.network import DenseNetwork, batch_rows
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.rules import BackwardPass, Relaxing
from pcsim.engine.setup import TrainingSetup
from pcsim.errors import InputError
from pcsim.network import graph_of
from tests.helpers.graphs import chain_as_graph, weights_of

CHAIN = DenseNetwork((7, 9, 6, 6, 4), "tanh", "cross_entropy", "float64", bias=True)
SAMPLES, BATCH, SEED = 40, 12, 3
RULES = {
    "pc": Relaxing(Relaxation(steps=3, rate=0.3)),
    "few steps": Relaxing(Relaxation(steps=1, rate=0.3)),
    "nudged": Relaxing(Relaxation(steps=5, rate=0.2), Nudging("centred", 0.3)),
    "settling": Relaxing(Relaxation(steps=30, rate=0.2, tolerance=0.1)),
    "ipc": Relaxing(Relaxation(steps=4, rate=0.2, variant="ipc")),
    "z_il": Relaxing(Relaxation(steps=3, rate=1.0, variant="z_il")),
    "epc": Relaxing(Relaxation(steps=4, rate=0.2, variant="epc")),
    "bp": BackwardPass(),
}
OPTIMISERS = {
    "sgd": OptimiserSettings(kind="sgd", rate=0.1, schedule="step", every=2, factor=0.5),
    "momentum": OptimiserSettings(kind="momentum", rate=0.05, momentum=0.8),
    "adam": OptimiserSettings(kind="adam", rate=0.01, schedule="cosine"),
    "adamw": OptimiserSettings(kind="adamw", rate=0.01, weight_decay=0.1),
}


def data_for(width, classes, dtype="float64", samples=SAMPLES):
    random = np.random.default_rng(8)
    x = random.standard_normal((samples, width)).astype(dtype)
    return x, np.eye(classes, dtype=dtype)[random.integers(0, classes, samples)]


@pytest.mark.parametrize("rule, optimiser", list(product(RULES, OPTIMISERS)))
def test_a_chain_as_a_graph_learns_as_the_chain(rule, optimiser):
    graph = chain_as_graph(CHAIN)
    weights = chains.initial_weights(CHAIN, SEED)
    x, y = data_for(7, 4)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=2)
    setup = TrainingSetup(x, y, BATCH, OPTIMISERS[optimiser], len(order), SEED)
    theirs = Learner(CHAIN, weights, RULES[rule], setup)
    ours = GraphLearner(
        GraphNetwork(graph, CHAIN.loss),
        weights_of(graph, weights, CHAIN),
        RULES[rule],
        setup,
    )
    for begin in (0, 3):
        part = order[begin : begin + 3]
        for learner in (ours, theirs):
            learner.energies = [
                learner.updates(part, done=begin, learn=learn)[1] for learn in (False, True)
            ]
        np.testing.assert_allclose(ours.energies, theirs.energies, rtol=1e-11)
        if RULES[rule].settles:
            np.testing.assert_array_equal(ours.executed, theirs.executed)
    wanted = weights_of(graph, theirs.weights(), CHAIN)
    for key, array in ours.weights().items():
        # Adam divides by gradients that may be rounding alone.
        np.testing.assert_allclose(array, wanted[key], rtol=1e-9, atol=1e-9, err_msg=key)
    np.testing.assert_allclose(ours.outputs(x), theirs.outputs(x), rtol=1e-8, atol=1e-9)


def small_network(dtype="float64", loss="mse"):
    nodes = [
        {
            "name": "z1",
            "branches": [
                {"from": "x", "map": [["conv2d", {"filters": 4, "kernel": 3, "padding": 1}], "relu"]}
            ],
        },
        {
            "name": "z2",
            "branches": [
                {"from": "z1", "map": [["conv2d", {"filters": 4, "kernel": 3, "padding": 1}]]},
                {"from": "z1", "map": []},
            ],
            "then": ["tanh", ["max_pool", {"kernel": 2}]],
        },
        {"name": "p", "branches": [{"from": "z2", "map": ["tokens"]}]},
        {"name": "y", "branches": [{"from": "p", "map": ["layer_norm", "mean_tokens", ["dense", {"units": 3}]]}]},
    ]  # fmt: skip
    return GraphNetwork(graph_of([2, 4, 6], nodes), loss, dtype)


def learner_for(network, rule, *, optimiser=OPTIMISERS["sgd"], batch=BATCH):
    x, y = data_for(48, 3, network.dtype)
    weights = initial_weights(network.graph, SEED, network.dtype)
    learner = GraphLearner(
        network,
        weights,
        rule,
        TrainingSetup(x=x, y=y, batch=batch, optimiser=optimiser, updates_total=9),
    )
    return learner, weights, x, y


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_plain_steps_follow_the_gradients_of_each_batch(rule):
    network, optimiser = small_network(), OptimiserSettings(kind="sgd", rate=0.1)
    learner, weights, x, y = learner_for(network, RULES[rule], optimiser=optimiser)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=1)
    made, energy = learner.updates(order, done=0)
    assert made == len(order)
    for rows in order:
        if rule == "bp":
            result = backpropagate(network, weights, x[rows], y[rows])
        else:
            how = RULES[rule].relaxation
            result = infer(network, weights, x[rows], y[rows], relaxation=how)
        weights = {key: w - 0.1 * result.gradients[key] for key, w in weights.items()}
    for key, array in learner.weights().items():
        np.testing.assert_allclose(array, weights[key], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(energy, result.energies[-1].sum(), rtol=1e-12)


@pytest.mark.parametrize("rule", ["pc", "nudged", "epc", "z_il", "bp"])
def test_a_batch_in_blocks_learns_as_a_whole_one(rule, monkeypatch):
    network = small_network()
    whole, *_ = learner_for(network, RULES[rule])
    monkeypatch.setattr(graph_model, "BLOCK_VALUES", 1500)
    cut, *_ = learner_for(network, RULES[rule])
    assert cut.block < whole.block == BATCH
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=2)
    energies = [learner.updates(order, done=0)[1] for learner in (whole, cut)]
    np.testing.assert_allclose(*energies, rtol=1e-12)
    for key, array in whole.weights().items():
        np.testing.assert_allclose(cut.weights()[key], array, rtol=1e-11, atol=1e-13)


def test_blocks_are_as_equal_as_can_be(monkeypatch):
    graph = small_network().graph
    for limit in (1, 1500, 10**9):
        monkeypatch.setattr(graph_model, "BLOCK_VALUES", limit)
        for batch in (1, 7, 64):
            block = block_samples(graph, batch)
            parts = -(-batch // block)
            assert 1 <= block <= batch and (parts - 1) * block < batch


def test_updates_can_be_cut_anywhere():
    network = small_network("float32")
    whole, *_ = learner_for(network, RULES["pc"], optimiser=OPTIMISERS["adam"])
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=3)
    whole.updates(order, done=0)
    first, *_ = learner_for(network, RULES["pc"], optimiser=OPTIMISERS["adam"])
    first.updates(order[:4], done=0)
    second, *_ = learner_for(network, RULES["pc"], optimiser=OPTIMISERS["adam"])
    second.restore(first.parameters, done=4)
    second.updates(order[4:], done=4)
    for key, array in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[key], array)


def course_for(rule, *, dtype="float32", rate=0.01, evaluate_every=2):
    x, y = data_for(48, 3, dtype, samples=60)
    part = DatasetSplit(x, y)
    return Course(
        small_network(dtype),
        rule,
        Dataset(part, part, part),
        batch=BATCH,
        epochs=3,
        evaluate_every=evaluate_every,
        # Also rates that no file may say.
        optimiser=OptimiserSettings.model_construct(kind="adam", rate=rate),
    )


def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))
    monkeypatch.setattr("pcsim.engine.checkpoint.EVERY_S", 0.0)
    course = course_for(RULES["pc"])
    curve, weights = learn_seed(course, 0, progress=lambda made: None)
    told = 0

    def cut(made):
        nonlocal told
        told += made
        if told >= 8:
            raise InterruptedError

    path = tmp_path / "trainings" / "cut.partial.npz"
    with pytest.raises(InterruptedError):
        learn_seed(course, 0, progress=cut, checkpoint=Checkpoint(path))
    again, found = learn_seed(course, 0, progress=lambda made: None, checkpoint=Checkpoint(path))
    assert again == curve
    for key, array in weights.items():
        np.testing.assert_array_equal(found[key], array)


def test_a_training_that_diverges_says_when():
    course = course_for(Relaxing(Relaxation(steps=4, rate=0.1)), rate=1e30)
    curve, _ = learn_seed(course, 0, progress=lambda made: None)
    assert curve.diverged_at is not None and curve.diverged_at > 0
    assert curve.test_accuracy is None
    wild = course_for(Relaxing(Relaxation(steps=60, rate=1e9)))
    curve, _ = learn_seed(wild, 0, progress=lambda made: None)
    assert curve.diverged_at == 0


def test_a_profile_has_an_entry_for_every_node():
    course = course_for(Relaxing(Relaxation(steps=2, rate=0.1)))
    weights = initial_weights(course.network.graph, 0, "float32")
    profile = profile_of(course, 0, weights)
    assert profile.steps == 2 and profile.executed == ((2, 5),)
    sizes = [BATCH * size for size in (4 * 24, 4 * 6, 24, 3)]
    # Errors climb an edge a step: y, p, z2.
    assert profile.active_errors[0] == (0, 0, 0, sizes[3])
    assert profile.active_errors[1] == (0, 0, sizes[2], sizes[3])
    assert profile.active_errors[2] == (0, sizes[1], sizes[2], sizes[3])
    relu = profile.active_states[0][0]
    assert 0 < relu < sizes[0]  # z1 has passed a relu in its own prediction
    assert profile.active_states[2][1:] == tuple(sizes[1:])
    assert profile.credited_layers == (2, 3, 4)
    assert profile.credit_reasons == ("steps", "", "", "")
    assert profile.gradient_norms[0] == 0.0 and profile.gradient_norms[2] is None
    assert profile.gradient_cosines[0] is None
    assert profile.gradient_cosines[1] > 0.999 and profile.gradient_cosines[3] > 0.999


def test_a_gradient_below_the_rounding_of_float32_has_no_credit():
    deep = [{"name": "z1", "branches": [{"from": "x", "map": [["dense", {"units": 12}]]}]}]
    for i in range(2, 7):
        steps = ["tanh", ["dense", {"units": 12}]]
        deep.append({"name": f"z{i}", "branches": [{"from": f"z{i - 1}", "map": steps}]})
    deep.append({"name": "y", "branches": [{"from": "z6", "map": [["dense", {"units": 3}]]}]})
    network = GraphNetwork(graph_of([48], deep), "mse", "float32")
    rule = Relaxing(Relaxation(steps=8, rate=1e-3))
    course = replace(course_for(rule), network=network)
    profile = profile_of(course, 0, initial_weights(network.graph, 0, "float32"))
    assert profile.credit_reasons[0] in ("rate", "underflow")
    assert profile.credit_reasons[-1] == ""


def test_batches_that_settle_are_counted():
    course = course_for(Relaxing(Relaxation(steps=50, rate=0.2, tolerance=0.2)))
    weights = initial_weights(course.network.graph, 0, "float32")
    profile = profile_of(course, 0, weights)
    assert sum(count for _, count in profile.executed) == 5
    assert 0 < profile.steps < 50


def test_learners_of_graphs_and_chains_are_made_of_what_a_course_holds():
    course = course_for(BackwardPass())
    weights = initial_weights(course.network.graph, 0, "float32")
    learner = learner_of(course, 0, weights)
    assert isinstance(learner, GraphLearner)
    assert learner.outputs(course.dataset.train.x).shape == (3, 60)


CONV = """
network:
  input: [1, 8, 8]
  activation: tanh
  placement: post
  blocks:
    - conv: {filters: 8, kernel: 3, padding: 1}
    - pool: {kind: max, kernel: 2}
    - conv: {filters: 16, kernel: 3, padding: 1}
    - flatten
    - dense: 10
"""


@pytest.fixture
def conv(tmp_path, monkeypatch):
    """``conv("path=value", ...)``: a small convolutional network on digits."""
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))

    def load(*overrides):
        shipped = Path(__file__).parents[2] / "workloads" / "digits.yaml"
        described = yaml.safe_load(shipped.read_text()) | yaml.safe_load(CONV)
        path = tmp_path / "conv.yaml"
        path.write_text(yaml.safe_dump(described))
        return load_workload(str(path), overrides=("training.seeds=1", *overrides))

    return load


def test_a_convolutional_network_learns_digits_by_both_rules(conv, tile64):
    work = conv("training.epochs=4", "training.evaluate_every=37")
    for training in train_all(work, candidates(tile64(), work)).values():
        (curve,) = training.curves
        assert curve.validation_accuracy[0] < 0.3
        assert curve.validation_accuracy[-1] > 0.9
        assert curve.test_accuracy > 0.9
        assert training.credit_depth == 3


def test_what_is_compiled_for_graphs_is_known_of_each_width_of_number(conv, tile64):
    work = conv("training.epochs=1", "training.evaluate_every=37")
    pc, bp = candidates(tile64(), work)
    kinds = {
        kind.name
        for each in (pc, bp)
        for kind in kinds_of(each, "float32", operators_of(work, each))
    }
    widths = ("float32", "float64")
    assert kinds == {f"{part}-{width}-plain" for part in ("graph", "conv2d") for width in widths}
    assert operators_of(load_workload("digits"), bp) == frozenset()
    train_all(work, (bp,))
    assert all(map(compiled, kinds_of(bp, "float32", operators_of(work, bp))))


def test_what_graphs_do_not_know_yet_is_refused(conv, tile64):
    work = conv("training.epochs=1", "pc.threshold=0.1")
    candidate = candidates(tile64(), work)[0]
    with pytest.raises(InputError) as caught:
        course_of(work, candidate, None)
    assert "pc.threshold" in str(caught.value) and "network.blocks" in str(caught.value)


def test_a_convolutional_network_learns_digits_in_bf16(conv, tile64):
    work = conv("training.epochs=3", "training.evaluate_every=37")
    values = ("weight", "state", "error", "optimiser")
    chip = tile64(*(f"tiles.formats.{value}=bf16 stochastic" for value in values))
    chosen = candidates(chip, work)
    trained = train_all(work, chosen)
    for training in trained.values():
        assert training.curves[0].validation_accuracy[-1] > 0.8
        assert set(training.profile.credit_reasons) <= {"", "format", "rate", "underflow", "zero"}
    kinds = kinds_of(chosen[0], "float32", operators_of(work, chosen[0]))
    assert {kind.rounding for kind in kinds} == {"plain", "rounded"}
    plainly = train_all(work, candidates(tile64(), work))
    assert trained[chosen[0].id].curves != plainly[chosen[0].id].curves
