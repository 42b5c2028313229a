"""The report on a sweep: effects, maps and best configurations against closed forms; a page that needs no network."""

import csv
import io
import math
import re
from itertools import product
from xml.etree import ElementTree

import pytest

from pcsim.sweeps import COLUMNS, SweepPlan, parse_groups, points_of
from pcsim.sweeps.evaluate import Task, evaluate
from pcsim.sweeps.report import report_files
from pcsim.sweeps.report.best import best_of
from pcsim.sweeps.report.effects import effects_of
from pcsim.sweeps.report.front import front_of, objectives_of
from pcsim.sweeps.report.heat import heats_of
from pcsim.sweeps.report.scales import height, numbers_of, short_text
from pcsim.sweeps.table import frame_of, rows_of, table_of


def row(values, *, candidate="pc-jacobi", error="", **known):
    return {**dict.fromkeys(COLUMNS), **values, "candidate": candidate, "error": error, **known}


def separable():
    """Costs that are products of a factor for each axis: 2^a for a and 3^b for b, PC 5 times BP."""
    return [
        row(
            {"a": str(a), "b": str(b), "c": str(c)},
            candidate=candidate,
            energy_j=factor * 2.0**a * 3.0**b,
            latency_s=1e-6 * 2.0**b,
            area_mm2=10.0 + a,
        )
        for a, b, c in product((1, 2, 3), (1, 2), (7, 8))
        for candidate, factor in (("pc-jacobi", 5e-6), ("bp-sequential", 1e-6))
    ]


GROUPS = parse_groups(["a=1,2,3", "b=1,2", "c=7,8"])


def test_effects_of_costs_that_are_products_are_their_factors():
    effects = {
        (effect.metric, effect.rule, effect.name): effect
        for effect in effects_of(GROUPS, separable())
    }
    for rule in ("pc", "bp"):
        assert effects["energy_j", rule, "a"].span == pytest.approx(4, rel=1e-12)
        assert effects["energy_j", rule, "b"].span == pytest.approx(3, rel=1e-12)
        assert effects["energy_j", rule, "c"].span == pytest.approx(1, rel=1e-12)
        assert effects["latency_s", rule, "b"].span == pytest.approx(2, rel=1e-12)
        means = [mean for _, mean, _ in effects["energy_j", rule, "a"].levels]
        assert means == pytest.approx([1 / 2, 1, 2], rel=1e-12)
        # Over a full grid, the relative means of an axis multiply to 1.
        for name in "abc":
            levels = effects["energy_j", rule, name].levels
            assert math.prod(mean for _, mean, _ in levels) == pytest.approx(1, rel=1e-12)


def test_a_map_is_of_the_two_axes_that_move_energy_most_and_holds_the_lowest():
    rows = separable()
    for one in rows:  # What c adds must not be seen where the lowest is asked for.
        if one["c"] == "8":
            one["energy_j"] *= 1.25
    pc, bp = heats_of(GROUPS, rows, effects_of(GROUPS, rows))
    assert (pc.rule, pc.side, pc.bottom) == ("pc", "a", "b")
    for heat, factor in ((pc, 5e-6), (bp, 1e-6)):
        assert heat.cells == tuple(
            tuple(factor * 2.0**a * 3.0**b for b in (1, 2)) for a in (1, 2, 3)
        )


def test_one_axis_has_no_map():
    groups = parse_groups(["a=1,2"])
    rows = [row({"a": a}, energy_j=1e-6, latency_s=1e-6) for a in "12"]
    assert heats_of(groups, rows, effects_of(groups, rows)) == []


def test_the_best_are_the_first_of_those_that_none_excels():
    rows = separable()
    best = {(one.rule, one.objective.column): one.row for one in best_of(rows)}
    assert set(best) == {
        (r, o) for r in ("pc", "bp") for o in ("energy_j", "latency_s", "area_mm2")
    }
    for (_, _), found in best.items():
        assert (found["a"], found["b"], found["c"]) == ("1", "1", "7")


def test_rows_without_numbers_are_on_no_front_and_what_is_not_known_does_not_count():
    rows = [
        row({"a": "1"}, energy_j=1.0, latency_s=2.0),
        row({"a": "2"}, energy_j=2.0, latency_s=1.0),
        row({"a": "3"}, energy_j=2.0, latency_s=2.0),
        row({"a": "4"}, error="does not fit"),
    ]
    assert [o.column for o in objectives_of(rows)] == ["energy_j", "latency_s"]
    assert [one["a"] for one in front_of(rows)] == ["1", "2"]


