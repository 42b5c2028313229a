"""Which learning rules are there, and what is known of each before anything is computed?

One table, by the word of files: a variant of predictive coding by that of ``pc.variant``, backpropagation as ``bp``.
The engine and the program have a table each with the same words: how the weights change, and which operations that
is. A file of your own adds a row to all three (docs/rules.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.network.credit import (
    Credit,
    at_once,
    by_steps,
    everything,
    with_fixed_predictions,
    with_moving_weights,
)
from pcsim.network.graph import Graph

PLAIN_ONLY = ("order", "descent", "nudging", "tolerance", "threshold")
"""Settings of predictive coding that only a rule with ``reads_all`` reads."""


@dataclass(frozen=True)
class Rule:
    """What all rooms may ask of the rule ``name``; ``title`` says in a few words what it does.

    ``credit`` says which nodes errors reach. ``infers``: states or errors move in inference steps. ``reads_all``: the
    steps have an order, a descent, a tolerance, a threshold, nudging, micro-batches and schedules to choose from.
    ``waits``: nodes that errors have not reached cannot move, so that they are left out. ``hoists``: the first
    prediction is the same in every step. ``only_rate``: the one inference rate with which it is what its name says.
    ``step_per_node``: it takes as many steps as there are hidden nodes. ``learns_along``: the weights learn in
    every step. ``free_errors``: errors move, and values follow. ``still``: predictions stay what they were, so that
    values find their way one by one.
    """

    name: str
    title: str
    credit: Credit = everything
    infers: bool = False
    reads_all: bool = False
    waits: bool = False
    hoists: bool = False
    only_rate: float | None = None
    step_per_node: bool = False
    learns_along: bool = False
    free_errors: bool = False
    still: bool = False


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "pc",
            "predictive coding: states relax, then the weights learn",
            credit=by_steps,
            infers=True,
            reads_all=True,
            waits=True,
            hoists=True,
        ),
        Rule(
            "ipc",
            "incremental predictive coding: the weights learn in every inference step",
            credit=with_moving_weights,
            infers=True,
            learns_along=True,
        ),
        Rule(
            "z_il",
            "predictive coding with the gradients of backpropagation, node after node",
            infers=True,
            still=True,
            waits=True,
            hoists=True,
            only_rate=1.0,
            step_per_node=True,
        ),
        Rule(
            "fpa",
            "predictive coding around fixed predictions",
            credit=with_fixed_predictions,
            infers=True,
            still=True,
            waits=True,
            hoists=True,
        ),
        Rule(
            "epc",
            "predictive coding in which errors relax in the place of states",
            credit=at_once,
            infers=True,
            free_errors=True,
            hoists=True,
        ),
        Rule("bp", "backpropagation: one pass forward, one back"),
    )
}
"""Every rule by the word of files."""


def credited(graph: Graph, rule: str, order: str, steps: int) -> tuple[int, ...]:
    """The numbers of the nodes that receive a gradient by ``rule`` after ``steps`` of inference, from the input up."""
    return RULES[rule].credit(graph, order, steps)
