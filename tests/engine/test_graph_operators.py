"""What operators compute: against finite differences, torch where it is installed, and loops written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.engine.graph import initial_weights
from pcsim.engine.operators import OPERATIONS
from pcsim.engine.operators.conv2d import cut_of
from pcsim.network import graph_of
from pcsim.network.operators import OPERATORS

STEP = 1e-5
WITH_KINKS = ("relu", "leaky_relu", "hard_tanh", "max_pool")


def test_the_engine_has_exactly_the_operators_of_the_network():
    assert list(OPERATIONS) == list(OPERATORS)


def operation_of(name, shape, *, samples=3, seed=0, dtype="float64", **attributes):
    """The operation on inputs of that shape, with its parameters by name."""
    node = {"name": "y", "branches": [{"from": "x", "map": [[name, attributes]]}]}
    graph = graph_of(shape, [node])
    (term,) = graph.output.terms
    random = np.random.default_rng(seed)
    weights = {
        key.rpartition(".")[2]: (array + 0.1 * random.standard_normal(array.shape)).astype(dtype)
        for key, array in initial_weights(graph, seed, "float64").items()
    }
    return OPERATIONS[name](term, weights, samples, dtype), weights


def inputs_of(name, shape, random):
    """Random values, away from kinks by more than a difference's step where there are any."""
    if name in WITH_KINKS:
        grid = random.permutation(int(np.prod(shape))).reshape(shape) + 0.5
        return (grid - grid.mean()) / grid.size * 4 + 1e-3
    return random.standard_normal(shape)


# Shapes and attributes at the edges: kernel 1, a stride above the kernel, groups, depthwise, odd sides, one channel.
IMAGE_CASES = [
    ("conv2d", (1, 1, 1), {"filters": 1, "kernel": 1}),
    ("conv2d", (3, 5, 7), {"filters": 4, "kernel": 1, "bias": False}),
    ("conv2d", (3, 5, 7), {"filters": 4, "kernel": 1, "stride": 3}),
    ("conv2d", (2, 9, 6), {"filters": 3, "kernel": 3, "stride": 2, "padding": 1}),
    ("conv2d", (2, 8, 6), {"filters": 3, "kernel": 2, "stride": 3}),
    ("conv2d", (4, 5, 5), {"filters": 6, "kernel": 3, "padding": 2, "groups": 2}),
    ("conv2d", (4, 6, 5), {"filters": 4, "kernel": 3, "padding": 1, "groups": 4}),
    ("conv2d", (3, 7, 7), {"filters": 6, "kernel": 3, "stride": 2, "groups": 3, "bias": False}),
    ("conv2d", (2, 3, 3), {"filters": 2, "kernel": 5, "padding": 4, "stride": 2}),
    ("conv2d", (1, 20, 19), {"filters": 2, "kernel": 4, "stride": 4}),
    ("conv2d", (2, 17, 18), {"filters": 3, "kernel": 3, "padding": 1}),
    ("conv2d", (2, 9, 9), {"filters": 3, "kernel": 3, "padding": 1, "groups": 1}),
    ("max_pool", (2, 7, 5), {"kernel": 2}),
    ("max_pool", (1, 6, 6), {"kernel": 3, "stride": 1}),
    ("max_pool", (2, 6, 7), {"kernel": 2, "stride": 3}),
    ("max_pool", (1, 7, 7), {"kernel": 1, "stride": 3}),
    ("avg_pool", (2, 7, 5), {"kernel": 2}),
    ("avg_pool", (1, 6, 6), {"kernel": 3, "stride": 2}),
    ("global_avg_pool", (3, 4, 5), {}),
    ("tokens", (3, 4, 5), {}),
    ("flatten", (3, 4, 5), {}),
    ("patches", (2, 6, 9), {"size": 3}),
]
OTHER_CASES = [
    ("dense", (7,), {"units": 4}),
    ("dense", (3, 5), {"units": 2, "bias": False}),
    ("dense", (1,), {"units": 1}),
    ("layer_norm", (6,), {}),
    ("layer_norm", (4, 6), {"eps": 1e-3}),
    ("rms_norm", (4, 6), {}),
    ("attention", (5, 6), {"heads": 2}),
    ("attention", (5, 6), {"heads": 3, "causal": True, "bias": False}),
    ("attention", (1, 4), {"heads": 1}),
    ("attention", (1, 4), {"heads": 4, "causal": True}),
    ("mean_tokens", (5, 3), {}),
    ("position", (5, 3), {}),
    ("scale", (5, 3), {"by": -0.7}),
    *((name, (4, 3), {}) for name in ("relu", "leaky_relu", "tanh", "sigmoid")),
    *((name, (4, 3), {}) for name in ("silu", "gelu", "hard_tanh")),
]


