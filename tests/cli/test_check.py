"""``pcsim check``: all mistakes at once, what fits, and about how long it takes."""

import re
import subprocess
import sys

import pytest

from pcsim.cli import estimate
from pcsim.config import candidates, load_hardware, load_workload, shipped
from pcsim.engine.kinds import kinds_of
from pcsim.engine.store import seed_key
from pcsim.levers import MOST_TASKS, RESOURCES
from pcsim.placement import place
from pcsim.program import program_of
from pcsim.theory.counts import backpropagation_counts
from tests.helpers.door import pcsim

NAMES = ", ".join([*shipped("hardware"), *shipped("workload")])


def chip(path, text):
    path.write_text(f"schema: pcsim/hardware/1\nname: {path.stem}\nextends: tile64\n{text}\n")


def test_every_shipped_file_is_right():
    names = [*shipped("hardware"), *shipped("workload")]
    done = pcsim("check", *names)
    assert done.exit_code == 0
    kinds = ["hardware"] * len(shipped("hardware")) + ["workload"] * len(shipped("workload"))
    assert [line for line in done.stdout.splitlines() if not line.startswith("  ")] == [
        f"{name}: right, the {kind} {name!r}" for name, kind in zip(names, kinds, strict=True)
    ]


def test_all_mistakes_of_all_files_are_told_at_once(here):
    chip(here / "a.yaml", "tiles: {vektor: 3, mesh: [0, 1]}")
    (here / "b.yaml").write_text("schema: pcsim/workload/1\nname: b\nextends: digits\npc: 3\n")
    chip(here / "c.yaml", "technology: horowitz-45\ncosts: {array.mat: {energy: 1 pJ, source: s}}")
    done = pcsim("check", "a.yaml", "tile64", "b.yaml", "c.yaml", "tile46")
    assert done.exit_code == 2
    assert done.stdout == ""
    told = re.findall(r"^(?:pcsim: )?((?:\w\.yaml:\d+:\d+: )?[\w.\[\]]+) must", done.stderr, re.M)
    assert told == [
        "a.yaml:4:9: tiles.vektor",
        "a.yaml:4:27: tiles.mesh[0]",
        "b.yaml:4:5: pc",
        "c.yaml:4:13: technology",
        "c.yaml:5:9: costs.array.mat",
        "FILE",
    ]
    assert done.stderr.endswith(
        f"\nFILE must be the path of a file or one of {NAMES}, not 'tile46'\n"
        "    did you mean 'tile64'?\n"
    )


def test_costs_that_nobody_gives_are_told(here):
    formats = "{weight: fp64, state: fp64, error: fp64, accumulate: fp64, optimiser: fp64}"
    chip(here / "a.yaml", f"tiles: {{formats: {formats}}}")
    done = pcsim("check", "a.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "pcsim: a.yaml:4:27: technology horowitz-45nm has no cost for fp64 of array.mac, "
    )


def fit(hardware, workload):
    """What ``check`` must say of the space that each rule takes."""
    for candidate in candidates(hardware, workload):
        placed = place(program_of(workload, candidate, steps=candidate.steps), hardware)
        yield candidate.rule.upper(), placed.tiles_used, max(placed.peak_bytes.values()) / 1024


def test_a_chip_and_a_workload_are_told_to_fit_with_the_space_they_take():
    done = pcsim("check", "mlp128", "tile64")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "mlp128: right, the workload 'mlp128'",
        # 784 x 128 + 128 x 128 twice + 128 x 10 weights; 3 x 128 + 10 states.
        "  network: 4 nodes, 134,400 parameters; a sample takes 134,400 multiply-accumulates forward and has 394 "
        "states",
        "tile64: right, the hardware 'tile64'",
        "",
        "tile64 x mlp128:",
    ]
    assert lines[5:7] == [
        f"  {rule} fits: {tiles} of 64 tiles; the fullest keeps {kept:.4g} KiB of 192 KiB"
        for rule, tiles, kept in fit(load_hardware("tile64"), load_workload("mlp128"))
    ]
    assert lines[7].startswith("  a run takes ")


