"""The main job as a user runs it: the README's command, its output, the folder it writes."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.helpers.door import pcsim

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def readme_block(mark):
    """The fenced block behind ``<!-- mark -->`` in the README, without its fence."""
    return re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)```", README, re.S)[1]


def process(*arguments):
    """What ``pcsim`` does with these words in a process of its own."""
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "pcsim", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def main_job(tmp_path_factory):
    """(what it printed, the folder it wrote) of the README's main job."""
    command = readme_block("run").strip()
    arguments = command.rsplit("-m pcsim ", 1)[1].split()
    folder = tmp_path_factory.mktemp("main") / "report"
    done = process(*arguments, "-o", str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def update_row(text):
    """The row of the screen that timing and pricing alone decide."""
    (row,) = (line.rstrip() for line in text.splitlines() if line.startswith("  one update"))
    return row


def test_the_readme_shows_what_the_main_job_prints(main_job):
    printed, _ = main_job
    shown = readme_block("output")
    assert len(shown.splitlines()) <= 22
    assert update_row(printed) == update_row(shown)
    # Accuracy may differ between processors, and with it what follows from it; the lines are the same.
    stable = re.compile(r"[0-9.,]+|[├┤─●│]+|\s+")
    first_words = [stable.sub(" ", line).split()[:3] for line in shown.splitlines()[:10]]
    assert [stable.sub(" ", line).split()[:3] for line in printed.splitlines()[:10]] == first_words


def test_both_rules_reach_93_percent_on_real_images(main_job):
    summary = json.loads((main_job[1] / "summary.json").read_text())
    for result in summary["results"]:
        assert len(result["accuracy"]["per_seed"]) == 10
        assert result["accuracy"]["mean"] >= 0.93


def test_the_interval_is_within_five_percent_and_nothing_is_warned_of(main_job):
    summary = json.loads((main_job[1] / "summary.json").read_text())
    for what in ("energy_to_target", "time_to_target"):
        estimate = summary["ratios"][what]
        assert estimate["low"] >= 0.95 * estimate["value"]
        assert estimate["high"] <= 1.05 * estimate["value"]
    assert summary["warnings"] == []


def check_no_false_winner(lengths, folder):
    """Trainings of one seed that differ in length alone agree on every answer that they have."""
    answers, winners = {}, []
    for epochs in lengths:
        settings = [f"training.epochs={epochs}", "training.seeds=2", "training.evaluate_every=10"]
        options = [word for setting in settings for word in ("--set", setting)]
        done = pcsim("run", "tile64", "digits", *options, "--json", "-o", str(folder / "o"))
        facts = json.loads(done.stdout)
        winners += [race["winner"] for race in facts["ratios"]["races"]]
        for result in facts["results"]:
            for seed in result["to_target"]["per_seed"]:
                if seed["updates"] is not None:
                    key = result["rule"], seed["seed"]
                    assert answers.setdefault(key, seed["updates"]) == seed["updates"]
    # Two seeds in ten epochs do not prove that PC is better, nor does a shorter training.
    assert "pc" not in winners and len(answers) == 4


def test_digits_have_no_false_winner_when_training_is_short_and_one_answer_for_one_curve(tmp_path):
    check_no_false_winner((3, 5, 10), tmp_path)


@pytest.mark.slow
def test_digits_have_no_false_winner_at_any_number_of_epochs_and_one_answer_for_one_curve(tmp_path):
    check_no_false_winner((2, 3, 4, 5, 6, 10), tmp_path)


def test_the_folder_holds_every_file(main_job):
    folder = main_job[1]
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    drawn = (
        "energy", "learning", "mesh", "phases", "roofline", "time", "timeline", "tornado", "updates"
    )  # fmt: skip
    assert files == [
        "comparison.csv",
        "comparison.tex",
        "config.resolved.yaml",
        "energy.csv",
        *(f"figures/{name}.{kind}" for name in drawn for kind in ("csv", "svg")),
        "layers.csv",
        "learning.csv",
        "levers.csv",
        "links.csv",
        "provenance.json",
        "report.html",
        "roofline.csv",
        "summary.json",
        "tiles.csv",
        "timeline.csv",
        "tornado.csv",
    ]


def test_the_trace_is_there_on_request_and_adds_up_to_tiles_csv(main_job, tmp_path):
    done = pcsim("run", "tile64", "mlp128", "--trace", "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    events = json.loads(gzip.decompress((tmp_path / "out" / "trace.json.gz").read_bytes()))
    names, tracks, busy = {}, {}, defaultdict(int)
    for event in events["traceEvents"]:
        if event["name"] == "process_name":
            names[event["pid"]] = event["args"]["name"].split(": ")
        elif event["name"] == "thread_name":
            tracks[event["pid"], event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X":
            candidate, process = names[event["pid"]]
            if process != "links":
                busy[candidate, tracks[event["pid"], event["tid"]]] += event["dur"]
    with (main_job[1] / "tiles.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert busy == {(row["candidate"], row["unit"]): int(row["busy_cycles"]) for row in rows}


def test_the_lines_of_energy_csv_add_up_to_the_summary_exactly(main_job):
    summary = json.loads((main_job[1] / "summary.json").read_text())
    total, parts = defaultdict(float), defaultdict(lambda: defaultdict(float))
    with (main_job[1] / "energy.csv").open() as file:
        for line in csv.DictReader(file):
            total[line["candidate"]] += float(line["energy_j"])
            parts[line["candidate"]][line["component"]] += float(line["energy_j"])
            expected = int(line["count"]) * float(line["unit_j"])
            assert float(line["energy_j"]) == pytest.approx(expected, rel=1e-9, abs=1e-18)
    assert len(total) == 2
    for result in summary["results"]:
        update = result["per_update"]
        assert total[result["id"]] == update["energy_j"]
        assert parts[result["id"]] == update["energy_by_component_j"]
        assert sum(update["energy_by_component_j"].values()) == update["energy_j"]


def test_unit_times_of_tiles_csv_add_up_to_the_makespan(main_job):
    summary = json.loads((main_job[1] / "summary.json").read_text())
    cycles = {result["id"]: result["per_update"]["cycles"] for result in summary["results"]}
    with (main_job[1] / "tiles.csv").open() as file:
        for row in csv.DictReader(file):
            spent = sum(int(row[key]) for key in row if key.endswith("_cycles"))
            assert spent == cycles[row["candidate"]]


def test_the_same_command_again_writes_the_same_bytes(main_job, tmp_path):
    first = main_job[1]
    done = process("run", "tile64", "mlp128", "-o", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    for path in first.rglob("*"):
        if path.is_file() and path.name != "provenance.json":
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(first)).read_bytes()


def test_json_is_one_object_on_stdout_and_nothing_else(main_job, tmp_path):
    out = tmp_path / "out"
    done = process("run", "tile64", "mlp128", "--json", "-o", str(out))
    assert json.loads(done.stdout) == json.loads((out / "summary.json").read_text())
    assert done.stderr.endswith(f"report: {out}\n")
    assert json.loads(done.stdout)["schema"] == "pcsim/summary/1"


def test_dynamic_energy_does_not_depend_on_link_bandwidth(main_job, tmp_path):
    seen = []
    for width in (8, 32, 256):
        done = pcsim(
            "run", "tile64", "mlp128", "--json", "--set", f"noc.link={width} B/cycle",
            "-o", str(tmp_path / str(width)),
        )  # fmt: skip
        update = json.loads(done.stdout)["results"][0]["per_update"]
        with (tmp_path / str(width) / "energy.csv").open() as file:
            dynamic = [
                (row["component"], row["action"], row["layer"], row["stage"], row["count"])
                for row in csv.DictReader(file)
                if row["stage"] != "static"
            ]
        seen.append((update["cycles"], dynamic))
    assert seen[0][0] > seen[1][0] > seen[2][0]
    assert seen[0][1] == seen[1][1] == seen[2][1]


def test_a_changed_value_changes_what_it_should(main_job, tmp_path):
    # Twice the lanes: vector tasks take half as long, nothing else is counted differently.
    before = json.loads((main_job[1] / "summary.json").read_text())["results"][0]["per_update"]
    done = pcsim(
        "run", "tile64", "mlp128", "--json", "--set", "tiles.vector.lanes=32",
        "-o", str(tmp_path / "out"),
    )  # fmt: skip
    after = json.loads(done.stdout)["results"][0]["per_update"]
    assert after["cycles"] < before["cycles"]
    assert after["macs"] == before["macs"]
    assert after["bytes"] == before["bytes"]


def test_a_misspelt_override_is_a_sentence_with_exit_code_2(here):
    done = pcsim("run", "tile64", "mlp128", "--set", "tiles.vektor.lanes=3")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "did you mean 'tiles.vector'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(here.iterdir()) == []


def test_a_network_that_does_not_fit_is_told_before_training(here):
    done = pcsim("run", "tile64", "mlp128", "--set", "tiles.mesh=[2, 2]")
    assert done.exit_code == 2
    assert ": network.layers must fit on tile64; pc: the network needs " in done.stderr
    assert "What would fit: " in done.stderr
    assert list(here.iterdir()) == []


def test_rule_pc_alone_gives_one_result_and_no_ratios(here):
    done = pcsim("run", "tile64", "mlp128", "--rule", "pc", "--json", "-o", str(here / "o"))
    summary = json.loads(done.stdout)
    assert [result["rule"] for result in summary["results"]] == ["pc"]
    assert not summary["ratios"]
