"""Which tile holds what: splits, sharing, routes, and the error when nothing fits."""

import itertools

import pytest

from pcsim.errors import DoesNotFitError
from pcsim.placement import Link, Mesh, TaskKind, place
from pcsim.placement.groups import split
from pcsim.placement.snake import snake
from pcsim.program import Kind, Role
from tests.helpers.programs import bp, pc


def test_slices_cover_the_layer_once_and_differ_by_at_most_one():
    for width, parts in ((10, 3), (7, 7), (128, 5), (1, 1)):
        slices = split(width, parts)
        assert [unit for part in slices for unit in range(part.start, part.stop)] == list(
            range(width)
        )
        assert max(map(len, slices)) - min(map(len, slices)) <= 1


def test_consecutive_tiles_of_the_snake_are_neighbours():
    for rows, columns in ((8, 8), (1, 5), (3, 4)):
        path = snake(rows, columns)
        assert sorted(path) == list(range(rows * columns))
        for here, there in itertools.pairwise(path):
            (r, c), (rr, cc) = divmod(here, columns), divmod(there, columns)
            assert abs(r - rr) + abs(c - cc) == 1


def test_the_ideal_chip_gives_every_layer_one_tile(ideal):
    placement = place(pc((8,) * 41), ideal())
    assert [len(group.tiles) for group in placement.groups] == [1] * 40
    assert placement.tiles_used == 40


def test_no_tile_keeps_more_than_its_sram_and_the_sum_is_what_the_program_keeps(tile64):
    hardware = tile64()
    for program in (pc((784, 128, 128, 128, 10), 64), bp((784, 128, 128, 128, 10), 64)):
        placement = place(program, hardware)
        assert max(placement.peak_bytes.values()) <= hardware.tiles.sram.size_bytes
        kept = sum(kinds["weight"] for kinds in placement.occupancy_bytes.values())
        assert kept == 4 * (784 * 128 + 2 * 128 * 128 + 128 * 10)
        optimiser = sum(kinds["optimiser"] for kinds in placement.occupancy_bytes.values())
        assert optimiser == 2 * kept


def test_a_hand_computed_tile_of_pc_keeps_these_words(ideal):
    # One layer 6 -> 5 in the middle of a network, batch 3, Adam: weights 30, gradient 30, moments 60;
    # operand 3 x 6, prediction 3 x 5, error 3 x 5, feedback out 3 x 6, and at the owner of the
    # outputs state, phi(state) and incoming feedback, 3 x 5 each.
    placement = place(pc((7, 6, 5, 4), batch=3), ideal())
    tile = placement.groups[1].tiles[0]
    assert placement.occupancy_bytes[tile] == {
        "weight": 4 * 30,
        "gradient": 4 * 30,
        "optimiser": 4 * 60,
        "state": 4 * (18 + 15 + 15 + 15),
        "error": 4 * (15 + 18 + 15),
    }


def test_products_of_a_split_layer_cover_the_whole_product(tile64):
    program = pc((784, 128, 128, 128, 10), 64)
    tasks = place(program, tile64()).tasks
    macs = (tasks.m * tasks.n * tasks.k * tasks.instances())[tasks.kind == TaskKind.PRODUCT].sum()
    assert macs == sum(program.macs().values())


@pytest.mark.parametrize("make", [pc, bp])
def test_words_between_tiles_equal_the_closed_form_of_split_layers(tile64, make):
    # Per use, a layer cut into r_k x r_n slices moves n_in r_n operand copies and n_out (r_k - 1)
    # partial sums forward, n_out (r_k - 1) error copies and n_in (r_n - 1) partial sums backward,
    # and n_in words of feedback down. Layer 1's operand comes from DRAM; it passes nothing down.
    widths, batch, steps = (784, 128, 128, 128, 10), 64, 5
    program = pc(widths, batch, steps, wavefront=False) if make is pc else bp(widths, batch)
    placement = place(program, tile64())
    tasks = placement.tasks
    moved = 0
    for task in range(len(tasks)):
        if tasks.kind[task] == TaskKind.TRANSFER:
            route = tasks.routes[tasks.route[task]]
            if max(route.source, *route.targets) < placement.mesh.tiles:
                copies = len(route.targets) * tasks.size_bytes[task] // 4
                moved += int(copies * tasks.instances()[task])
    expected = 0
    for group in placement.groups:
        layer, r_k, r_n = group.layer, len(group.inputs), len(group.outputs)
        n_in, n_out = widths[layer - 1], widths[layer]
        forwards = 1 + (steps if make is pc and layer > 1 else 0)
        backwards = (steps if make is pc else 1) if layer > 1 else 0
        shares = (1 + steps if make is pc else 1) if layer > 1 else 1
        expected += forwards * (n_out * (r_k - 1) + (n_in * r_n if layer > 1 else 0))
        expected += backwards * (n_in * (r_n - 1) + n_in) + shares * n_out * (r_k - 1)
    assert moved == batch * expected