def test_a_network_that_does_not_fit_is_told_rule_by_rule_with_what_would(here):
    chip(here / "small.yaml", "tiles: {mesh: [2, 2]}")
    done = pcsim("check", "small.yaml", "mlp128")
    assert done.exit_code == 2
    assert "\n  PC does not fit: pc: the network needs " in done.stdout
    assert "\n  BP does not fit: bp: the network needs " in done.stdout
    assert done.stdout.count("What would fit: ") == 2
    assert "a run takes" not in done.stdout


# --- How long ---


@pytest.fixture
def digits():
    usual = ("training.seeds=3", "training.epochs=20", "training.evaluate_every=10")
    workload = load_workload("digits", overrides=usual)
    return workload, candidates(load_hardware("tile64"), workload)


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """A machine of 1 G multiply-accumulates per second, on which a text takes a hundredth of one; with kernels
    compiled."""
    monkeypatch.setattr(estimate, "macs_per_s", lambda workload, candidate: 1e9)
    monkeypatch.setattr(estimate, "reference_s", lambda: 0.01)
    monkeypatch.setattr(estimate, "simulator_kernels_s", lambda: 0.0)
    monkeypatch.setattr("pcsim.engine.kinds.compiled", lambda kind: True)
    monkeypatch.setattr("loky.cpu_count", lambda: 4)


