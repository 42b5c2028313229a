"""A tile's memory by hand: walks that meet few banks, and buffers that are filled while others are used."""

import itertools
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.machine.units import Product, form_of
from pcsim.network import chain
from pcsim.placement.streaming import on_tile
from pcsim.program import PRODUCTS, Kind, inference
from tests.helpers.programs import bp, pc, run


def product_cycles(kind, m, n, k, *overrides):
    chip = load_hardware("tile64", overrides=("tiles.sram.port=1 B/cycle", *overrides))
    compute = chip.tiles.compute
    return form_of(compute).product(Product(m, n, k, PRODUCTS[kind]), compute, chip).cycles


def test_a_walk_along_columns_meets_a_share_of_the_banks():
    # A weight gradient of 4 inputs and 8 outputs at batch 4 on a 16 x 16 array: 8 + 2 x 16 + 16 - 2 = 54 cycles by
    # itself. Through 4 banks of 1 B a cycle: e 4 x 8, x 4 x 4 and the gradient 8 x 4 words of 4 B, 320 B in 80 cycles.
    # e^T streams by columns of e, whose words are 8 apart: gcd(8, 4) = 4, all in one bank. Its 128 B take four times as
    # long: (320 + 3 x 128) / 4 = 176 cycles.
    gradient, interleaved = Kind.WEIGHT_GRADIENT, "tiles.sram.banking=interleaved"
    assert product_cycles(gradient, 8, 4, 4) == 80
    assert product_cycles(gradient, 8, 4, 4, interleaved) == 176
    # 7 outputs: 7 and 4 have no divisor in common, every bank is met. e 112 B, x 64 B, the gradient 112 B: 72 cycles.
    assert product_cycles(gradient, 7, 4, 4, interleaved) == 72
    # 6 outputs: two of four banks; e 96 B twice as slow: (96 + 64 + 96 + 96) / 4 = 88.
    assert product_cycles(gradient, 6, 4, 4, interleaved) == 88
    # Products with the weights walk along rows, W^T too, since the array reads it from either side.
    for kind in (Kind.PRODUCT_FORWARD, Kind.PRODUCT_BACKWARD):
        assert product_cycles(kind, 4, 8, 8, interleaved) == product_cycles(kind, 4, 8, 8)


def test_an_array_that_walks_w_transposed_meets_a_share_of_the_banks_there():
    # Backward through 8 x 8 weights at batch 4, W read by columns: e 4 x 8 words, W 8 x 8 and the feedback 4 x 8 are
    # 512 B, 128 cycles over 4 banks. The words of a column are 8 apart, in one bank: (512 + 3 x 256) / 4 = 320 cycles.
    walks = ("tiles.compute.transposable=false", "tiles.compute.transpose=walk")
    backward = (Kind.PRODUCT_BACKWARD, 4, 8, 8, *walks)
    assert product_cycles(*backward) == 128
    assert product_cycles(*backward, "tiles.sram.banking=interleaved") == 320


@given(stride=st.integers(1, 300), banks=st.integers(1, 64))
def test_words_of_a_stride_lie_in_banks_over_gcd_banks(stride, banks):
    met = {word * stride % banks for word in range(banks)}
    assert len(met) == banks // gcd(stride, banks)


def test_conflicts_cost_time_but_move_no_byte(tile64):
    program = bp((64, 64, 64, 64), 16, optimiser="sgd")
    runs = []
    for banking in ("skewed", "interleaved"):
        chip = tile64(f"tiles.sram.banking={banking}", "tiles.sram.port=1 B/cycle")
        runs.append(run(program, chip))
    skewed, interleaved = runs
    assert interleaved.makespan_cycles > skewed.makespan_cycles
    timed = ("step", "idle_pe", "array")  # what an array does by the cycle
    for activity in runs:
        assert activity.sram_bytes == skewed.sram_bytes
    moved = [
        {key: many for key, many in activity.counts.items() if key.action not in timed}
        for activity in runs
    ]
    assert moved[0] == moved[1]


