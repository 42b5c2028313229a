"""The first screen: what it says of every outcome, that it fits, and that its picture is right."""

from __future__ import annotations

import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pcsim.report.first_screen import FirstScreen
from pcsim.report.ratio_axis import RatioAxis
from pcsim.verdict import summary
from tests.helpers.verdict_values import FAST, NEVER, SLOW, verdict


def shown(facts, *, width=80, color=None, **options) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=color is not None, color_system=color
    )
    console.print(FirstScreen(facts, **options))
    return console.file.getvalue()


def text_of(lines):
    return " ".join(lines)


def facts_of(pc, bp):
    return summary(verdict(pc, bp))


def test_it_says_who_wins_by_how_much_and_why():
    text = shown(facts_of((SLOW,) * 12, (SLOW,) * 12), folder="reports/x")
    lines = [re.sub(r"\s{2,}", " | ", line.strip()) for line in text.splitlines()]
    assert lines[0] == "tiny-chip x tiny-net | 64-16-10 · batch 64 · 12 seeds"
    assert lines[2].startswith(
        "BP WINS BY ENERGY | PC takes 1.50x BP's energy to reach 80-90 % (1."
    )
    assert lines[4].startswith("PC | BP | PC/BP | 0.")
    assert lines[5].startswith("energy to 80-90 % | 219 J | 146 J | 1.50x |")
    assert lines[6].startswith("time to 80-90 % | 97.5 µs | 78 µs | 1.25x |")
    assert lines[7].startswith("one update | 4.5 J | 3 J | 1.50x |")
    assert lines[8] == "test accuracy | 95.0 % | 95.0 % | same"
    assert (
        "Why | PC spends 1.5 J more an update: arrays +1, leakage +0.25, SRAM +0.25; PC needs"
        in text_of(lines)
    )
    assert lines[-1] == "More | --full · pcsim explain last · reports/x/report.html"


@pytest.mark.parametrize(
    "pc, bp, said",
    [
        # The spacing of the evaluations leaves a factor of 1.35 either way, and seeds nothing.
        ((FAST,) * 3, (SLOW,) * 3, "PC WINS BY TIME  PC takes 0.62x BP's time to reach 80-90 %"),
        ((FAST, SLOW), (SLOW, SLOW), "NO WINNER  PC takes 1.06x BP's energy to reach 80-90 %"),
        ((NEVER,) * 3, (FAST,) * 3, "BP WINS  PC takes at least 6.15x BP's energy"),
        ((FAST,) * 3, (NEVER,) * 3, "PC WINS  PC takes at most 0.37x BP's energy"),
        ((NEVER,) * 3, (NEVER,) * 3, "UNDECIDED  PC missed 80-90 % on 3 of 3 seeds, BP on 3 of 3"),
        ((FAST,), (SLOW,), "UNDECIDED  PC takes 0.75x BP's energy to reach 80-90 %; one seed"),
        ((NEVER,) * 2, (SLOW,) * 2, "BP WINS  PC takes at least 3.08x BP's energy"),
    ],
)
def test_every_outcome_has_its_words(pc, bp, said):
    text = re.sub(r"\s*\n\s*", " ", shown(facts_of(pc, bp)))
    assert said in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("color", [None, "standard", "256", "truecolor"])
@pytest.mark.parametrize("curves", [(FAST, SLOW), (FAST, NEVER), (NEVER, NEVER)])
def test_it_fits_on_twenty_lines_and_in_the_width(width, color, curves):
    text = shown(facts_of(curves, (SLOW, SLOW)), width=width, color=color, folder="reports/t-w")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= width
    assert len(plain.splitlines()) <= (24 if width == 60 else 20)
    if color is None:
        assert "\x1b" not in text


def test_a_stored_summary_and_one_rule_alone_are_shown():
    text = shown(summary(verdict(rules=("pc",))))
    assert "BP" not in text and "PC/BP" not in text
    assert "energy to 80-90 %" in text


# The picture.

ratio = st.floats(0.02, 50)


@given(ratio, st.floats(1, 3), st.integers(11, 40))
def test_the_picture_has_one_at_its_middle_and_values_in_order(value, spread, room):
    estimate = {"value": value, "low": value / spread, "high": value * spread}
    axis = RatioAxis.fitting([estimate], room)
    line = axis.line(estimate).ljust(axis.cells)
    assert len(line) == axis.cells <= room
    middle = axis.cells // 2
    at = next(i for i, sign in enumerate(line) if sign in "●►◄")
    # Half a character is the most by which a mark can be off.
    exact = (1 + math.log(value) / math.log(axis.end)) / 2 * (axis.cells - 1)
    assert abs(at - min(max(exact, 0), axis.cells - 1)) <= 0.5 + 1e-9
    if "├" in line and "┤" in line:
        assert line.index("├") <= at <= line.index("┤")
    assert line[middle] != " "
    scale = axis.scale()
    assert scale[middle] == "1" and len(scale) == axis.cells


def test_the_axis_widens_and_beyond_it_is_an_arrow():
    def end(*values):
        return RatioAxis.fitting([{"value": v, "low": None, "high": None} for v in values], 21).end

    assert [end(1.2), end(0.4), end(0.15, 1.2), end(1000.0)] == [2.0, 5.0, 10.0, 100.0]
    axis = RatioAxis(2.0, 11)
    assert axis.line({"value": 3.0, "low": None, "high": None})[-1] == "►"
    assert axis.line({"value": 0.1, "low": None, "high": None})[0] == "◄"
    assert RatioAxis.fitting([], 10) is None