def test_the_work_of_a_training_is_its_updates_and_its_evaluations(digits):
    workload, (_, bp) = digits
    layers = [64 * 64, 64 * 64, 64 * 10]
    updates = 20 * (1200 // 32)
    one = backpropagation_counts((64, 64, 64, 10), 32).macs
    evaluated = (1 + updates // 10) * 297 + 300
    assert estimate.macs_of(workload, bp) == updates * one + evaluated * sum(layers)


def test_the_estimate_names_what_it_is_made_of(digits, monkeypatch):
    workload, rules = digits
    seeds = 2 * workload.training.seeds
    monkeypatch.setattr(estimate, "missing_seeds", lambda workload, rules: [rules[1]] * 3)
    macs = 3 * estimate.macs_of(workload, rules[1])
    training_s = estimate.BESIDE_PRODUCTS * macs / 1e9 / 3
    simulating_s = (2 + 2 * len(RESOURCES)) * 100_000 * estimate.TASK_S
    whole_s = training_s + simulating_s + estimate.STARTING_S
    assert estimate.duration(workload, rules, tasks=100_000) == [
        f"a run takes {estimate.about(whole_s)}, by estimate:",
        f"  training {estimate.about(training_s)}: 3 of {seeds} are not stored, {macs:.3g} MACs "
        "on 3 threads",
        f"  simulating 100,000 tasks {estimate.about(simulating_s)}",
        f"  starting and drawing {estimate.about(estimate.STARTING_S)}",
    ]


def test_levers_that_take_minutes_are_not_in_the_estimate(digits, monkeypatch):
    monkeypatch.setattr(estimate, "missing_seeds", lambda workload, rules: [])
    tasks = MOST_TASKS + 1
    (line,) = estimate.duration(*digits, tasks=tasks)
    assert line.endswith(f"tasks {estimate.about(2 * tasks * estimate.TASK_S)}")


def test_what_is_stored_needs_no_training(digits, monkeypatch):
    workload, _ = digits
    monkeypatch.setattr(estimate, "missing_seeds", lambda workload, rules: [])
    assert estimate.duration(*digits, tasks=100) == [
        f"a run takes about {estimate.STARTING_S:g} s: all {2 * workload.training.seeds} trainings are "
        "stored already, simulating 100 tasks less than a second"
    ]


# --- Compiling ---


def narrow(workload):
    return candidates(load_hardware("tile64", overrides=["tiles.formats.state=bf16"]), workload)


def other(workload, *overrides):
    workload = load_workload("digits", overrides=overrides)
    return candidates(load_hardware("tile64"), workload)[0]


@pytest.mark.parametrize(
    ("compiled", "times"),
    [
        ((), 430 + 190 + 680),
        (("shared-float32-plain",), 190 + 680),
        (("shared-float32-plain", "jacobi-float32-plain"), 190),
        (("shared-float64-plain", "jacobi-float32-rounded"), 430 + 190 + 680),
    ],
)
def test_what_is_not_compiled_yet_is_counted_part_by_part(digits, monkeypatch, compiled, times):
    monkeypatch.setattr("pcsim.engine.kinds.compiled", lambda kind: kind.name in compiled)
    assert estimate.training_kernels_s(*digits) == pytest.approx(0.01 * times)
    line = f"  compiling {estimate.about(0.01 * times)}, the first time only"
    assert line in estimate.duration(*digits, tasks=0)


def test_where_values_are_rounded_compiling_takes_longer_and_fp32_is_compiled_too(
    digits, monkeypatch
):
    monkeypatch.setattr("pcsim.engine.kinds.compiled", lambda kind: False)
    workload, plain = digits
    rounded = narrow(workload)
    whole_s = estimate.training_kernels_s(workload, [*plain, *rounded])
    parts = (
        estimate.training_kernels_s(workload, plain),
        estimate.training_kernels_s(workload, rounded),
    )
    assert whole_s == pytest.approx(sum(parts))
    assert parts[1] > 2 * parts[0]
    lines = estimate.duration(workload, rounded, tasks=0)
    assert f"  compiling {estimate.about(whole_s)}, the first time only" in lines
    assert f" of {4 * workload.training.seeds} are not stored" in lines[1]


def test_kinds_tell_apart_what_is_compiled_apart(digits):
    workload, (pc, bp) = digits
    names = {
        kind.name
        for candidate in (
            pc,
            bp,
            other(workload, "pc.order=gauss_seidel"),
            other(workload, "pc.variant=ipc"),
        )
        for kind in kinds_of(candidate, "float32")
    }
    parts = {"shared", "jacobi", "backpropagation", "relaxation", "ipc"}
    assert names == {f"{part}-float32-plain" for part in parts}
    rounded = {kind.name for kind in kinds_of(narrow(workload)[0], "float32")}
    assert rounded == {"shared-float32-rounded", "jacobi-float32-rounded", "audit-float64-plain"}


def test_a_training_leaves_word_of_what_it_compiled(tmp_path, monkeypatch):
    monkeypatch.undo()
    from pcsim.engine import train
    from pcsim.engine.kinds import compiled

    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))
    workload = load_workload("digits", overrides=["training.epochs=1", "training.seeds=1"])
    bp = candidates(load_hardware("tile64"), workload)[1]
    kinds = kinds_of(bp, "float32")
    assert not any(map(compiled, kinds))
    train(workload, bp)
    assert all(map(compiled, kinds))


def test_the_simulators_kernels_are_looked_for_where_they_are_kept(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(estimate, "reference_s", lambda: 0.01)
    assert estimate.simulator_kernels_s() == pytest.approx(0.01 * estimate.COMPILING_SIMULATOR)
    script = "from pcsim.cli.selftest import cycles_and_closed_form as f; assert f()[0] == f()[1]"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert estimate.simulator_kernels_s() == 0.0


def test_the_seeds_still_to_be_trained_are_those_whose_key_is_not_stored(digits, monkeypatch):
    workload, (pc, bp) = digits
    stored = {seed_key(workload, pc, seed=1), seed_key(workload, bp, seed=0)}
    monkeypatch.setattr(
        "pcsim.engine.store.load_seed", lambda key: "a result" if key in stored else None
    )
    assert estimate.missing_seeds(workload, (pc, bp)) == [pc, pc, bp, bp]
