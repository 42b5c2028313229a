"""What is to be learnt, from which data, and with which settings of each rule?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from pcsim.config.datasets import dataset, dataset_shape
from pcsim.config.extensions import python_files
from pcsim.config.fields import (
    Finding,
    any_of,
    at_least_zero,
    choice,
    flag,
    must_be,
    name,
    positive,
    rejected,
    whole,
)
from pcsim.config.network import NetworkSettings as NetworkSettings
from pcsim.config.section import Check, ConfigFile, Section, key
from pcsim.config.tuning import Tuning, settings_fingerprint
from pcsim.network import credited
from pcsim.network.operators import shape_text

WorkloadSchema = Literal["pcsim/workload/1"]
Loss = Literal["mse", "cross_entropy"]
Order = Literal["jacobi", "gauss_seidel", "red_black"]
Variant = Literal["pc", "ipc", "z_il", "fpa", "epc"]
Descent = Literal["gd", "momentum", "adam"]
Nudging = Literal["none", "positive", "negative", "centred"]
RateSchedule = Literal["constant", "cosine", "step"]
PcSchedule = Literal["free", "barrier", "skewed", "best"]
BpSchedule = Literal["sequential", "gpipe", "1f1b", "zb_h1", "zb_h2", "best"]
Stash = Literal["kept", "recomputed", "spilled"]
Objective = Literal["latency", "energy", "edp", "time_to_target", "energy_to_target"]
OptimiserKind = Literal["sgd", "momentum", "adam", "adamw"]


class DataSettings(Section):
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


class OptimiserSettings(Section):
    """How a gradient changes the weights; ``rate`` is the learning rate.

    ``momentum`` is read by kind momentum, ``weight_decay`` by kind adamw. ``schedule`` cosine lets the
    rate fall to 0 over the whole training; step multiplies it by ``factor`` every ``every`` updates.
    """

    kind: Annotated[OptimiserKind, choice(OptimiserKind)]
    rate: Annotated[float, positive(1000)]
    momentum: Annotated[float, at_least_zero(1)] = 0.9
    weight_decay: Annotated[float, at_least_zero(1)] = 0.01
    schedule: Annotated[RateSchedule, choice(RateSchedule)] = "constant"
    every: Annotated[int, whole(1, 1_000_000_000)] = 1000
    factor: Annotated[float, positive(1)] = 0.5


class PredictiveCoding(Section):
    """Settings of predictive coding.

    ``steps`` is T, the inference steps per update; ``rate`` is eta, the step size of inference per
    sample. ``variant`` is pc; ipc, which steps the weights at every inference step; z_il and fpa,
    which keep the feed-forward predictions; or epc, which relaxes errors in the place of states.
    ``order`` is that in which layers relax and ``descent`` how states follow their gradient, with
    ``momentum`` where that is its name. ``tolerance`` ends the inference of a batch whose energy
    falls by a smaller part in a step; ``threshold`` is the change up to which neighbours are not
    told. ``nudging`` draws the output towards the target by ``beta`` only. ``gated``: z_il does only the
    work that matters. ``wavefront`` skips
    layers that provably do not move yet, ``hoist`` computes the first layer's prediction, which
    inference cannot change, once per update.
    """

    variant: Annotated[Variant, choice(Variant)] = "pc"
    steps: Annotated[int, whole(1, 100_000)]
    rate: Annotated[float, positive(1000)]
    order: Annotated[Order, choice(Order)] = "jacobi"
    descent: Annotated[Descent, choice(Descent)] = "gd"
    momentum: Annotated[float, at_least_zero(1)] = 0.9
    tolerance: Annotated[float, at_least_zero(1)] = 0.0
    threshold: Annotated[float, at_least_zero(1000)] = 0.0
    nudging: Annotated[Nudging, choice(Nudging)] = "none"
    beta: Annotated[float, positive(1)] = 1.0
    wavefront: Annotated[bool, flag()] = True
    hoist: Annotated[bool, flag()] = True
    gated: Annotated[bool, flag()] = True
    schedule: Annotated[PcSchedule, choice(PcSchedule)] = "free"
    window: Annotated[int, whole(1, 1024)] = 1
    micro_batches: Annotated[int, whole(1, 65_536)] = 1
    spread: Annotated[int, whole(1, 65_536)] = 1
    check_lag: Annotated[int, whole(0, 1000)] = 0
    full_credit: Annotated[bool, flag()] = False
    optimiser: OptimiserSettings

    @model_validator(mode="after")
    def _has_a_meaning(self) -> Self:
        findings = []
        if self.variant != "pc":
            only: dict[str, str | float] = {"order": "jacobi", "descent": "gd", "nudging": "none"}
            only |= {"tolerance": 0.0, "threshold": 0.0}
            findings = [
                must_be(f"{wanted} where pc.variant is {self.variant}", value, path=(field,))
                for field, wanted in only.items()
                if (value := getattr(self, field)) != wanted
            ]
        if self.variant == "z_il" and self.rate != 1:
            limit = "1 where pc.variant is z_il, which is exact only then"
            findings.append(must_be(limit, self.rate, path=("rate",)))
        if self.check_lag and self.tolerance == 0:
            limit = "0 where pc.tolerance is 0, as nothing is checked"
            findings.append(must_be(limit, self.check_lag, path=("check_lag",)))
        findings += self._fits_its_schedule()
        if self.nudging == "none" and self.beta != 1:
            findings.append(must_be("1 where pc.nudging is none", self.beta, path=("beta",)))
        if findings:
            raise rejected(findings)
        return self

    def _fits_its_schedule(self) -> Iterator[Finding]:
        """What goes with several micro-batches, and with a barrier after each step."""
        apart: dict[str, str | float] = {"variant": "pc", "tolerance": 0.0, "threshold": 0.0}
        for field, wanted in apart.items():
            value = getattr(self, field)
            if self.micro_batches > 1 and value != wanted:
                limit = f"1 where pc.{field} is {value}: the samples of a batch then go together"
                yield must_be(limit, self.micro_batches, path=("micro_batches",))
        named = self.schedule in ("barrier", "skewed")
        if named and (self.variant, self.order) != ("pc", "jacobi"):
            limit = "free where pc.variant is not pc or pc.order is not jacobi"
            yield must_be(limit, self.schedule, path=("schedule",))
        if self.window != 1 and self.schedule != "skewed":
            limit = "1 where pc.schedule is not skewed"
            yield must_be(limit, self.window, path=("window",))
        if self.schedule == "skewed" and self.micro_batches > 1:
            limit = "1 where pc.schedule is skewed"
            yield must_be(limit, self.micro_batches, path=("micro_batches",))


class Backpropagation(Section):
    """Settings of backpropagation.

    ``schedule`` is the order of forward, backward and weight-gradient passes of ``micro_batches``;
    ``stash`` what becomes of activities until the backward pass; ``spread`` how many times the
    fewest tiles a layer gets.
    """

    schedule: Annotated[BpSchedule, choice(BpSchedule)]
    micro_batches: Annotated[int, whole(1, 65_536)] = 1
    stash: Annotated[Stash, choice(Stash)] = "kept"
    spread: Annotated[int, whole(1, 65_536)] = 1
    optimiser: OptimiserSettings

    @model_validator(mode="after")
    def _fits_its_schedule(self) -> Self:
        findings = []
        if self.schedule in ("sequential", "best"):
            only: dict[str, int | str] = {"micro_batches": 1, "stash": "kept"}
            findings = [
                must_be(f"{wanted} where bp.schedule is {self.schedule}", value, path=(field,))
                for field, wanted in only.items()
                if (value := getattr(self, field)) != wanted
            ]
        elif self.schedule.startswith("zb") and self.stash == "spilled":
            limit = f"kept or recomputed where bp.schedule is {self.schedule}, which puts off what reads it"
            findings = [must_be(limit, self.stash, path=("stash",))]
        if findings:
            raise rejected(findings)
        return self


def _widths_match(network: NetworkSettings, data: DataSettings) -> Iterator[Finding]:
    shape = dataset_shape(data.dataset)
    for index, wanted, what in (
        (0, shape.width, "width"),
        (network.depth, shape.classes, "classes"),
    ):
        if wanted is None or network.widths[index] == wanted:
            if index == 0 and len(network.graph.input) == 3 and shape.inputs:
                yield from _shape_matches(network, shape.inputs, data.dataset)
            continue
        if network.layers is not None:
            limit = f"{wanted}, the {what} of {data.dataset}"
            yield must_be(limit, network.layers[index], path=("network", "layers", index))
        elif index == 0:
            limit = f"a shape of {wanted} values, the {what} of {data.dataset}"
            yield must_be(limit, list(network.graph.input), path=("network", "input"))
        else:
            said = f"must end in {wanted} values, the {what} of {data.dataset}, not {network.widths[-1]}"
            given = shape_text(network.graph.output.shape)
            hint = (
                f"the last node is {given}; flatten before dense makes a row of an image"
                if len(network.graph.output.shape) > 1
                else ""
            )
            yield Finding(said, ("network", network.way), hint)


def _shape_matches(
    network: NetworkSettings, known: Sequence[tuple[int, ...]], dataset: str
) -> Iterator[Finding]:
    if network.graph.input not in known:
        limit = any_of([str(list(shape)) for shape in known])
        said = f"{limit}, the shape of the images of {dataset}"
        yield must_be(said, list(network.graph.input), path=("network", "input"))


def _batch_is_filled(training: TrainingSettings, data: DataSettings) -> Iterator[Finding]:
    if training.batch > data.train:
        limit = f"at most data.train = {data.train}"
        yield must_be(limit, training.batch, path=("training", "batch"))


def _micro_batches_divide_the_batch(
    training: TrainingSettings, pc: PredictiveCoding, bp: Backpropagation
) -> Iterator[Finding]:
    for rule, parts in (("pc", pc.micro_batches), ("bp", bp.micro_batches)):
        if training.batch % parts:
            limit = f"a divisor of training.batch = {training.batch}"
            yield must_be(limit, parts, path=(rule, "micro_batches"))


def _all_layers_learn(network: NetworkSettings, pc: PredictiveCoding) -> Iterator[Finding]:
    last = network.depth
    if pc.full_credit and len(credited(network.graph, pc.variant, pc.order, pc.steps)) < last:
        enough = next(
            steps
            for steps in range(1, 2 * last + 1)
            if len(credited(network.graph, pc.variant, pc.order, steps)) == last
        )
        limit = (
            f"at least {enough} where pc.full_credit is true: fewer leave layers without a gradient"
        )
        yield must_be(limit, pc.steps, path=("pc", "steps"))


def _z_il_reaches_the_input(network: NetworkSettings, pc: PredictiveCoding) -> Iterator[Finding]:
    moves = network.depth - 1
    if pc.variant == "z_il" and pc.steps != moves:
        limit = f"{moves} where pc.variant is z_il, one step for each hidden layer"
        yield must_be(limit, pc.steps, path=("pc", "steps"))


def _nudging_is_of_squares(training: TrainingSettings, pc: PredictiveCoding) -> Iterator[Finding]:
    if pc.nudging != "none" and training.loss != "mse":
        limit = "none where training.loss is cross_entropy, whose outputs are no targets"
        yield must_be(limit, pc.nudging, path=("pc", "nudging"))


class Workload(ConfigFile):
    """A learning task and the settings of the rules that compete on it.

    ``extensions`` are Python files that bring further operators.
    """

    CHECKS: ClassVar[tuple[tuple[tuple[str, ...], Check], ...]] = (
        (("network", "data"), _widths_match),
        (("training", "data"), _batch_is_filled),
        (("network", "pc"), _z_il_reaches_the_input),
        (("network", "pc"), _all_layers_learn),
        (("training", "pc", "bp"), _micro_batches_divide_the_batch),
        (("training", "pc"), _nudging_is_of_squares),
    )

    schema_id: Annotated[WorkloadSchema, choice(WorkloadSchema)] = key(
        "schema", default="pcsim/workload/1"
    )
    name: Annotated[str, name()]
    extensions: Annotated[tuple[str, ...] | None, python_files()] = None
    network: NetworkSettings
    data: DataSettings
    training: TrainingSettings
    pc: PredictiveCoding
    bp: Backpropagation
    objective: Annotated[Objective, choice(Objective)] = "energy_to_target"
    tuning: Tuning | None = None

    @property
    def longest_sum(self) -> int:
        """The most products that are added up in any product of layers: over a width or a window, or over the batch
        and all places of its samples."""
        return max(self.network.longest_sum, self.training.batch * self.network.repeats)

    @property
    def tuned(self) -> bool:
        """Whether ``tuning`` is of these very settings: not changed, extended or overridden since."""
        return self.tuning is not None and self.tuning.settings == settings_fingerprint(self)
