"""Into which parts does a graph fall, and what lies between them?

A part is what gets tiles of its own. Every product by weights is one, attention's products of states are one, and so
is a value that no product predicts. Steps without products are work at the owners of the value they change: those
that begin a branch at the owners of the node it starts from, before the value leaves, all others at the part before
them. So a chain's part l is its layer l.

The branches of a node are summed at its join, the last part of its first branch that has one; a node's state and
error live at its home, which is the join unless what is applied to the sum has parts itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from pcsim.network import INPUT, Branch, Graph, Node, Term
from pcsim.network.operators import Activation, Scale, size
from pcsim.program.kernels import MULTIPLY
from pcsim.program.operators import WORK, Weightless
from pcsim.program.operators.work import ERROR, Kept, PartWork, Piece, Step, fused
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
        return tuple(step for _, work in self.terms for step in work.forward)

    @property
    def pull(self) -> tuple[Step, ...]:
        factors = (Piece(self.gives, (MULTIPLY,), ERROR, ERROR),) * self.factors
        own = reversed(self.terms[self.passed :])
        return (*factors, *(step for _, work in own for step in work.pull))

    @property
    def learns(self) -> bool:
        return any(work.parameters for _, work in self.terms)

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


def cut(graph: Graph, *, line_buffer: bool = False) -> Cut:
    """The parts of ``graph``."""
    cutter = _Cutter(line_buffer)
    predictions = tuple(cutter.prediction(node, graph) for node in graph.nodes)
    return Cut(graph, tuple(cutter.parts), tuple(cutter.names), predictions)


@dataclass
class _Cutter:
    """Numbers parts as it comes upon them. Its life: every node once, in order."""

    line_buffer: bool
    parts: list[Sizes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def prediction(self, node: Node, graph: Graph) -> Prediction:
        lines = tuple(
            self._line(node, index, branch, graph) for index, branch in enumerate(node.branches)
        )
        join = next((line.last for line in lines if line.stages), 0)
        summed = node.branches[0].gives
        if not join:
            join = self._add(_alone(summed), node.name)
        lines = _carried(lines, join)
        then, stages = self._stages(node.then, size(summed))
        return Prediction(node, lines, join, then, stages)

    def _line(self, node: Node, index: int, branch: Branch, graph: Graph) -> Line:
        start = graph.shape_of(branch.source)
        before, stages = self._stages(branch.terms, size(start))
        at = f"{node.name}.{index}"
        if branch.source == INPUT and (before.works or not stages):
            # Nobody owns the input: what is made of it gets a part of its own.
            work = PartWork(_alone(start))
            name = f"{at}.x"
            own = Stage(self._add(work.sizes, name), name, work, before, name)
            stages, before = (own, *stages), Run((), size(start), size(start))
            # Parts are numbered in the order in which values pass through them.
            stages = self._in_order(stages)
        return Line(at, node.number, branch.source, before, stages, size(branch.gives))

    def _in_order(self, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        numbers = sorted(stage.part for stage in stages)
        kept = {
            stage.part: (self.parts[stage.part - 1], self.names[stage.part - 1]) for stage in stages
        }
        found = []
        for number, stage in zip(numbers, stages, strict=True):
            self.parts[number - 1], self.names[number - 1] = kept[stage.part]
            found.append(replace(stage, part=number))
        return tuple(found)

    def _stages(self, terms: Iterable[Term], words: int) -> tuple[Run, tuple[Stage, ...]]:
        """What comes before the first part, and the parts with what follows on each."""
        runs: list[list[tuple[Term, Weightless]]] = [[]]
        starts, heads = [words], list[tuple[str, str, PartWork]]()
        for term in terms:
            work = WORK[term.operator.name](term.operator, term.reads, term.gives)
            if isinstance(work, Weightless):
                runs[-1].append((term, work))
                continue
            for part in work:
                name = f".{part.name}" if part.name else ""
                heads.append((term.at + name, term.weights + name, part))
                starts.append(part.sizes.words_out)
                runs.append([])
        made = []
        for run, start in zip(runs, starts, strict=True):
            gives = size(run[-1][0].gives) if run else start
            made.append(Run(tuple(run), start, gives))
        for index, (_, _, part) in enumerate(heads):
            factors = _factors(made[index + 1]) if part.sizes.weighted else 0
            made[index] = replace(made[index], factors=factors)
            made[index + 1] = replace(made[index + 1], passed=factors)
        stages = []
        for (at, weights, part), after in zip(heads, made[1:], strict=True):
            if self.line_buffer and part.sizes.taps > 1:
                part = replace(part, sizes=replace(part.sizes, line_buffer=True))
            stages.append(Stage(self._add(part.sizes, at), at, part, after, weights))
        return made[0], tuple(stages)

    def _add(self, sizes: Sizes, name: str) -> int:
        self.parts.append(sizes)
        self.names.append(name)
        return len(self.parts)


def _factors(run: Run) -> int:
    """How many fixed factors a run begins with."""
    factors = 0
    for term, _ in run.terms:
        if not isinstance(term.operator, Scale):
            break
        factors += 1
    return factors


def _carried(lines: tuple[Line, ...], join: int) -> tuple[Line, ...]:
    """The same where a line that adds a value itself is carried by one that multiplies the same at the join."""
    for one in lines:
        if one.source == INPUT or len(one.stages) != 1 or one.last != join:
            continue
        (stage,) = one.stages
        if not stage.sizes.weighted or fused(stage.after.pull) or not one.before.only_bends:
            continue
        for other in lines:
            if other.source == one.source and not other.stages and not other.before.terms:
                changed = {one: replace(one, carries=True), other: replace(other, is_carried=True)}
                return tuple(changed.get(line, line) for line in lines)
    return lines


def _alone(shape: tuple[int, ...]) -> Sizes:
    """A part without products that keeps a value of ``shape``, cut by its channels or features."""
    channels = shape[0] if len(shape) == 3 else shape[-1]
    rows = size(shape) // channels
    return Sizes(channels, channels, rows_in=rows, rows_out=rows, groups=channels, weighted=False)
