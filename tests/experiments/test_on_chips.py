"""Experiments on chips, in small: their findings hold, they notice what contradicts them, and their sums are right."""

import math

import pandas as pd
import pytest

from pcsim.config import candidates, load_hardware, load_workload
from pcsim.experiments import (
    batch,
    crossover,
    energy_to_accuracy,
    find,
    imbalance,
    sram,
    streamed,
    sweep_order,
    tornado,
)
from pcsim.experiments.trained import WAYS, rule_of
from pcsim.network import chain
from pcsim.placement import place
from pcsim.technology import bill, price_list
from tests.helpers.programs import run

SMALLER = {
    crossover: {
        "DEPTHS": (2, 3, 4, 7),
        "STEPS": (1, 2, 3, 6),
        "PIPELINED_DEPTHS": (2, 3, 4),
        "PIPELINED_STEPS": (1, 2),
        "PARTS": (1, 2, 4, 8),
    },
    imbalance: {"FACTORS": (1, 16), "SHORT": 16, "LONG": 24},
    sweep_order: {"TILES": (17, 9, 1), "GAPS": (0.2, 0.05), "SHORT_STEPS": (1, 4)},
    sram: {"ROOMS": (1, 8, 9, 22, 23, 24), "STASH_DEPTHS": (4, 16, 32)},
    batch: {"BATCHES": (1, 32, 64, 4096)},
}


@pytest.fixture(scope="module")
def small():
    """``small(module)``: the module's experiment with fewer cases, each run once."""
    known = {}

    def of(module):
        if module not in known:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in SMALLER[module].items():
                    patch.setattr(module, name, value)
                known[module] = find(module.EXPERIMENT)
        return known[module]

    return of


EVERY = pytest.mark.parametrize(
    "module", SMALLER, ids=lambda module: module.__name__.rpartition(".")[2]
)


@EVERY
def test_findings_hold_with_fewer_cases(small, module):
    assert [str(one) for one in small(module).statements if not one.holds] == []


CONTRADICTIONS = {
    # PC shorter though all layers learn.
    crossover: (lambda t: (t.case == "sequential") & (t.credit == t.layers), "ratio", 0.9, 2),
    # A step that is a cycle longer than its closed form.
    imbalance: (lambda t: (t["quantity"] == "pc step") & (t.factor == 1), "cycles", 125.0, 3),
    # Gauss-Seidel that takes as long as Jacobi.
    sweep_order: (lambda t: (t.way == "gauss_seidel") & (t.tiles == 17), "slots", 496.0, 2),
    # A knee that is not there.
    sram: (lambda t: (t.what == "gauss_seidel") & (t.room == 9), "loads", 144, 1),
    # PC with twice the weight words.
    batch: (lambda t: t.rule == "pc", "weight_words", 311_296, 1),
}


@EVERY
def test_what_contradicts_a_statement_is_told(small, module, monkeypatch):
    chosen, column, value, fewest = CONTRADICTIONS[module]
    for name, smaller in SMALLER[module].items():
        monkeypatch.setattr(module, name, smaller)
    table = small(module).table.copy()
    table.loc[chosen(table), column] = value
    broken = [one for one in module.statements(table) if not one.holds]
    assert len(broken) >= fewest
    assert all(str(one).startswith("NOT as expected: ") for one in broken)


@pytest.mark.parametrize("way", WAYS)
def test_ways_are_runs_that_anyone_can_make(way):
    workload = load_workload("digits", overrides=WAYS[way])
    (candidate,) = candidates(load_hardware("tile64"), workload, rule=rule_of(way))
    assert candidate.rule == rule_of(way)
    assert len({candidate.id, "bp-sequential"}) == (1 if way == "bp" else 2)


@pytest.fixture(scope="module")
def bills():
    """PC's and BP's bill of a small network whose weights come from DRAM, and the prices of both."""
    form, prices = chain((12, 10, 8, 6), "tanh"), streamed.prices()
    found = []
    for program in (streamed.gauss_seidel(form, batch=3, steps=2), streamed.bp(form, batch=3)):
        chip = streamed.chip_with_room(program, 2)
        activity = run(program, chip)
        found.append(bill(activity, prices, clock_hz=chip.clock_hz))
    return (*found, prices)


def test_terms_of_a_bill_add_up_to_it_and_weights_are_what_dram_moves_of_them(bills):
    for cost in bills[:2]:
        terms = batch.terms_of(cost)
        assert math.isclose(sum(terms.values()), cost.energy_j, rel_tol=1e-12)
        assert terms["time"] == pytest.approx(cost.static_energy_j, rel=1e-12)
        assert 0 < terms["weights"] < cost.by_component()["dram"]


def test_a_law_turns_where_its_two_terms_are_equal(monkeypatch):
    # Between ends far from it, on a grid so fine that interpolation does not matter.
    batches = tuple(2.0 ** (k / 64) for k in range(-64 * 20, 64 * 40))
    monkeypatch.setattr(batch, "BATCHES", batches)
    law = pd.Series([(1 + 3.2 * b / 50) / (1 + b / 50) for b in batches], index=batches)
    assert batch.turning_batch(law) == pytest.approx(50, rel=1e-4)


def test_bars_of_the_tornado_are_bills_priced_anew(bills):
    pc, bp, prices = bills
    halved_and_doubled = tornado.spread(prices, 2)
    for key in ("dram.read_byte", "array.mac", "leakage.array"):
        ends = []
        for factor in (0.5, 2.0):
            ours, theirs = (
                sum(line.energy_j * (factor if line.key == key else 1) for line in cost.lines)
                for cost in (pc, bp)
            )
            ends.append(ours / theirs)
        low, high = tornado.ratio_range(pc, bp, halved_and_doubled, keys=(key,))
        assert (low, high) == pytest.approx((min(ends), max(ends)), rel=1e-9)


def test_a_verdict_flips_where_its_range_has_both_sides_of_one():
    rows = pd.DataFrame({"low": [0.9, 1.0, 0.8, 1.2], "high": [1.1, 1.3, 0.99, 1.4]})
    assert list(tornado.flipped(rows).index) == [0]


def test_ratios_to_the_target_are_paired_by_seed():
    rows = [
        {"kind": "target", "way": way, "seed": seed, "energy_j": joules}
        for way, spent in (("ipc", (2.0, 9.0)), ("bp", (1.0, 2.0)))
        for seed, joules in enumerate(spent)
    ]
    table = pd.DataFrame(rows[::-1])
    found = energy_to_accuracy.against_bp(table, "ipc", "energy_j")
    assert found.per_seed == (2.0, 4.5)
    assert found.value == pytest.approx(3.0, rel=1e-12)
    table.loc[0, "energy_j"] = math.nan
    assert energy_to_accuracy.against_bp(table, "ipc", "energy_j") is None


def test_rooms_hold_as_many_layers_as_they_say_and_prices_do_not_follow_them():
    program = streamed.bp(chain((16,) * 6, "tanh"), batch=2)
    for layers in (1, 3):
        assert place(program, streamed.chip_with_room(program, layers)).windows == {
            0: layers * 4 * 16 * 16
        }
    one_tile = load_hardware("tile64", overrides=("tiles.mesh=[1, 1]",))
    assert streamed.prices() == price_list(one_tile)
