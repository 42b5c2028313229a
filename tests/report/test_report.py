"""The report folder, its tables, page, figures and screen, from a verdict made by hand."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from rich.console import Console

from pcsim.errors import InputError, OutputError
from pcsim.report import (
    check_replaceable,
    folder_name,
    provenance_of,
    screen,
    style,
    workplace,
    write_folder,
)
from pcsim.report.comparison import compare_runs, comparison_page, differences
from pcsim.report.comparison_table import COLUMNS, comparison_table, latex
from pcsim.report.facts import TABLES, RunFacts, entries, facts_of
from pcsim.report.figures import comparison_figures, drawn_ids, run_figures
from pcsim.report.folder import write_again
from pcsim.report.run_page import run_page
from pcsim.report.stored import load_run
from pcsim.report.tables import (
    energy_table,
    layer_table,
    learning_table,
    link_table,
    read_table,
    roofline_table,
    tile_table,
)
from pcsim.report.tornado import MOST_COSTS
from pcsim.technology import COMPONENT_ORDER
from pcsim.verdict import COMPONENT_NAMES, as_json, summary, tornado
from pcsim.verdict.rows import comparison_rows
from tests.helpers.folders import contents
from tests.helpers.verdict_values import FAST, NEVER, SLOW, prices, verdict

CONFIG_TEXT = "hardware:\n  name: tiny-chip\n"
PROVENANCE = {"command": ["pcsim", "run"], "host": "the-one-and-only-host"}
DRAWN = {"energy", "learning", "mesh", "phases", "roofline", "time", "updates"}
FILES = {
    "summary.json",
    "layers.csv",
    "energy.csv",
    "tiles.csv",
    "links.csv",
    "learning.csv",
    "roofline.csv",
    "comparison.csv",
    "comparison.tex",
    "config.resolved.yaml",
    "provenance.json",
    "report.html",
    *(f"figures/{name}.{kind}" for name in DRAWN for kind in ("svg", "csv")),
}
"""Of a run that was not recorded: without the timeline."""


def write(target: Path, *, pc=(FAST, SLOW), trace: bytes | None = None) -> Path:
    return write_folder(
        verdict(pc), target, config_text=CONFIG_TEXT, provenance=PROVENANCE, trace=trace
    )


@pytest.fixture
def drawn_once(monkeypatch):
    """For tests of where files go: what was drawn once in this session is not drawn again."""
    monkeypatch.setattr("pcsim.report.folder.run_figures", drawn_figures)


DRAWN_FIGURES = {}


def drawn_figures(run: RunFacts):
    key = as_json(run.summary)
    if key not in DRAWN_FIGURES:
        DRAWN_FIGURES[key] = run_figures(run)
    return DRAWN_FIGURES[key]


def figures(report_verdict) -> dict[str, str]:
    """The SVG texts of a run's figures by name."""
    run = facts_of(report_verdict, config_text=CONFIG_TEXT)
    return {figure.name: figure.drawing.svg for figure in drawn_figures(run)}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """One report for the tests that only read."""
    return write(tmp_path_factory.mktemp("reports") / "a-report")


# The folder.


def test_a_report_holds_every_promised_file_and_no_other(report):
    assert contents(report).keys() == FILES
    assert [path.name for path in report.parent.iterdir()] == [report.name]


@pytest.mark.usefixtures("drawn_once")
def test_the_trace_is_there_only_when_given(tmp_path):
    assert contents(write(tmp_path / "r", trace=b"zipped"))["trace.json.gz"] == b"zipped"
    assert contents(write(tmp_path / "r")).keys() == FILES


def test_writing_twice_gives_the_same_bytes(report, tmp_path):
    assert contents(write(tmp_path / "elsewhere")) == contents(report)
    assert contents(write(report)) == contents(report)


def test_provenance_is_embedded_in_no_other_file(report):
    for name, data in contents(report).items():
        assert (b"the-one-and-only-host" in data) == (name == "provenance.json")


def test_no_file_but_provenance_knows_a_version_or_a_date(report):
    import matplotlib

    year = str(datetime.now(UTC).year).encode()
    for name, data in contents(report).items():
        if name.endswith(".svg"):
            assert matplotlib.__version__.encode() not in data
            assert b"<dc:date>" not in data and year + b"-" not in data


