"""The page about learning rules of one's own, done as it says, in processes of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name, language in (("alignment.py", "python"), ("aligned.yaml", "yaml")):
        (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.S | re.M)
        (folder / name).write_text(block)
    return folder


def python(*words, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_rule_of_the_page_is_trained_timed_priced_and_compared(here):
    short = ["--set", "training.epochs=8", "--set", "training.seeds=2", "--levers"]
    words = ["-m", "pcsim", "run", "tile64", "aligned.yaml", "--allow-extensions", *short]
    done = python(*words, "-o", "r", folder=here)
    assert done.returncode == 0, done.stderr
    assert "FA/BP" in done.stdout and "PC" not in done.stdout
    code = """
import json
run = json.load(open("r/summary.json"))
fa, bp = run["results"]
assert (fa["rule"], fa["id"]) == ("fa", "fa") and run["ratios"]["pc"] == "fa"
# It learns, though chance is 10 %, and no better than backpropagation.
assert 0.6 < fa["accuracy"]["mean"] < bp["accuracy"]["mean"]
# Forward and gradients by all weights, back by all but the first: as many products as backpropagation.
weights = [64 * 64, 64 * 64, 64 * 10]
macs = 32 * (2 * sum(weights) + sum(weights[1:]))
assert fa["per_update"]["macs"] == bp["per_update"]["macs"] == macs
assert fa["per_update"]["cycles"] == bp["per_update"]["cycles"]
# The fixed weights of these layers come from DRAM once, in four bytes each, and stay.
cold = [each["per_update"]["cycles_cold"] for each in (fa, bp)]
assert cold[0] > cold[1]
kept = fa["peak_sram_bytes"] - bp["peak_sram_bytes"]
assert 0 < kept <= 4 * sum(weights[1:])
assert {rule for lever in run["levers"] for rule in lever["latency"]} == {"fa", "bp"}
"""
    assert python("-c", code, folder=here).stderr == ""
    assert "FA over BP" in (here / "r" / "report.html").read_text()


def test_what_it_keeps_and_loads_is_its_fixed_weights(here):
    code = """
import alignment
import pcsim
from pcsim.config import candidates, load_hardware, load_workload
from pcsim.program import Role, program_of
work = load_workload("aligned.yaml", allow_extensions=True)
fa, bp = candidates(load_hardware("tile64"), work)
ours = program_of(work, fa, steps=0)
def words(program, what):
    return sum(program.sizes(b.layer).weights for b in program.buffers if b.name == what)
assert words(ours, "fixed weights") == 64 * 64 + 64 * 10
assert words(ours, "weights") == 2 * 64 * 64 + 64 * 10
loaded = sum(op.elements for op in ours.ops if op.role is Role.WEIGHTS)
assert loaded == words(ours, "fixed weights") + words(ours, "weights")
"""
    assert python("-c", code, folder=here).stderr == ""


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_its_gradients_are_those_of_a_few_lines_of_numpy(here, placement):
    code = f"""
import alignment
import numpy as np
from pcsim.engine.graph import GraphNetwork, initial_weights
from pcsim.network import graph_of
phi = ["tanh"]
before, behind = (phi, []) if {placement!r} == "pre" else ([], phi)
widths, names = [7, 6, 5, 4], ["x", "a", "b", "y"]
nodes = [
    {{"name": names[l], "branches": [{{"from": names[l - 1], "map": [
        *(before if l > 1 else []), ["dense", {{"units": widths[l], "bias": False}}], *(behind if l < 3 else [])]}}]}}
    for l in (1, 2, 3)
]
network = GraphNetwork(graph_of([7], nodes), "mse")
forward = initial_weights(network.graph, 3, "float64")
x, y = np.random.default_rng(1).standard_normal((8, 7)), np.eye(4)[np.arange(8) % 4]
found = alignment.FixedFeedback().look_at(network, forward, x, y, seed=3).gradients

w = list(forward.values())
fixed = list(initial_weights(network.graph, 3 + alignment.FIXED, "float64").values())
a = [x]
for l in range(3):
    z = a[-1] @ w[l].T
    a.append(np.tanh(z) if l < 2 else z)
# Errors by the values before the activations: d_l = (d_(l+1) B_(l+1)) (1 - a_l^2).
d = [None, None, a[3] - y]
for l in (1, 0):
    d[l] = (d[l + 1] @ fixed[l + 1]) * (1 - a[l + 1] ** 2)
for l, (key, gradient) in enumerate(found.items()):
    np.testing.assert_allclose(gradient, d[l].T @ a[l] / 8, rtol=1e-12, atol=1e-15, err_msg=key)
