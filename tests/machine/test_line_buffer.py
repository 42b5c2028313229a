"""A line buffer in front of the array: what passes the port of SRAM, what it costs, and how long it takes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.network import graph_of
from pcsim.program import backpropagation, inference
from pcsim.technology import bill, price_list
from pcsim.theory.operators import convolution
from tests.helpers.graphs_at_random import node
from tests.helpers.programs import counted, run

WIDE = ("tiles.compute.rows=4096", "tiles.compute.cols=4096", "tiles.sram.size=1 MiB")
"""Every matrix passes once: no fold of the array is full."""

BEHIND = "tiles.sram.line_buffer=true"


def once(counts):
    """Words of a sample that pass the port: the image, or the windows where these are fewer."""
    return min(counts.words_in, counts.window_words)


@st.composite
def shapes(draw):
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel = draw(st.integers(1, 4))
    how = {
        "filters": groups * draw(st.integers(1, 3)),
        "kernel": kernel,
        "stride": draw(st.integers(1, 5)),
        "padding": draw(st.integers(0, kernel - 1)),
        "groups": groups,
    }
    return (groups * draw(st.integers(1, 3)), *draw(st.tuples(*[st.integers(kernel, 9)] * 2))), how


@settings(deadline=None, max_examples=40)
@given(shape=shapes(), batch=st.integers(1, 4))
def test_each_word_of_an_image_passes_the_port_once_for_every_pass(shape, batch):
    image, how = shape
    counts = convolution(*image, **how)
    network = graph_of(list(image), [node("y", ("x", [["conv2d", {**how, "bias": False}]]))])
    forward = inference(network, batch=batch)
    learning = backpropagation(network, "mse", batch=batch, optimiser="sgd")
    for program, passes in ((forward, 1), (learning, 2)):  # Forward, and its weight gradient.
        runs = []
        for more in ((), (BEHIND,)):
            chip = load_hardware("tile64", overrides=[*WIDE, *more])
            runs.append(run(program, chip))
        words = [counted(run, "sram", "read_byte") // 4 for run in runs]
        saved = counts.window_words - once(counts) if how["kernel"] > 1 else 0
        assert words[0] - words[1] == passes * batch * saved
        handed_on = counts.window_words if how["kernel"] > 1 else 0
        assert counted(runs[1], "line_buffer", "byte") == 4 * passes * batch * handed_on
        assert counted(runs[0], "line_buffer", "byte") == 0
        assert counted(runs[0], "sram", "write_byte") == counted(runs[1], "sram", "write_byte")
        assert runs[1].makespan_cycles <= runs[0].makespan_cycles


@pytest.mark.parametrize("more, words", [((), 4 * 9 * 36), ((BEHIND,), 4 * 64)])
def test_a_narrow_port_is_busy_for_what_passes_it(more, words, tile64):
    how = {"filters": 2, "kernel": 3, "bias": False}
    network = graph_of([4, 8, 8], [node("y", ("x", [["conv2d", how]]))])
    # The 36 x 2 weights fit into one fold of the array; a byte a cycle is slower than the array is.
    narrow = ("tiles.compute.rows=64", "tiles.sram.port=1 B/cycle", "tiles.sram.banks=1")
    chip = tile64(*narrow, *more)
    found = run(inference(network, batch=1), chip)
    (busy,) = (unit.busy_cycles for unit in found.units if unit.kind == "array")
    weights, results = 2 * 4 * 9, 2 * 36
    assert busy == 4 * (words + weights + results)


def test_a_line_buffer_is_priced_as_the_fifo_of_a_dma_engine_and_only_where_there_is_one():
    network = graph_of([1, 8, 8], [node("y", ("x", [["conv2d", {"filters": 2, "kernel": 3}]]))])
    program = inference(network, batch=2)
    without, behind = load_hardware("tile64"), load_hardware("tile64", overrides=[BEHIND])
    key = ("line_buffer", "byte")
    assert key not in price_list(without).prices
    prices = price_list(behind)
    assert prices.prices[key].joules == prices.prices["dma", "byte"].joules
    activity = run(program, behind)
    lines = bill(activity, prices, clock_hz=behind.clock_hz).lines
    paid = sum(line.energy_j for line in lines if line.key == "line_buffer.byte")
    handed_on = 4 * 2 * convolution(1, 8, 8, filters=2, kernel=3).window_words
    assert paid == pytest.approx(handed_on * prices.prices[key].joules, rel=1e-6)
