"""Training in the numbers of a chip, bit for bit against a plain version; and what must not depend on what."""

from dataclasses import replace

import numpy as np
import pytest

from pcsim.config import Analog, Formats, Numerics, OptimiserSettings
from pcsim.engine.learner import Learner
from pcsim.engine.network import DenseNetwork, batch_rows, initial_weights
from pcsim.engine.numerics.products import integer_product
from pcsim.engine.numerics.quantise import quantised, scale_of
from pcsim.engine.relaxation import Nudging, Relaxation
from pcsim.engine.rules import BackwardPass, Relaxing
from pcsim.engine.setup import TrainingSetup
from pcsim.formats import parse_format
from tests.oracles.reference_rounded import Chip

SAMPLES, BATCH, SEED = 20, 6, 3
SINGLE = DenseNetwork((7, 9, 9, 5, 4), "relu", "mse", "float32", bias=True)
DOUBLE = replace(SINGLE, dtype="float64")


def numerics(weight, state=None, error=None, accumulate="fp32", optimiser="fp32", master=None, **a):
    """``numerics("bf16", master="fp32")``: what is not named is as the weights are, or fp32."""
    words = {"weight": weight, "state": state or weight, "error": error or weight}
    words |= {"accumulate": accumulate, "optimiser": optimiser, "master": master}
    formats = Formats.model_validate({k: v for k, v in words.items() if v})
    return Numerics(formats, Analog(**a) if a else None)


NUMBERS = {
    "bf16": (SINGLE, numerics("bf16", accumulate="bf16", optimiser="bf16")),
    "bf16 in float64": (DOUBLE, numerics("bf16", accumulate="fp64", optimiser="bf16")),
    "mixed": (
        SINGLE,
        numerics("fp8_e4m3", "bf16", "fp8_e5m2", "fp16", "bf16", master="fp32"),
    ),
    "stochastic": (
        SINGLE,
        numerics(
            "bf16 stochastic",
            "q4.8 stochastic",
            "fp8_e5m2 stochastic",
            "fp16 stochastic",
            "bf16 stochastic",
            master="bf16 stochastic",
        ),
    ),
    "fixed point": (SINGLE, numerics("q2.10", "q6.10", "q4.12", "q12.12", "q2.20", master="q2.20")),
    "integers": (
        SINGLE,
        numerics("int8_pow2", accumulate="int32", optimiser="bf16", master="bf16"),
    ),
    "scaled integers": (SINGLE, numerics("int8", accumulate="fp16", optimiser="int12")),
    "blocks": (SINGLE, numerics("bfp8/4", "bfp6/4", "bfp5/8", "q8.16", "bfp10/8")),
}
RULES = (
    "pc",
    "bp",
    "gauss_seidel",
    "red_black",
    "momentum",
    "adam",
    "nudged",
    "ipc",
    "fpa",
    "z_il",
)
RULES += ("epc",)


def rule_of(name, layers):
    """(rule, how the plain version relaxes after ``begin``)."""
    how = Relaxation(steps=3, rate=0.25, wavefront=False)
    if name in ("gauss_seidel", "red_black"):
        return Relaxing(replace(how, order=name)), lambda c: c.sweeps(3, 0.25, order=name)
    if name in ("momentum", "adam"):
        rule = Relaxing(replace(how, descent=name, momentum=0.5))
        return rule, lambda chip: chip.jacobi(3, 0.25, chip.descend(name, 0.5))
    if name == "nudged":
        return Relaxing(how, Nudging("positive", 0.5)), lambda c: (
            c.nudge(0.5),
            c.jacobi(3, 0.25),
        )
    if name == "fpa":
        return Relaxing(replace(how, variant="fpa")), lambda c: c.fixed(3, 0.25)
    if name == "z_il":
        how = Relaxation(layers - 1, 1.0, variant="z_il")
        return Relaxing(how), lambda c: c.fixed(layers - 1, 1.0, one_by_one=True)
    if name == "epc":
        return Relaxing(replace(how, variant="epc")), lambda c: c.errors(3, 0.25)
    if name in ("tolerance", "threshold"):
        return Relaxing(replace(how, **{name: 0.05})), None
    if name == "ipc":
        return Relaxing(replace(how, variant="ipc")), None
    return Relaxing(how), lambda chip: chip.jacobi(3, 0.25)


def data_for(network, number):
    random = np.random.default_rng(8)
    x = random.standard_normal((SAMPLES, network.widths[0])).astype(network.dtype)
    y = np.eye(network.widths[-1], dtype=network.dtype)
    y = y[random.integers(0, network.widths[-1], SAMPLES)]
    return quantised(x, number), quantised(y, number)


