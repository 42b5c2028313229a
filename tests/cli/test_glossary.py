"""Every word on the screen has a meaning that explain prints; the page of words is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pcsim.report.explain.glossary import GLOSSARY, as_markdown, definition, words
from pcsim.verdict import COMPONENT_NAMES, summary
from pcsim.verdict.rows import comparison_rows
from pcsim.verdict.sentences import CAUSES
from pcsim.verdict.truncated import REASONS
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import FAST, SLOW, verdict

DOCS = Path(__file__).parents[2] / "docs"


def screen_words() -> list[str]:
    """What the screens print that is not everybody's word."""
    rows = [row.label for row in comparison_rows(summary(verdict((FAST, SLOW))))]
    first = ["one update", "test accuracy", "levers", "trust", "undecided", "no winner", "missed"]
    components = [*COMPONENT_NAMES.values(), *CAUSES.values()]
    further = ["95 %", "rate", "rule", "candidate", "cold start", "objective", "compiling", "fold"]
    kinds = [
        *further,
        "diverged",
        "credit",
        "truncated credit",
        "stability limit",
        "assumed costs",
        "batch",
    ]
    asked = [*rows, *first, *components, *kinds, "tuned", "break-even", "full credit", *REASONS]
    known = {"energy per MAC": "MAC", "waiting for room or supply": "critical path"}
    return [known.get(word, re.sub(r" per update$", "", word)) for word in asked]


@pytest.mark.parametrize("word", screen_words())
def test_every_word_of_the_screen_is_defined(word):
    reasons = {"steps", "rate", "format", "underflow", "zero", "diverged"}
    if word in reasons:
        assert f"{word}:" in definition("truncated credit") or definition(word)
        return
    assert definition(word) is not None, word


def test_no_two_entries_share_a_word_and_every_see_also_leads_somewhere():
    names = [name.lower() for entry in GLOSSARY for name in (entry.word, *entry.aliases)]
    doubles = {name for name in names if names.count(name) > 1}
    # DRAM and dram are one word.
    assert {name for name in doubles if not any(name == e.word.lower() for e in GLOSSARY)} == set()
    for entry in GLOSSARY:
        for word in entry.see:
            assert definition(word) is not None, (entry.word, word)
        for sentence in re.split(r"(?<=[.:;]) ", entry.meaning):
            assert len(sentence.split()) <= 40, sentence


def test_explain_prints_a_word_whatever_its_case_and_its_strokes():
    for written in ("credit depth", "credit_depth", "Credit-Depth"):
        done = pcsim("explain", written)
        assert done.exit_code == 0 and done.output.startswith(
            "credit depth\n  How many layers learn"
        )
    done = pcsim("explain")
    assert done.exit_code == 0
    assert all(f"  {word}\n" in done.output for word in words())


def test_words_need_no_quotes_and_a_folder_of_that_name_is_not_in_the_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "credit").mkdir()
    assert pcsim("explain", "credit", "depth").output == f"{definition('credit depth')}\n"
    (tmp_path / "lever").mkdir()
    assert pcsim("explain", "lever").output == f"{definition('lever')}\n"
    done = pcsim("explain", "credit", "dep")
    assert (done.exit_code, "RUN must be" in done.stderr) == (2, True)


def test_what_an_entry_says_of_its_formula_stands_behind_the_idea():
    root = Path(__file__).parents[2]
    for entry in GLOSSARY:
        lines = (definition(entry.word) or "").splitlines()
        starts = [line.split(":")[0].strip() for line in lines]
        told = [name for name in ("formula", "computed in", "see also") if name in starts]
        assert [name for name in starts if name in told] == told
        assert bool(entry.formula) == ("formula" in starts)
        assert not entry.where or (root / entry.where).is_file(), entry.where


def test_a_word_that_is_not_known_gets_the_nearest():
    done = pcsim("explain", "levr")
    assert done.exit_code == 2
    assert done.stderr.endswith("did you mean 'lever'?\n")


def test_the_page_is_the_glossary():
    assert (DOCS / "glossary.md").read_text(encoding="utf-8") == as_markdown()