def test_the_summary_in_the_folder_is_the_summary_of_the_verdict(report):
    assert json.loads((report / "summary.json").read_text()) == summary(verdict())


@pytest.mark.usefixtures("drawn_once")
def test_a_new_report_replaces_an_old_one_whole(tmp_path):
    before = contents(write(tmp_path / "r"))
    after = contents(write(tmp_path / "r", pc=(NEVER, SLOW)))
    assert before["summary.json"] != after["summary.json"]
    assert before.keys() == after.keys()
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.fixture
def full_disk(monkeypatch):
    """Within it the disk is full when tiles.csv is written, after other files."""
    write_new = workplace.write_new

    def fails(path, content):
        if path.name == "tiles.csv":
            raise OSError("disk full")
        write_new(path, content)

    @contextmanager
    def patched():
        with (
            monkeypatch.context() as patch,
            pytest.raises(OutputError, match=r"disk full; what was there is unchanged$"),
        ):
            patch.setattr(workplace, "write_new", fails)
            yield

    return patched


@pytest.mark.usefixtures("drawn_once")
def test_a_failure_while_writing_leaves_no_half_folder(tmp_path, full_disk):
    with full_disk():
        write(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("drawn_once")
def test_a_failure_while_writing_leaves_the_old_report_as_it_was(tmp_path, full_disk):
    before = contents(write(tmp_path / "r"))
    with full_disk():
        write(tmp_path / "r", pc=(NEVER, SLOW))
    assert contents(tmp_path / "r") == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.usefixtures("drawn_once")
def test_a_failure_while_renaming_puts_the_old_report_back(tmp_path, monkeypatch):
    before = contents(write(tmp_path / "r"))

    def fails(one, other):
        raise OSError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr("pcsim.report.replace.exchange", fails)
        with pytest.raises(OutputError, match=r"disk on fire; what was there is unchanged$"):
            write(tmp_path / "r", pc=(NEVER, SLOW))
    assert contents(tmp_path / "r") == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.usefixtures("drawn_once")
def test_a_folder_that_holds_something_else_is_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError) as caught:
        write(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold nothing but an earlier report, not 'thesis.tex'\n"
        "    name another folder with -o"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_not_overwritten(tmp_path):
    (tmp_path / "r").write_text("mine")
    with pytest.raises(InputError) as caught:
        check_replaceable(tmp_path / "r")
    assert str(caught.value) == (
        f"{tmp_path / 'r'} must be a folder, not a file\n    name another folder with -o"
    )


@pytest.mark.usefixtures("drawn_once")
def test_an_empty_folder_and_a_missing_one_are_free_to_use(tmp_path):
    check_replaceable(tmp_path)
    check_replaceable(tmp_path / "missing" / "deep")
    assert contents(write(tmp_path / "missing" / "deep")).keys() == FILES


def test_the_name_of_a_folder_follows_from_what_was_run():
    name = folder_name(verdict(), config_text=CONFIG_TEXT)
    assert re.fullmatch(r"tiny-chip-tiny-net-[0-9a-f]{8}", name)
    assert folder_name(verdict(), config_text=CONFIG_TEXT) == name
    others = {
        folder_name(verdict(), config_text="another"),
        folder_name(verdict((FAST,), (SLOW,)), config_text=CONFIG_TEXT),
        folder_name(verdict(rules=("pc",)), config_text=CONFIG_TEXT),
    }
    assert len(others | {name}) == 4


def test_provenance_names_command_start_stages_versions_and_host():
    started = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    record = provenance_of(["pcsim", "run"], started=started, wall_s={"train": 1.5})
    assert record["command"] == ["pcsim", "run"]
    assert record["started"] == "2024-05-06T07:08:09+00:00"
    assert record["wall_s"] == {"train": 1.5}
    assert record["versions"].keys() >= {"pcsim", "numpy", "numba", "simpy"}
    assert re.fullmatch(r"\d+\.\d+.*", record["versions"]["numpy"])
    assert record["host"].keys() == {"name", "system", "machine", "cores"}
    json.dumps(record)


# Tables.


def test_the_rows_of_energy_csv_sum_to_the_summary_exactly_in_any_order():
    facts = {found["id"]: found["per_update"] for found in summary(verdict())["results"]}
    rows = rows_of(energy_table(verdict()).csv())
    for candidate, cost in facts.items():
        mine = [row for row in rows if row["candidate"] == candidate]
        assert sum(float(row["energy_j"]) for row in mine) == cost["energy_j"]
        assert sum(float(row["energy_j"]) for row in reversed(mine)) == cost["energy_j"]
        for component, joules in cost["energy_by_component_j"].items():
            lines = [float(row["energy_j"]) for row in mine if row["component"] == component]
            assert sum(lines) == joules
        for row in mine:
            assert float(row["energy_j"]) == int(row["count"]) * float(row["unit_j"])


def test_the_rows_of_layers_csv_sum_to_the_same_energy_and_multiplications():
    rows = rows_of(layer_table(verdict()).csv())
    for found in summary(verdict())["results"]:
        mine = [row for row in rows if row["candidate"] == found["id"]]
        assert sum(float(row["energy_j"]) for row in mine) == found["per_update"]["energy_j"]
        assert sum(int(row["macs"] or 0) for row in mine) == found["per_update"]["macs"]
        assert [row["layer"] for row in mine] == ["1", "2", ""]
        assert [row["parameters"] for row in mine] == ["1024", "160", ""]
        assert [row["tiles"] for row in mine] == ["2", "1", ""]


def test_every_unit_spends_the_whole_makespan():
    makespans = {
        found["id"]: found["per_update"]["cycles"] for found in summary(verdict())["results"]
    }
    rows = rows_of(tile_table(verdict()).csv())
    assert len(rows) == 6
    for row in rows:
        spent = sum(int(value) for key, value in row.items() if key.endswith("_cycles"))
        assert spent == makespans[row["candidate"]]
        assert float(row["utilization"]) == int(row["busy_cycles"]) / spent


def test_links_carry_their_bytes_at_a_share_of_their_width():
    first, second = rows_of(link_table(verdict()).csv())[:2]
    assert (first["from_tile"], first["to_tile"], first["bytes"]) == ("0", "1", "512")
    assert float(first["bytes_per_cycle"]) == 512 / 1000
    assert float(first["utilization"]) == 512 / (32 * 1000)
    assert (second["from_tile"], second["to_tile"], second["bytes"]) == ("1", "0", "256")


def test_learning_csv_has_every_evaluation_with_the_energy_spent_until_then():
    rows = rows_of(learning_table(verdict()).csv())
    assert len(rows) == 2 * 2 * len(FAST)
    row = rows[2]
    assert (row["candidate"], row["seed"], row["updates"]) == ("pc-jacobi", "0", "20")
    assert row["samples"] == str(20 * 64)
    assert float(row["energy_j"]) == 20 * 4.5
    assert float(row["time_s"]) == 20 * 2e-6
    assert float(row["validation_accuracy"]) == FAST[2]


def test_a_table_is_read_back_as_it_was():
    for table in TABLES.values():
        assert read_table(table(verdict()).csv()) == table(verdict())


def test_a_table_with_a_short_row_is_no_table():
    with pytest.raises(ValueError, match=r"^every row must have as many cells as the header$"):
        read_table("a,b\n1\n")


def test_the_roofs_are_what_the_parts_of_the_chip_can_do_together():
    # 4 tiles of 16 x 16 at 500 MHz; 4 banks of 32 B/cycle each; 8 directed links of 32 B/cycle.
    rows = {row["level"]: row for row in roofline_table(verdict()).records()[:3]}
    assert {row["peak_macs_per_s"] for row in rows.values()} == {4 * 256 * 500e6}
    assert rows["sram"]["bandwidth_bytes_per_s"] == 4 * 4 * 32 * 500e6
    assert rows["noc"]["bandwidth_bytes_per_s"] == 8 * 32 * 500e6
    assert rows["dram"]["bandwidth_bytes_per_s"] == 25.6e9
    assert [rows[level]["bytes"] for level in ("sram", "noc", "dram")] == [4096, 768, 0]
    assert rows["sram"]["macs"] == 2048 and rows["sram"]["latency_s"] == 2e-6


# The comparison as a table.


def test_the_comparison_is_the_summary_of_every_candidate():
    run = facts_of(verdict(), config_text="")
    for row, found in zip(
        comparison_table({"[7]": run}).records(), run.summary["results"], strict=True
    ):
        assert row["candidate"] == f"[7] {found['rule'].upper()}"
        assert row["energy_j"] == found["per_update"]["energy_j"]
        assert row["energy_to_target_j"] == found["to_target"]["energy_j"]
        assert row["test_accuracy"] == found["accuracy"]["mean"]


def test_the_paper_table_has_units_in_its_heads_and_is_scaled_to_them():
    lines = latex(comparison_table({"": facts_of(verdict(), config_text="")})).splitlines()
    assert lines[1:4] == [
        r"\begin{tabular}{lrrrrrrrrrr}",
        r"\toprule",
        r"Candidate & Accuracy (\%) & Steps & MACs & Latency (\textmu s) & Energy (J) & "
        r"EDP (\textmu J\,s) & Utilization (\%) & Updates to target & Energy to target (J) & "
        r"Time to target (\textmu s) \\",
    ]
    assert lines[4:] == [
        r"\midrule",
        r"PC & 95 & 3 & 2\,048 & 2 & 4.5 & 9 & 0.2 & 37 & 165 & 73.1 \\",
        r"BP & 95 & 0 & 1\,024 & 1.6 & 3 & 4.8 & 0.125 & 49 & 146 & 78 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_the_paper_table_has_a_dash_where_a_target_was_not_reached_and_no_bare_special_letters():
    run = facts_of(verdict((FAST, NEVER)), config_text="")
    text = latex(comparison_table({r"a_b%&\~{": run}))
    first = text.splitlines()[5]
    assert first.startswith(r"a\_b\%\&\textbackslash{}\textasciitilde{}\{ PC & ")
    assert first.endswith(r"-- & -- & -- \\")
    assert first.count(" & ") == len(COLUMNS) - 1


# Figures.


def test_figures_are_well_formed_and_hold_no_text_that_needs_a_font():
    for svg in figures(verdict()).values():
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not list(root.iter("{http://www.w3.org/2000/svg}text"))


def test_ids_never_collide_between_figures_and_references_are_met():
    seen: set[str] = set()
    for name, svg in figures(verdict()).items():
        ids = re.findall(r'\bid="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        assert all(identity.startswith(f"{name}-") for identity in ids)
        assert not seen & set(ids)
        seen |= set(ids)
        references = re.findall(r'(?:href="|url\()#([^")]+)', svg)
        assert references and set(references) <= set(ids)


def test_bp_is_hatched_and_pc_is_not():
    both, pc_alone = figures(verdict()), figures(verdict(rules=("pc",)))
    assert "<pattern" in both["energy"] and "<pattern" in both["time"]
    assert "<pattern" not in pc_alone["energy"] and "<pattern" not in pc_alone["time"]


def test_the_users_matplotlib_settings_change_nothing():
    import matplotlib

    run = facts_of(verdict(), config_text=CONFIG_TEXT)
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "lines.linewidth": 9}):
        changed = {figure.name: figure.drawing.svg for figure in run_figures(run)}
    assert changed == figures(verdict())


def test_figures_open_no_window_and_leave_no_figure_behind():
    from matplotlib import pyplot

    run_figures(facts_of(verdict(), config_text=CONFIG_TEXT))
    assert pyplot.get_fignums() == []


def test_a_run_that_never_learnt_is_drawn_as_well():
    assert figures(verdict((NEVER,), (NEVER,))).keys() == DRAWN


def test_a_seed_that_diverged_at_once_is_drawn_as_nothing():
    at_once = verdict(((0.1,), SLOW), (SLOW, SLOW))
    alone = verdict(((0.1,),), ((0.1,),))
    assert figures(at_once)["learning"] and figures(alone)["learning"]


def test_every_component_has_its_own_colour_and_a_name():
    assert set(style.COMPONENT_COLOURS) == set(COMPONENT_ORDER) == set(COMPONENT_NAMES)
    assert len(set(style.COMPONENT_COLOURS.values())) == len(style.COMPONENT_COLOURS)
    assert style.in_order({"unheard_of", "dram", "array"}) == ["array", "dram", "unheard_of"]


def test_the_costs_that_move_the_ratio_most_are_drawn_with_the_ratios_of_their_table():
    both = verdict()
    swings = tornado(*both.results, prices())
    run = facts_of(replace(both, tornado=swings * 4), config_text="")
    figure = next(each for each in run_figures(run) if each.name == "tornado")
    assert len(swings) * 4 > MOST_COSTS == len(figure.data.rows)
    for row, swing in zip(figure.data.records(), swings * 4, strict=False):
        assert row == {name: getattr(swing, name) for name in figure.data.columns}
    bars = figure.drawing.figure.axes[0].patches
    drawn = [end for bar in bars for end in (bar.get_x(), bar.get_x() + bar.get_width())]
    ends = ("at_half", "at_double", "at_low", "at_high")
    assert drawn == pytest.approx([row[end] for row in figure.data.records() for end in ends])


# The page.


class Page(HTMLParser):
    """What the tests need to know of a page: tags in balance, ids, references and texts."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.references.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def hostile_facts(report_verdict, hostile: str) -> RunFacts:
    """The facts of a run in which whatever a user, a table or a file can name is ``hostile``."""
    run = facts_of(report_verdict, config_text=hostile)
    facts = {**run.summary, "chip": {**run.summary["chip"], "technology": hostile}}
    facts["hardware"] = facts["workload"] = hostile
    facts["sentences"] = facts["not_modelled"] = [hostile]
    facts["assumed"] = [
        {**facts["assumed"][0], "name": hostile, "source": hostile, "note": hostile}
    ]
    table = run.tables["energy"]
    rows = tuple((*row[:-1], hostile) for row in table.rows)
    return RunFacts(facts, {**run.tables, "energy": type(table)(table.columns, rows)}, hostile)


def html_of(run: RunFacts) -> str:
    return run_page(run, run_figures(run))


def test_the_page_is_balanced_and_its_ids_are_unique(report):
    parsed = Page((report / "report.html").read_text())
    assert parsed.ids and len(parsed.ids) == len(set(parsed.ids))


def test_the_page_loads_nothing_from_anywhere(report):
    text = (report / "report.html").read_text()
    parsed = Page(text)
    assert parsed.references
    for reference in parsed.references:
        inside = reference.startswith(("#", "data:text/csv;"))
        assert inside or (report / reference).is_file(), reference
    assert not parsed.tags & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_every_figure_carries_its_numbers(report):
    parsed = Page((report / "report.html").read_text())
    prefix = "data:text/csv;charset=utf-8,"
    carried = [unquote(r.removeprefix(prefix)) for r in parsed.references if r.startswith(prefix)]
    files = [path.read_text() for path in (report / "figures").glob("*.csv")]
    assert sorted(carried) == sorted(files) and len(files) == len(DRAWN)


def test_references_inside_the_page_are_met(report):
    text = (report / "report.html").read_text()
    parsed = Page(text)
    inside = {reference[1:] for reference in parsed.references if reference.startswith("#")}
    inside |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert inside and inside <= set(parsed.ids)


HOSTILE = "<script>alert('x')</script>\"'&\\"


def test_hostile_names_are_escaped():
    text = html_of(hostile_facts(verdict(), HOSTILE))
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 10
    Page(text)


def test_hostile_names_are_escaped_in_a_comparison():
    runs = {"[1]": hostile_facts(verdict(), HOSTILE), HOSTILE: facts_of(verdict(), config_text="")}
    text = comparison_page(runs, comparison_figures(runs), folders=[HOSTILE, HOSTILE])
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 10
    Page(text)


def test_the_page_says_the_verdict_and_what_is_left_out(report):
    from html import unescape

    text = unescape((report / "report.html").read_text())
    facts = summary(verdict())
    for said in (*facts["sentences"], *facts["not_modelled"], CONFIG_TEXT):
        assert said in text
    for cost in facts["assumed"]:
        assert cost["name"] in text and cost["source"] in text
    for row in comparison_rows(facts):
        assert row.label in text
        assert all(cell in text for cell in (*row.cells, row.ratio))


def test_the_page_of_one_rule_has_no_ratio_column():
    text = html_of(facts_of(verdict(rules=("bp",)), config_text=CONFIG_TEXT))
    assert "PC / BP" not in text
    Page(text)


def test_a_page_without_assumed_costs_says_so():
    run = facts_of(verdict(), config_text="")
    text = run_page(replace(run, summary={**run.summary, "assumed": []}), [])
    assert "None: every cost that this run used is published or derived" in text


# Stored runs, again and beside one another.


def test_a_stored_run_is_drawn_again_to_the_same_bytes(report, tmp_path):
    again = write_again(load_run(report), tmp_path / "again")
    assert contents(again) == contents(report)


def test_pictures_are_written_on_request_and_know_no_version(report, tmp_path):
    first = contents(write_again(load_run(report), tmp_path / "r", png=True))
    pictures = first.keys() - FILES
    assert pictures == {f"figures/{name}.png" for name in DRAWN}
    for name in pictures:
        # No text in it: no version and no date.
        assert first[name].startswith(b"\x89PNG\r\n") and b"tEXt" not in first[name]


def test_a_comparison_holds_its_page_tables_and_figures_and_is_the_same_every_time(
    report, tmp_path
):
    runs = [load_run(report), load_run(write(tmp_path / "other", pc=(NEVER, SLOW)))]
    first = contents(compare_runs(runs, tmp_path / "first"))
    assert first == contents(compare_runs(runs, tmp_path / "second"))
    assert first.keys() == {
        "report.html",
        "comparison.csv",
        "comparison.tex",
        *(f"figures/{n}.{kind}" for n in ("learning", "energy", "time") for kind in ("svg", "csv")),
    }
    assert len(rows_of(first["comparison.csv"].decode())) == 4
    Page(first["report.html"].decode())


def test_a_comparison_does_not_replace_a_run(report):
    with pytest.raises(InputError, match="must hold nothing but an earlier report"):
        compare_runs([load_run(report), load_run(report)], report)


def test_a_comparison_says_where_configurations_differ_and_only_there():
    texts = {
        "[1]": "name: a\ntiles: {mesh: [2, 2], sram: {size: 1 KiB}}\n---\nname: w\npc: {steps: 3}\n",
        "[2]": "name: a\ntiles: {mesh: [2, 4]}\n---\nname: w\npc: {steps: 3, rate: 1e-3}\n",
    }
    runs = {key: facts_of(verdict(), config_text=text) for key, text in texts.items()}
    assert differences(runs) == [
        ("hardware.tiles.mesh", ("[2, 2]", "[2, 4]")),
        ("hardware.tiles.sram.size", ("1 KiB", "-")),
        ("workload.pc.rate", ("-", "1e-3")),
    ]
    assert differences({"[1]": runs["[1]"], "[2]": runs["[1]"]}) == []


def test_candidates_of_one_rule_are_told_apart_by_id_colour_and_marker():
    run = facts_of(verdict(), config_text="")
    results = run.summary["results"]
    twin = {**results[0], "id": "pc-other"}
    tables = {
        name: type(table)(
            table.columns,
            (
                *table.rows,
                *(("pc-other", *row[1:]) for row in table.rows if row[0] == results[0]["id"]),
            ),
        )
        for name, table in run.tables.items()
    }
    three = RunFacts({**run.summary, "results": [*results, twin]}, tables, "")
    shown = entries({"": three})
    assert [entry.label for entry in shown] == ["pc-jacobi", "BP", "pc-other"]
    assert len({(entry.colour, entry.marker) for entry in shown}) == 3
    drawn = {figure.name: figure.data for figure in run_figures(three)}
    assert drawn.keys() == DRAWN
    assert all({row[0] for row in data.rows} == {e.label for e in shown} for data in drawn.values())


def test_of_many_candidates_the_compared_and_the_thriftiest_are_drawn():
    facts = summary(verdict())
    pc, bp = facts["results"]
    others = [
        {**bp, "id": f"bp-{joules}", "per_update": {**bp["per_update"], "energy_j": joules}}
        for joules in (9.0, 1.0, 8.0, 2.0, 7.0, 0.5, 6.0)
    ]
    many = {**facts, "results": [*others, pc, bp]}
    assert drawn_ids(many) == ["bp-1.0", "bp-2.0", "bp-0.5", "bp-6.0", pc["id"], bp["id"]]
    assert drawn_ids(facts) == [pc["id"], bp["id"]]
    run = RunFacts(many, facts_of(verdict(), config_text="").tables, "")
    assert "The figures show 6 of 9 candidates" in run_page(run, [])


# The screen.


def on_screen(facts, *, width: int = 100, **options) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(screen(facts, **options))
    return console.file.getvalue()


def test_the_screen_compares_pc_and_bp_line_by_line():
    text = on_screen(
        summary(verdict()), folder="reports/x", wall_s={"train": 1.26, "simulate": 0.5}
    )
    lines = [re.sub(r"\s{2,}", " | ", line.strip()) for line in text.splitlines()]
    assert lines[0] == "tiny-chip x tiny-net | 64-16-10, batch 64, 2 seeds, target 80 to 90 %"
    for expected in (
        "PC | BP | PC / BP",
        "test accuracy | 95 % | 95 % | +0.00 points",
        "credit depth | 2 of 2 layers | 2 of 2 layers",
        "inference steps | 3 | 0",
        "MACs per update | 2,048 | 1,024 | 2.00",
        "latency per update | 2 µs | 1.6 µs | 1.25",
        "energy per update | 4.5 J | 3 J | 1.50",
        "energy-delay product per update | 9 µJ·s | 4.8 µJ·s | 1.88",
        "utilization | 0.2 % | 0.125 % | 1.60",
        "energy per MAC | 2.2 mJ/MAC | 2.93 mJ/MAC",
        "not modelled: Clock trunk, Voltage and temperature and 16 more; listed in the report",
        "assumed costs: 3, together up to 28 % of a candidate's energy; listed in the report",
        "report: reports/x/report.html",
        "wall time: train 1.3 s, simulate 0.5 s",
    ):
        assert expected in lines
    for start in (
        "updates to target | 37 | 49 | 0.71 (0.0",
        "energy to target | 165 J | 146 J | 1.06 (0.0",
        "time to target | 73.1 µs | 78 µs | 0.88 (0.0",
    ):
        assert any(line.startswith(start) for line in lines), start


def test_without_a_terminal_the_screen_is_plain_text():
    text = on_screen(summary(verdict()))
    assert "\x1b" not in text
    # Letters stand for colours: the longest bar has 48, two thirds of which are BP's.
    bars = [line for line in text.splitlines() if line.endswith(" per update")]
    assert [line.split()[0] for line in bars] == ["PC", "BP"]
    assert [len(line.split()[1]) for line in bars] == [48, 32]
    assert bars[0].split()[1].count("a") == 48 * 2 / 3


def test_on_a_terminal_the_bars_have_the_colours_of_the_components():
    console = Console(
        file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor", no_color=False
    )
    console.print(screen(summary(verdict())))
    red, green, blue = (int(style.COMPONENT_COLOURS["array"][i : i + 2], 16) for i in (1, 3, 5))
    assert f"\x1b[38;2;{red};{green};{blue}m" + "█" * 32 in console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_of_sentences_or_bars_is_wider_than_the_screen(width):
    text = on_screen(summary(verdict((FAST, NEVER))), width=width)
    assert max(len(line) for line in text.splitlines()) <= width


def test_what_was_not_reached_is_said_with_how_many_seeds_did():
    text = on_screen(summary(verdict((FAST, NEVER))))
    assert "not reached (1 of 2 seeds)" in text


def test_the_screen_of_a_stored_summary_is_the_screen_of_the_run(report):
    stored = json.loads((report / "summary.json").read_text())
    assert on_screen(stored) == on_screen(summary(verdict()))


def test_the_screen_of_one_rule_has_one_column():
    text = on_screen(summary(verdict(rules=("pc",))))
    assert "PC / BP" not in text and "BP" not in text