def differences(function, array):
    """The derivative of a number by every entry of ``array``, which ``function`` reads, by central differences."""
    found = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + STEP
        above = function()
        array[index] = kept - STEP
        found[index] = (above - function()) / (2 * STEP)
        array[index] = kept
    return found


def hold_against_differences(name, shape, attributes, *, seed=0, samples=2):
    operation, weights = operation_of(name, shape, samples=samples, seed=seed, **attributes)
    random = np.random.default_rng(seed)
    value = inputs_of(name, (samples, *shape), random)
    d = random.standard_normal(operation.forward(value).shape)
    into = {key: np.full(array.shape, 0.25) for key, array in weights.items()}  # is added to
    operation.forward(value)
    operation.gradient(d, into)
    pulled = operation.pull(d).copy()

    def along():
        return float(np.sum(operation.forward(value) * d))

    tolerance = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(pulled, differences(along, value), **tolerance)
    for key, array in weights.items():
        np.testing.assert_allclose(
            into[key] - 0.25, differences(along, array), err_msg=key, **tolerance
        )


def test_every_operator_has_a_case():
    assert {name for name, _, _ in IMAGE_CASES + OTHER_CASES} == set(OPERATIONS)


@pytest.mark.parametrize("name, shape, attributes", IMAGE_CASES + OTHER_CASES)
def test_pull_and_gradient_are_the_derivatives_of_forward(name, shape, attributes):
    hold_against_differences(name, shape, attributes)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_convolutions_of_any_shape_have_the_derivatives_of_what_they_compute(data):
    groups = data.draw(st.integers(1, 3))
    channels = groups * data.draw(st.integers(1, 2))
    filters = groups * data.draw(st.integers(1, 2))
    kernel, padding = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 2))
    stride = data.draw(st.integers(1, 5))
    sides = [data.draw(st.integers(max(1, kernel - 2 * padding), 8)) for _ in range(2)]
    attributes = {
        "filters": filters,
        "kernel": kernel,
        "padding": padding,
        "stride": stride,
        "groups": groups,
    }
    hold_against_differences("conv2d", (channels, *sides), attributes)
    hold_against_loops((channels, *sides), attributes)


