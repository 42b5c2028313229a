"""Rules beside the reference algorithm: what they are equal to, and when."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pcsim.config import OptimiserSettings
from pcsim.engine import DenseNetwork, Relaxation, backpropagate, infer, initial_weights
from pcsim.engine.learner import Learner
from pcsim.engine.network import batch_rows
from pcsim.engine.relaxation import Nudging
from pcsim.engine.rules import Relaxing
from pcsim.engine.setup import TrainingSetup
from tests.oracles import reference_pc as reference

DEEP = DenseNetwork((7, 9, 9, 8, 8, 6, 4), "tanh", "mse", "float64")
KINDS = {
    "plain": {},
    "bias": {"bias": True},
    "skips": {"skips": True},
    "mupc": {"skips": True, "parameterisation": "mupc", "bias": True},
    "post": {"placement": "post", "bias": True},
}
ACTIVATIONS = ["linear", "tanh", "relu", "leaky_relu"]


def batch_for(network, *, samples=11, seed=5):
    random = np.random.default_rng(seed)
    x = random.standard_normal((samples, network.widths[0]))
    return x, np.eye(network.widths[-1])[random.integers(0, network.widths[-1], samples)]


def run(network, *, seed=1, beta=None, samples=11, **settings):
    """(network's weights, x, y, what inference gives)."""
    weights, (x, y) = initial_weights(network, seed), batch_for(network, samples=samples)
    how = Relaxation(**{"rate": 0.2, **settings})
    return weights, x, y, infer(network, weights, x, y, relaxation=how, beta=beta)


def assert_gradients_equal(ours, theirs, *, digits=1e-12):
    largest = max(np.abs(gradient).max() for gradient in theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=digits * largest)


# --- Rules that are backpropagation ---


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", [*ACTIVATIONS, "gelu"])
def test_z_il_and_fixed_predictions_are_backpropagation(activation, kind, loss):
    network = replace(DEEP, activation=activation, loss=loss, **KINDS[kind])
    steps = {"z_il": network.layers - 1, "fpa": network.layers}
    for variant, wavefront in (("z_il", True), ("fpa", True), ("fpa", False)):
        weights, x, y, result = run(
            network, variant=variant, steps=steps[variant], rate=1.0, wavefront=wavefront
        )
        backward = backpropagate(network, weights, x, y)
        assert_gradients_equal(result.gradients, backward.gradients)
        assert result.credited_layers == tuple(range(1, network.layers + 1))


@pytest.mark.parametrize("layers", [2, 8, 16, 32])
def test_z_il_is_backpropagation_in_deep_networks(layers):
    network = DenseNetwork((7, *(12,) * (layers - 1), 4), "tanh", "mse", "float64")
    # Weights of gain 1, lest errors fade below the last digit of the states that they are taken from.
    weights = tuple(w * np.sqrt(3) for w in initial_weights(network, 1))
    x, y = batch_for(network)
    how = Relaxation(layers - 1, 1.0, variant="z_il")
    gradients = infer(network, weights, x, y, relaxation=how).gradients
    assert_gradients_equal(gradients, backpropagate(network, weights, x, y).gradients)


def test_z_il_credits_one_more_layer_a_step():
    for steps in range(DEEP.layers):
        *_, result = run(DEEP, variant="z_il", steps=steps, rate=1.0)
        assert result.credited_layers == tuple(range(DEEP.layers - steps, DEEP.layers + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_fixed_predictions_equal_a_plain_version_at_any_rate(kind):
    """e_l <- e_l - rate (e_l - J_{l+1}^T e_{l+1}), J of the feed-forward pass."""
    network = replace(DEEP, **KINDS[kind])
    weights, x, y, result = run(network, variant="fpa", steps=9, rate=0.3)
    z, _ = reference.feed_forward(network, weights, x)
    e = reference.errors(network, weights, x, y, z)
    _, slope = reference.ACTIVATIONS[network.activation]
    u = reference.before(network, weights, x, z) if network.placement == "post" else None
    for _ in range(9):
        moved = list(e)
        for i, state in enumerate(z):
            above = e[i + 1]
            if u and i + 2 < network.layers:
                above = above * slope(u[i + 1])
            pull = network.scales[i + 1] * (above @ weights[i + 1])
            if not u:
                pull = pull * slope(state)
            pull = pull + (e[i + 1] if network.skipped[i + 1] else 0)
            moved[i] = e[i] - 0.3 * (e[i] - pull)
        e = moved
    for ours, theirs in zip(result.errors, e, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_of_error_optimisation_is_backpropagation_times_its_rate(kind):
    network = replace(DEEP, **KINDS[kind])
    weights, x, y, result = run(network, variant="epc", steps=1, rate=1e-6)
    backward = backpropagate(network, weights, x, y)
    plain = [g / 1e-6 for g in result.gradients]
    hidden = [i for i in range(len(plain)) if (i + 1) % network.layers]
    assert_gradients_equal(
        [plain[i] for i in hidden], [backward.gradients[i] for i in hidden], digits=1e-4
    )


# --- Rules that share predictive coding's equilibrium ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "epc", "rate": 0.2},
        {"order": "gauss_seidel", "rate": 0.6},
        {"order": "red_black", "rate": 0.6},
        {"descent": "momentum", "momentum": 0.5, "rate": 0.2},
        {"order": "gauss_seidel", "descent": "momentum", "momentum": 0.3, "rate": 0.3},
    ],
    ids=["epc", "gauss_seidel", "red_black", "momentum", "gauss_seidel with momentum"],
)
def test_all_ways_lead_a_linear_network_to_its_closed_form_equilibrium(settings, kind):
    network = DenseNetwork((7, 8, 8, 8, 8, 4), "linear", "mse", "float64", **KINDS[kind])
    weights, x, y, result = run(network, steps=4000, **settings)
    np.testing.assert_allclose(
        result.energies[-1].sum(), equilibrium_energy(network, weights, x, y), rtol=1e-11
    )
    z = list(result.states[:-1])
    for slope in reference.slopes(network, weights, x, y, z):
        np.testing.assert_allclose(slope, 0, atol=1e-9)
    gradients = reference.gradients(network, weights, x, y, z)
    assert_gradients_equal(result.gradients, gradients, digits=1e-9)


def equilibrium_energy(network, weights, x, y):
    """1/(2B) sum r^T S^-1 r, S = I + sum_{l>=2} P_l P_l^T, P_l = M_L ... M_l, r = y - output."""
    layers = zip(network.scales, weights, network.skipped, strict=False)
    matrices = [a * w + (np.eye(len(w)) if skip else 0) for a, w, skip in layers]
    product = s = np.eye(network.widths[-1])
    for matrix in reversed(matrices[1:]):
        product = product @ matrix
        s = s + product @ product.T
    r = y - reference.feed_forward(network, weights, x)[1]
    return 0.5 * np.sum(r * np.linalg.solve(s, r.T).T) / len(r)


def test_activity_adam_equals_a_plain_version():
    weights, x, y, result = run(DEEP, descent="adam", steps=12, rate=0.01, wavefront=False)
    z, _ = reference.feed_forward(DEEP, weights, x)
    first, second = ([np.zeros_like(state) for state in z] for _ in range(2))
    for step in range(1, 13):
        for i, g in enumerate(reference.slopes(DEEP, weights, x, y, z)):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            m, v = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
            z[i] = z[i] - 0.01 * m / (np.sqrt(v) + 1e-8)
    for ours, theirs in zip(result.states[:-1], z, strict=True):
        # An error just above its rounding moves by a full step, in a direction that is rounding's.
        np.testing.assert_allclose(np.median(np.abs(ours - theirs)), 0, atol=1e-10)


# --- Orders ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("order", ["gauss_seidel", "red_black"])
def test_orders_equal_a_plain_version_that_recomputes_everything(order, activation, kind):
    network = replace(DEEP, activation=activation, **KINDS[kind])
    weights, x, y, result = run(network, order=order, steps=3)
    z, _ = reference.feed_forward(network, weights, x)
    hidden = range(len(z))
    odd_then_even = [[i for i in hidden if i % 2 == 0], [i for i in hidden if i % 2 == 1]]
    phases = [[i] for i in reversed(hidden)] if order == "gauss_seidel" else odd_then_even
    for _ in range(3):
        for phase in phases:
            moves = reference.slopes(network, weights, x, y, z)
            z = [state - 0.2 * moves[i] if i in phase else state for i, state in enumerate(z)]
    for ours, theirs in zip(result.states[:-1], z, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)
    for ours, theirs in zip(
        result.errors, reference.errors(network, weights, x, y, z), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)
    assert_gradients_equal(result.gradients, reference.gradients(network, weights, x, y, z))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(7, 9, 9, 8, 8, 6, 4), (7, 9, 9, 8, 8, 6, 5, 4)])
