"""Programs of small networks, and what a chip makes of them, for tests of whatever is done with either.

The rules are those of `pcsim.program`, with every option said by name and squared errors unless another loss is given.
"""

from pcsim import program
from pcsim.machine import simulate
from pcsim.network import chain
from pcsim.placement import place
from pcsim.program import Options

ALONE = ("order", "gated")
"""What rules are told besides the options that all share."""


def _spelled_out(rule):
    def write(network, *, loss="mse", steps=None, optimiser="adam", **options):
        alone = {key: options.pop(key) for key in ALONE if key in options}
        steps = len(network.hidden) if steps is None else steps
        return rule(network, loss, Options(steps=steps, optimiser=optimiser, **options), **alone)

    return write


predictive_coding = _spelled_out(program.predictive_coding)
ordered_predictive_coding = _spelled_out(program.ordered_predictive_coding)
incremental_predictive_coding = _spelled_out(program.incremental_predictive_coding)
fixed_prediction = _spelled_out(program.fixed_prediction)
error_optimisation = _spelled_out(program.error_optimisation)
zero_divergence = _spelled_out(program.zero_divergence)


def backpropagation(network, *, loss="mse", optimiser="adam", **options):
    return program.backpropagation(network, loss, optimiser=optimiser, **options)


def pipelined_backpropagation(network, *, loss="mse", optimiser="adam", **options):
    return program.pipelined_backpropagation(network, loss, optimiser=optimiser, **options)


def pc(
    widths, batch=4, steps=3, *, optimiser="adam", wavefront=True, hoist=True, master=False, **form
):
    """Predictive coding of a chain of tanh layers; ``form`` says what else is special about them."""
    phi = form.pop("phi", "tanh")
    return predictive_coding(
        chain(widths, phi, **form),
        batch=batch,
        steps=steps,
        optimiser=optimiser,
        wavefront=wavefront,
        hoist=hoist,
        master=master,
    )


def bp(widths, batch=4, *, optimiser="adam", master=False, at_once=False, **form):
    """Backpropagation through the same chain."""
    chosen = chain(widths, form.pop("phi", "tanh"), **form)
    return backpropagation(chosen, batch=batch, optimiser=optimiser, master=master, at_once=at_once)


def graph_pc(network, *, batch=3, steps=4, **more):
    """Predictive coding of a network that is a graph."""
    return predictive_coding(network, batch=batch, steps=steps, **more)


def graph_bp(network, *, batch=3, **more):
    """Backpropagation through the same graph."""
    return backpropagation(network, batch=batch, **more)


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