def hold_against_loops(shape, attributes, samples=3):
    """out[f, i, j] = b_f + sum of w[f, c, a, b] in[c, stride i + a - padding, stride j + b - padding]."""
    operation, weights = operation_of("conv2d", shape, samples=samples, **attributes)
    value = np.random.default_rng(1).standard_normal((samples, *shape))
    ours = operation.forward(value)
    pad = attributes.get("padding", 0)
    padded = np.pad(value, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    kernel, stride = attributes["kernel"], attributes.get("stride", 1)
    groups = attributes.get("groups", 1)
    per_group = shape[0] // groups
    for f, i, j in np.ndindex(ours.shape[1:]):
        low = f // (attributes["filters"] // groups) * per_group
        window = padded[
            :,
            low : low + per_group,
            stride * i : stride * i + kernel,
            stride * j : stride * j + kernel,
        ]
        theirs = np.sum(window * weights["weight"][f], axis=(1, 2, 3))
        theirs += weights["bias"][f] if "bias" in weights else 0.0
        np.testing.assert_allclose(ours[:, f, i, j], theirs, rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_convolutions_are_the_same_however_their_products_are_cut(data):
    names = ("samples", "channels", "height", "width", "filters", "kernel", "stride", "padding")
    limits = {"samples": (1, 4), "height": (4, 9), "width": (4, 9)}
    size = {name: data.draw(st.integers(*limits.get(name, (1, 3))), label=name) for name in names}
    attributes = {key: size[key] for key in ("filters", "kernel", "stride")}
    attributes["padding"] = min(size["padding"], 2)
    shape = (size["channels"], size["height"], size["width"])
    operation, weights = operation_of("conv2d", shape, samples=size["samples"], **attributes)
    rows, cols = operation.gives[1:]
    random = np.random.default_rng(0)
    value = random.standard_normal((size["samples"], *shape))
    d = random.standard_normal((size["samples"], *operation.gives))

    def results():
        into = {key: np.zeros_like(array) for key, array in weights.items()}
        out = operation.forward(value).copy()
        operation.gradient(d, into)
        return out, operation.pull(d).copy(), into["weight"], into["bias"]

    most = size["samples"] * rows * cols
    operation.columns = np.empty(size["channels"] * size["kernel"] ** 2 * most)
    operation.wide = np.empty(size["filters"] * most)
    operation.cut = (1, rows)
    plain = results()
    together = data.draw(st.integers(1, size["samples"]), label="together")
    deep = data.draw(st.integers(1, rows), label="deep")
    operation.cut = (together, rows) if data.draw(st.booleans()) else (1, deep)
    for ours, theirs in zip(results(), plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_products_are_cut_where_that_pays():
    assert cut_of(64, 28, 28, 16 * 144) == (1, 14)  # 392 columns: 0.9 million multiply-adds
    assert cut_of(64, 28, 28, 64 * 576) == (1, 28)  # 27 columns would be too narrow
    assert cut_of(64, 14, 14, 32 * 144) == (1, 14)
    assert cut_of(64, 2, 2, 64 * 576) == (4, 2)
    assert cut_of(3, 1, 1, 64 * 576) == (3, 1)


@pytest.mark.parametrize("name, shape, attributes", IMAGE_CASES)
def test_convolutions_equal_loops_over_windows(name, shape, attributes):
    if name == "conv2d":
        hold_against_loops(shape, attributes)


@pytest.mark.parametrize("name, shape, attributes", IMAGE_CASES + OTHER_CASES)
def test_in_float32_operators_are_those_of_float64_but_for_rounding(name, shape, attributes):
    wide, _ = operation_of(name, shape, **attributes)
    narrow, _ = operation_of(name, shape, dtype="float32", **attributes)
    value = inputs_of(name, (3, *shape), np.random.default_rng(4))
    exact, found = wide.forward(value), narrow.forward(value.astype("float32"))
    assert found.dtype == np.float32 and found.shape == exact.shape
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-5)
    d = np.random.default_rng(5).standard_normal(exact.shape)
    exact, found = wide.pull(d), narrow.pull(d.astype("float32"))
    assert found.dtype == np.float32 and found.shape == exact.shape == value.shape
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, shape, attributes", IMAGE_CASES + OTHER_CASES)
def test_fewer_samples_than_there_is_room_for_change_nothing(name, shape, attributes):
    operation, _ = operation_of(name, shape, samples=5, **attributes)
    value = inputs_of(name, (5, *shape), np.random.default_rng(4))
    d = np.random.default_rng(5).standard_normal(operation.forward(value).shape)
    whole, pulled = operation.forward(value).copy(), operation.pull(d).copy()
    part = operation.forward(np.ascontiguousarray(value[:2]))
    np.testing.assert_allclose(part, whole[:2], rtol=1e-12, atol=1e-13)
    pulled_part = operation.pull(np.ascontiguousarray(d[:2]))
    np.testing.assert_allclose(pulled_part, pulled[:2], rtol=1e-12, atol=1e-13)


def test_of_equal_values_the_first_wins_and_takes_the_whole_error():
    operation, _ = operation_of("max_pool", (1, 4, 4), samples=1, kernel=2)
    assert (operation.forward(np.ones((1, 1, 4, 4))) == 1).all()
    pulled = operation.pull(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))[0, 0]
    wanted = np.zeros((4, 4))
    wanted[0, 0], wanted[0, 2], wanted[2, 0], wanted[2, 2] = 1, 2, 3, 4
    np.testing.assert_array_equal(pulled, wanted)


def test_where_windows_overlap_a_winner_of_several_takes_all_their_errors():
    operation, _ = operation_of("max_pool", (1, 3, 3), samples=1, kernel=2, stride=1)
    value = np.zeros((1, 1, 3, 3))
    value[0, 0, 1, 1] = 5.0
    assert (operation.forward(value) == 5).all()
    pulled = operation.pull(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))[0, 0]
    assert pulled[1, 1] == 10.0 and pulled.sum() == 10.0


@pytest.mark.parametrize("side", [2, 3])
def test_a_value_that_is_no_number_is_not_hidden_by_a_pool(side):
    operation, _ = operation_of("max_pool", (1, side, side), samples=1, kernel=side)
    for place in np.ndindex(side, side):
        value = np.ones((1, 1, side, side))
        value[0, 0][place] = np.nan
        assert np.isnan(operation.forward(value)).all()


def test_no_token_of_causal_attention_sees_those_behind_it():
    operation, _ = operation_of("attention", (6, 4), samples=1, heads=2, causal=True)
    value = np.random.default_rng(0).standard_normal((1, 6, 4))
    before = operation.forward(value).copy()
    value[0, 4] += 1.0
    after = operation.forward(value)
    np.testing.assert_array_equal(before[0, :4], after[0, :4])
    assert (before[0, 4:] != after[0, 4:]).all()


def test_attention_of_large_scores_stays_finite():
    operation, _ = operation_of("attention", (6, 4), samples=1, heads=2, dtype="float32")
    value = 300 * np.random.default_rng(0).standard_normal((1, 6, 4)).astype("float32")
    assert np.isfinite(operation.forward(value)).all()
    assert np.isfinite(operation.pull(value)).all()