def learner_of(network, numbers, rule, optimiser, *, data=None):
    state = numbers.formats.state if numbers else parse_format("fp64")
    x, y = data_for(network, replace(state, rounding="nearest")) if numbers else data
    return Learner(
        network,
        initial_weights(network, SEED),
        rule,
        TrainingSetup(
            x=x, y=y, batch=BATCH, optimiser=optimiser, updates_total=9, seed=SEED, numerics=numbers
        ),
    )


def assert_learns_as_the_chip(network, numbers, name, optimiser, updates=3):
    """Weights, moments and outputs after a few updates, all bits."""
    rule, relax = rule_of(name, network.layers)
    if name == "bp":
        rule = BackwardPass()
    learner = learner_of(network, numbers, rule, optimiser)
    chip = Chip(network, numbers, optimiser, seed=SEED)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=1)[:updates]
    made, _ = learner.updates(order, done=0)
    assert made == updates
    for update, rows in enumerate(order):
        x, y = learner.data.samples[rows].T, learner.data.targets[rows].T
        chip.update = update
        if name == "bp":
            chip.backward(x, y)
        else:
            chip.begin(x, y)
        if name == "ipc":
            chip.together(3, 0.25, 3 * update, BATCH)
            continue
        if name != "bp":
            relax(chip)
        beta = 0.5 if name == "nudged" else 1.0
        chip.learn(chip.a, chip.d, update + 1, BATCH, beta)
    for ours, theirs in zip(learner.weights(), chip.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in (
        (learner.parameters.first, chip.first),
        (learner.parameters.second, chip.second),
    ):
        np.testing.assert_array_equal(ours, np.concatenate([m.ravel() for m in theirs]))
    chip.update = updates
    np.testing.assert_array_equal(
        learner.outputs(learner.data.samples), chip.outputs(learner.data.samples)
    )
    moved = [
        not np.array_equal(a, b)
        for a, b in zip(learner.weights(), initial_weights(network, SEED), strict=True)
    ]
    assert all(moved)


@pytest.mark.parametrize("rule", ["pc", "bp"])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_every_format_is_bit_for_bit_the_plain_version(numbers, rule):
    assert_learns_as_the_chip(*NUMBERS[numbers], rule, OptimiserSettings(kind="adam", rate=0.01))


@pytest.mark.parametrize("numbers", ["bf16", "stochastic", "integers"])
@pytest.mark.parametrize("rule", RULES[2:])
def test_every_rule_is_bit_for_bit_the_plain_version(rule, numbers):
    assert_learns_as_the_chip(*NUMBERS[numbers], rule, OptimiserSettings(kind="sgd", rate=0.1))


@pytest.mark.parametrize("kind", ["momentum", "adamw"])
def test_every_optimiser_is_bit_for_bit_the_plain_version(kind):
    assert_learns_as_the_chip(*NUMBERS["mixed"], "pc", OptimiserSettings(kind=kind, rate=0.02))


FORMS = {
    "post": {"placement": "post", "activation": "tanh"},
    "skips": {"skips": True, "parameterisation": "mupc", "activation": "tanh"},
    "leaky": {"activation": "leaky_relu", "parameterisation": "ntp"},
}


@pytest.mark.parametrize("rule", ["pc", "bp", "gauss_seidel", "epc", "fpa"])
@pytest.mark.parametrize("form", FORMS)
def test_every_network_form_is_bit_for_bit_the_plain_version(form, rule):
    network, numbers = NUMBERS["bf16"]
    assert_learns_as_the_chip(
        replace(network, **FORMS[form]), numbers, rule, OptimiserSettings(kind="sgd", rate=0.1)
    )


NOISE = {"read_noise": 0.02, "write_noise": 0.01, "mismatch": 0.03, "adc_bits": 7}
NOISELESS = {"read_noise": 0, "write_noise": 0, "mismatch": 0, "adc_bits": 24}


@pytest.mark.parametrize("master", [None, "fp32"])
@pytest.mark.parametrize("noise", [NOISE, NOISELESS], ids=["noise", "converters"])
@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_crossbars_are_bit_for_bit_the_plain_version(rule, noise, master):
    numbers = numerics("bf16", accumulate="fp64", optimiser="bf16", master=master, **noise)
    assert_learns_as_the_chip(DOUBLE, numbers, rule, OptimiserSettings(kind="adam", rate=0.01))


# --- What changes no bit ---


def plain_rule(name, layers):
    return BackwardPass() if name == "bp" else rule_of(name, layers)[0]


def trained(network, numbers, rule, optimiser=("adam", 0.01), *, data=None):
    learner = learner_of(
        network, numbers, rule, OptimiserSettings(kind=optimiser[0], rate=optimiser[1]), data=data
    )
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=2)
    _, energy = learner.updates(order, done=0)
    return [*learner.weights(), learner.outputs(learner.data.samples), np.array(energy)]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("master", [None, "same"])
