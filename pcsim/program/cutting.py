"""A graph falls into its parts: which there are, what lies between them, and what is sent along with what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pcsim.network import INPUT, Branch, Graph, Node, Term
from pcsim.network.operators import Scale, size
from pcsim.program.operators import WORK, Weightless
from pcsim.program.operators.work import PartWork, fused
from pcsim.program.parts import Cut, Line, Prediction, Run, Stage
from pcsim.program.sizes import Sizes


def cut(graph: Graph) -> Cut:
    """The parts of ``graph``."""
    cutter = _Cutter()
    predictions = tuple(cutter.prediction(node, graph) for node in graph.nodes)
    return Cut(graph, tuple(cutter.parts), tuple(cutter.names), predictions)


@dataclass
class _Cutter:
    """Numbers parts as it comes upon them. Its life: every node once, in order."""

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
