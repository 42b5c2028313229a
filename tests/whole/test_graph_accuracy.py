"""The shipped networks that are graphs reach what an independent program reaches with the same settings.

The numbers are those of ``benchmarks/accuracy.py``: torch's own operators, autograd and Adam, from the same data,
batches and initial weights.
"""

from statistics import fmean

import pytest

from pcsim.config import candidates, load_both
from pcsim.config.datasets import FASHION_FOLDER
from pcsim.engine import train_all

TORCH = {
    "resnet-digits": {"pc": 0.9613, "bp": 0.9573},
    "fashion-conv": {"pc": 0.8157, "bp": 0.8102},
    "vit-fashion": {"pc": 0.7163, "bp": 0.7397},
}
"""Mean test accuracy over the seeds of each workload."""


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCH)
def test_accuracies_are_within_a_point_of_an_independent_program(name):
    if "fashion" in name and not FASHION_FOLDER.is_dir():
        pytest.skip("the package dataset-fashion-mnist is not installed")
    hardware, workload = load_both("tile64", name)
    offered = candidates(hardware, workload)
    for candidate in offered:
        curves = train_all(workload, offered)[candidate.id].curves
        reached = [curve.test_accuracy for curve in curves]
        assert None not in reached
        assert fmean(reached) == pytest.approx(TORCH[name][candidate.rule], abs=0.01)
