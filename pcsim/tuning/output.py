"""How is a tuning written down? The tuned workload, complete, and a table of every trial."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import wrap

from pcsim.config import Candidate, dump_yaml
from pcsim.errors import InputError, OutputError, Problem
from pcsim.report.explain.text import columns
from pcsim.report.replace import check_parent
from pcsim.report.tables import Table
from pcsim.tuning.score import OBJECTIVE
from pcsim.tuning.tune import Outcome, Tuned
from pcsim.verdict import rule_name
from pcsim.writing import write_whole

MARK = "# Tuned by pcsim"
"""What a file that a tuning wrote begins with; no other is ever replaced."""

COLUMNS = (
    "rule",
    "trial",
    "steps",
    "inference_rate",
    "order",
    "optimiser",
    "weight_rate",
    "validation_accuracy",
    "updates_to_target",
    "diverged_seeds",
    "rank",
)


def paths(name: str, folder: Path) -> tuple[Path, Path]:
    """Where the tuned workload ``name`` and the table of its trials lie."""
    return folder / f"{name}.yaml", folder / f"{name}.csv"


def check_output(name: str, folder: Path) -> None:
    """Make sure that writing the tuned workload ``name`` destroys nothing but an earlier one.

    Raises:
        InputError: something else is there, or nothing can be written.
    """
    if os.path.isfile(folder) or (
        os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK)
    ):
        message = f"{folder} must be a folder that can be written to"
        raise InputError((Problem(message, hint="name another folder with -o"),))
    check_parent(folder)
    for path, beginning in zip(paths(name, folder), (MARK, ",".join(COLUMNS)), strict=True):
        if os.path.lexists(path) and not _begins(path, beginning.encode()):
            message = f"{path} must be what an earlier tuning wrote, or not be there"
            raise InputError((Problem(message, hint="name another folder with -o"),))


def _begins(path: Path, beginning: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(beginning)) == beginning
    except OSError:
        return False


def write_tuned(tuned: Tuned, folder: Path) -> tuple[Path, Path]:
    """Write the tuned workload and the table of trials to ``folder``; returns their paths.

    Each appears whole or not at all.

    Raises:
        InputError: as ``check_output``.
        OutputError: the disk is full or fails otherwise.
    """
    check_output(tuned.workload.name, folder)
    workload, table = paths(tuned.workload.name, folder)
    try:
        write_whole(table, trial_table(tuned).csv().encode())
        write_whole(workload, f"{header(tuned)}{dump_yaml(tuned.workload)}".encode())
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{folder} could not be written to: {reason}") from None
    return workload, table


def header(tuned: Tuned) -> str:
    """What the tuned file says about itself, as comments."""
    plan = tuned.plan
    training = plan.course.training
    said = [
        f"{MARK}: each rule had {_many(plan.budget, 'training')}, each of "
        f"{_many(training.seeds, 'seed')} from {plan.first_seed} and "
        f"{_many(training.epochs, 'epoch')}; scored by the {OBJECTIVE}. Test images were not "
        f"looked at. {tuned.workload.name}.csv lists every trial."
    ]
    for rule in plan.rules:
        best, own = tuned.of(rule)[0], tuned.own(rule)
        said.append(
            f"# {rule_name(rule)}: {_percent(best)} with {described(best)}; "
            f"{_percent(own)} with the {described(own)} of {plan.workload.name}."
        )
    lines = [
        line
        for text in said
        for line in wrap(text, 110, subsequent_indent="# ", break_on_hyphens=False)
    ]
    return "\n".join(lines) + "\n"


def trial_table(tuned: Tuned) -> Table:
    """One row per trial, PC's first, in the order of the design."""
    rows = []
    for outcome in tuned.outcomes:
        trial, score = outcome.trial, outcome.score
        candidate = trial.candidate
        rows.append(
            (
                trial.rule,
                trial.number,
                candidate.steps,
                candidate.rate,
                candidate.order,
                candidate.optimiser.kind,
                candidate.optimiser.rate,
                score.accuracy,
                score.updates_to_target,
                score.diverged,
                outcome.rank,
            )
        )
    return Table(COLUMNS, tuple(rows))


def screen(tuned: Tuned) -> str:
    """The outcome for eyes: the best setting of each rule, and PC's curve over its steps."""
    rows = [("", "best setting", "trainings", "accuracy", "own setting", "gain", "diverged")]
    for rule in tuned.plan.rules:
        outcomes, own = tuned.of(rule), tuned.own(rule)
        best = outcomes[0]
        gain = best.score.accuracy - own.score.accuracy
        diverged = sum(outcome.score.diverged > 0 for outcome in outcomes)
        rows.append(
            (
                rule_name(rule),
                described(best),
                str(len(outcomes)),
                _percent(best),
                _percent(own),
                f"{100 * gain:+.2f} points",
                str(diverged),
            )
        )
    title = f"{tuned.plan.workload.name}: accuracy is the {OBJECTIVE}"
    if tuned.plan.workload.pc is None:
        return "\n".join((title, "", *columns(rows, left=2)))
    curve = [("T", "PC's best setting with that many steps", "of", "accuracy", "updates to target")]
    steps = [outcome.trial.candidate.steps for outcome in tuned.of("pc")]
    for outcome in tuned.curve():
        here = outcome.trial.candidate.steps
        updates = outcome.score.updates_to_target
        curve.append(
            (
                str(here),
                described(outcome),
                str(steps.count(here)),
                _percent(outcome),
                "never" if updates is None else f"{updates:,.0f}",
            )
        )
    return "\n".join((title, "", *columns(rows, left=2), "", *columns(curve, left=2)))


def described(outcome: Outcome) -> str:
    """A setting in a few words."""
    candidate: Candidate = outcome.trial.candidate
    optimiser = f"{candidate.optimiser.kind} {candidate.optimiser.rate:g}"
    if candidate.inference is None:
        return optimiser
    return f"{candidate.order}, T = {candidate.steps}, eta = {candidate.rate:g}, {optimiser}"


def _percent(outcome: Outcome) -> str:
    return f"{100 * outcome.score.accuracy:.2f} %"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
