"""What is an experiment? A measurement, statements that theory makes about it, and a figure of it.

Statements and figure are made from the measured table alone, so that the CSV holds all that is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Statement:
    """What theory says, what came out, and whether the two agree."""

    expected: str
    found: str
    holds: bool

    def __str__(self) -> str:
        return (
            f"{'as expected' if self.holds else 'NOT as expected'}: {self.expected}. {self.found}."
        )


@dataclass(frozen=True)
class Experiment:
    """``setting`` says what is computed, with its seeds; ``caption`` what the figure shows.

    ``measure`` gives the whole table; ``numbers`` the few rows of it worth reading.
    """

    name: str
    setting: str
    caption: str
    measure: Callable[[], pd.DataFrame]
    statements: Callable[[pd.DataFrame], tuple[Statement, ...]]
    numbers: Callable[[pd.DataFrame], pd.DataFrame]
    figure: Callable[[pd.DataFrame], str]


@dataclass(frozen=True, eq=False)
class Findings:
    """What an experiment found: its table, statements about it, its figure as SVG text."""

    experiment: Experiment
    table: pd.DataFrame
    statements: tuple[Statement, ...]
    svg: str


def find(experiment: Experiment) -> Findings:
    """Run an experiment, with one thread of BLAS, so that it finds the same bytes every time."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        table = experiment.measure()
    return Findings(experiment, table, experiment.statements(table), experiment.figure(table))
