"""Programs of uniform chains that go through their weights layer by layer, and a tile with room for few layers."""

from pcsim.network import chain
from pcsim.placement.streaming import on_tile
from pcsim.program import Visits
from tests.helpers.programs import backpropagation, ordered_predictive_coding, predictive_coding

WIDTH, BATCH, LAYERS, STEPS = 8, 2, 12, 4
LAYER_BYTES = 4 * WIDTH * WIDTH


def network(layers):
    return chain((WIDTH,) * (layers + 1), "tanh")


def jacobi(layers, steps, *, window=0, **options):
    return predictive_coding(
        network(layers),
        batch=BATCH,
        steps=steps,
        optimiser="sgd",
        wavefront=False,
        visits=Visits(window),
        **options,
    )


def gauss_seidel(layers, steps):
    return ordered_predictive_coding(
        network(layers),
        batch=BATCH,
        steps=steps,
        order="gauss_seidel",
        optimiser="sgd",
        at_once=True,
    )


def bp(layers, optimiser="sgd"):
    return backpropagation(network(layers), batch=BATCH, optimiser=optimiser, at_once=True)


def with_room(tile64, program, layers, *overrides):
    """One tile whose window holds the weights of that many layers, and nothing of the update before."""
    settings = ("tiles.mesh=[1, 1]", "tiles.sram.weights=streamed", *overrides)
    kept = on_tile(program, tile64(*settings), list(range(1, program.depth + 1)))
    size = sum(kept.values()) + layers * LAYER_BYTES
    return tile64(*settings, f"tiles.sram.size={size} B")