@pytest.mark.parametrize(
    "settings",
    [
        {"order": "gauss_seidel"},
        {"order": "red_black"},
        {"descent": "momentum"},
        {"descent": "adam", "rate": 0.01},
        {"order": "red_black", "descent": "momentum"},
        {"variant": "fpa"},
        {"threshold": 0.01},
        {"threshold": 0.01, "order": "red_black"},
        {"tolerance": 1e-3},
    ],
    ids=str,
)
def test_the_wavefront_changes_no_bit_in_any_order(settings, widths, dtype, kind):
    network = DenseNetwork(widths, "tanh", "mse", dtype, **KINDS[kind])
    for steps in (1, 2, 5):
        *_, skipped = run(network, steps=steps, wavefront=True, **settings)
        *_, full = run(network, steps=steps, wavefront=False, **settings)
        np.testing.assert_array_equal(skipped.energies, full.energies)
        for field in ("states", "errors", "gradients"):
            for a, b in zip(getattr(skipped, field), getattr(full, field), strict=True):
                np.testing.assert_array_equal(a, b)


def test_one_gauss_seidel_sweep_credits_every_layer_and_four_jacobi_steps_five():
    network = DenseNetwork((64, *(32,) * 12, 10), "tanh", "mse", "float64")
    *_, swept = run(network, order="gauss_seidel", steps=1)
    *_, stepped = run(network, steps=4)
    assert swept.credited_layers == tuple(range(1, 14))
    assert stepped.credited_layers == (9, 10, 11, 12, 13)