"""
    assert python("-c", code, folder=here).stderr == ""


def test_mistakes_in_its_section_are_told_at_their_place(here):
    text = (here / "aligned.yaml").read_text().replace("rate: 1e-3", "rate: -1, decay: 2")
    (here / "wrong.yaml").write_text(text)
    done = python("-m", "pcsim", "check", "wrong.yaml", "--allow-extensions", folder=here)
    assert done.returncode == 2
    assert "wrong.yaml:7:33: rule.optimiser.rate must be a number above 0" in done.stderr
    assert "wrong.yaml:7:37: rule.optimiser.decay must be a known key" in done.stderr
    assert "did you mean 'rule.optimiser.weight_decay'?" in done.stderr
    text = (here / "aligned.yaml").read_text().replace("name: fa", "name: fb")
    (here / "wrong.yaml").write_text(text)
    done = python("-m", "pcsim", "check", "wrong.yaml", "--allow-extensions", folder=here)
    assert "wrong.yaml:6:9: rule.name must be fa, not 'fb'" in done.stderr


def test_numbers_that_it_does_not_compute_in_are_refused_in_its_sentence(here):
    narrow = ["--set", "tiles.formats.state=bf16"]
    words = ["-m", "pcsim", "run", "tile64", "aligned.yaml", "--allow-extensions", *narrow]
    done = python(*words, folder=here)
    assert done.returncode == 2
    assert "rule.name fa computes in fp32 and fp64 alone" in done.stderr


def test_without_consent_no_file_is_run(here):
    done = python("-m", "pcsim", "check", "aligned.yaml", folder=here)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "pcsim: aligned.yaml:4:14: extensions[0] must be allowed in the command, as it names a program"
    )
    assert "rule" not in done.stderr


def test_it_is_swept_and_tuned_by_its_own_keys(here):
    short = ["--allow-extensions", "--set", "training.epochs=1", "--set", "training.seeds=1"]
    axis = ["--axis", "rule.optimiser.rate=1e-3,1e-2"]
    words = ["-m", "pcsim", "sweep", "tile64", "aligned.yaml", *axis, *short, "--jobs", "1"]
    done = python(*words, "-o", "s", folder=here)
    assert done.returncode == 0, done.stderr
    table = (here / "s" / "sweep.csv").read_text().splitlines()
    assert len(table) == 1 + 2 * 2 and any(",fa," in row for row in table)
    words = ["-m", "pcsim", "tune", "aligned.yaml", "--budget", "2", "--allow-extensions"]
    done = python(*words, "--set", "training.epochs=1", "-o", "t", folder=here)
    assert done.returncode == 0, done.stderr
    assert "FA" in done.stdout


@pytest.mark.parametrize("name, said", [("bp", "already"), ("F A", "small letters")])
def test_a_name_that_is_taken_or_no_word_is_refused(here, name, said):
    code = f"""
from typing import Literal
from pcsim.extend import OwnRule, register_rule
class Mine(OwnRule):
    name: Literal[{name!r}]
try:
    register_rule(Mine, None, None)
except ValueError as error:
    assert {said!r} in str(error), error
else:
    raise SystemExit("not refused")
"""
    done = python("-c", code, folder=here)
    assert done.returncode == 0, done.stderr


def test_what_it_does_not_learn_is_told_in_its_sentence_and_its_steps_are_those_of_the_file(here):
    code = """
from typing import Annotated, Literal
from pcsim.config import candidates, load_hardware, load_workload
from pcsim.config.fields import Finding, whole
from pcsim.errors import InputError
from pcsim.extend import OwnRule, register_rule
from pcsim.network import RULES, credited

class Short(OwnRule):
    name: Literal["short"]
    rounds: Annotated[int, whole(1, 9)] = 2

    @property
    def inference_steps(self):
        return self.rounds

    def limits(self, graph, training):
        if len(graph.nodes) > self.rounds + 1:
            yield Finding("must have a round for each hidden node", ("rule", "rounds"))

def top(graph, order, steps):
    return tuple(node.number for node in graph.nodes[-steps:])

register_rule(Short, None, None, credit=top)
text = open("aligned.yaml").read().replace("name: fa", "name: short")
text = text.replace("extensions: [./alignment.py]", "network: {layers: [64, 32, 16, 10]}")
open("short.yaml", "w").write(text)
work = load_workload("short.yaml")
(ours,) = candidates(load_hardware("tile64"), work, rule="short")
assert (ours.id, ours.algorithm, ours.steps, ours.own.rounds) == ("short", "short", 2, 2)
assert RULES["short"].infers and credited(work.network.graph, "short", "", 2) == (2, 3)
open("short.yaml", "w").write(text.replace("name: short", "name: short\\n  rounds: 1"))
try:
    load_workload("short.yaml")
except InputError as error:
    (problem,) = error.problems
    assert problem.message == "rule.rounds must have a round for each hidden node", problem
    assert problem.line == 7, problem
else:
    raise SystemExit("not refused")
"""
    done = python("-c", code, folder=here)
    assert (done.returncode, done.stderr) == (0, "")
