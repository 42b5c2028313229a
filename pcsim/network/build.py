"""From a description of nodes to a graph: every shape is worked out, and everything wrong is said at once.

A description is what a file holds, plain mappings and lists: for every node a ``name``, its ``branches``, each
``from`` a node or the input ``x`` with a ``map`` of operators, and ``then``. An operator stands there as
``[conv2d, {filters: 16, kernel: 3}]``, as ``{conv2d: {filters: 16, kernel: 3}}`` or, where nothing has to be said, as
``tanh``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pcsim.network.graph import Branch, Graph, Node, Term
from pcsim.network.operators import (
    OPERATORS,
    AttributeProblem,
    Operator,
    Shape,
    ShapeError,
    shape_text,
)
from pcsim.network.operators.operator import Whole

Path = tuple[str | int, ...]

WEIGHTS = "weights"
"""The attribute that every operator with parameters may have: the place of the term whose parameters it shares."""

X = "x"
"""How branches call the input."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong with the value at ``path`` of a description; ``at_key``: with its key."""

    path: Path
    said: str
    hint: str = ""
    at_key: bool = False


class DescriptionError(ValueError):
    """A description is no network; ``mistakes`` has everything that is wrong with it."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{_text(each.path)} {each.said}" for each in mistakes))
        self.mistakes = tuple(mistakes)


def graph_of(input_shape: Sequence[int], nodes: Sequence[Mapping[str, Any]]) -> Graph:
    """The graph that ``nodes`` describe, each of which reads nodes before it.

    Raises:
        DescriptionError: with everything that is wrong.

    >>> graph_of([4], [{"name": "y", "branches": [{"from": "x", "map": [["dense", {"units": 2}]]}]}]).output.shape
    (2,)
    """
    reader = _Reader()
    graph = reader.read(input_shape, nodes)
    if reader.mistakes or graph is None:
        raise DescriptionError(reader.mistakes)
    return graph


@dataclass
class _Reader:
    """Reads one description; where something is wrong, goes on with what does not depend on it."""

    mistakes: list[Mistake] = field(default_factory=list)
    shapes: dict[str, Shape | None] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)

    def wrong(self, path: Path, said: str, *, hint: str = "", at_key: bool = False) -> None:
        self.mistakes.append(Mistake(path, said, hint, at_key))

    def read(self, input_shape: object, nodes: object) -> Graph | None:
        given = _shape(input_shape)
        if given is None:
            self.wrong(
                ("input",),
                "must be the shape of one sample, a list of 1 to 3 whole numbers such as [1, 28, 28], not "
                f"{input_shape!r}",
            )
        self.shapes[X], self.numbers[X] = given, 0
        if not isinstance(nodes, list | tuple) or not nodes:
            self.wrong(("nodes",), "must be a list of at least one node")
            return None
        names = [node.get("name") for node in nodes if isinstance(node, Mapping)]
        found = [
            self._node(node, ("nodes", index), index + 1, names) for index, node in enumerate(nodes)
        ]
        built = tuple(node for node in found if node is not None)
        if len(built) < len(found) or given is None or self.mistakes:
            return None
        graph = Graph(given, built)
        for node in graph.hidden:
            if not graph.children[node.number]:
                at = ("nodes", node.number - 1, "name")
                self.wrong(at, f"must be read by a later node, and {node.name!r} is read by none")
        return graph

    def _node(self, given: object, path: Path, number: int, names: list[Any]) -> Node | None:
        if not isinstance(given, Mapping):
            self.wrong(path, f"must be a mapping with name and branches, not {given!r}")
            return None
        for key in given:
            if key not in ("name", "branches", "then"):
                self.wrong(
                    (*path, str(key)),
                    f"must be a known key, not {key!r}",
                    hint=near(key, ("name", "branches", "then")),
                    at_key=True,
                )
        name = given.get("name")
        if not isinstance(name, str) or not name or name == X or "." in name:
            self.wrong((*path, "name"), f"must be a word without '.', other than 'x', not {name!r}")
            name = f"#{number}"
        elif name in self.shapes:
            self.wrong(
                (*path, "name"), f"must be another than that of an earlier node, not {name!r}"
            )
        branches, summed = self._branches(given.get("branches"), path, name, names)
        then, shape = self._map(given.get("then", ()), (*path, "then"), f"{name}.then", summed)
        self.shapes.setdefault(name, shape)
        self.numbers.setdefault(name, number)
        if branches is None or then is None or shape is None:
            return None
        return Node(number, name, branches, then, shape)

    def _branches(
        self, given: object, path: Path, name: str, names: list[Any]
    ) -> tuple[tuple[Branch, ...] | None, Shape | None]:
        """The branches of a node, and the shape of their sum."""
        path = (*path, "branches")
        if not isinstance(given, list | tuple) or not given:
            self.wrong(path, "must be a list of at least one branch, each {from: NODE, map: [...]}")
            return None, None
        found: list[Branch] = []
        whole, first = True, None
        for index, branch in enumerate(given):
            built, shape = self._branch(branch, (*path, index), f"{name}.{index}", names)
            whole = whole and built is not None
            if built is not None:
                found.append(built)
            if shape is None:
                continue
            if first is None:
                first = (index, shape)
            elif shape != first[1]:
                source = str(branch["from"])
                self.wrong(
                    (*path, index),
                    f"must give {shape_text(first[1])}, as branches[{first[0]}] of {name} does, to which it is added, "
                    f"and from {source} it gives {shape_text(shape)}",
                    hint="another stride, padding or number of units on this branch, or a conv2d with a kernel of 1, "
                    "makes them equal",
                )
        return tuple(found) if whole else None, first[1] if first else None

    def _branch(
        self, given: object, path: Path, at: str, names: list[Any]
    ) -> tuple[Branch | None, Shape | None]:
        if not isinstance(given, Mapping) or "from" not in given:
            self.wrong(path, f"must be {{from: NODE, map: [...]}}, not {given!r}")
            return None, None
        for key in given:
            if key not in ("from", "map"):
                hint = near(key, ("from", "map"))
                self.wrong(
                    (*path, str(key)), f"must be from or map, not {key!r}", hint=hint, at_key=True
                )
        source = given["from"]
        if not isinstance(source, str) or source not in self.shapes:
            known = ", ".join(self.shapes)
            said = f"must be x or the name of an earlier node, one of {known}, not {source!r}"
            late = isinstance(source, str) and source in names
            hint = "that node comes later" if late else near(source, self.shapes)
            self.wrong((*path, "from"), said, hint=hint)
            self._map(given.get("map", ()), (*path, "map"), at, None)
            return None, None
        start = self.shapes[source]
        terms, shape = self._map(given.get("map", ()), (*path, "map"), at, start)
        if terms is None or shape is None:
            return None, None
        return Branch(self.numbers[source], terms, shape), shape

    def _map(
        self, given: object, path: Path, at: str, shape: Shape | None
    ) -> tuple[tuple[Term, ...] | None, Shape | None]:
        """The terms of a list of operators that begin with ``shape``; with None only their attributes are read."""
        if not isinstance(given, list | tuple):
            self.wrong(path, f"must be a list of operators, not {given!r}")
            return None, None
        found: list[Term] = []
        whole = shape is not None
        for position, each in enumerate(given):
            place = (*path, position)
            operator, shared = self._operator(each, place)
            if operator is None or shape is None:
                whole, shape = False, None
                continue
            try:
                gives = operator.shape(shape)
            except ShapeError as error:
                self.wrong(place, f"does not fit: {error}", hint=self._origin(at, found))
                whole, shape = False, None
                continue
            key = f"{at}.{position}"
            term = Term(operator, key, shape, gives, shared or key)
            if shared:
                whole = self._may_share(term, place) and whole
            self.terms[key] = term
            found.append(term)
            shape = gives
        return tuple(found) if whole else None, shape

    def _origin(self, at: str, before: Sequence[Term]) -> str:
        """Where the shape comes from that an operator does not take."""
        if not before:
            return (
                "that is the value the branch starts from"
                if ".then" not in at
                else "that is the sum of the branches"
            )
        return f"that is what {before[-1].operator.name}, just before, makes of {shape_text(before[-1].reads)}"

    def _operator(self, given: object, path: Path) -> tuple[Operator | None, str]:
        """The operator that an entry describes, and the place of the term whose weights it shares."""
        name, attributes, inside = _entry(given)
        if name is None:
            self.wrong(
                path,
                "must be the name of an operator, or [NAME, {attributes}], such as [dense, {units: 10}], not "
                f"{given!r}",
            )
            return None, ""
        if name not in OPERATORS:
            hint = near(name, OPERATORS)
            known = ", ".join(OPERATORS)
            self.wrong((*path, *inside[:-1]), f"must be one of {known}, not {name!r}", hint=hint)
            return None, ""
        if not isinstance(attributes, Mapping):
            self.wrong((*path, *inside), f"must be a mapping of attributes, not {attributes!r}")
            return None, ""
        own = {str(key): value for key, value in attributes.items() if key != WEIGHTS}
        shared = attributes.get(WEIGHTS, "")
        if not isinstance(shared, str):
            self.wrong(
                (*path, *inside, WEIGHTS),
                f"must be the place of a term such as z1.0.0, not {shared!r}",
            )
            return None, ""
        try:
            return OPERATORS[name].of(own), shared
        except ExceptionGroup as group:
            for problem in group.exceptions:
                assert isinstance(problem, AttributeProblem)
                self._attribute(name, problem, (*path, *inside), own)
            return None, ""

    def _attribute(
        self, name: str, problem: AttributeProblem, path: Path, own: Mapping[str, object]
    ) -> None:
        known = OPERATORS[name].attributes()
        if problem.unknown:
            has = ", ".join(known) or "none"
            self.wrong(
                (*path, problem.key),
                f"must be an attribute of {name} ({has}), not {problem.key!r}",
                hint=near(problem.key, known),
                at_key=True,
            )
        elif problem.key not in own:
            if any(near(key, [problem.key]) for key in own if key not in known):
                return  # It is there, misspelt.
            kind = known[problem.key][0]
            self.wrong(path, f"must have {problem.key} of {name}, {kind.constraint}")
        else:
            self.wrong((*path, problem.key), f"must be {problem.constraint}, not {problem.value!r}")

    def _may_share(self, term: Term, path: Path) -> bool:
        """Whether the term that ``term`` shares the weights of is there, owns them, and has them of the same shapes."""
        other = self.terms.get(term.weights)
        mine = term.operator.parameters(term.reads)
        if other is None or not other.owns:
            owners = [key for key, each in self.terms.items() if each.owns and each.parameters]
            said = f"weights must be the place of an earlier term that has its own, not {term.weights!r}"
            self.wrong(path, said, hint=near(term.weights, owners))
            return False
        theirs = other.operator.parameters(other.reads)
        if mine != theirs or not mine:
            self.wrong(
                path,
                f"weights of {term.weights} must have the shapes that {term.operator.name} needs here, "
                f"{_shapes_text(mine)}, and have {_shapes_text(theirs)}",
            )
            return False
        return True


def _entry(given: object) -> tuple[str | None, object, Path]:
    """Name and attributes of an operator's entry, and where in it the attributes stand."""
    if isinstance(given, str):
        return given, {}, ("",)
    if isinstance(given, list | tuple) and given and isinstance(given[0], str) and len(given) <= 2:
        return given[0], given[1] if len(given) == 2 else {}, (1,)
    if isinstance(given, Mapping) and len(given) == 1:
        (name, attributes), *_ = given.items()
        if isinstance(name, str):
            return name, _spelled_out(name, attributes), (name,)
    return None, {}, ()


def _spelled_out(name: str, attributes: object) -> object:
    """``dense: 10`` is short for ``dense: {units: 10}``, where an operator has one attribute that is required."""
    if attributes is None:
        return {}
    operator = OPERATORS.get(name)
    if operator is None or isinstance(attributes, Mapping):
        return attributes
    required = [key for key, (_, needed) in operator.attributes().items() if needed]
    return {required[0]: attributes} if len(required) == 1 else attributes


def _shape(given: object) -> Shape | None:
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 3:
        return None
    if not all(Whole(1, 1_048_576).admits(side) for side in given):
        return None
    return tuple(given)


def _shapes_text(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {shape_text(shape)}" for name, shape in shapes.items()) or "none"


def near(word: object, words: Mapping[str, Any] | Sequence[str]) -> str:
    """A hint at the nearest of ``words``, empty if none is near."""
    close = get_close_matches(str(word), list(words), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _text(path: Path) -> str:
    def parts() -> Iterator[str]:
        for part in path:
            yield f"[{part}]" if isinstance(part, int) else f".{part}"

    return "".join(parts()).lstrip(".")
