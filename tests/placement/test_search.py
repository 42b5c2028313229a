"""Tiles that change places: never worse than the snake, the same work, and what random places cost each rule."""

import random
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.machine import simulate
from pcsim.placement import TOPOLOGIES, place
from pcsim.placement.place import moved
from pcsim.placement.search import flows_of, link_bytes, search
from tests.helpers import programs
from tests.helpers.programs import bp

pc = partial(programs.pc, wavefront=False)

DEEP = (784, 128, 128, 128, 10)


def cost(placement):
    return link_bytes(flows_of(placement.tasks), placement.mesh, {})


@pytest.mark.parametrize("rule", [pc, bp])
@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_a_search_lowers_bytes_times_links_where_layers_are_split(tile64, rule, topology):
    program, settings_ = rule(DEEP, 64), (f"noc.topology={topology}",)
    before, chip = place(program, tile64(*settings_)), tile64(*settings_, "tiles.placement=search")
    after = place(program, chip)
    if topology == "bus":  # Every place is as near as any other.
        assert after.groups == before.groups
    else:
        assert cost(after) < cost(before)
    # What the simulation counts over links is that sum.
    activity = simulate(after, chip)
    assert sum(activity.link_bytes.values()) == cost(after)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_search_is_never_worse_than_the_snake_and_the_same_twice(data):
    depth = data.draw(st.integers(1, 5))
    widths = tuple(data.draw(st.lists(st.integers(1, 60), min_size=depth + 1, max_size=depth + 1)))
    chip = load_hardware(
        "tile64",
        overrides=(
            f"tiles.mesh=[{data.draw(st.integers(1, 4))}, {data.draw(st.integers(1, 4))}]",
            f"tiles.sram.size={data.draw(st.sampled_from([64, 256]))} KiB",
            f"noc.topology={data.draw(st.sampled_from(sorted(TOPOLOGIES)))}",
            f"dram.channels={data.draw(st.integers(1, 3))}",
        ),
    )
    program = data.draw(st.sampled_from([pc, bp]))(widths, data.draw(st.integers(1, 9)))
    try:
        snake = place(program, chip)
    except DoesNotFitError:
        reject()
    places = search(snake.tasks)
    assert sorted(places) == sorted(places.values()) == list(range(snake.mesh.tiles))
    assert search(snake.tasks) == places
    found = moved(snake, program, chip, places)
    assert cost(found) == link_bytes(flows_of(snake.tasks), snake.mesh, places) <= cost(snake)


def test_changing_places_changes_no_work_and_no_memory(tile64):
    def others(activity):
        way = ("link_byte", "router_byte")
        return {key: many for key, many in activity.counts.items() if key.action not in way}

    program = pc(DEEP, 64)
    plain, searching = tile64(), tile64("tiles.placement=search")
    before, after = place(program, plain), place(program, searching)
    assert others(simulate(before, plain)) == others(simulate(after, searching))
    assert sorted(before.peak_bytes.values()) == sorted(after.peak_bytes.values())


def test_streamed_weights_may_change_places_too(tile64):
    streamed = ("tiles.sram.weights=streamed", "tiles.mesh=[2, 2]", "dram.channels=1")
    program = bp((32,) * 6, 4)
    before = place(program, tile64(*streamed))
    chip = tile64(*streamed, "tiles.placement=search")
    after = place(program, chip)
    assert cost(after) <= cost(before)
    assert sorted(after.windows.values()) == sorted(before.windows.values())
    assert after.windows.keys() == {group.tiles[0] for group in after.groups}
    assert simulate(after, chip).macs == sum(program.macs().values())


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_random_places_hurt_predictive_coding_1_plus_2t_halves_as_much(ideal, steps):
    # One tile a layer: over a hop states go 1 + T times up and T times down, in backpropagation once each. XY ways
    # there and back are equally long, so whatever random places add to one rule they add (1 + 2 T) / 2
    # times to the other. What comes from DRAM is the same of both rules and left out.
    widths, batch, chip = (32,) * 30, 4, ideal("tiles.mesh=[8, 8]")
    places = list(range(64))
    random.Random(5).shuffle(places)
    added = {}
    for name, program in (("pc", pc(widths, batch, steps)), ("bp", bp(widths, batch))):
        snake = place(program, chip)
        scattered = moved(snake, program, chip, dict(enumerate(places)))

        def between(placement):
            tiles = placement.mesh.tiles
            flows = [flow for flow in flows_of(placement.tasks) if max(flow[0], *flow[1]) < tiles]
            return link_bytes(flows, placement.mesh, {})

        added[name] = between(scattered) - between(snake)
    assert added["bp"] > 0
    assert Fraction(added["pc"], added["bp"]) == Fraction(1 + 2 * steps, 2)