def test_each_rule_has_a_front_of_its_own():
    rows = [
        row({"a": "1"}, energy_j=9.0, latency_s=9.0),
        row({"a": "1"}, energy_j=1.0, latency_s=1.0, candidate="bp-sequential"),
    ]
    assert front_of(rows) == rows


@pytest.fixture(scope="module")
def swept():
    """A plan, its points and its rows, of which some have no numbers."""
    plan = SweepPlan(
        "tile64",
        "digits",
        parse_groups(
            ["pc.steps=1,2", "tiles.mesh=[1, 1],[2, 2]", "tiles.vector.lanes=4,8"],
            conditions=["tiles.vector.lanes if tiles.mesh=[2, 2]"],
        ),
        timing_only=True,
    )
    points = points_of(plan)
    results = [evaluate(Task(p.hardware, p.workload, p.candidates, None, 0)) for p in points]
    rows = rows_of(points, results)
    assert {bool(one["error"]) for one in rows} == {True, False}
    return plan, points, rows


@pytest.fixture(scope="module")
def files(swept):
    plan, points, rows = swept
    return report_files(plan, points[0], rows)


def test_a_report_is_the_same_every_time(swept, files):
    plan, points, rows = swept
    assert report_files(plan, points[0], [dict(one) for one in rows]) == files


def test_the_page_needs_no_network_and_says_what_was_not_done(files):
    page = files["report.html"]
    assert "Timing only: nothing was trained." in page
    assert "does not fit" in page or "needs" in page
    links = set(re.findall(r'(?:href|src)="([^"#]*)"', page))
    assert links and links <= set(files) | {"sweep.csv"}
    assert "<image" not in page and "url(http" not in page and "<script" not in page
    for name, text in files.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(text)


def test_every_figure_has_its_place_on_the_page(files):
    figures = [name for name in files if name.startswith("figures/")]
    assert sorted(figures) == [
        f"figures/{name}.svg" for name in ("front", "heat", "lines", "parallel", "tornado")
    ]
    assert all(f'href="{name}"' in files["report.html"] for name in figures)


def test_tables_hold_the_rows_to_the_last_digit(swept, files):
    plan, _, rows = swept
    text = table_of(rows, plan.paths).csv()
    read = list(csv.DictReader(io.StringIO(text)))
    assert list(read[0]) == [*plan.paths, *COLUMNS]
    for one, cells in zip(rows, read, strict=True):
        assert cells["tiles.vector.lanes"] == one.get("tiles.vector.lanes", "")
        if not one["error"]:
            assert float(cells["energy_j"]) == one["energy_j"]
            assert int(cells["cycles"]) == one["cycles"]
    front = list(csv.DictReader(io.StringIO(files["front.csv"])))
    assert len(front) == len(front_of(rows))
    assert list(frame_of(rows, plan.paths).columns) == [*plan.paths, *COLUMNS]


def test_a_sweep_of_which_nothing_fits_has_a_page_without_figures(swept):
    plan, points, rows = swept
    none = [one for one in rows if one["error"]]
    files = report_files(plan, points[0], none)
    assert not [name for name in files if name.startswith("figures/")]
    assert "What has no numbers" in files["report.html"]


def test_values_of_an_axis_are_numbers_only_where_their_units_agree():
    assert numbers_of(["8 B/cycle", "32 B/cycle"]) == [8.0, 32.0]
    assert numbers_of(["1", "1e-3"]) == [1.0, 1e-3]
    assert numbers_of(["64 KiB", "1 MiB"]) is None
    assert numbers_of(["relu", "tanh"]) is None


def test_heights_are_by_logarithm_where_values_spread_widely():
    assert height(2.0, [1.0, 3.0]) == 0.5
    assert height(10.0, [1.0, 10.0, 100.0]) == pytest.approx(0.5)
    assert height(7.0, [7.0]) == 0.5


def test_long_texts_keep_both_ends():
    text = short_text("network.layers." * 5, 20)
    assert len(text) == 20 and text.startswith("network.l") and text.endswith("k.layers.")
