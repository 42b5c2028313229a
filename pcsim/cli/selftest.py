"""Does this installation compute what it must? Two small runs against closed forms."""

from __future__ import annotations

TOLERANCE = 1e-9


def learning_differs_by() -> float:
    """How far relaxed activities of a small linear network are from their equilibrium, relatively.

    The energy there is known: F = 1/2 mean r' S^-1 r with r = y - W_L..W_1 x, the error of the
    feed-forward pass, and S = I + sum over l = 2..L of (W_L..W_l)(W_L..W_l)'.
    """
    import numpy as np

    from pcsim.engine import DenseNetwork, Relaxation, infer, initial_weights

    network = DenseNetwork((5, 6, 4, 3), "linear", "mse", "float64")
    weights = initial_weights(network, 0)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 5)), random.normal(size=(8, 3))
    relaxed = infer(network, weights, x, y, relaxation=Relaxation(2000, 0.1))
    spread, product = np.eye(3), np.eye(3)
    for matrix in reversed(weights[1:]):
        product = product @ matrix
        spread += product @ product.T
    residual = y - x @ (product @ weights[0]).T
    expected = 0.5 * np.mean(np.sum(residual * np.linalg.solve(spread, residual.T).T, axis=1))
    return float(abs(relaxed.energies[-1].sum() - expected) / expected)


def cycles_and_closed_form() -> tuple[int, int]:
    """Cycles of one update of four equal layers on the chip without limits, and L + 2T + 1 products."""
    from pcsim.config import load_hardware
    from pcsim.machine import simulate
    from pcsim.machine.units import Product, form_of
    from pcsim.network import chain
    from pcsim.placement import place
    from pcsim.program import PRODUCTS, Kind, Options, predictive_coding
    from pcsim.theory.critical_path import jacobi_slots

    depth, steps, width = 4, 3, 16
    hardware = load_hardware("ideal")
    network = chain((width,) * (depth + 1), "relu")
    program = predictive_coding(network, "mse", Options(width, steps, "sgd"))
    array = hardware.tiles.compute
    task = Product(width, width, width, PRODUCTS[Kind.PRODUCT_FORWARD])
    product = form_of(array).product(task, array, hardware)
    activity = simulate(place(program, hardware), hardware)
    return activity.makespan_cycles, jacobi_slots(depth, steps) * product.cycles
