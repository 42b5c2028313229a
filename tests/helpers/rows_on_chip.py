"""The chains of `pcsim.theory.streamed_rows` as tasks of the simulated machine, on units and wires of their own."""

from pcsim.config import load_hardware
from pcsim.machine import simulate
from pcsim.placement import Placement, TaskKind
from pcsim.placement.flows import Flow
from pcsim.placement.tasks import Ready, TaskBuilder, Unit
from pcsim.placement.topologies import topology_of
from pcsim.program import PRODUCTS, Kind, Op, Phase
from pcsim.program.kernels import ADD, Kernel, repeated
from pcsim.program.ops import Place
from pcsim.program.sizes import Sizes
from pcsim.program.words import Words

WORD = 4
"""Bytes of a word of `ideal`."""


class Bench:
    """A chip of which each unit and each wire is used by one chain. Its life: add tasks, then ``cycles`` once.

    Every wire is a row of the mesh, as long as its latency; each unit is the only one of its name.
    """

    def __init__(self, rows, cols, samples, *settings):
        self.samples, self.flow = samples, Flow(samples, samples)
        self.settings = [
            f"tiles.compute.rows={rows}",
            f"tiles.compute.cols={cols}",
            "noc.router_latency=0 cycles",
            "noc.link_latency=1 cycle",
            f"noc.link={WORD} B/cycle",
            *settings,
        ]
        self.builder = None
        self.wires = 0

    def chip(self, wires, length):
        """The chip, with room for so many wires as long as that."""
        mesh = f"tiles.mesh=[{max(1, wires)}, {length + 1}]"
        self.hardware = load_hardware(
            "ideal", overrides=["tiles.handover=rows", mesh, *self.settings]
        )
        self.builder = TaskBuilder(topology_of(self.hardware))
        self.columns = length + 1

    def op(self, steps=None):
        """In each of the ``steps`` of a range, or once."""
        if steps is None:
            return Op(Kind.ELEMENTWISE, 1, Sizes(1, 1), place=Place(Phase.START, ""))
        return Op(Kind.ELEMENTWISE, 1, Sizes(1, 1), place=Place(Phase.STEP, "", *steps))

    def product(self, name, sizes, needs=(), *, steps=None, kind=Kind.PRODUCT_FORWARD):
        """M x N of K on the array ``name``; K x N weights lie there, or are known before."""
        return self.builder.add(
            self.op(steps),
            Unit("array", 0, name),
            TaskKind.PRODUCT,
            needs=needs,
            sizes=sizes,
            flow=self.flow,
            operands=PRODUCTS[kind],
        )

    def each(self, kind, name, words, needs, *, times=1, steps=None):
        """``times`` operations on each of so many ``words`` of all rows, by the ``kind`` (vector or adder) ``name``."""
        return self.builder.add(
            self.op(steps),
            Unit(kind, 0, name),
            TaskKind.ELEMENTWISE,
            needs=needs,
            elements=self.samples * words,
            flow=self.flow,
            kernel=Kernel(repeated(ADD, times), Words(), Words()),
        )

    def send(self, wire, cycles, needs, *, steps=None):
        """Rows over a new wire, which each takes for so many ``cycles``."""
        source = self.wires * self.columns
        self.wires += 1
        return self.builder.add(
            self.op(steps),
            Unit("dma", source),
            TaskKind.TRANSFER,
            needs=needs,
            size_bytes=WORD * self.samples * cycles,
            flow=self.flow,
            targets=(source + wire.latency,),
        )

    def need(self, task, *needs):
        """What could not be said before: ``task`` needs these, too."""
        self.builder.needs[task.task] = (*self.builder.needs[task.task], *needs)

    def cycles(self):
        placement = Placement((), {}, self.builder.mesh, self.builder.build(), {})
        return simulate(placement, self.hardware).makespan_cycles


def array_on_chip(folds, *settings):
    """Of design A, from the load of the first weights on."""
    preload = f"tiles.compute.preload={folds.preload}"
    bench = Bench(folds.rows, folds.cols, folds.samples, preload, *settings)
    bench.chip(1, 1)
    bench.product("", (folds.samples, folds.outer * folds.cols, folds.inner * folds.rows))
    return bench.cycles()


def learning_on_chip(folds):
    """A product of M x K by K x N and the gradient of its weights, one after the other on one array."""
    bench = Bench(folds.rows, folds.cols, folds.samples, f"tiles.compute.preload={folds.preload}")
    bench.chip(1, 1)
    samples, inputs, outputs = folds.samples, folds.inner * folds.rows, folds.outer * folds.cols
    bench.product("", (samples, outputs, inputs))
    bench.product("", (outputs, inputs, samples), kind=Kind.WEIGHT_GRADIENT)
    return bench.cycles()


