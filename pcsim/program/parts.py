"""Into which parts does a graph fall, and what lies between them?

A part is what gets tiles of its own. Every product by weights is one, attention's products of states are one, and so
is a value that no product predicts. Steps without products are work at the owners of the value they change: those
that begin a branch at the owners of the node it starts from, before the value leaves, all others at the part before
them. So a chain's part l is its layer l.

The branches of a node are summed at its join, the last part of its first branch that has one; a node's state and
error live at its home, which is the join unless what is applied to the sum has parts itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from pcsim.network import INPUT, Graph, Node, Term
from pcsim.network.operators import Activation, size
from pcsim.program.kernels import ADD, MULTIPLY
from pcsim.program.operators import Weightless
from pcsim.program.operators.work import ERROR, Kept, PartWork, Piece, Step, fused
from pcsim.program.ops import Role
from pcsim.program.sizes import Sizes


@dataclass(frozen=True)
class Run:
    """Steps without products, one after the other, on a value that has ``words`` a sample when it arrives.

    A product passes a fixed factor on, so an error meets it where it arrives and not where it comes from: ``passed``
    of the first steps are such factors of the part before, ``factors`` those of the part behind.
    """

    terms: tuple[tuple[Term, Weightless], ...]
    words: int
    gives: int
    passed: int = 0
    factors: int = 0

    @property
    def forward(self) -> tuple[Step, ...]:
        return tuple(_of(term, step) for term, work in self.terms for step in work.forward)

    @property
    def pull(self) -> tuple[Step, ...]:
        factors = (Piece(self.gives, (MULTIPLY,), ERROR, ERROR),) * self.factors
        own = reversed(self.terms[self.passed :])
        return (*factors, *(_of(term, step) for term, work in own for step in work.pull))

    @property
    def learns(self) -> bool:
        return any(work.parameters for _, work in self.terms)

    def words_before(self, index: int) -> int:
        """Words a sample of the value that step ``index`` reads."""
        return size(self.terms[index][0].reads)

    @property
    def keeps_first(self) -> bool:
        """Whether a derivative is found from the value that arrives."""
        return bool(self.terms) and self.terms[0][1].kept in (Kept.READ, Kept.BOTH)

    @property
    def kept_between(self) -> list[int]:
        """Between which steps, by the number of the later one, there is a value from which a derivative is found; what
        arrives and what leaves is kept by others."""
        found: set[int] = set()
        for index, (_, work) in enumerate(self.terms):
            if work.kept in (Kept.READ, Kept.BOTH):
                found.add(index)
            if work.kept in (Kept.GIVEN, Kept.BOTH):
                found.add(index + 1)
        return sorted(found.difference((0, len(self.terms))))

    @property
    def works(self) -> bool:
        """Whether anything is computed, there or back."""
        return any(work.forward or work.pull for _, work in self.terms)

    @property
    def bends(self) -> bool:
        """Whether it begins with an activation, whose slope is found from the value that it reads."""
        return bool(self.terms) and isinstance(self.terms[0][0].operator, Activation)

    @property
    def only_bends(self) -> bool:
        """Whether it is nothing but activations."""
        return all(isinstance(term.operator, Activation) for term, _ in self.terms)


def parameter(weights: str, role: Role | None) -> str:
    """The name of what is learnt at the place ``weights``: weights of a product, its biases, what other steps learn."""
    return f"{weights} {role or 'weights'}"


def _of(term: Term, step: Step) -> Step:
    """``step`` of ``term``, with the name of the parameters that it reads."""
    if isinstance(step, Piece) and step.beside.weight:
        return replace(step, learnt=(parameter(term.weights, Role.GAIN),))
    return step


@dataclass(frozen=True)
class Stage:
    """A part, and the steps on its result at its owners. ``weights``: the place of the part whose weights it uses, its
    own unless they are shared."""

    part: int
    at: str
    work: PartWork
    after: Run
    weights: str

    @property
    def sizes(self) -> Sizes:
        return self.work.sizes

    @property
    def biases(self) -> tuple[Piece, ...]:
        """The addition of its biases, if it has any."""
        if not self.work.bias:
            return ()
        return (Piece(self.sizes.words_out, (ADD,), learnt=(parameter(self.weights, Role.BIAS),)),)


@dataclass(frozen=True)
class Line:
    """A branch: from the node ``source`` by ``before``, at the owners of that, through ``stages`` to the sum.

    Where a node adds the value that it also multiplies, the value is sent once: the line that adds it ``is_carried`` by
    the one that multiplies it, which ``carries`` the value itself; what comes before the product is done where it
    arrives, and so is the way back.
    """

    at: str
    node: int
    source: int
    before: Run
    stages: tuple[Stage, ...]
    words: int
    """Of what it adds to the sum, a sample."""
    carries: bool = False
    is_carried: bool = False

    @property
    def last(self) -> int:
        """The part at whose owners its value is complete; 0 without parts, where it is that of its source."""
        return self.stages[-1].part if self.stages else 0


@dataclass(frozen=True)
class Prediction:
    """How the value of ``node`` is predicted: lines, summed at part ``join``, then ``then`` and ``stages``."""

    node: Node
    lines: tuple[Line, ...]
    join: int
    then: Run
    stages: tuple[Stage, ...]

    @property
    def home(self) -> int:
        """The part at whose owners state and error live."""
        return self.stages[-1].part if self.stages else self.join

    @property
    def own(self) -> Line | None:
        """The line that ends at the join, if any: its last product need not be sent to the sum."""
        return next((line for line in self.lines if line.last == self.join), None)

    @property
    def is_single(self) -> bool:
        """Whether the sum is that of one product alone, so that its error is the sum's."""
        return self.own is not None and len(self.lines) == 1

    @property
    def shares_error(self) -> bool:
        """Whether a product at the join has the error of the sum, because it is single or nothing lies between."""
        own = self.own
        return self.is_single or (own is not None and not fused(own.stages[-1].after.pull))

    @property
    def behind(self) -> tuple[Step, ...]:
        """What is pulled at the node's home, in the kernel that forms its error."""
        if self.stages:
            return self.stages[-1].after.pull
        if self.is_single:
            return (*self.then.pull, *self.lines[0].stages[-1].after.pull)
        return self.then.pull

    @property
    def last_bends(self) -> bool:
        """Whether what is done last at its home is an activation whose slope is found from what it gives."""
        runs = [self.then] if not self.is_single else [self.lines[0].stages[-1].after, self.then]
        terms = [term for run in runs for term in run.terms]
        if self.stages:
            terms = list(self.stages[-1].after.terms)
        return bool(terms) and (
            isinstance(terms[-1][0].operator, Activation) and terms[-1][1].kept is Kept.GIVEN
        )

    @property
    def size(self) -> int:
        return self.node.size


