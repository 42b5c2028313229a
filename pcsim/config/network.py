"""Which network is learnt: a chain of dense layers, blocks one on top of the other, or any graph of nodes?

All three are a graph (``pcsim.network``), and everything to the right of this room may ask for that. A chain of
dense layers is said by its widths alone.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import PrivateAttr, model_validator

from pcsim.config.fields import FieldKind, Finding, choice, flag, must_be, rejected, wholes
from pcsim.config.section import Section
from pcsim.network import (
    DescriptionError,
    Graph,
    Mistake,
    chain,
    described,
    graph_of,
    has_attention,
    scaled,
)
from pcsim.network.build import Path

Activation = Literal["linear", "tanh", "relu", "leaky_relu", "gelu", "silu", "sigmoid", "hard_tanh"]
Parameterisation = Literal["sp", "mupc", "ntp"]
Placement = Literal["pre", "post"]
Initialisation = Literal["by_parameterisation", "orthogonal"]
Direction = Literal["discriminative", "generative"]

IN_CHAINS = ("linear", "tanh", "relu", "leaky_relu", "gelu")
"""Activations that the kernels of chains know; chains with others are computed as graphs."""

WAYS = ("layers", "blocks", "nodes")
"""The keys that say which network it is; a file has one of them."""


def _description(shape: str) -> FieldKind:
    """A list of mappings as it stands; what it means is checked where all of it is known."""

    def read(value: Any, from_file: bool) -> Any:
        if value is None and not from_file:
            return None
        if not isinstance(value, list | tuple) or not value:
            raise rejected([must_be(shape, value)])
        return value

    return FieldKind(read, schema={"type": "array", "minItems": 1})


class NetworkSettings(Section):
    """What is trained: a chain by its widths, ``blocks``, or ``nodes``.

    ``layers`` are the widths of a fully connected network from input to output. ``blocks`` and ``nodes`` begin from
    values of shape ``input``: docs/networks.md says what may stand there. ``skips`` adds the state below to the
    prediction of every layer of a chain but the first and the last whose two widths agree. ``initialisation``
    orthogonal draws weight matrices with orthonormal rows or columns. ``placement`` says whether
    the activation comes before the weights, p = W phi(z) + b, or after them, p = phi(W z + b). ``direction`` says what
    the ends are clamped to: discriminative has images at the input and labels at the output, generative labels at the
    input and images at the output.
    """

    layers: Annotated[
        tuple[int, ...] | None,
        wholes(
            1,
            65_536,
            shape="a list of 2 to 1025 whole numbers, the widths from input to output",
            fewest=2,
            most=1025,
            optional=True,
        ),
    ] = None
    input: Annotated[
        tuple[int, ...] | None,
        wholes(
            1,
            1_048_576,
            shape="a list of 1 to 3 whole numbers, the shape of one sample such as [1, 28, 28]",
            fewest=1,
            most=3,
            optional=True,
        ),
    ] = None
    blocks: Annotated[
        Any, _description("a list of blocks such as {conv: {filters: 16, kernel: 3}}")
    ] = None
    nodes: Annotated[
        Any, _description("a list of nodes, each {name: z1, branches: [{from: x, map: [...]}]}")
    ] = None
    activation: Annotated[Activation | None, choice(Activation, optional=True)] = None
    parameterisation: Annotated[
        Parameterisation | None, choice(Parameterisation, optional=True)
    ] = None
    skips: Annotated[bool, flag()] = False
    placement: Annotated[Placement, choice(Placement)] = "pre"
    bias: Annotated[bool, flag()] = False
    initialisation: Annotated[Initialisation, choice(Initialisation)] = "by_parameterisation"
    direction: Annotated[Direction, choice(Direction)] = "discriminative"

    _graph: Graph | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_one_network(self) -> Self:
        findings = [*self._ways()] or [*self._keys()]
        if not findings:
            self._graph, findings = self._built()
        if findings:
            raise rejected(findings)
        return self

    @property
    def way(self) -> str:
        """The key that says which network it is."""
        return next((way for way in WAYS if getattr(self, way) is not None), WAYS[0])

    @property
    def graph(self) -> Graph:
        """The network as a graph; node l of a chain is its layer l."""
        assert self._graph is not None
        return self._graph

    @property
    def is_chain(self) -> bool:
        """Whether the kernels and programs of chains of dense layers can take it."""
        return self.layers is not None and self.activation in IN_CHAINS

    @property
    def widths(self) -> tuple[int, ...]:
        """Values of one sample: of the input, and of every node up to the output."""
        return self.graph.widths if self.layers is None else self.layers

    @property
    def generates(self) -> bool:
        """Whether labels are clamped to the input, and images to the output."""
        return self.direction == "generative"

    @property
    def classes(self) -> int:
        """Values of the end that labels are clamped to."""
        return self.widths[0 if self.generates else -1]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the end that images are clamped to."""
        return self.graph.output.shape if self.generates else self.graph.input

    @property
    def depth(self) -> int:
        """How many nodes there are; of a chain, its layers of weights."""
        return len(self.widths) - 1

    @property
    def weight_count(self) -> int:
        """How many weights there are, without biases and other small parameters."""
        return sum(prod(shape) for shape in self.graph.parameters.values() if len(shape) > 1)

    @property
    def longest_sum(self) -> int:
        """The most products that are added up in a prediction, or on the way back."""
        terms = (term for node in self.graph.nodes for term in node.terms)
        return max((term.operator.longest_sum(term.reads) for term in terms), default=1)

    @property
    def repeats(self) -> int:
        """The most products that one sample adds to a gradient by weights."""
        terms = (term for node in self.graph.nodes for term in node.terms)
        return max((term.operator.repeats(term.reads) for term in terms), default=1)

    def _ways(self) -> list[Finding]:
        """Whether exactly one way is taken to say the network."""
        given = [way for way in WAYS if getattr(self, way) is not None]
        if not given:
            hint = "or blocks or nodes, with input, where it is no chain of dense layers"
            return [Finding("must be given", ("layers",), hint)]
        return [
            Finding(f"must not be given where network.{given[0]} is", (way,), at_key=False)
            for way in given[1:]
        ]

    def _keys(self) -> list[Finding]:
        """Whether the keys beside it belong to that way."""
        found = []
        if self.way == "layers":
            found += [
                Finding("must be given", (key,))
                for key in ("activation", "parameterisation")
                if getattr(self, key) is None
            ]
            if self.input is not None:
                found.append(Finding("must not be given where network.layers is", ("input",)))
        else:
            if self.input is None:
                found.append(Finding("must be given, the shape of one sample", ("input",)))
            for key in ("skips", "bias"):
                if getattr(self, key):
                    limit = f"false where network.{self.way} says that of each operator"
                    found.append(must_be(limit, True, path=(key,)))
        if self.way == "nodes" and self.activation is not None:
            limit = "left out where network.nodes says which activations there are"
            found.append(must_be(limit, self.activation, path=("activation",)))
        if self.way == "blocks" and self.activation is None:
            hint = "linear adds none"
            found.append(
                Finding("must be given, what stands around dense and conv", ("activation",), hint)
            )
        if self.initialisation == "orthogonal" and self.parameterisation not in ("sp", None):
            limit = "sp where network.initialisation is orthogonal"
            found.append(must_be(limit, self.parameterisation, path=("parameterisation",)))
        if self.way == "layers" and self.placement == "post":
            if self.skips:
                limit = "false where network.placement is post"
                found.append(must_be(limit, True, path=("skips",)))
            if self.parameterisation not in ("sp", None):
                limit = "sp where network.placement is post"
                found.append(must_be(limit, self.parameterisation, path=("parameterisation",)))
        return found

    def _built(self) -> tuple[Graph | None, list[Finding]]:
        """The graph, or what is wrong with its description."""
        parameterisation = self.parameterisation or "sp"
        if self.layers is not None:
            graph = chain(
                self.layers,
                self.activation or "linear",
                bias=self.bias,
                skips=self.skips,
                post=self.placement == "post",
                parameterisation=parameterisation,
            )
            return graph, []
        assert self.input is not None
        nodes, place_of = self.nodes, _same
        if self.blocks is not None:
            found = described(self.blocks, activation=self.activation, placement=self.placement)
            if found.mistakes:
                return None, [_finding(each) for each in found.mistakes]
            nodes, place_of = found.nodes, found.place_of
        try:
            graph = graph_of(self.input, nodes)
        except DescriptionError as error:
            first: dict[Path, Path] = {}
            findings = []
            for mistake in error.mistakes:
                place, node = place_of(mistake.path), mistake.path[:2]
                # A block that is repeated is wrong in the same way each time.
                if first.setdefault(place, node) == node:
                    findings.append(_finding(mistake, place))
            return None, findings
        if parameterisation != "sp" and has_attention(graph):
            limit = "sp where there is attention, whose factors no source states"
            return None, [must_be(limit, parameterisation, path=("parameterisation",))]
        return scaled(graph, parameterisation), []


def _same(path: Path) -> Path:
    return path


def _finding(mistake: Mistake, path: Path | None = None) -> Finding:
    return Finding(
        mistake.said,
        mistake.path if path is None else path,
        mistake.hint,
        at_key=mistake.at_key,
    )
