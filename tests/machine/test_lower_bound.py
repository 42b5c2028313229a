"""The lower bound of an update: never above what any placement takes, and equal to it where nothing is wasted."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.machine import lower_bound, simulate
from pcsim.machine.units.systolic import product_cost
from tests.helpers.chips_at_random import SLOW, chip_settings, networks, placed
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import bp, graph_bp, graph_pc, pc


def never_above(program, chip):
    activity = simulate(placed(program, chip), chip)
    bound = lower_bound(program, chip, dram_bytes=activity.dram_bytes)
    assert bound.cycles == max(bound.causes.values()) == bound.causes[bound.cause]
    assert bound.cycles <= activity.makespan_cycles


@settings(max_examples=60, **SLOW)
@given(networks(), chip_settings(), st.sampled_from(["work", "fewest"]))
def test_no_update_of_a_chain_is_shorter(program, chosen, allocation):
    never_above(
        program, load_hardware("tile64", overrides=[*chosen, f"tiles.allocation={allocation}"])
    )


@settings(max_examples=20, **SLOW)
@given(st.sampled_from([graph_pc, graph_bp]), st.integers(0, 200), chip_settings())
def test_no_update_of_a_graph_is_shorter(rule, seed, chosen):
    never_above(rule(graph(seed)), load_hardware("tile64", overrides=chosen))


@settings(max_examples=40, **SLOW)
@given(
    networks(),
    st.sampled_from(
        [
            "{kind: simd, lanes: 8, tree: 4, transposable: true}",
            "{kind: serial, cores: 8, transposable: false, transpose: walk}",
            "{kind: systolic, rows: 8, cols: 4, dataflow: os, drain: serial, transposable: true}",
            "{kind: systolic, rows: 4, cols: 8, dataflow: is, transposable: true}",
            "{kind: systolic, rows: 8, cols: 8, dataflow: ws, edges: trimmed, transposable: true}",
        ]
    ),
    st.sampled_from(["shared", "own"]),
)
def test_nor_with_any_kind_of_compute_unit(program, compute, gradients):
    given_ = (f"tiles.compute={compute}", f"tiles.gradients={gradients}", "tiles.mesh=[2, 2]")
    never_above(program, load_hardware("tile64", overrides=given_))


@settings(max_examples=20, **SLOW)
@given(st.lists(st.integers(1, 70), min_size=2, max_size=5), st.integers(1, 20))
def test_on_one_tile_that_waits_for_nothing_backpropagation_takes_just_that(widths, batch):
    chip = load_hardware("ideal", overrides=["tiles.mesh=[1, 1]"])
    program = bp(tuple(widths), batch)
    bound = lower_bound(program, chip, dram_bytes=0)

    def cycles(m, n, k):
        return product_cost(m, n, k, rows=16, cols=16, dataflow="ws").cycles

    pairs = list(pairwise(widths))
    work = sum(cycles(batch, b, a) + cycles(b, a, batch) for a, b in pairs)
    work += sum(cycles(batch, a, b) for a, b in pairs[1:])
    assert bound.causes["array"] == work == simulate(placed(program, chip), chip).makespan_cycles


def test_the_longest_chain_goes_through_every_step():
    chip = load_hardware("ideal")
    depth, steps = 4, 7
    program = pc((16,) * (depth + 1), 16, steps, wavefront=False)
    # L + 2 T + 1 products one after the other, each of which a first row passes in R + C - 1 cycles.
    found = lower_bound(program, chip, dram_bytes=0).causes["dependence"]
    assert found == (depth + 2 * steps + 1) * 31
    assert lower_bound(bp((16,) * (depth + 1), 16), chip, dram_bytes=0).causes["dependence"] == (
        2 * depth * 31
    )


def test_dram_takes_its_bytes_over_the_bandwidth_of_all_channels():
    chip = load_hardware("tile64", overrides=["clock=1 GHz", "dram.channels=4"])
    bound = lower_bound(bp((4, 4)), chip, dram_bytes=51_200_000)
    assert (bound.cause, bound.cycles) == ("dram", 1_000_000)  # 51.2 MB at 4 x 12.8 GB/s is 1 ms.
