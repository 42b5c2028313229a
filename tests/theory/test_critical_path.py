"""The step of Jacobi PC in the long run against the timed event graph itself."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pcsim.theory.critical_path import jacobi_makespan, jacobi_step_cycles


@st.composite
def chains(draw):
    depth = draw(st.integers(2, 9))
    times = st.lists(st.integers(1, 50), min_size=depth, max_size=depth)
    short = st.lists(st.integers(0, 6), min_size=depth, max_size=depth)
    hop = draw(st.integers(0, 5))
    return draw(times), draw(times), draw(times), draw(short), draw(short), hop


@given(chains(), st.integers(1, 400))
def test_steps_take_the_largest_cycle_mean_but_for_a_part_that_does_not_grow(chain, steps):
    forward, backward, gradient, update, error, hop = chain
    mean = jacobi_step_cycles(forward, backward, update=update, error=error, hop=hop)
    took = jacobi_makespan(
        forward,
        backward,
        gradient,
        steps=steps,
        wavefront=False,
        update=update,
        error=error,
        hop=hop,
    )
    # A path through the graph is cycles, none with a larger mean, and a way without one: the start, at most
    # one edge for each layer, and the gradient. A critical cycle alone takes the mean, from the second step on.
    start = sum(forward) + (len(forward) - 1) * hop + max(error)
    edges = [
        f + b + u + e + 2 * hop for f, b, u, e in zip(forward, backward, update, error, strict=True)
    ]
    longest_edge = max(forward) + max(backward) + max(update) + max(error) + 2 * hop
    assert took <= steps * mean + start + len(edges) * longest_edge + max(gradient)
    assert took >= (steps - 1) * mean


def test_one_layer_with_itself_or_two_with_each_other_set_the_pace():
    # Alone: 9 + 7 + 3 + 1 + 2 * 2. Together: half of two such with both updates and errors.
    alone = jacobi_step_cycles([5, 9, 1], [5, 7, 1], update=[3, 0, 0], error=[1, 1, 1], hop=2)
    assert alone == 24
    together = jacobi_step_cycles([1, 2], [1, 3], update=[40, 0], error=[90, 1], hop=0)
    assert together == max(Fraction(2 + 3 + 40 + 1), Fraction(2 + 3 + 2 * 40 + 90 + 1, 2)) == 88


def test_equal_products_take_two_slots_a_step():
    assert jacobi_step_cycles([7] * 5, [7] * 5) == 14
