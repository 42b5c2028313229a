"""Programs of small networks, and what a chip makes of them, for tests of whatever is done with either."""

from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Form, backpropagation, predictive_coding
from pcsim.program.graphs import graph_backpropagation, graph_predictive_coding


def pc(
    widths, batch=4, steps=3, *, optimiser="adam", wavefront=True, hoist=True, master=False, **form
):
    """Predictive coding of a chain of tanh layers; ``form`` says what else is special about them."""
    return predictive_coding(
        Form(widths, **{"phi": "tanh", **form}),
        batch=batch,
        steps=steps,
        optimiser=optimiser,
        wavefront=wavefront,
        hoist=hoist,
        master=master,
    )


def bp(widths, batch=4, *, optimiser="adam", master=False, at_once=False, **form):
    """Backpropagation through the same chain."""
    chosen = Form(widths, **{"phi": "tanh", **form})
    return backpropagation(chosen, batch=batch, optimiser=optimiser, master=master, at_once=at_once)


def graph_pc(network, *, batch=3, steps=4, optimiser="adam", **more):
    """Predictive coding of a network that is a graph."""
    return graph_predictive_coding(
        network, "mse", batch=batch, steps=steps, optimiser=optimiser, **more
    )


def graph_bp(network, *, batch=3, optimiser="adam", **more):
    """Backpropagation through the same graph."""
    return graph_backpropagation(network, "mse", batch=batch, optimiser=optimiser, **more)


def run(program, hardware, *, cold=False):
    """What the chip does in one update."""
    return simulate(place(program, hardware), hardware, cold=cold)


def cycles_of(program, chip):
    return run(program, chip).makespan_cycles


def counted(activity, component, action, *, stages=None):
    """How often a component did this, in these stages alone where they are given."""
    return sum(
        amount
        for count, amount in activity.counts.items()
        if (count.component, count.action) == (component, action)
        and (stages is None or count.stage in stages)
    )
