"""Training as the rest of pcsim asks for it: both rules learn, the same seeds meet the same world, and what was
trained is found again."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import pcsim.engine.rules  # noqa: F401 - binds the folder of compiled kernels before it is changed
from pcsim.config import OptimiserSettings, candidates, load_workload
from pcsim.engine import infer, learning_key, train, train_all
from pcsim.engine.checkpoint import Checkpoint
from pcsim.engine.datasets import load_dataset
from pcsim.engine.learn import course_of
from pcsim.engine.loop import learn_seed
from pcsim.engine.network import batch_rows
from pcsim.engine.numerics.quantise import quantised
from pcsim.engine.relaxation import Relaxation
from pcsim.engine.store import checkpoint_path, load_seed, save_seed, seed_key
from pcsim.engine.training import seed_from_json, seed_to_json
from pcsim.formats import parse_format

SHORT = ("training.epochs=2", "training.seeds=2", "training.evaluate_every=30")


NARROW = tuple(f"tiles.formats.{kind}=bf16 stochastic" for kind in ("weight", "state", "error"))
NARROW += ("tiles.formats.master=fp32",)


@pytest.fixture(autouse=True)
def store(monkeypatch, tmp_path):
    """An empty place for trainings."""
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))
    return tmp_path / "trainings"


@pytest.fixture
def rules(tile64):
    """``rules(workload, "hardware.path=value", ...)``: (pc, bp)."""
    return lambda workload, *overrides: candidates(tile64(*overrides), workload)


def digits(*overrides):
    return load_workload("digits", overrides=(*SHORT, *overrides))


def test_both_rules_learn_digits(rules):
    work = load_workload("digits", overrides=("training.epochs=8", "training.seeds=2"))
    for training in train_all(work, rules(work)).values():
        for curve in training.curves:
            assert curve.diverged_at is None
            assert curve.validation_accuracy[0] < 0.3  # ten classes, untrained
            assert curve.validation_accuracy[-1] > 0.93
            assert curve.test_accuracy > 0.93
            assert curve.validation_loss[-1] < curve.validation_loss[0] / 3
            assert curve.train_energy[-1] < curve.train_energy[0] / 3


def test_evaluations_are_at_zero_every_so_many_updates_and_at_the_end(rules):
    work = digits()
    pc, bp = train_all(work, rules(work), first_seed=4).values()
    assert pc.updates_total == bp.updates_total == 2 * (1200 // 32)
    assert (pc.rule, bp.rule, pc.batch) == ("pc", "bp", 32)
    for training in (pc, bp):
        assert [curve.seed for curve in training.curves] == [4, 5]
        for curve in training.curves:
            assert curve.updates == (0, 30, 60, 74)


def test_the_same_seed_starts_every_rule_from_the_same_network(rules):
    work = digits()
    pc, bp = train_all(work, rules(work)).values()
    for a, b in zip(pc.curves, bp.curves, strict=True):
        assert a.validation_accuracy[0] == b.validation_accuracy[0]
        assert a.validation_loss[0] == b.validation_loss[0]
    assert pc.curves[0].validation_loss[0] != pc.curves[1].validation_loss[0]


def test_a_seed_gives_the_same_whether_trained_first_or_second(rules):
    work = digits()
    pc, _ = rules(work)
    together = train(work, pc, first_seed=0)
    alone = train(digits("training.seeds=1"), pc, first_seed=1)
    assert alone.curves[0] == together.curves[1]


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_profile_is_what_the_first_batch_of_the_first_seed_keeps_busy(rules, loss):
    work = digits(f"training.loss={loss}", "network.activation=relu", "pc.steps=1")
    pc, _ = rules(work)
    training = train(work, pc, first_seed=3)
    course = course_of(work, pc, load_dataset(work.data, classes=10))
    _, weights = learn_seed(course, 3, progress=lambda made: None)
    rows = batch_rows(3, 1200, batch=32, epochs=1)[0]
    part = course.dataset.train
    how = Relaxation(steps=1, rate=pc.rate)
    result = infer(course.network, weights, part.x[rows], part.y[rows], relaxation=how)
    profile = training.profile
    assert (profile.steps, profile.batch) == (1, 32)
    np.testing.assert_array_equal(profile.active_states, result.active_states)
    np.testing.assert_array_equal(profile.active_errors, result.active_errors)
    assert profile.active_errors[0] == (0, 0, 32 * 10)
    assert profile.credited_layers == (2, 3)  # one step reaches one layer below the output
    assert training.credit_depth == 2


def test_backpropagation_credits_every_layer_in_no_inference_step(rules):
    work = digits()
    _, bp = rules(work)
    training = train(work, bp)
    assert training.profile.steps == 0
    assert len(training.profile.active_errors) == 1
    assert training.credit_depth == 3


@pytest.mark.parametrize("rule", [0, 1], ids=["pc", "bp"])
def test_a_seed_that_diverges_says_when_and_keeps_its_finite_evaluations(rules, rule):
    work = digits("network.activation=relu")
    candidate = rules(work)[rule]
    wild = replace(candidate, optimiser=OptimiserSettings(kind="sgd", rate=1000.0))
    for training in (train(work, wild), train(work, wild)):  # trained, then read
        for curve in training.curves:
            assert 0 < curve.diverged_at <= training.updates_total
            assert curve.updates[-1] < curve.diverged_at
            assert np.isfinite([*curve.validation_loss, *curve.train_energy]).all()
            assert curve.test_accuracy is None


def test_progress_counts_the_updates_of_all_seeds_and_rules(rules):
    work = digits()
    told = []
    train_all(work, rules(work), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (2 * 2 * 74, 2 * 2 * 74)
    assert told == sorted(told)


def test_a_stored_training_equals_the_recomputed_one(rules, store):
    work = digits()
    pc, _ = rules(work)
    first = train(work, pc)
    told = []
    assert train(work, pc, progress=lambda done, total: told.append(done)) == first
    assert told == []
    before = {path: path.read_bytes() for path in store.iterdir()}
    assert len(before) == 2  # one file a seed, no checkpoint left
    for path in before:
        path.unlink()
    assert train(work, pc) == first
    assert {path: path.read_bytes() for path in store.iterdir()} == before


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"curve": ', '{"curve": [1]}'])
def test_a_damaged_file_is_trained_again(rules, store, content):
    work = digits("training.epochs=1", "training.seeds=1")
    pc, _ = rules(work)
    first = train(work, pc)
    (kept,) = store.iterdir()
    whole = kept.read_text()
    kept.write_text(content)
    assert load_seed(kept.stem) is None
    assert train(work, pc) == first
    assert kept.read_text() == whole


def test_training_works_where_nothing_can_be_kept(rules, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    work = digits("training.epochs=1", "training.seeds=1")
    pc, _ = rules(work)
    expected = train(work, pc)
    monkeypatch.setenv("PCSIM_CACHE", str(blocked))
    assert train(work, pc) == expected


def test_the_result_of_a_seed_survives_json(rules):
    work = digits("training.epochs=1", "training.seeds=1")
    pc, _ = rules(work)
    train(work, pc)
    result = load_seed(seed_key(work, pc, seed=0))
    assert seed_from_json(json.loads(json.dumps(seed_to_json(result)))) == result
    save_seed("key", result)
    assert load_seed("key") == result


def test_more_seeds_train_only_those_that_are_new(rules):
    pc, _ = rules(digits())
    two = train(digits(), pc)
    told = []
    three = train(digits("training.seeds=3"), pc, progress=lambda done, total: told.append(total))
    assert three.curves[:2] == two.curves
    assert set(told) == {74}


@pytest.mark.parametrize("formats", [(), NARROW], ids=["fp32", "bf16"])
@pytest.mark.parametrize("rule", [0, 1], ids=["pc", "bp"])
def test_a_training_that_was_cut_off_goes_on_to_the_same_bits(rules, rule, formats, monkeypatch):
    work = digits("training.seeds=1")
    candidate = rules(work, *formats)[rule]
    course = course_of(work, candidate, load_dataset(work.data, classes=10))
    whole, weights = learn_seed(course, 0, progress=lambda made: None)

    monkeypatch.setattr("pcsim.engine.checkpoint.EVERY_S", 0.0)
    path = checkpoint_path("some")
    made = []

    def cut_off(updates):
        made.append(updates)
        if sum(made) > 50:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        learn_seed(course, 0, progress=cut_off, checkpoint=Checkpoint(path))
    rest = []
    curve, resumed = learn_seed(course, 0, progress=rest.append, checkpoint=Checkpoint(path))
    assert curve == whole
    assert rest == [30, 30, 14]  # what was kept, then the updates after it
    for a, b in zip(resumed, weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_or_foreign_checkpoint_is_not_used(rules, monkeypatch):
    work = digits("training.seeds=1")
    pc, _ = rules(work)
    course = course_of(work, pc, load_dataset(work.data, classes=10))
    whole, _ = learn_seed(course, 0, progress=lambda made: None)
    monkeypatch.setattr("pcsim.engine.checkpoint.EVERY_S", 0.0)
    path = checkpoint_path("some")
    other = course_of(
        digits("network.layers=[64, 32, 10]"), pc, load_dataset(work.data, classes=10)
    )
    learn_seed(other, 0, progress=lambda made: None, checkpoint=Checkpoint(path))
    foreign = path.read_bytes()
    for content in (foreign, foreign[: len(foreign) // 2], b"", b"PK"):
        path.write_bytes(content)
        assert (
            learn_seed(course, 0, progress=lambda m: None, checkpoint=Checkpoint(path))[0] == whole
        )


def test_an_energy_that_grows_a_million_times_is_a_divergence(rules):
    # A linear network stays finite for long while its energy explodes.
    work = digits("network.activation=linear", "training.evaluate_every=1", "training.seeds=1")
    pc, _ = rules(work)
    wild = replace(pc, optimiser=OptimiserSettings(kind="sgd", rate=3.0))
    (curve,) = train(work, wild).curves
    assert curve.diverged_at is not None
    assert max(curve.train_energy) <= 1e6 * max(curve.train_energy[0], 1)


@pytest.mark.parametrize(
    "override",
    [
        "network.layers=[64, 32, 10]",
        "network.activation=linear",
        "data.train=1100",
        "data.validation=200",
        "data.test=200",
        "data.normalise=false",
        "training.batch=16",
        "training.epochs=3",
        "training.loss=cross_entropy",
        "training.seeds=1",
        "training.evaluate_every=7",
        "pc.steps=4",
        "pc.rate=0.2",
        "pc.optimiser.kind=sgd",
        "pc.optimiser.rate=0.5",
        "pc.optimiser.schedule=cosine",
        "pc.variant=ipc",
        "pc.order=red_black",
        "pc.descent=momentum",
        "pc.momentum=0.5",
        "pc.tolerance=0.1",
        "pc.threshold=0.1",
        "pc.nudging=negative",
        "network.bias=true",
        "network.skips=true",
        "network.placement=post",
        "network.parameterisation=mupc",
    ],
)
def test_the_key_changes_with_whatever_learning_depends_on(rules, override):
    plain, changed = digits(), digits(override)
    keys = {learning_key(work, rules(work)[0], first_seed=0) for work in (plain, changed)}
    assert len(keys) == 2


def test_the_key_changes_with_rule_seed_and_number_format(rules):
    work = digits()
    pc, bp = rules(work)
    names = ("weight", "state", "error", "accumulate", "optimiser")
    double, _ = rules(work, *(f"tiles.formats.{name}=fp64" for name in names))
    keys = {
        learning_key(work, pc, first_seed=0),
        learning_key(work, bp, first_seed=0),
        learning_key(work, pc, first_seed=1),
        learning_key(work, double, first_seed=0),
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    "override",
    [
        "name=other",
        "training.target_accuracy=0.5",
        "pc.wavefront=false",
        "pc.hoist=false",
        "bp.optimiser.rate=0.5",
    ],
)
def test_the_key_of_predictive_coding_ignores_what_changes_no_bit(rules, override):
    plain, changed = digits(), digits(override)
    keys = {learning_key(work, rules(work)[0], first_seed=0) for work in (plain, changed)}
    assert len(keys) == 1


def test_where_values_are_rounded_skipping_idle_layers_is_another_training(rules):
    work, full = digits(), digits("pc.wavefront=false")
    keys = {learning_key(each, rules(each, *NARROW)[0], first_seed=0) for each in (work, full)}
    assert len(keys) == 2


@pytest.mark.parametrize("rule", [0, 1], ids=["pc", "bp"])
def test_a_chip_trains_in_its_formats(rules, rule):
    work = digits("training.epochs=8", "training.seeds=1")
    words = ("weight=bf16", "state=fp16", "error=bf16", "optimiser=bf16")
    candidate = rules(work, *(f"tiles.formats.{word}" for word in words))[rule]
    course = course_of(work, candidate, load_dataset(work.data, classes=10))
    for part in (course.dataset.train, course.dataset.test):
        np.testing.assert_array_equal(part.x, part.x.astype(np.float16))
    curve, weights = learn_seed(course, 0, progress=lambda made: None)
    for w in weights:
        np.testing.assert_array_equal(w, quantised(w, parse_format("bf16")))
    assert curve.test_accuracy > 0.8
    profile = train(work, candidate).profile
    assert profile.steps == candidate.steps
    assert profile.credited_layers == (1, 2, 3)


@pytest.mark.parametrize("override", ["pc.steps=9", "pc.rate=0.1", "pc.optimiser.rate=0.5"])
def test_the_key_of_backpropagation_ignores_predictive_coding(rules, override):
    plain, changed = digits(), digits(override)
    keys = {learning_key(work, rules(work)[1], first_seed=0) for work in (plain, changed)}
    assert len(keys) == 1


def test_the_key_ignores_the_chip(rules):
    work = digits()
    one, other = (
        rules(work, *overrides)[0] for overrides in ((), ("tiles.vector.lanes=2", "clock=1 GHz"))
    )
    assert learning_key(work, one, first_seed=0) == learning_key(work, other, first_seed=0)


def test_candidates_that_learn_alike_are_trained_once(rules):
    work = digits()
    pc, _ = rules(work)
    told = []
    trainings = train_all(
        work,
        (pc, replace(pc, id="pc-full", wavefront=False)),
        progress=lambda done, total: told.append(total),
    )
    assert set(told) == {2 * 74}
    assert trainings[pc.id] == trainings["pc-full"]


def test_an_interrupted_training_ends_its_threads_and_keeps_nothing(rules, store):
    work = digits("training.seeds=6", "training.epochs=200")

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(work, rules(work)[0], progress=interrupt)
    assert not store.exists()


def test_reading_stored_trainings_imports_no_numba():
    code = (
        "import sys, pcsim.engine; print(sorted({'numba', 'joblib', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_profile_tells_how_many_steps_the_batches_of_an_epoch_took(rules):
    work = digits("pc.steps=40", "pc.tolerance=0.02", "training.seeds=1")
    pc, _ = rules(work)
    training = train(work, pc)
    profile = training.profile
    assert sum(count for _, count in profile.executed) == 1200 // 32
    assert profile.steps == max(steps for steps, _ in profile.executed) < 40
    assert min(steps for steps, _ in profile.executed) <= profile.mean_steps <= profile.steps
    assert len(profile.active_states) - 1 in {steps for steps, _ in profile.executed}
    assert train(work, pc) == training  # read as it was stored


def test_without_a_tolerance_all_batches_take_all_steps(rules):
    work = digits("training.epochs=1", "training.seeds=1")
    pc, bp = rules(work)
    assert train(work, pc).profile.executed == ((3, 1200 // 32),)
    assert train(work, bp).profile.executed == ((0, 1200 // 32),)


def test_an_inference_rate_beyond_the_limit_is_told(rules):
    work = digits("training.epochs=1", "training.seeds=1", "pc.rate=0.1")
    pc, bp = rules(work)
    training = train(work, pc)
    assert 0.1 < training.profile.rate_limit < 2
    assert training.rate_excess is None
    assert train(work, bp).rate_excess is None
    wild = train(
        digits("training.epochs=1", "training.seeds=1", "pc.rate=1.5"), replace(pc, rate=1.5)
    )
    assert wild.rate_excess == 1.5 / wild.profile.rate_limit > 1


def test_what_neighbours_are_told_is_counted(rules):
    work = digits("training.epochs=1", "training.seeds=1", "pc.threshold=1e-3")
    profile = train(work, rules(work)[0]).profile
    for told, active in ((profile.sent_states, profile.active_states),):
        assert len(told) == len(active) == 4
        assert 0 < sum(map(sum, told)) < 3 * 32 * (64 + 64)


@pytest.mark.parametrize(
    "overrides",
    [
        ("pc.variant=ipc", "pc.optimiser.rate=3e-4"),
        ("pc.variant=z_il", "pc.rate=1", "pc.steps=2"),
        ("pc.variant=fpa", "pc.rate=1"),
        ("pc.variant=epc", "pc.rate=0.1"),
        ("pc.order=gauss_seidel",),
        ("pc.order=red_black",),
        ("pc.descent=momentum", "pc.rate=0.1"),
        ("pc.descent=adam", "pc.rate=0.05"),
        ("pc.tolerance=0.01",),
        ("pc.threshold=1e-3",),
        ("pc.nudging=centred", "pc.beta=0.5"),
        ("network.bias=true", "network.activation=gelu"),
        ("network.placement=post", "network.activation=leaky_relu"),
        ("network.parameterisation=ntp", "network.skips=true", "pc.optimiser.rate=0.03"),
        ("pc.optimiser.kind=adamw", "pc.optimiser.schedule=cosine", "pc.optimiser.rate=3e-3"),
        ("pc.optimiser.kind=momentum", "pc.optimiser.rate=0.05"),
    ],
    ids=str,
)
def test_every_way_of_learning_learns_digits(rules, overrides):
    work = digits("training.epochs=6", "training.seeds=1", *overrides)
    (curve,) = train(work, rules(work)[0]).curves
    assert curve.diverged_at is None
    assert curve.test_accuracy > 0.88