def reduction_on_chip(chain):
    """Of design C."""
    folds, latency = chain.folds, chain.between.latency
    bench = Bench(
        folds.rows,
        folds.cols,
        folds.samples,
        f"tiles.compute.preload={folds.preload}",
        f"tiles.adder={{lanes: {folds.cols}}}",
        f"tiles.vector.lanes={folds.cols}",
    )
    onward = chain.onward
    bench.chip(chain.tiles, max(latency, onward.latency if onward else 0))
    words = folds.outer * folds.cols
    sizes = folds.samples, words, folds.inner * folds.rows
    parts = [bench.product(f"{tile}", sizes) for tile in range(chain.tiles)]
    added = 0
    while len(parts) > 1:
        pairs, rest = [(parts[0], parts[1])], parts[2:]
        if chain.tree:
            pairs, rest = list(zip(parts[::2], parts[1::2], strict=True)), []
        sums = []
        for sent, mine in pairs:
            hop = chain.between.cycles(folds.cols) * folds.outer
            arrived = bench.send(chain.between, hop, [sent])
            sums.append(bench.each("adder", f"{added}", words, [arrived, mine]))
            added += 1
        parts = [*sums, *rest]
    last = bench.each("vector", "", words, parts, times=chain.vector)
    if onward:
        last = bench.send(onward, onward.cycles(folds.cols) * folds.outer, [last])
    if chain.next_cols:
        bench.product("next", (folds.samples, folds.cols, folds.rows), [last])
        return bench.cycles() - folds.crossing + folds.cols + chain.next_cols - 1
    return bench.cycles()


def pair_on_chip(pair, *settings):
    """Of design E. The second array is as large as the first, or, where only that matters, as high."""
    folds, onward = pair.folds, pair.onward
    narrower = folds.cols - pair.next_cols
    assert folds.rows == folds.cols and (not narrower or folds.preload == "wave")
    bench = Bench(
        folds.rows,
        folds.cols,
        folds.samples,
        f"tiles.compute.preload={folds.preload}",
        "tiles.compute.folds=" + ("either" if pair.order == "k_outer" else "n_outer"),
        f"tiles.vector.lanes={folds.cols}",
        *settings,
    )
    bench.chip(1, onward.latency)
    words = folds.outer * folds.cols
    first = bench.product("first", (folds.samples, words, folds.inner * folds.rows))
    done = bench.each("vector", "", words, [first], times=pair.vector)
    sent = bench.send(onward, onward.cycles(folds.cols) * folds.outer, [done])
    bench.product("second", (folds.samples, pair.next_outer * folds.cols, words), [sent])
    # A row can be read a cycle after its last word was written, as it is added to the accumulator then.
    return bench.cycles() - 1 - narrower


def layers_on_chip(layers):
    """A chain of layers, each after the one before."""
    folds = layers[0].folds
    bench = Bench(
        folds.rows,
        folds.cols,
        folds.samples,
        f"tiles.compute.preload={folds.preload}",
        f"tiles.vector.lanes={folds.cols}",
    )
    bench.chip(len(layers), max(layer.onward.latency for layer in layers))
    sent = []
    for at, layer in enumerate(layers):
        folds, words = layer.folds, layer.folds.outer * layer.folds.cols
        sizes = folds.samples, words, folds.inner * folds.rows
        done = bench.product(f"{at}", sizes, sent)
        done = bench.each("vector", f"{at}", words, [done], times=layer.vector)
        sent = [bench.send(layer.onward, layer.onward.cycles(folds.cols) * folds.outer, [done])]
    return bench.cycles()


def relaxation_on_chip(net):
    """Of design D, rows in turn."""
    bench = Bench(
        net.width,
        net.width,
        net.samples,
        "tiles.compute.resident_folds=1",
        f"tiles.vector.lanes={net.lanes}",
    )
    bench.chip(2 * net.layers, net.wire.latency)
    sizes, all_steps = (net.samples, net.width, net.width), (1, net.steps)
    across = net.wire.cycles(net.width)
    forward, errors, down = {}, {}, {}
    for layer in range(1, net.layers + 1):
        forward[layer] = bench.product(f"{layer}", sizes, steps=all_steps)
        errors[layer] = bench.each(
            "vector", f"error {layer}", net.width, [forward[layer]], steps=all_steps
        )
        if layer > 1:
            back = bench.product(
                f"{layer}", sizes, [errors[layer]], steps=all_steps, kind=Kind.PRODUCT_BACKWARD
            )
            down[layer] = bench.send(net.wire, across, [back], steps=all_steps)
    for layer in range(1, net.layers):
        needs = [down[layer + 1], errors[layer]]
        moved = bench.each("vector", f"state {layer}", net.width, needs, steps=all_steps)
        before = Ready(moved.task, 1)
        bench.need(errors[layer], before)
        if layer == 1:
            bench.need(forward[1], before)
        up = bench.send(net.wire, across, [moved], steps=(1, net.steps - 1))
        bench.need(forward[layer + 1], Ready(up.task, 1))
    return bench.cycles()
