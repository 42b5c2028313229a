"""Which layers a training gives credit to: against float64, and with every reason why not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import Formats, Numerics, candidates, load_both
from pcsim.engine import train_all
from pcsim.engine.credit import credit_of
from pcsim.engine.network import DenseNetwork, initial_weights
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.rules import BackwardPass, Relaxing
from pcsim.errors import TruncatedCreditError
from pcsim.line import run
from pcsim.schedules import choose
from pcsim.sweeps.evaluate import _untrained_reason
from pcsim.technology import price_list
from pcsim.verdict.truncated import credit_label, reason_of, remedy_of, why_truncated
from tests.oracles import reference_pc


def network_of(widths, dtype="float32", **settings):
    return DenseNetwork(
        widths=tuple(widths),
        activation=settings.pop("activation", "tanh"),
        loss="mse",
        dtype=dtype,
        **settings,
    )


def looked_at(rule, network, *, numerics=None, seed=0, scale=1.0):
    random = np.random.default_rng(seed)
    x = random.standard_normal((8, network.widths[0])).astype(network.dtype)
    y = random.standard_normal((8, network.widths[-1])).astype(network.dtype)
    weights = tuple(w * np.dtype(network.dtype).type(scale) for w in initial_weights(network, 0))
    result = rule.look_at(network, weights, x, y, numerics=numerics)
    return credit_of(rule, network, weights, x, y, result, numerics=numerics), (weights, x, y)


def pc(steps, rate, **settings):
    return Relaxing(Relaxation(steps=steps, rate=rate, **settings)).on_chains


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 12), st.integers(1, 14), st.sampled_from([0.3, 0.03, 0.003, 1e-4]))
def test_a_credited_layer_points_where_an_independent_float64_version_does(layers, steps, rate):
    network = network_of([6] * (layers + 1))
    credit, (weights, x, y) = looked_at(pc(steps, rate), network)
    wide = replace(network, dtype="float64")
    double = tuple(w.astype(float) for w in weights)
    z = reference_pc.relax(wide, double, x.astype(float), y.astype(float), steps=steps, rate=rate)
    exact = reference_pc.gradients(wide, double, x.astype(float), y.astype(float), z)
    found = pc(steps, rate).look_at(network, weights, x, y).gradients
    for layer, (mine, truth, why) in enumerate(zip(found, exact, credit.reasons, strict=True), 1):
        gap, size = np.linalg.norm(mine - truth), np.linalg.norm(truth)
        if layers - layer >= steps + 1:
            assert why == "steps"
        elif abs(gap - size) > 0.2 * size:  # Near the border the two float64 versions may differ.
            assert (why == "") == (gap < size), (layer, gap, size)


def test_errors_that_have_not_come_so_far_are_told_by_the_steps():
    credit, _ = looked_at(pc(2, 0.3), network_of([5] * 6))
    assert credit.reasons == ("steps", "steps", "", "", "")
    assert credit.norms[0] == 0.0


def test_errors_below_the_rounding_of_their_states_are_noise_or_nothing():
    credit, _ = looked_at(pc(11, 0.02), network_of([6] * 12))
    lost = [why for why in credit.reasons if why]
    assert set(lost) <= {"rate", "underflow"} and lost
    assert credit.reasons[-1] == ""
    # What is lost is below what is credited: errors shrink on their way down.
    assert credit.reasons[: len(lost)] == tuple(lost)


def test_narrow_formats_lose_what_float32_keeps():
    names = dict.fromkeys(Formats.model_fields, "bf16") | {"accumulate": "fp32", "master": None}
    numerics = Numerics(Formats.model_validate(names))
    credit, _ = looked_at(pc(5, 0.05), network_of([6] * 6), numerics=numerics)
    assert "format" in credit.reasons
    plain, _ = looked_at(pc(5, 0.05), network_of([6] * 6))
    assert set(plain.reasons) == {""}


def test_where_units_are_dead_not_even_backpropagation_has_a_gradient():
    network = network_of([5, 5, 5, 5], activation="relu", bias=True)
    random = np.random.default_rng(0)
    x = random.standard_normal((8, 5)).astype("float32")
    y = random.standard_normal((8, 5)).astype("float32")
    weights = list(initial_weights(network, 0))
    weights[network.layers + 1] = np.full(5, -100, "float32")  # Layer 2 never fires.
    for rule in (pc(4, 0.3), BackwardPass().on_chains):
        result = rule.look_at(network, tuple(weights), x, y)
        credit = credit_of(rule, network, tuple(weights), x, y, result)
        assert credit.reasons[0] == "zero"


def test_gradients_that_are_not_finite_are_no_credit():
    with np.errstate(all="ignore"):
        credit, _ = looked_at(pc(200, 900.0), network_of([5] * 4, activation="linear"))
    assert set(credit.reasons) == {"diverged"} and set(credit.norms) == {None}


def profile_with(*reasons):
    from pcsim.engine import Profile
    from tests.helpers.verdict_values import training

    made: Profile = training("pc", []).profile
    return replace(made, credit_reasons=reasons)


def test_every_reason_has_words_and_what_would_mend_it():
    hardware, workload = load_both("tile64", "digits")
    candidate = candidates(hardware, workload, rule="pc")[0]
    candidate = replace(candidate, steps=1)
    for reason, word, remedy in (
        ("steps", "more inference steps", "pc.steps of at least 2, or pc.order: gauss_seidel"),
        ("rate", "rounding of their states", "A larger pc.rate, or pc.order: gauss_seidel"),
        ("format", "number formats", "tiles.formats of states and errors, such as fp32"),
        ("underflow", "too small on their way", "A larger pc.rate"),
        ("zero", "without any gradient", ""),
    ):
        profile = profile_with(reason, "", "")
        assert reason_of(profile) == reason
        assert word in why_truncated(profile)
        assert remedy in remedy_of(candidate, profile, workload.network.graph)
        assert credit_label(reason) == f"truncated: {reason}"
    assert credit_label("") == ""


SMALL = ["training.epochs=1", "training.seeds=1", "network.layers=[64, 8, 8, 10]"]


def test_full_credit_holds_what_was_measured_and_not_the_number_of_steps():
    """Two steps reach all layers, but at this rate nothing of the error arrives."""
    settings = [*SMALL, "pc.steps=2", "pc.rate=1e-5", "pc.full_credit=true"]
    with pytest.raises(TruncatedCreditError) as caught:
        run(*load_both("tile64", "digits", overrides=settings), rule="pc")
    said = str(caught.value)
    assert "teaches 2 of 3 layers" in said or "teaches 1 of 3 layers" in said
    assert "A larger pc.rate" in said and caught.value.exit_code == 2
    assert run(*load_both("tile64", "digits", overrides=[*SMALL, "pc.full_credit=true"])).ratios


def test_of_several_schedules_those_without_full_credit_drop_out_with_their_reason():
    settings = [*SMALL, "pc.schedule=best", "pc.full_credit=true"]
    hardware, workload = load_both("tile64", "digits", overrides=settings)
    offered = candidates(hardware, workload, rule="pc")
    trained = train_all(workload, offered)
    for candidate in offered:
        if candidate.order == "jacobi":
            training = trained[candidate.id]
            profile = replace(
                training.profile, credited_layers=(3,), credit_reasons=("rate", "rate", "")
            )
            trained[candidate.id] = replace(training, profile=profile)
    best, tried = choose(
        hardware, workload, offered, trained, prices=price_list(hardware), too_large={}
    )
    dropped = {each.candidate.order for each in tried if "teaches 1 of 3 layers" in each.reason}
    assert dropped == {"jacobi"}
    assert best[0].order != "jacobi"


@pytest.mark.slow
def test_of_a_hundred_and_twenty_eight_layers_as_many_learn_as_point_where_float64_does():
    hardware, workload = load_both(
        "ideal", "mupc128", overrides=["training.seeds=1", "training.epochs=1"]
    )
    result = run(hardware, workload, rule="pc").results[0]
    profile = result.training.profile
    told = list(zip(profile.credited_layers, profile.gradient_cosines[-10:], strict=False))
    assert 5 <= result.credit_depth < 20 and told
    for layer, cosine in enumerate(profile.gradient_cosines, 1):
        if layer in profile.credited_layers:
            assert cosine is not None and cosine > 0.5
        elif cosine is not None:
            assert cosine < 0.9


def test_a_skip_brings_credit_sooner_than_a_chain_of_as_many_layers(tmp_path):
    """Errors climb edges: here the first node is read by the output, and all are next to one that moves early."""
    (tmp_path / "work.yaml").write_text(
        """\
schema: pcsim/workload/1
name: skipping
extends: digits
network:
  input: [64]
  nodes:
    - {name: a, branches: [{from: x, map: [[dense, {units: 8}]]}]}
    - {name: b, branches: [{from: a, map: [tanh, [dense, {units: 8}]]}]}
    - {name: c, branches: [{from: b, map: [tanh, [dense, {units: 8}]]}]}
    - name: y
      branches:
        - {from: c, map: [tanh, [dense, {units: 10}]]}
        - {from: a, map: [tanh, [dense, {units: 10}]]}
pc: {steps: 1}
"""
    )
    hardware, workload = load_both("tile64", tmp_path / "work.yaml")
    (candidate,) = candidates(hardware, workload, rule="pc")
    assert _untrained_reason(workload, candidate) == ""
    none = replace(candidate, steps=0)
    assert _untrained_reason(workload, none) == "steps"
    said = remedy_of(none, profile_with("steps", "steps", "steps", ""), workload.network.graph)
    assert said.startswith("pc.steps of at least 1,")
