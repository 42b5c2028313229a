"""The page about operators of one's own, done as it says, in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operators.md").read_text()

USE = """
import square
import numpy as np
from pcsim.config import load_hardware
from pcsim.engine.operators import OPERATIONS
from pcsim.machine import simulate
from pcsim.network import graph_of
from pcsim.placement import place
from pcsim.program import graph_backpropagation, graph_predictive_coding

nodes = [
    {"name": "z", "branches": [{"from": "x", "map": [["dense", {"units": 4}], "square"]}]},
    {"name": "y", "branches": [{"from": "z", "map": ["square", ["dense", {"units": 2}]]}]},
]
graph = graph_of([3], nodes)
term = graph.nodes[1].branches[0].terms[0]
operation = OPERATIONS["square"](term, {}, 5, "float64")
x, d = np.random.default_rng(0).normal(size=(2, 5, 4))
step = 1e-6 * d
numeric = (operation.forward(x + step) - operation.forward(x - step)) / 2e-6
operation.forward(x)
assert np.allclose(operation.pull(np.ones_like(d)) * d, numeric)
chip = load_hardware("tile64")
options = {"batch": 5, "optimiser": "sgd"}
for program in (
    graph_backpropagation(graph, "mse", **options),
    graph_predictive_coding(graph, "mse", steps=3, **options),
):
    assert simulate(place(program, chip), chip).makespan_cycles > 0
found = graph_backpropagation(graph, "mse", **options).elementwise()
# Forward one multiplication of four values in each node, back two.
assert found["multiply"] == 5 * 2 * 4 * (1 + 2)
print("as it says")
"""


def test_an_operator_of_the_page_is_computed_and_costed(tmp_path):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    (tmp_path / "square.py").write_text(block)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "as it says\n", done.stderr
