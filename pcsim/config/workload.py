"""What is to be learnt, from which data, and with which settings of each rule?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from pcsim.config.datasets import dataset, dataset_shape
from pcsim.config.fields import (
    Finding,
    choice,
    flag,
    must_be,
    name,
    positive,
    rejected,
    whole,
    wholes,
)
from pcsim.config.hardware import NOT_EXECUTED
from pcsim.config.section import Check, ConfigFile, Section, key

WorkloadSchema = Literal["pcsim/workload/1"]
Activation = Literal["linear", "tanh", "relu"]
Parameterisation = Literal["sp"]
Loss = Literal["mse", "cross_entropy"]
Order = Literal["jacobi"]
Schedule = Literal["sequential"]
OptimiserKind = Literal["sgd", "adam"]


class Network(Section):
    """A fully connected network; ``layers`` are its widths from input to output."""

    layers: Annotated[
        tuple[int, ...],
        wholes(
            1,
            65_536,
            shape="a list of 2 to 1025 whole numbers, the widths from input to output",
            fewest=2,
            most=1025,
        ),
    ]
    activation: Annotated[
        Activation, choice(Activation, later=("sigmoid", "gelu", "leaky_relu"), why=NOT_EXECUTED)
    ]
    parameterisation: Annotated[
        Parameterisation, choice(Parameterisation, later=("ntp", "mupc"), why=NOT_EXECUTED)
    ]


class Data(Section):
    """Which images, and how many of them for training, validation and the final test.

    ``dataset`` is a name of ``DATASETS`` or the absolute path of an IDX folder or an .npz file.
    """

    dataset: Annotated[str, dataset()]
    train: Annotated[int, whole(1, 10_000_000)]
    validation: Annotated[int, whole(1, 10_000_000)]
    test: Annotated[int, whole(1, 10_000_000)]
    normalise: Annotated[bool, flag()]

    @model_validator(mode="after")
    def _has_enough_images(self) -> Self:
        shape = dataset_shape(self.dataset)
        wanted = {"train": self.train, "validation": self.validation, "test": self.test}
        findings = []
        if shape.test_images is not None and wanted.pop("test") > shape.test_images:
            limit = f"at most {shape.test_images}, the images for testing of {self.dataset}"
            findings.append(must_be(limit, self.test, path=("test",)))
        if sum(wanted.values()) > shape.images:
            *first, last = wanted
            said = (
                f"must have {', '.join(first)} and {last} of at most {shape.images} images "
                f"together, as {self.dataset} has, "
                f"not {' + '.join(map(str, wanted.values()))} = {sum(wanted.values())}"
            )
            findings.append(Finding(said))
        if findings:
            raise rejected(findings)
        return self


class TrainingSettings(Section):
    """How long both rules learn and what counts as learnt.

    ``seeds`` is the number of runs; ``evaluate_every`` the updates between two validations.
    """

    batch: Annotated[int, whole(1, 65_536)]
    epochs: Annotated[int, whole(1, 100_000)]
    loss: Annotated[Loss, choice(Loss)]
    seeds: Annotated[int, whole(1, 1000)]
    target_accuracy: Annotated[float, positive(1)]
    evaluate_every: Annotated[int, whole(1, 1_000_000)] = 10


class Optimiser(Section):
    """How a gradient changes the weights; ``rate`` is the learning rate."""

    kind: Annotated[OptimiserKind, choice(OptimiserKind)]
    rate: Annotated[float, positive(1000)]


class PredictiveCoding(Section):
    """Settings of predictive coding.

    ``steps`` is T, the inference steps per update; ``rate`` is eta, the step size of inference per
    sample. ``wavefront`` skips layers that provably do not move yet, ``hoist`` computes the first
    layer's prediction, which inference cannot change, once per update.
    """

    steps: Annotated[int, whole(1, 100_000)]
    rate: Annotated[float, positive(1000)]
    order: Annotated[Order, choice(Order, later=("gauss_seidel", "red_black"), why=NOT_EXECUTED)]
    wavefront: Annotated[bool, flag()] = True
    hoist: Annotated[bool, flag()] = True
    optimiser: Optimiser


class Backpropagation(Section):
    """Settings of backpropagation."""

    schedule: Annotated[
        Schedule, choice(Schedule, later=("pipelined", "best"), why="is not modelled yet")
    ]
    optimiser: Optimiser


def _widths_match(network: Network, data: Data) -> Iterator[Finding]:
    shape = dataset_shape(data.dataset)
    last = len(network.layers) - 1
    for index, wanted, what in ((0, shape.width, "width"), (last, shape.classes, "classes")):
        if wanted is not None and network.layers[index] != wanted:
            limit = f"{wanted}, the {what} of {data.dataset}"
            yield must_be(limit, network.layers[index], path=("network", "layers", index))


def _batch_is_filled(training: TrainingSettings, data: Data) -> Iterator[Finding]:
    if training.batch > data.train:
        limit = f"at most data.train = {data.train}"
        yield must_be(limit, training.batch, path=("training", "batch"))


class Workload(ConfigFile):
    """A learning task and the settings of the rules that compete on it."""

    CHECKS: ClassVar[tuple[tuple[tuple[str, ...], Check], ...]] = (
        (("network", "data"), _widths_match),
        (("training", "data"), _batch_is_filled),
    )

    schema_id: Annotated[WorkloadSchema, choice(WorkloadSchema)] = key(
        "schema", default="pcsim/workload/1"
    )
    name: Annotated[str, name()]
    network: Network
    data: Data
    training: TrainingSettings
    pc: PredictiveCoding
    bp: Backpropagation
