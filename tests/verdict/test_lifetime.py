"""How long cells last, how W^T is read, and what reports of analog chips leave out."""

from dataclasses import replace

import pytest

from pcsim.config import load_hardware, load_workload
from pcsim.machine import Count
from pcsim.verdict import LayerPlace, judge
from pcsim.verdict.lifetime import Lifetime, lifetime_of
from pcsim.verdict.not_modelled import ANALOG, DIGITAL, left_out
from pcsim.verdict.summary import summary
from tests.helpers.programs import bp, pc, run
from tests.helpers.verdict_values import FAST, SLOW, prices, result

WIDTHS = (20, 12, 16, 10)
PLACES = [LayerPlace(i + 1, WIDTHS[i], WIDTHS[i + 1], 1, 1, (i,)) for i in range(3)]


@pytest.mark.parametrize("transposable", ["true", "false"])
@pytest.mark.parametrize("endurance", [1, 10**9])
def test_an_update_writes_every_cell_once_so_endurance_is_updates(transposable, endurance):
    hardware = load_hardware(
        "crossbar64",
        overrides=[
            f"tiles.compute.transposable={transposable}",
            f"tiles.compute.endurance={endurance}",
        ],
    )
    for program in (
        bp(WIDTHS, 4, optimiser="sgd", phi="relu"),
        # T = 1 teaches the upper two layers alone; their cells are the ones that wear.
        pc(WIDTHS, 4, 1, optimiser="sgd", phi="relu"),
    ):
        activity = run(program, hardware)
        found = lifetime_of(activity, PLACES, hardware, latency_s=0.5)
        assert found == Lifetime(writes=1.0, updates=endurance, seconds=endurance / 2)


def test_digital_chips_wear_nothing():
    hardware = load_hardware("tile64")
    program = bp(WIDTHS, 4, optimiser="sgd", phi="relu")
    assert lifetime_of(run(program, hardware), PLACES, hardware, latency_s=1) is None


def test_reports_of_analog_chips_leave_out_other_effects():
    digital, analog = (left_out(load_hardware(name)) for name in ("tile64", "crossbar64"))
    assert DIGITAL in digital and ANALOG not in digital
    assert analog == tuple(ANALOG if said is DIGITAL else said for said in digital)


def judged(*overrides):
    """A verdict on PC, which writes every cell 3 times in 2 us, and BP, which does once in 1.6 us."""
    hardware = load_hardware("crossbar64", overrides=overrides)
    results = []
    for rule, writes in (("pc", 3), ("bp", 1)):
        made = result(rule, (FAST, SLOW))
        counts = {
            **made.activity.counts,
            Count("array", "cell_write", 1, "update"): 8 * 64 * 16 * writes,
        }
        results.append(replace(made, activity=replace(made.activity, counts=counts)))
    return judge(
        hardware, load_workload("digits"), seeds=(0, 1), results=results, prices=prices(), energy_range=None
    )  # fmt: skip


def test_the_verdict_says_how_the_transpose_is_read_and_how_long_cells_last():
    verdict = judged()
    assert verdict.sentences[-4:-1] == (
        "W^T is read from the cells of W, with drivers and converters on both sides.",
        "PC writes each cell 3 times an update: cells last 3.33e+08 updates, 667 s of training without a pause.",
        "BP writes each cell once an update: cells last 1e+09 updates, 1,600 s of training without a pause.",
    )
    found = summary(verdict)["results"][0]["cell_lifetime"]
    assert found["writes"] == 3
    assert found["updates"] == 10**9 / 3
    assert found["seconds"] == pytest.approx(2e-6 * 10**9 / 3, rel=1e-12)
    assert judged("tiles.compute.transposable=false").sentences[-4] == (
        "W^T is read from arrays of its own, which each update writes, too."
    )
    assert judged("tiles.compute.endurance=100000000000000").sentences[-2] == (
        "BP writes each cell once an update: cells last 1e+14 updates, 1,852 days of training without a pause."
    )


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("tile64", [], None),
        (
            "edge4",
            [],
            "W^T is read by a walk along columns, one word per bank and cycle.",
        ),
        (
            "edge4",
            ["tiles.compute.transpose=copy"],
            "W^T is read from a second copy, which takes room and which each update writes.",
        ),
    ],
)
def test_the_verdict_on_a_digital_chip_says_what_the_transpose_costs(name, overrides, said):
    verdict = judge(
        load_hardware(name, overrides=overrides),
        load_workload("digits"),
        seeds=(0, 1),
        results=[result("pc", (FAST, SLOW))],
        prices=prices(),
        energy_range=None,
    )
    about = [sentence for sentence in verdict.sentences if "W^T" in sentence]
    assert about == ([said] if said else [])
    assert summary(verdict)["chip"]["transpose"] == (
        said.removesuffix(".") if said else "W and W^T are read from one copy"
    )