@pytest.mark.parametrize("layers", range(2, 8))
@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel", "red_black"])
def test_the_layers_said_to_be_reached_are_those_with_errors(order, layers):
    network = DenseNetwork((7, *(6,) * (layers - 1), 4), "tanh", "mse", "float64")
    for steps in range(5):
        *_, result = run(network, order=order, steps=steps)
        said = Relaxing(Relaxation(steps, 0.2, order=order)).on_chains.reach(layers)
        assert len(result.credited_layers) == said


# --- Settling, messages, nudging ---


@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel"])
def test_a_batch_settles_after_the_first_step_that_gains_too_little(order):
    *_, whole = run(DEEP, order=order, steps=60)
    energies = whole.energies.sum(axis=1)
    gains = (energies[:-1] - energies[1:]) / energies[:-1]
    expected = int(np.argmax(gains <= 0.01)) + 1
    *_, settled = run(DEEP, order=order, steps=60, tolerance=0.01)
    assert 1 < expected < 60
    assert len(settled.energies) == expected + 1
    np.testing.assert_array_equal(settled.energies, whole.energies[: expected + 1])
    for steps in (expected - 1, 60):  # how many are allowed
        learner = learner_of(Relaxation(steps, 0.2, order=order, tolerance=0.01))
        learner.updates(np.arange(11)[None], done=0, learn=False)
        assert learner.executed[min(steps, expected)] == 1


