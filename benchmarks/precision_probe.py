"""How does each rule bear narrow numbers? A plain numpy version of both, with every stored array rounded.

Trains the workload mlp128 once per row and prints the test accuracy. Columns: backpropagation, predictive
coding with few large steps and with many small ones. A row names the format of weights, states z,
predictions p (a unit may keep them in its wide accumulators), errors (e, W^T e) and Adam's moments; all else
is float32. Backpropagation's p is its state too.

    python benchmarks/precision_probe.py [epochs]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from threadpoolctl import threadpool_limits

from pcsim.config import load_workload
from pcsim.engine import Network, initial_weights
from pcsim.engine.datasets import Dataset, load_dataset
from pcsim.engine.network import batch_rows
from pcsim.engine.numerics import parse_format
from pcsim.engine.numerics.quantise import quantised

SEED = 0
RULES = {"bp": (0, 0.0), "pc 3 x 0.3": (3, 0.3), "pc 20 x 0.1": (20, 0.1)}


@dataclass(frozen=True)
class Formats:
    """The format of each kind of value, as words."""

    weight: str = "fp32"
    state: str = "fp32"
    prediction: str = "fp32"
    error: str = "fp32"
    optimiser: str = "fp32"


SR = " stochastic"
NARROW = ("bf16", f"bf16{SR}", "fp16", "q4.12", "fp8_e4m3", f"fp8_e4m3{SR}", "int8", "bfp8/16")
ROWS = {
    "fp32": Formats(),
    "z bf16": Formats(state="bf16"),
    f"z bf16{SR}": Formats(state=f"bf16{SR}"),
    "p bf16": Formats(prediction="bf16"),
    **{f"z, p {name}": Formats(state=name, prediction=name) for name in NARROW},
    "errors bf16": Formats(error="bf16"),
    "errors fp8_e5m2": Formats(error="fp8_e5m2"),
    "weights bf16": Formats(weight="bf16"),
    f"weights bf16{SR}": Formats(weight=f"bf16{SR}"),
    "moments bf16": Formats(optimiser="bf16"),
    **{f"all {n}": Formats(n, n, n, n, n) for n in ("bf16", f"bf16{SR}", "fp16")},
    "all fp16 but moments": Formats("fp16", "fp16", "fp16", "fp16"),
    "all bf16 but p": Formats("bf16", "bf16", "fp32", "bf16", "bf16"),
}

Round = Callable[[np.ndarray], np.ndarray]


def rounders(formats: Formats) -> dict[str, Round]:
    """By kind of value, a function that rounds; each call draws new random bits."""
    calls = iter(range(1 << 62))

    def rounder(index: int, text: str) -> Round:
        if text == "fp32":
            return lambda values: values
        number = parse_format(text)
        return lambda v: quantised(v, number, seed=SEED, tensor=index, update=next(calls))

    return {
        field.name: rounder(index, getattr(formats, field.name))
        for index, field in enumerate(fields(formats))
    }


def forward(
    weights: list[np.ndarray], x: np.ndarray, to: dict[str, Round]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(states z_1..z_L, predictions p_1..p_L), each (samples, width), that differ in rounding only."""
    z, p, below = [], [], x
    for w in weights:
        p.append(to["prediction"](below @ w.T))
        z.append(to["state"](p[-1]))
        below = np.maximum(z[-1], 0)
    return z, p


def relaxed(
    weights: list[np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    steps: int,
    rate: float,
    to: dict[str, Round],
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(z_1..z_{L-1}, e_1..e_L) after ``steps`` synchronous steps."""
    z, p = forward(weights, x, to)
    z = z[:-1]
    e = [to["error"](target - q) for target, q in zip([*z, y], p, strict=True)]
    for _ in range(steps):
        z = [
            to["state"](
                s - np.float32(rate) * (e[i] - to["error"](e[i + 1] @ weights[i + 1]) * (s > 0))
            )
            for i, s in enumerate(z)
        ]
        above = [
            to["prediction"](np.maximum(s, 0) @ w.T) for s, w in zip(z, weights[1:], strict=True)
        ]
        p = [p[0], *above]
        e = [to["error"](target - q) for target, q in zip([*z, y], p, strict=True)]
    return z, e


def backward(
    weights: list[np.ndarray], x: np.ndarray, y: np.ndarray, to: dict[str, Round]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(z_1..z_{L-1}, errors of all layers with predictive coding's sign)."""
    z, p = forward(weights, x, to)
    e = [to["error"](y - p[-1])]
    for w, state in zip(weights[:0:-1], z[-2::-1], strict=True):
        e.insert(0, to["error"]((e[0] @ w) * (state > 0)))
    return z[:-1], e


def accuracy(dataset: Dataset, formats: Formats, steps: int, rate: float, epochs: int) -> float:
    """On the test images, in percent."""
    to = rounders(formats)
    widths = load_workload("mlp128").network.layers
    start = initial_weights(Network(widths, "relu", "mse", "float32"), SEED)
    weights = [to["weight"](w) for w in start]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    train = dataset.train
    for update, rows in enumerate(batch_rows(SEED, len(train.x), batch=64, epochs=epochs), 1):
        x, y = train.x[rows], train.y[rows]
        z, e = relaxed(weights, x, y, steps, rate, to) if steps else backward(weights, x, y, to)
        inputs = [x, *(np.maximum(state, 0) for state in z)]
        for i, (a, error) in enumerate(zip(inputs, e, strict=True)):
            g = -(error.T @ a) / np.float32(len(rows))
            first[i] = to["optimiser"](np.float32(0.9) * first[i] + np.float32(0.1) * g)
            second[i] = to["optimiser"](np.float32(0.999) * second[i] + np.float32(0.001) * g * g)
            unbiased = np.sqrt(second[i] / np.float32(1 - 0.999**update)) + np.float32(1e-8)
            step = first[i] / np.float32(1 - 0.9**update) / unbiased
            weights[i] = to["weight"](weights[i] - np.float32(1e-3) * step)
    outputs = forward(weights, dataset.test.x, to)[1][-1]
    right = outputs.argmax(axis=1) == dataset.test.y.argmax(axis=1)
    return 100 * float((right & np.isfinite(outputs).all(axis=1)).mean())


def main() -> None:
    workload = load_workload("mlp128")
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else workload.training.epochs
    dataset = load_dataset(workload.data, classes=workload.network.layers[-1], dtype="float32")
    print(f"{'test accuracy %':28}" + "".join(f"{rule:>13}" for rule in RULES))
    with threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
        for label, formats in ROWS.items():
            found = [accuracy(dataset, formats, *rule, epochs) for rule in RULES.values()]
            print(f"{label:28}" + "".join(f"{value:13.1f}" for value in found), flush=True)


if __name__ == "__main__":
    main()
