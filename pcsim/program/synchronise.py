"""All nodes agree after a step: a word from each home up a tree, an answer down the same tree.

Node n > 1 reports to node n - b, b the lowest one bit of n - 1 (a binomial tree, log2 N deep), once those that report
to it have done so; node 1 answers, and every home tells the other parts where errors are pulled back through its node.
As a step barrier the words are mere signals. As a check whether a batch has settled they are parts of the energy,
which every node forms of its own errors. With a lag of k the answer to step t is waited for by step t + 1 + k only: it
arrives beside the work, and k steps are made in vain at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pcsim.program.kernels import MULTIPLY_ADD
from pcsim.program.loop import Loop
from pcsim.program.operators.work import ERROR, NOTHING, Piece
from pcsim.program.ops import Key, Kind, Need, Phase, Role, Turn
from pcsim.program.parts import Cut, Line, Prediction
from pcsim.program.script import Newest, Wanted
from pcsim.program.writer import Writer

ROOT = 1


@dataclass(frozen=True)
class Control:
    """What nodes wait for between steps. ``energy``: the settling of the batch, else only one another."""

    energy: bool = False
    lag: int = 0


def parent(node: int) -> int:
    """The node to which ``node`` > 1 reports."""
    return node - ((node - 1) & -(node - 1))


def wait_at(control: Control | None, part: int, *, back: int) -> list[Need]:
    """What a part waits for before a step; ``back`` instances lie between two steps."""
    if control is None:
        return []
    return [Need(Key(Kind.EXCHANGE, Role.ANSWER, part, Phase.STEP), back * (1 + control.lag))]


def pulling_part(cut: Cut, line: Line) -> int:
    """Where an error is pulled back to the source of a line."""
    return line.stages[0].part if line.stages else cut[line.node].join


def synchronise(
    writer: Writer,
    control: Control | None,
    loop: Loop,
    *,
    first: Callable[[int], int | None],
    turn: Callable[[int], Turn],
) -> None:
    """Reports and answers after every step but the last (after the last one, too, where it may end all).

    ``first`` is the step after which a node's error can first have changed, ``turn`` the turn of its last change.
    """
    if control is None:
        return
    predictions = writer.cut.predictions
    last = loop.steps - (not control.energy)
    own = {p.node.number: first(p.node.number) or loop.steps + 1 for p in predictions}
    begins = dict(own)
    for number in sorted(own, reverse=True):  # Who reports to a node has a larger number.
        if number > ROOT:
            begins[parent(number)] = min(begins[parent(number)], begins[number])
    reports: dict[int, list[Key]] = {number: [] for number in own}
    for prediction in reversed(predictions):
        number, home = prediction.node.number, prediction.home
        needs: Wanted = [Newest("error", number)]
        if control.energy:
            place = loop.place(own[number], last=last, turn=turn(number), stage="control")
            squares = Piece(prediction.size, (MULTIPLY_ADD,), ERROR, NOTHING)
            needs = writer.work((squares,), home, place, Role.ENERGY, "", needs)
        above = parent(number) if number > ROOT else ROOT
        told = writer.add(
            Kind.EXCHANGE,
            home,
            loop.place(begins[number], last=last, stage="control"),
            [*needs, *reports[number]],
            role=Role.REPORT,
            elements=1,
            target=writer.cut[above].home,
        )
        if number > ROOT:
            reports[above].append(told)
    place = loop.place(begins[ROOT], last=last, stage="control")
    answers: dict[int, Key] = {}
    for prediction in predictions:
        number, home = prediction.node.number, prediction.home
        above = parent(number) if number > ROOT else ROOT
        answers[number] = writer.add(
            Kind.EXCHANGE,
            home,
            place,
            [answers[above] if number > ROOT else told],
            role=Role.ANSWER,
            elements=1,
            target=writer.cut[above].home,
        )
        for part in _others(writer.cut, prediction):
            writer.add(
                Kind.EXCHANGE,
                part,
                place,
                [answers[number]],
                role=Role.ANSWER,
                elements=1,
                target=home,
            )


def _others(cut: Cut, prediction: Prediction) -> Iterable[int]:
    """The parts of a node beside its home through which errors are pulled back to other nodes."""
    parts = {pulling_part(cut, line) for line in prediction.lines if line.source}
    return sorted(parts - {prediction.home})
