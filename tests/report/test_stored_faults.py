"""Stored reports that somebody, or a disk, has changed: told with the file and the key, never a traceback."""

import copy
import json
import random
import shutil
from pathlib import Path

import pytest

from pcsim.report.explain import explain, overview
from pcsim.report.explain.catalogue import terms
from pcsim.report.folder import write_again
from pcsim.report.stored import load_run
from tests.cli.test_stored import write
from tests.helpers.door import pcsim

HINT = "    run it again: the report is not complete"
VALUES = [None, "x", [], {}, [[]], 1e30, -1, True, 0, 2**70, 1e-300, 0.5, "\ud800", "<b>[red]"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def summary_of(run):
    return json.loads((run / "summary.json").read_text())


def put(run, summary):
    (run / "summary.json").write_text(json.dumps(summary))


def places(value, *, above=()):
    """The path of every value in a summary, and of no more than two entries of a list."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:2])
    for key, inner in items:
        yield (*above, key)
        if isinstance(inner, dict | list):
            yield from places(inner, above=(*above, key))


def changed(summary, path, change):
    new = copy.deepcopy(summary)
    inside = new
    for key in path[:-1]:
        inside = inside[key]
    if change is REMOVED:
        del inside[path[-1]]
    else:
        inside[path[-1]] = copy.deepcopy(change)
    return new


REMOVED = object()
TERMS = 5
"""So many terms are asked for after each change."""


def check(run, *, draw=False):
    """Whatever is in the folder, every verb ends with a sentence."""
    for words in (("report", run), ("report", run, "--full")):
        done = pcsim(*words)
        assert done.exit_code in (0, 2), (done.output, done.exception, done.exc_info)
        assert done.exit_code == 0 or "run it again" in done.output or "RUN must" in done.output
    done = pcsim("explain", run)
    assert done.exit_code in (0, 2), (done.output, done.exception)
    if done.exit_code == 0:
        known = sorted(terms(load_run(run)))
        for term in random.Random(len(done.output)).sample(known, min(TERMS, len(known))):
            done = pcsim("explain", run, term)
            assert done.exit_code in (0, 2), (term, done.output, done.exception)
    if draw:
        done = pcsim("report", run, "-o", run.with_name("again"))
        assert done.exit_code in (0, 2), (done.output, done.exception)
        done = pcsim("report", run, run, "-o", run.with_name("both"))
        assert done.exit_code in (0, 2), (done.output, done.exception)


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (("results", 0, "depth"), REMOVED, "results[0].depth must be there"),
        (("results", 0, "depth"), True, "results[0].depth must be a valid integer, not True"),
        (("results", 1, "rule"), "ff", "ratios.pc and ratios.bp must be the ids of results of these rules"),
        (("ratios", "cycles"), "a", "ratios.cycles must be a valid number, not 'a'"),
        (("results", 0, "per_update", "macs"), -1, "results[0].per_update.macs must be at least 0, not -1"),
        (("chip", "area_mm2"), 1e30, "chip.area_mm2 must be at most 1e+18, not 1e+30"),
        (("chip", "mesh"), [1], "chip.mesh must be there"),
        (("results", 0, "credit_depth"), None, "results[0].credit_depth must be a valid integer, not None"),
        (("seeds"), [0], "pc-jacobi must have as many seeds as the run"),
        (("ratios", "pc"), "nobody", "ratios.pc and ratios.bp must be the ids of results of these rules"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(run, path, change, said):
    path = (path,) if isinstance(path, str) else path
    put(run, changed(summary_of(run), path, change))
    done = pcsim("report", run)
    assert done.exit_code == 2
    if path == ("chip", "mesh"):
        assert f"{run / 'summary.json'}: chip.mesh " in done.output
    else:
        assert done.output == f"pcsim: {run / 'summary.json'}: {said}\n{HINT}\n"


def test_every_mistake_is_told_at_once(run):
    summary = summary_of(run)
    del summary["batch"], summary["chip"]["tiles"], summary["results"][1]["accuracy"]["mean"]
    put(run, summary)
    assert pcsim("report", run).output == (
        f"pcsim: {run}/summary.json: chip.tiles must be there\n"
        f"{run}/summary.json: batch must be there\n"
        f"{run}/summary.json: results[1].accuracy.mean must be there\n{HINT}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "NaN", '{"schema": "pcsim/summary/1"}', "[" * 100_000, '{"a":' * 100_000, "1e400",
        '{"schema": "pcsim/summary/2"}', "\x00", '{"schema": ' + "9" * 5000 + "}", "\ufeff{}",
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_summary_is_told(run, text):
    (run / "summary.json").write_text(text)
    for words in (("report", run), ("explain", run), ("report", run / "summary.json")):
        assert pcsim(*words).exit_code == 2
    check(run)


def test_bytes_that_are_no_text_and_what_is_no_file_are_told(run):
    (run / "summary.json").write_bytes(b"\xff\xfe")
    check(run)
    (run / "summary.json").unlink()
    (run / "summary.json").mkdir()
    check(run)
    (run / "summary.json").rmdir()
    (run / "summary.json").symlink_to("summary.json")
    check(run)


def test_keys_that_are_not_known_are_left_alone(run):
    summary = summary_of(run)
    before = pcsim("report", run).output
    summary["results"][0]["of_tomorrow"] = summary["of_tomorrow"] = {"a": [1, None]}
    put(run, summary)
    assert pcsim("report", run).output == before


NEWER = ("warnings", "levers", "tuning", "equal_energy", "tornado")


def test_a_report_of_an_earlier_version_is_shown(run):
    summary = summary_of(run)
    for key in NEWER:
        summary.pop(key)
    for key in ("races", "loss_crossing", "curve_area"):
        summary["ratios"].pop(key)
    for result in summary["results"]:
        for key in ("credit", "critical_path_cycles", "cell_lifetime", "peak_buffer_bytes"):
            result.pop(key)
        for key in ("definition", "levels"):
            result["to_target"].pop(key)
        for seed in result["to_target"]["per_seed"]:
            for key in set(seed) - {"seed", "updates", "samples", "time_s", "energy_j"}:
                seed.pop(key)
    put(run, summary)
    done = pcsim("report", run)
    assert done.exit_code == 0, done.output
    assert "energy per update" in done.output
    assert pcsim("explain", run).exit_code == 0
    for term in ("energy", "cycles", "ratios", "accuracy"):
        assert pcsim("explain", run, term).exit_code == 0


def mutations(summary, *, count):
    every = [(path, value) for path in places(summary) for value in (REMOVED, *VALUES)]
    return random.Random(7).sample(every, min(count, len(every)))


def test_no_changed_value_of_a_summary_ends_in_a_traceback(run):
    summary = summary_of(run)
    for path, change in mutations(summary, count=60):
        put(run, changed(summary, path, change))
        check(run)


@pytest.mark.slow
def test_no_change_of_two_thousand_in_a_summary_ends_in_a_traceback(run):
    summary = summary_of(run)
    for number, (path, change) in enumerate(mutations(summary, count=2000)):
        put(run, changed(summary, path, change))
        try:
            loaded = load_run(run)
        except Exception as error:
            assert type(error).__name__ == "InputError", (path, change, error)
            continue
        check(run, draw=number % 20 == 0)
        assert overview(loaded)


CELLS = [
    "",
    "x",
    "nan",
    "inf",
    "1e30",
    "-1",
    "1e400",
    "True",
    "9" * 5000,
    '"',
    "a,b",
    "0",
    "1_0",
    "\x00",
]


def mutated_table(text, random):
    lines = text.splitlines()
    row = random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        del lines[row]
    elif kind == 1:
        lines[row] = lines[row][: random.randrange(len(lines[row]) + 1)]
    else:
        cells = lines[row].split(",")
        cells[random.randrange(len(cells))] = random.choice(CELLS)
        lines[row] = ",".join(cells)
    return "\n".join(lines) + "\n"


def check_tables(run, *, times):
    chance = random.Random(3)
    for path in sorted(run.glob("*.csv")):
        whole = path.read_text()
        for _ in range(times):
            path.write_text(mutated_table(whole, chance))
            check_drawn(run)
        for content in (b"", b"\xff\xfe", b"\x00"):
            path.write_bytes(content)
            check_drawn(run)
        path.unlink()
        check_drawn(run)
        path.write_text(whole)


def check_drawn(run):
    for words in (
        ("explain", run, "energy"), ("explain", run, "cycles"), ("explain", run),
        ("report", run, "-o", run.with_name("again")),
    ):  # fmt: skip
        done = pcsim(*words)
        assert done.exit_code in (0, 2), (words, done.output, done.exception)


@pytest.mark.slow
def test_no_changed_table_ends_in_a_traceback(run):
    check_tables(run, times=4)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("energy.csv", ",count,", ",number,", " must have a column 'count'"),
        ("energy.csv", "pc-jacobi", "pc-other", ":2: candidate must be one of the results, not 'pc-other'"),
        ("tiles.csv", ",array,", ",", " must be the table that a run writes"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_is_told_with_its_line(run, name, old, new, said):
    path = run / name
    path.write_text(path.read_text().replace(old, new))
    done = pcsim("explain", run, "cycles" if name == "tiles.csv" else "energy")
    assert (done.exit_code, done.output) == (2, f"pcsim: {path}{said}\n{HINT}\n")


@pytest.mark.parametrize(
    "text", ["", "a: [", "a: &x 1\nb: *x\n", "\x00", "{" * 10_000, "- 1\n", "a: 1\n---\n3\n"]
)
def test_a_changed_configuration_is_told_or_shown(run, text):
    (run / "config.resolved.yaml").write_text(text)
    for words in (
        ("explain", run, "sram.read_byte"), ("explain", run, "utilization"),
        ("report", run, "-o", run.with_name("again")), ("report", run, run, "-o", run.with_name("both")),
    ):  # fmt: skip
        done = pcsim(*words)
        assert done.exit_code in (0, 2), (words, done.output, done.exception)


def test_a_page_from_a_whole_report_is_the_same_again(run, tmp_path):
    again = write_again(load_run(run), tmp_path / "again")
    assert {path.name for path in again.iterdir()} == {path.name for path in run.iterdir()}
    assert (again / "report.html").read_bytes() == (run / "report.html").read_bytes()
    assert explain(load_run(run), "energy") == explain(load_run(again), "energy")