def test_layers_share_a_tile_when_tiles_run_out(ideal):
    placement = place(pc((8,) * 11), ideal("tiles.mesh=[2, 2]"))
    assert [group.tiles for group in placement.groups] == [
        *([(0,)] * 3), *([(1,)] * 3), *([(3,)] * 3), (2,)
    ]  # fmt: skip
    transfers = placement.tasks.kind == TaskKind.TRANSFER
    assert 0 < transfers.sum() < 40


def test_a_network_that_does_not_fit_says_what_is_too_large_and_what_would_fit(tile64):
    # Words by hand, batch 64: layer 1 weights, gradient, moments 4 x 100352, two batches of operand
    # 2 x 50176, five arrays of 8192 at its outputs; layers 2 and 3 likewise: 542720 + 122880 + 24064.
    program, small = pc((784, 128, 128, 10), 64), ("tiles.mesh=[2, 2]", "tiles.sram.size=64 KiB")
    with pytest.raises(DoesNotFitError) as caught:
        place(program, tile64(*small))
    assert str(caught.value) == (
        "pc: the network needs 2.63 MiB of tile SRAM before any copies for splitting; tile64 has "
        "4 x 64 KiB = 256 KiB.\n"
        "The largest layer is z1.0.0 (784 x 128) with 2.07 MiB at batch 64.\n"
        "What would fit: tiles.sram.size: 1 MiB, or tiles.mesh: [77, 2]."
    )
    # Each remedy is enough, and the next smaller step is not.
    place(program, tile64(small[0], "tiles.sram.size=1 MiB"))
    place(program, tile64("tiles.mesh=[77, 2]", small[1]))
    for not_enough in ((small[0], "tiles.sram.size=512 KiB"), ("tiles.mesh=[76, 2]", small[1])):
        with pytest.raises(DoesNotFitError):
            place(program, tile64(*not_enough))


def test_a_route_goes_along_the_row_then_the_column_and_a_multicast_shares_its_beginning():
    mesh = Mesh(3, 3, 1)
    assert mesh.path(0, 8) == [0, 1, 2, 5, 8]
    tree = mesh.route(0, [2, 5, 1])
    links = dict(zip(tree.links, tree.hops, strict=True))
    assert links == {
        Link("inject", 0, 0): 0,
        Link("hop", 0, 1): 0,
        Link("hop", 1, 2): 1,
        Link("hop", 2, 5): 2,
        Link("eject", 1, 1): 1,
        Link("eject", 2, 2): 2,
        Link("eject", 5, 5): 3,
    }
    assert (tree.edges, tree.routers, tree.depth, tree.copies) == (3, 4, 3, 3)


def test_dram_channels_are_spread_over_the_first_column():
    mesh = Mesh(8, 8, 2)
    assert [mesh.router(mesh.dram_node(channel)) for channel in range(2)] == [2 * 8, 6 * 8]


def test_the_number_of_tasks_does_not_depend_on_the_number_of_steps(tile64):
    few, many = (
        len(place(pc((784, 128, 128, 10), 8, steps), tile64()).tasks) for steps in (2, 900)
    )
    assert few == many


def test_every_role_of_an_exchange_is_expanded(tile64):
    names = {name for name in place(pc((784, 128, 128, 10), 64), tile64()).tasks.names}
    for role in (Role.STATE, Role.FEEDBACK, Role.ERROR, Role.INPUT, Role.TARGET, Role.WEIGHTS):
        assert any(name.startswith(f"{Kind.EXCHANGE}.{role}") for name in names), role