@pytest.mark.parametrize("name, shape, attributes", IMAGE_CASES + OTHER_CASES)
def test_operators_equal_torch(name, shape, attributes):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    operation, weights = operation_of(name, shape, **attributes)
    value = inputs_of(name, (3, *shape), np.random.default_rng(4))
    w = {key: torch.tensor(array, requires_grad=True) for key, array in weights.items()}
    x = torch.tensor(value, requires_grad=True)
    pool = (attributes.get("kernel"), attributes.get("stride", attributes.get("kernel")))
    layout = {k: attributes[k] for k in ("stride", "padding", "groups") if k in attributes}

    def attention():
        q, k, v = (
            functional.linear(x, w[f"{n}_weight"], w.get(f"{n}_bias"))
            .unflatten(-1, (attributes["heads"], -1))
            .transpose(1, 2)
            for n in "qkv"
        )
        causal = attributes.get("causal", False)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return functional.linear(mixed.transpose(1, 2).flatten(2), w["o_weight"], w.get("o_bias"))

    theirs = {
        "dense": lambda: functional.linear(x, w["weight"], w.get("bias")),
        "conv2d": lambda: functional.conv2d(x, w["weight"], w.get("bias"), **layout),
        "max_pool": lambda: functional.max_pool2d(x, *pool),
        "avg_pool": lambda: functional.avg_pool2d(x, *pool),
        "global_avg_pool": lambda: x.mean((2, 3)),
        "mean_tokens": lambda: x.mean(1),
        "layer_norm": lambda: functional.layer_norm(
            x, shape[-1:], w["weight"], w["bias"], attributes.get("eps", 1e-5)
        ),
        "rms_norm": lambda: functional.rms_norm(x, shape[-1:], w["weight"], 1e-5),
        "attention": attention,
        "relu": lambda: functional.relu(x),
        "leaky_relu": lambda: functional.leaky_relu(x, 0.01),
        "tanh": lambda: x.tanh(),
        "sigmoid": lambda: x.sigmoid(),
        "silu": lambda: functional.silu(x),
        "gelu": lambda: functional.gelu(x, approximate="tanh"),
        "hard_tanh": lambda: functional.hardtanh(x),
        "scale": lambda: x * attributes["by"],
        "position": lambda: x + w["weight"],
        "flatten": lambda: x.flatten(1),
        "tokens": lambda: x.flatten(2).transpose(1, 2),
        "patches": lambda: functional.unfold(
            x, attributes["size"], stride=attributes["size"]
        ).transpose(1, 2),
    }[name]()
    ours = operation.forward(value)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-11, atol=1e-12)
    d = np.random.default_rng(5).standard_normal(ours.shape)
    theirs.backward(torch.tensor(d))
    np.testing.assert_allclose(operation.pull(d), x.grad.numpy(), rtol=1e-11, atol=1e-12)
    into = {key: np.zeros_like(array) for key, array in weights.items()}
    operation.gradient(d, into)
    for key, gradient in into.items():
        np.testing.assert_allclose(gradient, w[key].grad.numpy(), rtol=1e-11, atol=1e-11)


def test_untrained_weights_are_drawn_as_said():
    nodes = [
        {
            "name": "z1",
            "branches": [
                {
                    "from": "x",
                    "map": [["conv2d", {"filters": 64, "kernel": 3}], "tokens", "position"],
                }
            ],
        },
        {
            "name": "z2",
            "branches": [{"from": "z1", "map": ["layer_norm", ["attention", {"heads": 4}]]}],
        },
        {"name": "y", "branches": [{"from": "z2", "map": ["flatten", ["dense", {"units": 10}]]}]},
    ]
    graph = graph_of([4, 10, 10], nodes)
    weights = initial_weights(graph, 3, "float32")
    assert list(weights) == list(graph.parameters)
    for key, fan_in in (
        ("z1.0.0.weight", 36),
        ("z1.0.0.bias", 36),
        ("z2.0.1.k_weight", 64),
        ("z2.0.1.k_bias", 64),
        ("y.0.1.weight", 4096),
    ):
        bound = fan_in**-0.5
        assert np.abs(weights[key]).max() <= bound * (1 + 1e-6)
        assert np.abs(weights[key]).max() > 0.9 * bound
    assert (weights["z2.0.0.weight"] == 1).all() and (weights["z2.0.0.bias"] == 0).all()
    assert 0.019 < weights["z1.0.2.weight"].std() < 0.021
    wide = initial_weights(graph, 3, "float64")
    for key, array in weights.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, wide[key].astype("float32"))
