"""How many tiles parts get by their work: whole blocks, fair shares, room for all of it."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement import Allocation, space
from pcsim.placement.balance import apart
from pcsim.placement.groups import Split
from pcsim.placement.needs import LayerNeeds, Room
from pcsim.placement.work import Rates, UsefulCut, useful_cuts, work_of
from tests.helpers.chips_at_random import SLOW, chip_settings, networks
from tests.helpers.programs import bp

WORK = "tiles.allocation=work"


@pytest.mark.parametrize("kind", ["systolic", "simd", "serial"])
def test_a_unit_that_is_not_filled_gains_nothing_from_smaller_products(kind):
    compute = {
        "systolic": "{kind: systolic, rows: 16, cols: 16, dataflow: ws, transposable: true}",
        "simd": "{kind: simd, lanes: 16, tree: 16, transposable: true}",
        "serial": "{kind: serial, cores: 16, transposable: true}",
    }[kind]
    tiles = load_hardware("tile64", overrides=[f"tiles.compute={compute}"]).tiles

    def rounds(n):
        return tiles.compute.rounds(64, n, 48, tiles.formats, by_weights=True)

    assert rounds(1) == rounds(9) == rounds(16) == rounds(32) / 2 == rounds(160) / 10


cuts = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 60)),
    min_size=1,
    max_size=5,
    unique_by=lambda c: c[0],
).map(
    lambda pairs: [
        UsefulCut(rounds, 0, Split(1, tiles))
        for (tiles, _), rounds in zip(
            sorted(pairs), sorted((r for _, r in pairs), reverse=True), strict=True
        )
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(cuts, min_size=1, max_size=4), st.integers(1, 20))
def test_side_by_side_the_busiest_tile_has_as_little_to_do_as_possible(parts, tiles):
    found = apart(parts, tiles)
    fitting = [
        max(cut.rounds for cut in chosen)
        for chosen in product(*parts)
        if sum(cut.parts.tiles for cut in chosen) <= tiles
    ]
    if not fitting:
        assert found is None
        return
    chosen = [
        min(cut.rounds for cut in each if cut.parts == split)
        for each, (split, _) in zip(parts, found, strict=True)
    ]
    assert max(chosen) == min(fitting)
    taken = [at for split, start in found for at in range(start, start + split.tiles)]
    assert taken == list(range(len(taken))) and len(taken) <= tiles


@settings(max_examples=60, **SLOW)
@given(
    networks(),
    chip_settings(),
    st.sampled_from(["apart", "together"]),
    st.integers(1, 16),
    st.sampled_from([4, 16, 64]),
)
def test_whatever_is_chosen_has_room(program, chosen, way, times, size):
    chip = load_hardware("tile64", overrides=[*chosen, WORK, f"tiles.sram.size={size} KiB"])
    rows, columns = chip.tiles.mesh
    try:
        found = space(program, chip, allocation=Allocation(way, times), explain=False)
    except DoesNotFitError:
        return
    assert found.fullest_bytes <= size << 10
    tiles = [tile for group in found.groups for tile in group.tiles]
    assert set(tiles) <= set(range(rows * columns))
    if way == "apart":
        assert len(set(tiles)) == len(tiles) <= times


def test_crossbars_have_room_for_all_parts_that_share_a_tile():
    chip = load_hardware("crossbar64", overrides=["tiles.mesh=[2, 2]", WORK])
    program = bp((64, 100, 90, 80, 10), 4)
    found = space(program, chip, allocation=Allocation("together", 4))
    compute, formats = chip.tiles.compute, chip.tiles.formats
    taken = dict.fromkeys(range(4), 0)
    for group in found.groups:
        for i, j, tile in group.members():
            widths = len(group.inputs[i]), len(group.outputs[j])
            taken[tile] += compute.blocks_of(*widths, formats, both_ways=group.layer > 1)
    assert max(taken.values()) <= compute.arrays


@settings(max_examples=40, **SLOW)
@given(networks(), st.integers(1, 24))
def test_cuts_that_are_worth_having_leave_less_to_do(program, tiles):
    chip = load_hardware("tile64", overrides=[WORK])
    for part, work in enumerate(work_of(program), start=1):
        needs = LayerNeeds.of(program, part, chip.tiles.formats)
        found = useful_cuts(work, needs, Rates.of(chip), Room(None), tiles)
        assert found[0].parts.tiles == 1
        numbers = [cut.parts.tiles for cut in found]
        assert numbers == sorted(set(numbers)) and numbers[-1] <= tiles
        rounds = [cut.rounds for cut in found]
        assert rounds == sorted(set(rounds), reverse=True)
