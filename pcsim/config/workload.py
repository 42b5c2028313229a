"""What is to be learnt, from which data, and with which settings of each rule?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from pcsim.config.datasets import dataset, dataset_shape
from pcsim.config.extensions import python_files
from pcsim.config.fields import (
    Finding,
    any_of,
    choice,
    flag,
    must_be,
    name,
    rejected,
    whole,
)
from pcsim.config.network import NetworkSettings as NetworkSettings
from pcsim.config.rules import Backpropagation, OwnRule, PredictiveCoding, own_rule
from pcsim.config.section import Check, ConfigFile, Section, key
from pcsim.config.training import TrainingSettings
from pcsim.config.tuning import Tuning, settings_fingerprint
from pcsim.network import RULES, credited
from pcsim.network.operators import shape_text

WorkloadSchema = Literal["pcsim/workload/1"]
Objective = Literal["latency", "energy", "edp", "time_to_target", "energy_to_target"]


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


def _widths_match(network: NetworkSettings, data: DataSettings) -> Iterator[Finding]:
    """Whether each end has as many values as what is clamped to it."""
    shape = dataset_shape(data.dataset)
    images, labels = (-1, 0) if network.generates else (0, -1)
    ends = {"width": (shape.width, images), "classes": (shape.classes, labels)}
    turned = all(wanted == network.widths[-1 - at] for wanted, at in ends.values())
    for what, (wanted, end) in ends.items():
        if wanted is None or network.widths[end] == wanted:
            if what == "width" and len(network.image_shape) == 3 and shape.inputs:
                yield from _shape_matches(network, shape.inputs, data.dataset)
            continue
        of = f"the {what} of {data.dataset}{', which are clamped to that end' if network.generates else ''}"
        hint = (
            f"network.direction: {_OTHER[network.direction]} is the other way round"
            if turned
            else ""
        )
        at = end % len(network.widths)
        if network.layers is not None:
            yield must_be(
                f"{wanted}, {of}", network.layers[at], path=("network", "layers", at), hint=hint
            )
        elif end == 0:
            limit = f"a shape of {wanted} values, {of}"
            yield must_be(limit, list(network.graph.input), path=("network", "input"), hint=hint)
        else:
            said = f"must end in {wanted} values, {of}, not {network.widths[-1]}"
            output = network.graph.output.shape
            more = f"the last node is {shape_text(output)}; flatten before dense makes a row of an image"
            yield Finding(said, ("network", network.way), hint or (more if len(output) > 1 else ""))


_OTHER = {"discriminative": "generative", "generative": "discriminative"}


def _shape_matches(
    network: NetworkSettings, known: Sequence[tuple[int, ...]], dataset: str
) -> Iterator[Finding]:
    if network.image_shape in known:
        return
    limit = any_of([str(list(shape)) for shape in known])
    said = f"{limit}, the shape of the images of {dataset}"
    if network.generates:
        given = shape_text(network.image_shape)
        yield Finding(f"must end in {said}, not {given}", ("network", network.way))
    else:
        yield must_be(said, list(network.image_shape), path=("network", "input"))


def _images_are_squares(network: NetworkSettings, training: TrainingSettings) -> Iterator[Finding]:
    if network.generates and training.loss != "mse":
        limit = "mse where network.direction is generative: an image is no class"
        yield must_be(limit, training.loss, path=("training", "loss"))


def _batch_is_filled(training: TrainingSettings, data: DataSettings) -> Iterator[Finding]:
    if training.batch > data.train:
        limit = f"at most data.train = {data.train}"
        yield must_be(limit, training.batch, path=("training", "batch"))


def _micro_batches_divide_the_batch(
    training: TrainingSettings, rule: PredictiveCoding | Backpropagation
) -> Iterator[Finding]:
    if training.batch % rule.micro_batches:
        limit = f"a divisor of training.batch = {training.batch}"
        section = "pc" if isinstance(rule, PredictiveCoding) else "bp"
        yield must_be(limit, rule.micro_batches, path=(section, "micro_batches"))


def _own_rule_can(
    rule: OwnRule, network: NetworkSettings, training: TrainingSettings
) -> Iterable[Finding]:
    return rule.limits(network.graph, training)


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


def _a_step_for_each_node(network: NetworkSettings, pc: PredictiveCoding) -> Iterator[Finding]:
    moves = network.depth - 1
    if RULES[pc.variant].step_per_node and pc.steps != moves:
        limit = f"{moves} where pc.variant is {pc.variant}, one step for each hidden layer"
        yield must_be(limit, pc.steps, path=("pc", "steps"))


def _nudging_is_of_squares(training: TrainingSettings, pc: PredictiveCoding) -> Iterator[Finding]:
    if pc.nudging != "none" and training.loss != "mse":
        limit = "none where training.loss is cross_entropy, whose outputs are no targets"
        yield must_be(limit, pc.nudging, path=("pc", "nudging"))


class Workload(ConfigFile):
    """A learning task and the settings of the rules that compete on it.

    ``extensions`` are Python files that bring further operators and rules. ``rule`` is one of these, which competes
    with backpropagation in the place of predictive coding.
    """

    CHECKS: ClassVar[tuple[tuple[tuple[str, ...], Check], ...]] = (
        (("network", "data"), _widths_match),
        (("network", "training"), _images_are_squares),
        (("training", "data"), _batch_is_filled),
        (("network", "pc"), _a_step_for_each_node),
        (("network", "pc"), _all_layers_learn),
        (("training", "pc"), _micro_batches_divide_the_batch),
        (("training", "bp"), _micro_batches_divide_the_batch),
        (("training", "pc"), _nudging_is_of_squares),
        (("rule", "network", "training"), _own_rule_can),
    )

    schema_id: Annotated[WorkloadSchema, choice(WorkloadSchema)] = key(
        "schema", default="pcsim/workload/1"
    )
    name: Annotated[str, name()]
    extensions: Annotated[tuple[str, ...] | None, python_files()] = None
    network: NetworkSettings
    data: DataSettings
    training: TrainingSettings
    pc: PredictiveCoding | None
    rule: Annotated[OwnRule | None, own_rule()] = None
    bp: Backpropagation
    objective: Annotated[Objective, choice(Objective)] = "energy_to_target"
    tuning: Tuning | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_pc(cls, values: Any) -> Any:
        """Where another rule is given, predictive coding need not be."""
        if isinstance(values, Mapping) and values.get("rule") is not None:
            return {"pc": None, **values}
        return values

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        if self.pc is None and self.rule is None:
            raise rejected([Finding("must be given", ("pc",))])
        if self.pc is not None and self.rule is not None:
            limit = "must not be given where pc is: one rule competes with backpropagation"
            raise rejected([Finding(limit, ("rule",))])
        return self

    @property
    def challenger(self) -> str:
        """The rule that competes with backpropagation: pc, or that of an extension."""
        return "pc" if self.rule is None else self.rule.name

    @property
    def challenger_steps(self) -> int:
        """Inference steps of an update by it."""
        if self.pc is not None:
            return self.pc.steps
        return self.rule.inference_steps if self.rule else 0

    def settings_of(self, rule: str) -> PredictiveCoding | OwnRule | Backpropagation:
        """The section of ``rule``, one of ``challenger`` and bp."""
        found = self.bp if rule == "bp" else self.pc or self.rule
        assert found is not None
        return found

    @property
    def longest_sum(self) -> int:
        """The most products that are added up in any product of layers: over a width or a window, or over the batch
        and all places of its samples."""
        return max(self.network.longest_sum, self.training.batch * self.network.repeats)

    @property
    def tuned(self) -> bool:
        """Whether ``tuning`` is of these very settings: not changed, extended or overridden since."""
        return self.tuning is not None and self.tuning.settings == settings_fingerprint(self)
