"""Networks with labels at the input and images at the output, against class means and a few lines of numpy."""

import numpy as np
import pytest

from pcsim.config import candidates, load_both
from pcsim.engine import train_all
from pcsim.engine.datasets import load_dataset
from pcsim.engine.learn import course_of
from pcsim.engine.loop import evaluate, learner_of, untrained
from pcsim.errors import InputError
from pcsim.program import Phase, Role, program_of
from pcsim.theory.counts import backpropagation_counts, predictive_coding_counts

WIDTHS = (10, 64, 64)
IN_BLOCKS = """schema: pcsim/workload/1
name: in-blocks
extends: generative-digits
network:
  direction: generative
  input: [10]
  activation: tanh
  blocks:
    - dense: 64
    - dense: 64
"""


def workload(*overrides, of="generative-digits"):
    return load_both("tile64", of, overrides=overrides)


def images(work):
    """Training and test images, and the class of each."""
    data = load_dataset(work.data, classes=10)
    return [(part.x, part.y.argmax(axis=1)) for part in (data.train, data.test)]


def nearest(predicted, x, of):
    """Share of the images ``x`` that are nearest to the one predicted for their class, and half their mean squared
    distance to that."""
    distances = ((x[:, None] - predicted) ** 2).sum(axis=2)
    mine = distances[np.arange(len(x)), of]
    return (distances.argmin(axis=1) == of).mean(), 0.5 * mine.mean()


def test_both_rules_come_to_what_the_nearest_class_mean_tells():
    # From a one-hot label the least squared error is that of the mean image of each class.
    chip, work = workload("training.seeds=3")
    (x, of), test = images(work)
    means = np.array([x[of == label].mean(axis=0) for label in range(10)])
    wanted, _ = nearest(means, *test)
    assert wanted == pytest.approx(0.9233, abs=1e-4)
    for training in train_all(work, candidates(chip, work)).values():
        found = [curve.test_accuracy for curve in training.curves]
        assert np.mean(found) == pytest.approx(wanted, abs=0.01), training.rule


@pytest.mark.parametrize("overrides", [(), ("network.placement=post",), ("network.bias=true",)])
def test_labels_go_in_images_come_out_and_accuracy_is_that_of_the_nearest(overrides):
    chip, work = workload(*overrides)
    data = load_dataset(work.data, classes=10, dtype="float32")
    course = course_of(work, candidates(chip, work, rule="pc")[0], data)
    np.testing.assert_array_equal(course.dataset.train.x, data.train.y)
    np.testing.assert_array_equal(course.dataset.train.y, data.train.x)
    weights = untrained(course.network, 0)
    learner = learner_of(course, 0, weights)
    first, second, *biases = (each.astype(float) for each in weights)
    one, two = biases or (0.0, 0.0)
    predicted = np.tanh(np.eye(10) @ first.T + one) @ second.T + two
    _, test = images(work)
    found = evaluate(learner, course.dataset.test, generates=True)
    np.testing.assert_allclose(found, nearest(predicted, *test), rtol=1e-5)


def test_blocks_go_either_way_as_layers_do(tmp_path):
    (tmp_path / "blocks.yaml").write_text(IN_BLOCKS)
    short = ("training.seeds=1", "training.epochs=4")
    chip, work = workload(*short, of=tmp_path / "blocks.yaml")
    trained = train_all(work, candidates(chip, work)).values()
    assert all(training.curves[0].test_accuracy > 0.85 for training in trained)


def test_costs_follow_from_the_graph():
    chip, work = workload()
    pc, bp = candidates(chip, work)
    batch = work.training.batch
    program = program_of(work, pc, steps=pc.steps)
    counts = predictive_coding_counts(WIDTHS, batch, steps=pc.steps, wavefront=True, hoist=True)
    assert sum(program.macs().values()) == counts.macs
    assert sum(program_of(work, bp, steps=0).macs().values()) == (
        backpropagation_counts(WIDTHS, batch).macs
    )
    words = {
        role: sum(op.elements for op in program.ops if op.role is role and op.phase is Phase.START)
        for role in (Role.INPUT, Role.TARGET)
    }
    assert words == {Role.INPUT: batch * 10, Role.TARGET: batch * 64}


@pytest.mark.parametrize(
    "overrides, said",
    [
        (
            ["network.direction=discriminative"],
            [
                "network.layers[0] must be 64, the width of digits, not 10",
                "network.layers[2] must be 10, the classes of digits, not 64",
                "network.direction: generative is the other way round",
            ],
        ),
        (
            ["network.layers=[9, 64, 63]"],
            [
                "network.layers[0] must be 10, the classes of digits, which are clamped to that end, not 9",
                "network.layers[2] must be 64, the width of digits, which are clamped to that end, not 63",
            ],
        ),
        (
            ["training.loss=cross_entropy"],
            ["training.loss must be mse where network.direction is generative"],
        ),
        (
            ["network.direction=backward"],
            ["network.direction must be discriminative or generative"],
        ),
    ],
)
def test_ends_that_do_not_match_say_what_they_are_clamped_to(overrides, said):
    with pytest.raises(InputError) as caught:
        workload(*overrides)
    for each in said:
        assert each in str(caught.value)


def test_ends_of_blocks_that_do_not_match_are_told_at_their_place(tmp_path):
    text = IN_BLOCKS.replace("[10]", "[9]").replace("- dense: 64\n    - dense: 64", "- dense: 32")
    (tmp_path / "blocks.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        workload(of=tmp_path / "blocks.yaml")
    first, second = caught.value.problems
    assert first.message == (
        "network.input must be a shape of 10 values, the classes of digits, which are clamped to that end, not [9]"
    )
    assert (first.line, second.line) == (6, 9)
    assert second.message == (
        "network.blocks must end in 64 values, the width of digits, which are clamped to that end, not 32"
    )
