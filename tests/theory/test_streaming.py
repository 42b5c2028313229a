"""Closed forms of weight loads against walks through their visits, and the visits against what they need."""

import itertools

import pytest

from pcsim.theory.streaming import (
    backpropagation_loads,
    feed_forward_visits,
    gauss_seidel_loads,
    gauss_seidel_visits,
    jacobi_loads,
    jacobi_visits,
    loads,
    skewed_loads,
    skewed_visits,
)

SIZES = list(itertools.product((2, 3, 8, 13), (1, 2, 5, 9)))


@pytest.mark.parametrize("layers,steps", SIZES)
def test_closed_forms_are_walks(layers, steps):
    up = list(feed_forward_visits(layers))
    for room in range(1, layers + 2):
        assert loads([*up, *jacobi_visits(layers, steps)], room) == jacobi_loads(
            layers, steps, room
        )
        seidel = loads([*up, *gauss_seidel_visits(layers, steps)], room)
        if room > steps:
            assert seidel == gauss_seidel_loads(layers, steps, room)
        else:
            assert gauss_seidel_loads(layers, steps, room) is None
            assert seidel >= 2 * layers - 1 - room
        assert loads([*up, *reversed(up)], room) == backpropagation_loads(layers, room)


@pytest.mark.parametrize("layers,steps", SIZES)
@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_skewed_visits_come_after_what_they_need_and_load_as_their_closed_form(
    layers, steps, window
):
    done = dict.fromkeys(range(1, layers + 2), 0)
    for layer in skewed_visits(layers, steps, window):
        assert all(
            done[k] >= done[layer] for k in (layer - 1, layer, layer + 1) if 2 <= k <= layers
        )
        done[layer] += 1
    assert all(done[layer] == steps for layer in range(2, layers + 1))
    found = loads(skewed_visits(layers, steps, window), window)
    if window < layers - 1:
        assert abs(found - skewed_loads(layers, steps, window)) <= window
    else:
        assert found == layers - 1


@pytest.mark.parametrize("layers,steps", SIZES)
def test_gauss_seidel_passes_come_after_what_they_need(layers, steps):
    done = dict.fromkeys(range(1, layers + 2), 0)
    for layer in gauss_seidel_visits(layers, steps):
        # The layer above has moved in this pass, the one below in the pass before.
        assert layer == layers or done[layer + 1] > done[layer]
        assert layer == 2 or done[layer - 1] == done[layer]
        done[layer] += 1
    assert all(done[layer] == steps for layer in range(2, layers + 1))


def test_a_walk_forgets_what_was_used_longest_ago():
    assert loads([1, 2, 1, 3, 1, 2], 2) == 4
    assert loads([1, 2, 1, 3, 1, 2], 3) == 3