WIDTH, LAYERS = 16, 4


def double_buffered(batch, link):
    """A forward pass on one tile with room for the weights of two layers; nothing but links and array take time."""
    program = inference(chain((WIDTH,) * (LAYERS + 1), "linear"), batch=batch)
    settings = [
        "tiles.handover=blocks",
        "tiles.mesh=[1, 1]",
        "tiles.sram.weights=streamed",
        "tiles.sram.port=unlimited",
        "tiles.vector.lanes=unlimited",
        "tiles.vector.latency=0 cycles",
        "tiles.dma.setup=0 cycles",
        f"noc.link={link} B/cycle",
        "dram.channels=1",
        "dram.bandwidth=unlimited",
        "dram.latency=0 s",
    ]
    kept = on_tile(program, load_hardware("tile64", overrides=settings), [1, 2, 3, 4])
    size = sum(kept.values()) + 2 * 4 * WIDTH * WIDTH
    chip = load_hardware("tile64", overrides=(*settings, f"tiles.sram.size={size} B"))
    return run(program, chip)


def test_a_double_buffer_hides_loads_behind_products():
    # A layer's 1024 B of weights take 128 cycles over a link of 8 B; its product at batch 100 takes 100 + 46.
    # The next batch, 6400 B, comes first: the port of the tile is free at 800. Load 1 is exposed: its tail is there at
    # 927. Product 1 in [927, 1073), meanwhile load 2 [928, 1056). Load 3 needs the place of layer 1: [1073, 1201);
    # product 2 [1073, 1219); load 4 [1219, 1347); product 3 [1219, 1365); product 4 [1365, 1511); 800 cycles to
    # give back the output.
    activity = double_buffered(100, 8)
    assert activity.makespan_cycles == 800 + 127 + 4 * 146 + 800 == 2311
    array = next(unit for unit in activity.units if unit.kind == "array")
    assert array.stalled_cycles == {"dram": 927}


def test_products_wait_for_a_double_buffer_that_fills_slowly():
    # 1 B a cycle: loads of 1024 cycles behind one another, products of 48. The next batch takes 128 cycles, the output
    # alike. Before each of the products 2 to 4 the array waits 1024 - 48 cycles.
    activity = double_buffered(2, 1)
    assert activity.makespan_cycles == 128 + 4 * 1024 - 1 + 48 + 128
    array = next(unit for unit in activity.units if unit.kind == "array")
    assert array.stalled_cycles == {"dram": 128 + 1023 + 3 * (1024 - 48)}


@pytest.mark.parametrize("batch,link", [*itertools.product([1, 17, 80, 300], [1, 4, 32])])
def test_a_stage_takes_the_longer_of_load_and_product_and_the_first_load_is_seen(batch, link):
    load, product, words = -(-1024 // link), batch + 46, -(-4 * WIDTH * batch // link)
    stages = load - 1 + (LAYERS - 1) * max(load, product) + product
    assert double_buffered(batch, link).makespan_cycles == words + stages + words


@pytest.mark.parametrize("rule", ["pc", "bp"])
def test_time_of_every_unit_adds_up_where_weights_stream(tile64, rule):
    widths = (16,) * 7
    program = pc(widths, wavefront=False) if rule == "pc" else bp(widths, at_once=True)
    settings = ["tiles.mesh=[1, 2]", "tiles.sram.weights=streamed", "noc.link=2 B/cycle"]
    kept = on_tile(program, tile64(*settings), [1, 2, 3])
    chip = tile64(*settings, f"tiles.sram.size={sum(kept.values()) + 2 * 4 * 16 * 16} B")
    for cold in (False, True):
        activity = run(program, chip, cold=cold)
        for unit in activity.units:
            spent = unit.busy_cycles + sum(unit.stalled_cycles.values()) + unit.finished_cycles
            assert spent == activity.makespan_cycles, unit.name
            assert min(unit.busy_cycles, unit.finished_cycles, *unit.stalled_cycles.values()) >= 0
