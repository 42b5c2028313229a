"""Transfers on a mesh, computed by hand to the cycle."""

from hypothesis import given
from hypothesis import strategies as st

from pcsim.placement import Mesh
from tests.helpers.transfers import run, starts

HOP = 4  # router 3 cycles + link 1 cycle


# The 2 x 2 mesh:   0 - 1
#                   |   |
#                   2 - 3


def test_a_single_transfer_takes_hops_times_hop_latency_plus_flits_minus_one():
    mesh = Mesh(2, 2, 1)
    assert run([(0, 0, 0, [3], 5)], mesh) == [(0, 2 * HOP + 5 - 1)]
    assert run([(7, 0, 2, [3], 1)], mesh) == [(7, 7 + HOP)]


def test_two_transfers_contend_for_one_link_of_a_2x2_mesh():
    # A: tile 0 -> 3 (links 0>1, 1>3), 6 flits, asked at 0.  B: tile 1 -> 3 (link 1>3), 6 flits, at 2.
    # A starts at 0: takes link 0>1 in [0, 6), link 1>3 one hop later in [4, 10), the port of tile 3
    #   another hop later in [8, 14); its tail arrives at 0 + 2 x 4 + 6 - 1 = 13.
    # B would take link 1>3 in [2, 8), which overlaps [4, 10), so it must wait for cycle 10; the port of
    #   tile 3 is then wanted in [14, 20), free. B starts at 10, its tail arrives at 10 + 4 + 6 - 1 = 19.
    asks = [(0, 1, 0, [3], 6), (2, 2, 1, [3], 6)]
    assert run(asks, Mesh(2, 2, 1)) == [(0, 13), (10, 19)]


def test_a_short_transfer_fits_before_the_head_of_a_longer_way_arrives():
    # As above, but B has 2 flits and asks at 0: link 1>3 in [0, 2) and the port of tile 3 in [4, 6) are
    # free before A's head gets there at 4 and 8.
    asks = [(0, 1, 0, [3], 6), (0, 2, 1, [3], 2)]
    assert run(asks, Mesh(2, 2, 1)) == [(0, 13), (0, 5)]


def test_requests_of_one_instant_are_served_by_key_whoever_asks_first():
    # Both want link 0>1 for 5 flits at time 3: the lower key goes first, the other 5 cycles later.
    first, second = (3, 1, 0, [1], 5), (3, 2, 0, [3], 5)
    assert run([first, second], Mesh(2, 2, 1)) == [(3, 11), (8, 20)]
    assert run([second, first], Mesh(2, 2, 1)) == [(8, 20), (3, 11)]


def test_a_multicast_occupies_its_tree_once_and_arrives_last_at_the_farthest_tile():
    # 0 -> {1, 3}: one stream crosses link 0>1, is copied there, and goes on to 3; 4 flits.
    # A second transfer 0 -> 1 must wait for link 0>1 (and the injection port) until cycle 4.
    asks = [(0, 1, 0, [1, 3], 4), (0, 2, 0, [1], 4)]
    assert run(asks, Mesh(2, 2, 1)) == [(0, 2 * HOP + 3), (4, 4 + HOP + 3)]


# The 3 x 3 mesh:   0 - 1 - 2
#                   |   |   |
#                   3 - 4 - 5
#                   |   |   |
#                   6 - 7 - 8


def test_five_transfers_two_of_them_multicasts_contend_on_a_3x3_mesh():
    # A: 0 -> {2, 6, 8}, 5 flits, at 0. Its tree, each link taken for 5 cycles from when the head gets there:
    #      0>1 [0, 5)   1>2 [4, 9)   port of 2 [8, 13)   2>5 [8, 13)   5>8 [12, 17)   port of 8 [16, 21)
    #      0>3 [0, 5)   3>6 [4, 9)   port of 6 [8, 13)
    #    Starts at 0; the last tail, at tile 8 after 4 hops, is there at 4 x 4 + 4 = 20.
    # B: 1 -> 5, 6 flits, at 0, after A. Wants 1>2 in [0, 6): A has it in [4, 9), so B cannot start before 9.
    #      1>2 [9, 15)   2>5 [13, 19), just behind A's [8, 13)   port of 5 [17, 23)
    #    Starts at 9; there at 9 + 2 x 4 + 5 = 22.
    # C: 3 -> {4, 8}, 4 flits, at 2. Wants 5>8 two hops later, in [10, 14): A has it in [12, 17). Starts at 17 - 8 = 9.
    #      3>4 [9, 13)   port of 4 [13, 17)   4>5 [13, 17)   5>8 [17, 21)   port of 8 [21, 25), just behind A's
    #    There at 9 + 3 x 4 + 3 = 24. The links of its tree near its source stay free until 9.
    # D: 6 -> 2, 2 flits, at 3: along the row to 8, then up. 8>5 and 5>2 are the other directions of A's links; the
    #    port of 2 is wanted in [19, 21), A has left it at 13. Starts at 3; there at 3 + 4 x 4 + 1 = 20.
    # E: 0 -> 1, 1 flit, at 4. The port of 0 and 0>1 are A's until 5. Starts at 5; there at 5 + 4 = 9.
    asks = [
        (0, 1, 0, [2, 6, 8], 5),
        (0, 2, 1, [5], 6),
        (2, 3, 3, [4, 8], 4),
        (3, 4, 6, [2], 2),
        (4, 5, 0, [1], 1),
    ]
    assert run(asks, Mesh(3, 3, 1)) == [(0, 20), (9, 22), (9, 24), (3, 20), (5, 9)]
    # C at 2 finds 3>4 free until 9: a short transfer over it goes in between, F: 3 -> 4, 2 flits, asked at 3.
    between = [*asks, (3, 6, 3, [4], 2)]
    assert run(between, Mesh(3, 3, 1))[-1] == (3, 3 + 4 + 1)


def test_opposite_directions_of_a_link_do_not_contend():
    asks = [(0, 1, 0, [1], 9), (0, 2, 1, [0], 9)]
    assert run(asks, Mesh(2, 2, 1)) == [(0, HOP + 8), (0, HOP + 8)]


def first_free(asks, routes, router, link):
    """As `transfers.starts`, cycle by cycle: the first start at which no link is taken in any of its cycles."""
    taken, found = set(), {}
    for name in sorted(range(len(asks)), key=lambda name: asks[name][:2]):
        start, _, flits = asks[name]
        ways = list(zip(routes[name].links, routes[name].hops, routes[name].wires, strict=True))

        def cycles(start, ways=ways, flits=flits):
            return {
                (way, start + hops * router + wire * link + flit)
                for way, hops, wire in ways
                for flit in range(flits)
            }

        while cycles(start) & taken:
            start += 1
        taken |= cycles(start)
        found[name] = start
    return [found[name] for name in range(len(asks))]


TILES = st.integers(0, 8)
ASKS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 9), TILES, st.sets(TILES, min_size=1, max_size=4)),
    min_size=1,
    max_size=14,
)


@given(ASKS, st.integers(0, 3), st.integers(0, 2))
def test_every_transfer_starts_at_the_first_cycle_at_which_all_its_links_are_free(
    asks, router, link
):
    mesh = Mesh(3, 3, 1)
    routes = [mesh.route(source, targets) for _, _, source, targets in asks]
    # The last to ask comes first among those of one instant.
    plain = [(time, len(asks) - rank, flits) for rank, (time, flits, _, _) in enumerate(asks)]
    assert starts(plain, routes, router=router, link=link) == first_free(
        plain, routes, router, link
    )