def learner_of(relaxation, *, network=DEEP, optimiser=None, nudging=None, seed=0):
    x, y = batch_for(network)
    return Learner(
        network,
        initial_weights(network, 1),
        Relaxing(relaxation, nudging or Nudging()),
        TrainingSetup(
            x=x,
            y=y,
            batch=11,
            optimiser=optimiser or OptimiserSettings(kind="sgd", rate=0.1),
            updates_total=4,
            seed=seed,
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["jacobi", "gauss_seidel", "red_black"])
def test_a_threshold_too_small_to_matter_changes_nothing_and_counts_what_moves(order, kind):
    network = replace(DEEP, **KINDS[kind])
    *_, plain = run(network, order=order, steps=4)
    *_, told = run(network, order=order, steps=4, threshold=1e-300)
    for field in ("states", "errors", "gradients"):
        for a, b in zip(getattr(plain, field), getattr(told, field), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)
    elements = 11 * np.array(network.widths[1:])
    assert not plain.sent_states.any()
    assert np.all(told.sent_states <= elements)
    assert np.all(told.sent_errors <= elements)
    # The top hidden layer moves in every step that its order lets an error reach.
    assert told.sent_states[-1, -2] == elements[-2]


def test_a_higher_threshold_tells_less_and_an_infinite_one_nothing():
    counts = []
    for threshold in (1e-300, 1e-3, 1e-2, 999.0):
        *_, result = run(DEEP, steps=6, threshold=threshold)
        counts.append(int(result.sent_states.sum() + result.sent_errors.sum()))
    assert counts[0] > counts[1] > counts[2] > counts[3] == 0


def test_untold_changes_stay_within_the_threshold():
    """With a threshold of c, p_l differs from W_l phi(z_{l-1}) by at most c times W_l's absolute row sums."""
    threshold = 0.01
    weights, x, _, result = run(DEEP, steps=8, threshold=threshold)
    z = list(result.states[:-1])
    exact = reference.predictions(DEEP, weights, x, z)
    for i in range(1, DEEP.layers - 1):
        heard = z[i] - result.errors[i]
        bound = threshold * np.abs(weights[i]).sum(axis=1) + 1e-14
        assert np.all(np.abs(heard - exact[i]) <= bound)


def test_full_positive_nudging_is_clamping():
    *_, clamped = run(DEEP, steps=5)
    *_, nudged = run(DEEP, steps=5, beta=1.0)
    assert_gradients_equal(nudged.gradients, clamped.gradients)


def test_weak_nudging_of_either_sign_tends_to_the_same_gradient():
    """The central difference in beta: gradients by beta and -beta differ by O(beta)."""
    *_, up = run(DEEP, steps=5, beta=1e-5)
    *_, down = run(DEEP, steps=5, beta=-1e-5)
    assert_gradients_equal(up.gradients, down.gradients, digits=1e-3)


def test_centred_nudging_draws_a_sign_for_each_batch_from_the_seed():
    nudging = Nudging("centred", 0.3)
    betas = nudging.betas(4, first=0, count=40)
    assert set(betas) == {0.3, -0.3}
    assert betas[7:19] == nudging.betas(4, first=7, count=12)
    assert betas != nudging.betas(5, first=0, count=40)
    for seed in range(4):
        learner = learner_of(Relaxation(3, 0.2), nudging=nudging, seed=seed)
        learner.updates(np.arange(11)[None], done=0)
        weights, _, _, result = run(DEEP, steps=3, beta=nudging.betas(seed, first=0, count=1)[0])
        expected = [w - 0.1 * g for w, g in zip(weights, result.gradients, strict=True)]
        assert_gradients_equal(learner.weights(), expected)


# --- Learning ---


@pytest.mark.parametrize(
    "relaxation",
    [
        Relaxation(3, 0.2, variant="fpa"),
        Relaxation(5, 1.0, variant="z_il"),
        Relaxation(3, 0.2, variant="epc"),
        Relaxation(3, 0.2, order="gauss_seidel"),
        Relaxation(3, 0.2, order="red_black"),
        Relaxation(3, 0.2, descent="momentum"),
        Relaxation(9, 0.2, tolerance=0.05),
        Relaxation(3, 0.2, threshold=0.01),
    ],
    ids=str,
)
def test_updates_follow_the_gradients_of_inference(relaxation):
    learner = learner_of(relaxation)
    learner.updates(np.arange(11)[None], done=0)
    weights, (x, y) = initial_weights(DEEP, 1), batch_for(DEEP)
    result = infer(DEEP, weights, x, y, relaxation=relaxation)
    expected = [w - 0.1 * g for w, g in zip(weights, result.gradients, strict=True)]
    assert_gradients_equal(learner.weights(), expected, digits=1e-14)


def test_a_threshold_that_never_tells_learns_as_zero_steps_do_below_the_output():
    learner = learner_of(Relaxation(3, 0.2, threshold=999.0))
    learner.updates(np.arange(11)[None], done=0)
    # The output's first error is told at the start; below it nobody hears of anything that follows.
    moved = [
        not np.array_equal(a, b)
        for a, b in zip(learner.weights(), initial_weights(DEEP, 1), strict=True)
    ]
    assert moved == [False, False, False, False, True, True]


def test_incremental_predictive_coding_equals_a_plain_version():
    learner = learner_of(Relaxation(4, 0.2, variant="ipc"))
    made, energy = learner.updates(np.arange(11)[None], done=0)
    weights, (x, y) = list(initial_weights(DEEP, 1)), batch_for(DEEP)
    z, _ = reference.feed_forward(DEEP, weights, x)
    for _ in range(4):
        moves = reference.slopes(DEEP, weights, x, y, z)
        gradients = reference.gradients(DEEP, weights, x, y, z)
        z = [state - 0.2 * move for state, move in zip(z, moves, strict=True)]
        weights = [w - 0.1 * g for w, g in zip(weights, gradients, strict=True)]
    assert made == 1
    assert_gradients_equal(learner.weights(), weights)
    expected = reference.energies(DEEP, weights, x, y, z).sum()
    np.testing.assert_allclose(energy, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["momentum", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_optimisers_and_schedules_equal_plain_ones(kind, schedule):
    optimiser = OptimiserSettings(
        kind=kind, rate=0.05, momentum=0.7, weight_decay=0.1, schedule=schedule, every=2, factor=0.3
    )
    network = replace(DEEP, bias=True)
    learner = learner_of(Relaxation(2, 0.2), network=network, optimiser=optimiser)
    order = batch_rows(0, 11, batch=11, epochs=4)
    learner.updates(order[:1], done=0)
    learner.updates(order[1:], done=1)
    weights, (x, y) = initial_weights(network, 1), batch_for(network)
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for update, rows in enumerate(order):
        rates = {
            "constant": 0.05,
            "cosine": 0.05 * (1 + np.cos(np.pi * update / 4)) / 2,
            "step": 0.05 * 0.3 ** (update // 2),
        }
        rate = rates[schedule]
        z = reference.relax(network, weights, x[rows], y[rows], steps=2, rate=0.2)
        gradients = reference.gradients(network, weights, x[rows], y[rows], z)
        stepped = []
        for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            if kind == "momentum":
                first[i] = 0.7 * first[i] + g
                stepped.append(w - rate * first[i])
                continue
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g**2
            m, v = first[i] / (1 - 0.9 ** (update + 1)), second[i] / (1 - 0.999 ** (update + 1))
            stepped.append(w * (1 - rate * 0.1) - rate * m / (np.sqrt(v) + 1e-8))
        weights = stepped
    for ours, theirs in zip(learner.weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_pairs_of_widths_decide_where_skips_are():
    network = DenseNetwork((9, 9, 9, 8, 8, 9, 9), "tanh", "mse", skips=True)
    equal = [a == b for a, b in pairwise(network.widths)]
    assert equal == [True, True, False, True, False, True]
    assert network.skipped == (False, True, False, True, False, False)
