"""Cycles of products on weight-stationary arrays, for tests of whatever is made of them."""

from pcsim.machine.units.systolic import product_cost


def weight_stationary(m, n, k, *, rows, cols):
    """The cost of an M x K by K x N product, K x N stationary and loaded each time."""
    return product_cost(m, n, k, rows=rows, cols=cols, dataflow="ws")