@dataclass(frozen=True)
class Cut:
    """A graph in parts: their sizes and names, and every node's prediction."""

    graph: Graph
    parts: tuple[Sizes, ...]
    names: tuple[str, ...]
    predictions: tuple[Prediction, ...]

    def __getitem__(self, node: int) -> Prediction:
        return self.predictions[node - 1]

    @cached_property
    def readers(self) -> dict[int, tuple[Line, ...]]:
        """The lines that start from each node, or from the input."""
        found: dict[int, list[Line]] = {number: [] for number in range(len(self.predictions) + 1)}
        for prediction in self.predictions:
            for line in prediction.lines:
                found[line.source].append(line)
        return {number: tuple(lines) for number, lines in found.items()}

    def bringers(self, node: int) -> tuple[Line, ...]:
        """The lines along which errors come back to a node, the last first: what is carried comes with its carrier."""
        return tuple(line for line in reversed(self.readers[node]) if not line.is_carried)

    def is_passing(self, node: int, *, learning: bool) -> bool:
        """Whether a value that does not move is nothing but what its readers make of it: each makes something, and in
        ``learning`` no derivative is found from the value itself."""
        readers = self.readers[node]
        return bool(readers) and all(
            line.before.works
            and not (learning and line.before.terms[0][1].kept in (Kept.READ, Kept.BOTH))
            for line in readers
        )

    @cached_property
    def users(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """By the place of what is learnt, the parts that use it, too, with their places there."""
        return {place: tuple(sorted(found)) for place, found in self._uses.items() if found}

    @cached_property
    def homes(self) -> dict[str, int]:
        """By the place of what is learnt, the part where it is updated."""
        return {at: part for part, at, weights in self._learning if at == weights}

    @cached_property
    def _uses(self) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, list[tuple[int, str]]] = {}
        for part, at, weights in self._learning:
            if at != weights:
                found.setdefault(weights, []).append((part, at))
        return found

    @cached_property
    def _learning(self) -> tuple[tuple[int, str, str], ...]:
        """Part, place, and place of the weights, of everything that learns."""
        found: list[tuple[int, str, str]] = []

        def run(each: Run, part: int) -> None:
            found.extend(
                (part, term.at, term.weights) for term, work in each.terms if work.parameters
            )

        for prediction in self.predictions:
            for line in prediction.lines:
                if line.source != INPUT:
                    run(line.before, self[line.source].home)
            run(prediction.then, prediction.join)
            for stage in self.stages_of(prediction.node.number):
                if stage.sizes.weighted:
                    found.append((stage.part, stage.at, stage.weights))
                run(stage.after, stage.part)
        return tuple(found)

    def stages_of(self, node: int) -> Iterator[Stage]:
        """All parts of a node that multiply or map the input."""
        prediction = self[node]
        for line in prediction.lines:
            yield from line.stages
        yield from prediction.stages
