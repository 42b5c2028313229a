"""In which arithmetic does a graph train? Its weights as the chip holds them, and the numbers of all that is rounded.

Weights with rows are numbered first, the others behind them, as the weights and biases of a chain are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcsim.engine.arithmetic import arithmetic_of
from pcsim.engine.graph.model import by_place, views
from pcsim.engine.kernels import layout
from pcsim.engine.kernels.arithmetic import LEARNING, READ, TENSORS, UPDATED, Arithmetic, moment
from pcsim.engine.kernels.rounded_samples import (
    look_at_cells,
    round_parameter,
    step_parameter,
    write_cells,
)
from pcsim.engine.numerics.coding import Code
from pcsim.engine.numerics.random_bits import stream
from pcsim.engine.operators.rounding import PRODUCTS, SITES, Rounding, TermPlace
from pcsim.network import INPUT, Graph, Term
from pcsim.network.operators import Scale, size

if TYPE_CHECKING:
    from pcsim.config import Numerics


@dataclass(frozen=True)
class Parameter:
    """One learnt array among all: where it lies, its number and rows, and the factor that its product has."""

    key: str
    begin: int
    end: int
    number: int
    rows: int
    scale: float
    cells: bool  # whether analog cells hold it where there are any


class GraphArithmetic:
    """The flat ``weights`` of an optimiser, which are rounded in place, and ``read``, what products read of them."""

    def __init__(
        self, numerics: Numerics, graph: Graph, weights: np.ndarray, *, seed: int, dtype: str
    ) -> None:
        self.graph, self.weights = graph, weights
        self.numbers: Arithmetic = arithmetic_of(numerics, dtype, weights, seed=seed, layers=0)
        scales = scales_of(graph)
        uses = Counter(term.weights for term in _terms(graph) if term.parameters)
        self.parameters = parameters_of(graph, scales, uses)
        places, sums_from = places_of(graph, scales, uses)
        self.rounding = Rounding(self.numbers, places, sums_from)
        self.rounding.seen = by_place(views(graph, self.numbers.transposed))
        for each in self.parameters:
            self._round(weights, each, self.numbers.updated, int(UPDATED), 0)
        self.write(0)

    @property
    def read(self) -> np.ndarray:
        """The flat weights as products read them."""
        return self.numbers.read

    def write(self, count: int) -> None:
        """What products read after the ``count``-th step of the weights."""
        numbers = self.numbers
        if numbers.copied:
            numbers.read[:] = self.weights
        for each in self.parameters:
            if numbers.copied:
                self._round(numbers.read, each, numbers.weight, int(READ), count)
            if numbers.analog and each.cells:
                key = np.uint64(stream(numbers.write_seed, each.number, count))
                write_cells(numbers.read[each.begin : each.end], numbers.write_noise, key)
        self._look()

    def rewrite(self, count: int) -> None:
        """``write`` of weights that were kept then: where they are held once, they are as they were written."""
        if self.numbers.copied:
            self.write(count)
        else:
            self._look()

    def _look(self) -> None:
        """What is seen of analog cells from the other side, and how large the largest is."""
        numbers = self.numbers
        for each in self.parameters:
            if numbers.analog and each.cells:
                here = slice(each.begin, each.end)
                key = np.uint64(stream(numbers.mismatch_seed, each.number, 0))
                cells, seen = numbers.read[here], numbers.transposed[here]
                place, _, name = each.key.rpartition(".")
                largest = look_at_cells(cells, seen, numbers.mismatch, key)
                self.rounding.largest[place, name] = float(largest)

    def step(
        self,
        optimiser: layout.Optimiser,
        count: int,
        factor: float,
        product: np.ndarray,
        parameters: layout.Parameters,
    ) -> None:
        """The ``count``-th step of all weights; ``factor`` times ``product`` is their gradient."""
        for each in self.parameters:
            here = slice(each.begin, each.end)
            step_parameter(
                optimiser,
                count,
                factor,
                each.scale,
                product[here],
                parameters.weights[here],
                parameters.first[here],
                parameters.second[here],
                each.number,
                each.rows,
                self.numbers,
            )
        self.write(count)

    def scaled(self, product: np.ndarray, factor: float) -> np.ndarray:
        """The gradients of all weights, of what was summed."""
        found = np.empty_like(product)
        for each in self.parameters:
            here = slice(each.begin, each.end)
            found[here] = product[here] * product.dtype.type(factor * each.scale)
        return found

    def _round(
        self, flat: np.ndarray, each: Parameter, code: Code, tensor: int, count: int
    ) -> None:
        now = int(moment(count, int(LEARNING)))
        key = np.uint64(stream(self.numbers.seed, each.number * int(TENSORS) + tensor, now))
        round_parameter(flat[each.begin : each.end], each.rows, code, key)


def scales_of(graph: Graph) -> dict[str, float]:
    """The factors right behind each term with products, multiplied, by the term's place."""
    found: dict[str, float] = {}
    for node in graph.nodes:
        for terms in (*(branch.terms for branch in node.branches), node.then):
            product = ""
            for term in terms:
                if isinstance(term.operator, Scale) and product:
                    found[product] *= term.operator.by
                    continue
                product = term.at if term.operator.name in PRODUCTS else ""
                if product:
                    found[product] = 1.0
    return found


def parameters_of(
    graph: Graph, scales: dict[str, float], uses: Counter[str]
) -> tuple[Parameter, ...]:
    """All that is learnt, in the order of the graph."""
    with_rows = sum(len(shape) > 1 for shape in graph.parameters.values())
    numbers = {True: 0, False: with_rows}
    found, at = [], 0
    for key, shape in graph.parameters.items():
        rows = len(shape) > 1
        numbers[rows] += 1
        owner = graph.owners[key]
        scale = scales.get(owner.at, 1.0) if uses[owner.weights] == 1 else 1.0
        end = at + size(shape)
        cells = rows and owner.operator.name in PRODUCTS
        count = shape[0] if rows else 1
        found.append(Parameter(key, at, end, numbers[rows], count, scale, cells))
        at = end
    return tuple(found)


def places_of(
    graph: Graph, scales: dict[str, float], uses: Counter[str]
) -> tuple[dict[str, TermPlace], int]:
    """The numbers of every term, and behind which number those of sums of branches begin."""
    products = sum(PRODUCTS.get(term.operator.name, 0) for term in _terms(graph))
    site = max(products, len(graph.nodes)) + 1
    direct = {
        branch.terms[0].at
        for node in graph.nodes
        for branch in node.branches
        if branch.source == INPUT and branch.terms
    }
    places, product = {}, 1
    for term in _terms(graph):
        count = PRODUCTS.get(term.operator.name, 0)
        factor = scales.get(term.at, 1.0) if uses[term.weights] > 1 else 1.0
        number = product if count else 0
        places[term.at] = TermPlace(number, products, site, term.at in direct, factor)
        product += count
        site += SITES
    return places, site


def _terms(graph: Graph) -> list[Term]:
    return [term for node in graph.nodes for term in node.terms]
