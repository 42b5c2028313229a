"""Multiply-accumulates and words of convolution and attention, in closed form, a sample each.

A convolution of f filters over c channels, with windows of k x k, stride s, padding p and g groups, has
h' = floor((h + 2 p - k) / s) + 1 rows of windows and as many columns; every filter multiplies c / g k^2 values at each.
Attention of S tokens and n features multiplies 4 n^2 weights by each token, and in all heads together S^2 n values for
scores and as many for the mean of values. Back, each product by weights is as large again; a product of two states has
two pulls.
"""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.network import Graph, Term, fronts
from pcsim.network.operators import Attention, Conv2d, Dense, size


@dataclass(frozen=True)
class ProductCounts:
    """Of one operator and one sample: multiply-accumulates of each pass, weights, and words of operand and result.

    ``first`` are the multiply-accumulates of the last product of the pull, which gives the error of the operand; the
    rest of ``pull`` lies before it. ``window_words`` are the operand's windows, word for word.
    """

    forward: int
    pull: int
    first: int
    gradient: int
    weights: int
    words_in: int
    words_out: int
    window_words: int


def convolution(
    channels: int,
    height: int,
    width: int,
    *,
    filters: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> ProductCounts:
    """A convolution of a ``height`` x ``width`` image."""
    rows = (height + 2 * padding - kernel) // stride + 1
    columns = (width + 2 * padding - kernel) // stride + 1
    weights = filters * (channels // groups) * kernel**2
    macs = weights * rows * columns
    words = channels * height * width, filters * rows * columns
    windows = channels * kernel**2 * rows * columns
    return ProductCounts(macs, macs, macs, macs, weights, *words, windows)


def attention(tokens: int, features: int) -> ProductCounts:
    """Attention of any number of heads, causal or not."""
    projections, states = 4 * tokens * features**2, 2 * tokens**2 * features
    words = tokens * features
    return ProductCounts(
        projections + states,
        projections + 2 * states,
        3 * tokens * features**2,
        projections,
        4 * features**2,
        words,
        words,
        words,
    )


def dense(rows: int, features: int, units: int) -> ProductCounts:
    """A dense map of each of ``rows`` tokens, or of one sample's features."""
    macs = rows * features * units
    words = rows * features
    return ProductCounts(macs, macs, macs, macs, features * units, words, rows * units, words)


def products_of(term: Term) -> ProductCounts | None:
    """Those of a term; None where it multiplies nothing."""
    operator, reads = term.operator, term.reads
    if isinstance(operator, Conv2d):
        return convolution(
            *reads,
            filters=operator.filters,
            kernel=operator.kernel,
            stride=operator.stride,
            padding=operator.padding,
            groups=operator.groups,
        )
    if isinstance(operator, Attention):
        return attention(*reads)
    if isinstance(operator, Dense):
        rows = 1
        for side in reads[:-1]:
            rows *= side
        return dense(rows, reads[-1], operator.units)
    return None


def backpropagation_macs(graph: Graph, batch: int) -> tuple[int, int, int]:
    """Forward, pull and gradient of one update: nothing is pulled back to the input."""
    forward = pull = gradient = 0
    for node in graph.nodes:
        for branch in node.branches:
            counts = [each for each in map(products_of, branch.terms) if each]
            pull += sum(each.pull for each in counts)
            computes = _computes_before_products(branch.terms)
            if branch.source == 0 and counts and not computes:
                pull -= counts[0].first
        counts = [each for each in map(products_of, node.then) if each]
        pull += sum(each.pull for each in counts)
        every = [each for each in map(products_of, node.terms) if each]
        forward += sum(each.forward for each in every)
        gradient += sum(each.gradient for each in every)
    return batch * forward, batch * pull, batch * gradient


def _computes_before_products(terms: tuple[Term, ...]) -> bool:
    """Whether steps stand before the first product that may have something to learn, as of the input's positions."""
    for term in terms:
        if products_of(term) is not None:
            return False
        if term.operator.name not in ("flatten", "tokens", "patches"):
            return True
    return False


def predictive_coding_macs(
    graph: Graph, batch: int, *, steps: int, wavefront: bool
) -> tuple[int, int, int]:
    """Forward, pull and gradient of one update by T Jacobi steps, where what reads the input alone is predicted once.

    A branch is predicted at the start and in every step in which its source moves; the last product of its pull runs
    in every step after its node's error could differ from zero, what lies before that product already with the error.
    Of branches from the input the pull stops at the first part, at the end.
    """
    front = fronts(graph)
    output = graph.output.number

    def steps_from(first: int | None) -> int:
        return 0 if first is None else max(0, steps - first + 1)

    forward = pull = gradient = 0
    for node in graph.nodes:
        number = node.number
        error = front.first_error[number] if wavefront else 0
        errors = steps_from(None if error is None else max(1, error))
        pulls = steps_from(None if error is None else error + 1)
        formed = errors + (number == output or not wavefront)
        credited = error is not None and error <= steps
        anew = 0
        for branch in node.branches:
            counts = [each for each in map(products_of, branch.terms) if each]
            moved = front.first_move[branch.source] if branch.source else None
            if branch.source and not wavefront:
                moved = 1
            again = steps_from(moved) if branch.source else 0
            anew = max(anew, again)
            forward += (1 + again) * sum(each.forward for each in counts)
            if not counts:
                continue
            before = sum(each.pull for each in counts) - counts[0].first
            computes = _computes_before_products(branch.terms)
            if branch.source:
                learns = any(
                    term.parameters for term in branch.terms[: _first_product(branch.terms)]
                )
                pull += formed * before + (pulls + (credited and learns)) * counts[0].first
            elif credited:
                pull += before + (counts[0].first if computes else 0)
        counts = [each for each in map(products_of, node.then) if each]
        forward += (1 + anew) * sum(each.forward for each in counts)
        inside = any(branch.source for branch in node.branches)
        pull += (formed if inside else credited) * sum(each.pull for each in counts)
        if credited:
            every = [each for each in map(products_of, node.terms) if each]
            gradient += sum(each.gradient for each in every)
    return batch * forward, batch * pull, batch * gradient


def _first_product(terms: tuple[Term, ...]) -> int:
    """How many terms stand before the first product."""
    return next((at for at, term in enumerate(terms) if products_of(term)), len(terms))


def exchanged_words(graph: Graph, batch: int) -> int:
    """Words that move between parts in one forward pass; backpropagation moves as many back.

    Every product's operand moves to it, but what the input brings; attention's products of states are fed 3 n words a
    token, and give n. A branch moves to where branches are summed, unless it is the first that ends in a product.
    """
    words = 0
    for node in graph.nodes:
        joined = False
        for branch in node.branches:
            moved = [each for term in branch.terms for each in _operands(term)]
            apart = branch.source == 0 and (not moved or _computes_before_products(branch.terms))
            words += sum(moved[1:] if branch.source == 0 and not apart else moved)
            if (moved or apart) and not joined:
                joined = True
            else:
                words += size(branch.gives)
        words += sum(each for term in node.then for each in _operands(term))
    return batch * words


def _operands(term: Term) -> list[int]:
    """Words of the operand of each product of a term, a sample."""
    if products_of(term) is None:
        return []
    words = size(term.reads)
    return [words, 3 * words, words] if isinstance(term.operator, Attention) else [words]