@pytest.mark.parametrize(
    ("word", "rule"),
    [
        *(("fp32", rule) for rule in (*RULES, "tolerance", "threshold")),
        ("fp64", "pc"),
        ("fp64", "bp"),
    ],
)
def test_the_formats_of_the_carrier_change_no_bit(word, rule, master):
    network = {"fp32": SINGLE, "fp64": DOUBLE}[word]
    rule = plain_rule(rule, network.layers)
    numbers = numerics(word, accumulate=word, optimiser=word, master=master and word)
    plain = trained(network, None, rule, data=data_for(network, parse_format(word)))
    assert_same(trained(network, numbers, rule), plain)


@pytest.mark.parametrize("numbers", ["bf16", "fixed point", "blocks"])
@pytest.mark.parametrize("rule", ["pc", "red_black", "fpa"])
def test_idle_layers_may_be_skipped_where_rounding_is_to_the_nearest(numbers, rule):
    network, formats = NUMBERS[numbers]
    rule = rule_of(rule, network.layers)[0]
    steps = [
        trained(
            network,
            formats,
            Relaxing(replace(rule.relaxation, steps=2, wavefront=w)),
        )
        for w in (True, False)
    ]
    assert_same(*steps)


@pytest.mark.parametrize("master", [None, "fp32"])
@pytest.mark.parametrize("rule", ["pc", "ipc", "bp"])
def test_going_on_from_what_was_kept_equals_never_stopping(rule, master):
    number = {"optimiser": "bf16 stochastic", "master": master and "bf16 stochastic"}
    numbers = numerics("bf16 stochastic", **number, **NOISE)
    rule = plain_rule(rule, SINGLE.layers)
    order = batch_rows(SEED, SAMPLES, batch=BATCH, epochs=3)
    whole, first, second = (
        learner_of(SINGLE, numbers, rule, OptimiserSettings(kind="adam", rate=0.01))
        for _ in range(3)
    )
    whole.updates(order, done=0)
    first.updates(order[:4], done=0)
    second.restore(first.parameters, done=4)
    x = first.data.samples
    np.testing.assert_array_equal(second.outputs(x), first.outputs(x))
    second.updates(order[4:], done=4)
    assert_same(second.weights(), whole.weights())
    np.testing.assert_array_equal(second.outputs(x), whole.outputs(x))


def test_seeds_round_at_random_differently():
    rule = plain_rule("bp", SINGLE.layers)
    a, b = (
        Learner(
            SINGLE,
            initial_weights(SINGLE, 0),
            rule,
            TrainingSetup(
                x=np.zeros((6, 7), np.float32),
                y=np.zeros((6, 4), np.float32),
                batch=6,
                optimiser=OptimiserSettings(kind="sgd", rate=0.1),
                updates_total=1,
                seed=seed,
                numerics=numerics("bf16 stochastic"),
            ),
        ).weights()
        for seed in (0, 1)
    )
    assert not np.array_equal(a[0], b[0])


# --- int32 sums in a float carrier ---


@pytest.mark.parametrize(("terms", "dtype"), [(1040, "float32"), (1041, "float64")])
def test_the_carrier_is_wide_enough_for_exact_sums(terms, dtype):
    formats = numerics("int8_pow2", accumulate="int32", master="fp32").formats
    assert formats.carrier_for(terms) == dtype
    # The worst case: all terms as large as can be and of one sign, and one small one.
    number = formats.weight
    a = np.full((3, terms), 127, dtype)
    a[:, -1] = 126
    b = np.full((terms, 2), -127, dtype)
    exact = np.zeros((3, 2), np.int64)
    integer_product(a.astype(np.int64), b.astype(np.int64), exact)
    scales = 2.0**-9, 2.0**4
    for values, scale in ((a, scales[0]), (b, scales[1])):
        assert scale_of(values * values.dtype.type(scale), number) == scale
    product = (a * a.dtype.type(scales[0])) @ (b * b.dtype.type(scales[1]))
    np.testing.assert_array_equal(product.astype(np.float64) / (scales[0] * scales[1]), exact)


def test_formats_that_need_doubles_are_carried_by_doubles():
    assert numerics("q16.16").formats.carrier_for(10) == "float64"
    assert numerics("bf16").formats.carrier_for(10**6) == "float32"
    assert numerics("bf16", accumulate="fp64").formats.carrier_for(1) == "float64"
