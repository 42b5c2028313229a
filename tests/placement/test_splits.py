"""The smallest split of a layer against a walk over all splits; what would fit against trying it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.errors import DoesNotFitError
from pcsim.placement import place, space
from pcsim.placement.blocks import Blocks
from pcsim.placement.needs import LayerNeeds, Room
from pcsim.placement.remedies import smallest
from pcsim.placement.splits import Split, smallest_split
from tests.helpers.programs import bp

RESIDENT = (
    "tiles.compute={kind: systolic, transposable: false, transpose: copy, rows: 2, cols: 3, "
    "dataflow: ws, resident_folds: FOLDS}"
)


def walked(program, formats, room, tiles, *, shares):
    """The fewest tiles over which any split fits, tried one after the other."""
    needs = LayerNeeds.of(program, 1, formats)
    fitting = [
        samples * inputs * outputs
        for samples in range(1, min(shares, tiles) + 1)
        for inputs in range(1, min(needs.n_in, tiles // samples) + 1)
        for outputs in range(1, min(needs.n_out, tiles // samples // inputs) + 1)
        if room.holds(needs, Split(inputs, outputs, samples))
    ]
    return min(fitting, default=None)


@settings(max_examples=200, deadline=None)
@given(
    n_in=st.integers(1, 60),
    n_out=st.integers(1, 60),
    batch=st.integers(1, 40),
    tiles=st.integers(1, 70),
    sram=st.integers(16, 30_000),
    folds=st.integers(0, 60),
    narrow=st.booleans(),
)
def test_the_smallest_split_is_that_of_a_walk_over_all(
    n_in, n_out, batch, tiles, sram, folds, narrow
):
    changed = [RESIDENT.replace("FOLDS", str(folds))] if folds else []
    changed += ["tiles.formats.weight=bfp8/16"] if narrow else []
    chip = load_hardware("tile64", overrides=changed)
    program = bp((n_in, n_out, 3), batch)
    blocks, formats = Blocks.of(program, chip), chip.tiles.formats
    found = smallest_split(program, 1, formats, capacity_bytes=sram, tiles=tiles, blocks=blocks)
    shares = 1 if folds else batch  # Units that keep weights keep them once.
    fewest = walked(program, formats, Room.of(1, sram, blocks), tiles, shares=shares)
    assert (found and found.tiles) == fewest


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 50))
def test_the_smallest_number_that_is_enough_is_found(low, more, least):
    high = low + more
    expected = next((n for n in range(low, high + 1) if n >= least), None)
    assert smallest(low, high, lambda n: n >= least) == expected


@pytest.mark.parametrize("mesh", ["[1, 1]", "[2, 3]"])
@pytest.mark.parametrize("folds", [0, 400, 4000])
def test_what_is_said_to_fit_fits_and_a_smaller_mesh_does_not(mesh, folds):
    changed = ["tiles.sram.size=16 KiB", "tiles.sram.banks=1", f"tiles.mesh={mesh}"]
    changed += [RESIDENT.replace("FOLDS", str(folds))] if folds else []
    program = bp((90, 70, 50, 10), 16)
    with pytest.raises(DoesNotFitError) as caught:
        place(program, load_hardware("tile64", overrides=changed))
    remedies = re.findall(r"(tiles\.[a-z._]+: (?:\[.*?\]|[^,.]+))[,.]", str(caught.value))
    assert remedies
    for remedy in remedies:
        path, value = remedy.split(": ")
        space(program, load_hardware("tile64", overrides=[*changed, f"{path}={value}"]))
        if value.startswith("["):
            rows, columns = map(int, value.strip("[]").split(","))
            fewer = [rows - 1, columns] if rows > 1 else [rows, columns - 1]
            with pytest.raises(DoesNotFitError):
                chip = load_hardware("tile64", overrides=[*changed, f"{path}={fewer}"])
                space(program, chip)


def test_the_space_that_is_told_is_that_of_the_placement():
    program = bp((784, 128, 10), 64)
    chip = load_hardware("tile64")
    found, placed = space(program, chip), place(program, chip)
    assert found.occupancy_bytes == placed.occupancy_bytes
    assert found.groups == placed.groups
    assert found.fullest_bytes == max(placed.peak_bytes.values())
