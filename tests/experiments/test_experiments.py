"""Experiments: each finds what theory says, writes the same bytes again, and is found by its name."""

import re
import subprocess
import sys

import pytest

from pcsim.errors import InputError
from pcsim.experiments import (
    EXPERIMENTS,
    Experiment,
    Statement,
    check_output,
    find,
    load_experiment,
    write_findings,
)
from tests.helpers.door import pcsim

QUICK = ("equilibrium", "trust-region", "credit")
SLOW = (
    "conditioning",
    "orders",
    "mupc-depth",
    "precision",
    "energy-to-accuracy",
    "crossover",
    "sweep-order",
    "sram",
    "batch",
    "imbalance",
    "tornado",
)
REFUTED = {"precision": ("crossbars: relaxation averages noise of reading",)}
"""How statements begin that theory makes and that do not hold."""


@pytest.fixture(scope="module")
def findings():
    """``findings(name)``: what an experiment found, each run once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = find(load_experiment(name))
        return known[name]

    return of


EVERY = pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)


def test_every_experiment_has_a_module_of_its_name():
    assert set(EXPERIMENTS) == {*QUICK, *SLOW}
    for name in EXPERIMENTS:
        experiment = load_experiment(name)
        assert isinstance(experiment, Experiment)
        assert experiment.name == name


@EVERY
def test_every_statement_holds_but_those_known_not_to(findings, name):
    statements = findings(name).statements
    assert len(statements) >= 3
    refuted = REFUTED.get(name, ())
    unexpected = [
        str(statement)
        for statement in statements
        if statement.holds == statement.expected.startswith(refuted)
    ]
    assert unexpected == []


@EVERY
def test_an_experiment_writes_page_table_and_figure_that_belong_together(findings, name, tmp_path):
    found = findings(name)
    folder = write_findings(found, tmp_path / "there")
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        f"{name}.csv",
        f"{name}.svg",
    ]
    page = (folder / "README.md").read_text()
    assert page.startswith(f"# {name}: {EXPERIMENTS[name]}\n")
    assert f"![{name}]({name}.svg)" in page
    holding = sum(statement.holds for statement in found.statements)
    assert f"{holding} of {len(found.statements)} statements hold." in page
    assert f"pcsim experiment {name}" in page
    assert (folder / f"{name}.svg").read_text().startswith("<?xml")
    assert len((folder / f"{name}.csv").read_text().splitlines()) == len(found.table) + 1


@pytest.mark.parametrize("name", QUICK)
def test_an_experiment_finds_the_same_bytes_again(findings, name, tmp_path):
    folders = [
        write_findings(findings(name), tmp_path / "first"),
        write_findings(find(load_experiment(name)), tmp_path / "again"),
    ]
    first, again = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders
    )
    assert first == again


def test_figures_and_statements_come_from_the_table_that_is_written(findings):
    found = findings("equilibrium")
    experiment = found.experiment
    assert experiment.figure(found.table.copy()) == found.svg
    assert experiment.statements(found.table.copy()) == found.statements


def test_a_statement_that_does_not_hold_says_so():
    statement = Statement("it falls", "it rises", False)
    assert str(statement) == "NOT as expected: it falls. it rises."


def test_a_folder_with_anything_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError) as caught:
        check_output("credit", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold nothing but an earlier report, not 'thesis.tex'\n"
        "    name another folder with -o"
    )


def test_the_command_tells_outcomes_and_where_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = pcsim("experiment", "trust-region")
    assert result.exit_code == 0, result.output
    assert result.output.count("- as expected: ") == 5
    assert "NOT as expected" not in result.output
    assert result.output.endswith(
        "\nexperiment: reports/experiment-trust-region/README.md, "
        "reports/experiment-trust-region/trust-region.csv, "
        "reports/experiment-trust-region/trust-region.svg\n"
    )
    assert (tmp_path / "reports" / "experiment-trust-region" / "README.md").exists()


def test_the_command_lists_experiments_without_numpy():
    code = (
        "import sys; from pcsim.cli import main\n"
        "main(['experiment', '--list'], standalone_mode=False)\n"
        "print([name for name in ('numpy', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *lines, loaded = told.stdout.splitlines()
    assert loaded == "[]"
    assert [re.split(r"\s{2,}", line) for line in lines] == [
        [name, question] for name, question in EXPERIMENTS.items()
    ]


def test_an_unknown_experiment_is_refused_with_the_known_names():
    result = pcsim("experiment", "credits")
    assert result.exit_code == 2
    assert "'credits' is not one of 'equilibrium', 'conditioning', 'trust-region'" in result.output
