"""Does an independent program reach the accuracies that pcsim reaches on networks that are graphs?

The peer is written in torch: its forward pass is made of torch's own operators, its predictive coding follows
gradients of the energy by autograd, and torch.optim.Adam steps its weights. From pcsim it takes the data, the batches
and the initial weights of each seed, so that both start alike.

    python benchmarks/accuracy.py fashion-conv vit-fashion resnet-digits
"""

from __future__ import annotations

import sys
from statistics import fmean

import numpy as np
import torch
import torch.nn.functional as F

from pcsim.config import Candidate, Workload, candidates, load_both
from pcsim.engine import train_all
from pcsim.engine.datasets import load_dataset
from pcsim.engine.graph.model import initial_weights
from pcsim.engine.network import batch_rows
from pcsim.network import INPUT, Graph, Term

Values = dict[int, torch.Tensor]
Weights = dict[str, torch.Tensor]


def apply(term: Term, value: torch.Tensor, weights: Weights) -> torch.Tensor:
    """One operator, by torch's own."""
    operator, name = term.operator, term.operator.name
    own = {key.rpartition(".")[2]: weights[key] for key in term.parameters}
    samples = len(value)
    if name == "dense":
        return F.linear(value, own["weight"], own.get("bias"))
    if name == "conv2d":
        how = {"stride": operator.stride, "padding": operator.padding, "groups": operator.groups}
        return F.conv2d(value, own["weight"], own.get("bias"), **how)
    if name in ("max_pool", "avg_pool"):
        pool = F.max_pool2d if name == "max_pool" else F.avg_pool2d
        return pool(value, operator.kernel, operator.stride)
    if name == "global_avg_pool":
        return value.mean((2, 3))
    if name == "mean_tokens":
        return value.mean(1)
    if name == "layer_norm":
        return F.layer_norm(value, value.shape[-1:], own["weight"], own["bias"], operator.eps)
    if name == "attention":
        return attend(operator.heads, operator.causal, value, own)
    if name == "position":
        return value + own["weight"]
    if name == "scale":
        return value * operator.by
    if name == "patches":
        return F.unfold(value, operator.size, stride=operator.size).transpose(1, 2)
    if name == "flatten":
        return value.reshape(samples, -1)
    if name == "tokens":
        return value.flatten(2).transpose(1, 2)
    if name == "gelu":
        return F.gelu(value, approximate="tanh")
    return {"relu": F.relu, "tanh": torch.tanh, "silu": F.silu}[name](value)


def attend(
    heads: int, causal: bool, value: torch.Tensor, own: dict[str, torch.Tensor]
) -> torch.Tensor:
    samples, tokens, width = value.shape

    def projected(which: str) -> torch.Tensor:
        found = F.linear(value, own[f"{which}_weight"], own.get(f"{which}_bias"))
        return found.reshape(samples, tokens, heads, -1).transpose(1, 2)

    q, k, v = map(projected, "qkv")
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    mixed = mixed.transpose(1, 2).reshape(samples, tokens, width)
    return F.linear(mixed, own["o_weight"], own.get("o_bias"))


def predict(graph: Graph, number: int, values: Values, weights: Weights) -> torch.Tensor:
    node, total = graph[number], None
    for branch in node.branches:
        value = values[branch.source]
        for term in branch.terms:
            value = apply(term, value, weights)
        total = value if total is None else total + value
    assert total is not None
    for term in node.then:
        total = apply(term, total, weights)
    return total


def forward(graph: Graph, x: torch.Tensor, weights: Weights) -> Values:
    values = {INPUT: x}
    for node in graph.nodes:
        values[node.number] = predict(graph, node.number, values, weights)
    return values


def loss_of(loss: str, output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Summed over the samples."""
    if loss == "mse":
        return 0.5 * ((output - y) ** 2).sum()
    return -(y * F.log_softmax(output, 1)).sum()


def energy(
    graph: Graph, loss: str, values: Values, y: torch.Tensor, weights: Weights
) -> torch.Tensor:
    total = loss_of(loss, predict(graph, graph.output.number, values, weights), y)
    for node in graph.hidden:
        gap = values[node.number] - predict(graph, node.number, values, weights)
        total = total + 0.5 * (gap**2).sum()
    return total


def relaxed(
    graph: Graph, workload: Workload, x: torch.Tensor, y: torch.Tensor, weights: Weights
) -> Values:
    """The states after all steps of inference, from a feed-forward start."""
    with torch.no_grad():
        values = forward(graph, x, weights)
    fixed = {key: weight.detach() for key, weight in weights.items()}
    hidden = [node.number for node in graph.hidden]
    for _ in range(workload.pc.steps):
        for number in hidden:
            values[number].requires_grad_(True)
        total = energy(graph, workload.training.loss, values, y, fixed)
        slopes = torch.autograd.grad(total, [values[number] for number in hidden])
        for number, slope in zip(hidden, slopes, strict=True):
            values[number] = (values[number] - workload.pc.rate * slope).detach()
    return values


def train(workload: Workload, candidate: Candidate, seed: int) -> float:
    """Test accuracy of one seed."""
    graph, settings = workload.network.graph, workload.training
    data = load_dataset(workload.data, classes=workload.network.widths[-1], dtype="float32")
    x, y = torch.tensor(data.train.x), torch.tensor(data.train.y)
    weights = {
        key: torch.tensor(value, requires_grad=True)
        for key, value in initial_weights(graph, seed, "float32").items()
    }
    optimiser = torch.optim.Adam(weights.values(), lr=candidate.optimiser.rate)
    order = batch_rows(seed, workload.data.train, batch=settings.batch, epochs=settings.epochs)
    for rows in order:
        inputs, targets = x[rows].reshape(-1, *graph.input), y[rows]
        optimiser.zero_grad()
        if candidate.rule == "bp":
            values = forward(graph, inputs, weights)
            total = loss_of(settings.loss, values[graph.output.number], targets)
        else:
            values = relaxed(graph, workload, inputs, targets, weights)
            total = energy(graph, settings.loss, values, targets, weights)
        (total / settings.batch).backward()
        optimiser.step()
    with torch.no_grad():
        inputs = torch.tensor(data.test.x).reshape(-1, *graph.input)
        output = forward(graph, inputs, weights)[graph.output.number].numpy()
    return float(np.mean(output.argmax(1) == data.test.y.argmax(1)))


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    print("workload, rule: pcsim, torch, difference in points; means over seeds")
    for name in names:
        hardware, workload = load_both("tile64", name)
        offered = candidates(hardware, workload)
        trainings = train_all(workload, offered)
        for candidate in offered:
            curves = trainings[candidate.id].curves
            mine = [curve.test_accuracy for curve in curves if curve.test_accuracy is not None]
            theirs = [train(workload, candidate, seed) for seed in range(len(curves))]
            gap = 100 * (fmean(mine) - fmean(theirs))
            print(
                f"{name}, {candidate.rule}: {100 * fmean(mine):.2f}, {100 * fmean(theirs):.2f}, {gap:+.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:] or ["fashion-conv", "vit-fashion", "resnet-digits"])
