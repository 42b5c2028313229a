"""How long an update of a graph takes where only arrays take time, by following values through the network.

It knows the network and the weight-stationary formula, and nothing of programs, parts or tasks: every product has an
array of its own, which takes its work in the order of passes, and everything else takes no time.
"""

from pcsim.network import fronts
from pcsim.network.credit import groups
from pcsim.network.operators import Attention, Conv2d, Dense, size
from tests.helpers.products import weight_stationary

LEARNING = ("layer_norm", "rms_norm", "position")


class Product:
    """One array: cycles of its passes. ``heads``: attention's products of states, which learn nothing."""

    def __init__(self, forward, pull, gradient):
        self.forward, self.pull, self.gradient = forward, pull, gradient
        self.free = 0
        self.operand = self.shared = 0

    def run(self, cycles, *ready):
        self.free = max(self.free, *ready) + cycles
        return self.free


class Line:
    def __init__(self, node, source, terms, batch):
        self.node, self.source = node, source
        self.products = [each for term in terms for each in products(term, batch)]
        heads = []
        for term in terms:
            if isinstance(term.operator, (Dense, Conv2d, Attention)):
                break
            heads.append(term.operator.name)
        self.learns_before = any(name in LEARNING for name in heads)
        self.computes_before = any(name not in ("flatten", "tokens", "patches") for name in heads)
        if source == 0 and self.computes_before:
            self.products.insert(0, None)  # A place of its own, without an array.
            self.learns_before = False
        self.done = self.arrived = 0


def products(term, batch):
    operator, reads, gives = term.operator, term.reads, term.gives

    def by_weights(rows, outputs, inputs, groups=1):
        return Product(
            groups * cycles(rows, outputs, inputs),
            groups * cycles(rows, inputs, outputs),
            groups * cycles(outputs, inputs, rows),
        )

    if isinstance(operator, Dense):
        rows = size(reads) // reads[-1]
        return [by_weights(batch * rows, gives[-1], reads[-1])]
    if isinstance(operator, Conv2d):
        groups, places = operator.groups, gives[1] * gives[2]
        inputs = reads[0] // groups * operator.kernel**2
        return [by_weights(batch * places, gives[0] // groups, inputs, groups)]
    if isinstance(operator, Attention):
        tokens, width = reads
        head, times = width // operator.heads, batch * operator.heads
        scores, values = cycles(tokens, tokens, head), cycles(tokens, head, tokens)
        heads = Product(times * (scores + values), times * (scores + 3 * values), None)
        return [
            by_weights(batch * tokens, 3 * width, width),
            heads,
            by_weights(batch * tokens, width, width),
        ]
    return []


def cycles(m, n, k):
    return weight_stationary(m, n, k, rows=16, cols=16).cycles


class Clockwork:
    def __init__(self, graph, batch):
        self.graph, self.fronts = graph, fronts(graph)
        self.lines = {
            node.number: [Line(node.number, b.source, b.terms, batch) for b in node.branches]
            for node in graph.nodes
        }
        self.then = {node.number: Line(node.number, None, node.then, batch) for node in graph.nodes}
        self.state = dict.fromkeys(range(len(graph.nodes) + 1), 0)
        self.error, self.summed = dict(self.state), dict(self.state)
        self.end = 0

    def seen(self, time):
        self.end = max(self.end, time)
        return time

    def predict(self, line):
        time = self.state[line.source]
        for product in line.products:
            if product:
                time = product.run(product.forward, time)
        line.done = self.seen(time)

    def sum_up(self, node):
        time = max(line.done for line in self.lines[node])
        for product in self.then[node].products:
            time = product.run(product.forward, time)
        return self.seen(time)

    def back_to_sum(self, node):
        time = self.error[node]
        for product in reversed(self.then[node].products):
            product.shared = time
            time = product.run(product.pull, time)
        self.summed[node] = self.seen(time)

    def back(self, line):
        time = self.summed[line.node]
        for index in range(len(line.products) - 1, -1, -1):
            product = line.products[index]
            if product is None:
                return
            product.shared = time
            if index:
                time = self.seen(product.run(product.pull, time))

    def feed_back(self, line):
        first = next(iter(line.products), None)
        time = self.summed[line.node]
        line.arrived = self.seen(first.run(first.pull, first.shared) if first else time)

    def learn(self, node):
        for line in [*self.lines[node], self.then[node]]:
            for product in line.products:
                if product and product.gradient is not None:
                    self.seen(product.run(product.gradient, product.shared))


def backpropagation_makespan(graph, batch):
    clock = Clockwork(graph, batch)
    for node in graph.nodes:
        for line in clock.lines[node.number]:
            clock.predict(line)
        clock.state[node.number] = clock.sum_up(node.number)
    for node in reversed(graph.nodes):
        number = node.number
        above = [line for lines in clock.lines.values() for line in lines if line.source == number]
        clock.error[number] = max((line.arrived for line in above), default=clock.state[number])
        clock.back_to_sum(number)
        for line in clock.lines[number]:
            clock.back(line)
            if line.source:
                clock.feed_back(line)
    for node in graph.nodes:
        clock.learn(node.number)
    return clock.end


def predictive_coding_makespan(graph, batch, *, steps, wavefront, hoist):
    clock = Clockwork(graph, batch)
    output = graph.output.number
    move, err = clock.fronts.first_move, clock.fronts.first_error

    def moves(node, step):
        if node in (0, output):
            return False
        return step >= (move[node] if wavefront else 1)

    def errs(node, step):
        return step >= (err[node] if wavefront else 1)

    def spread(node):
        lines = [line for line in clock.lines[node] if line.source]
        if lines:
            clock.back_to_sum(node)
        for line in lines:
            clock.back(line)

    numbers = [node.number for node in graph.nodes]
    for number in numbers:
        for line in clock.lines[number]:
            clock.predict(line)
        clock.state[number] = clock.error[number] = clock.sum_up(number)
    for number in numbers:
        if number == output or not wavefront:
            spread(number)
    every = [line for number in reversed(numbers) for line in clock.lines[number]]
    for step in range(1, steps + 1):
        pulled = [
            line for line in every if line.source and (errs(line.node, step - 1) or not wavefront)
        ]
        for line in pulled:
            clock.feed_back(line)
        for number in numbers:
            if moves(number, step):
                above = [line.arrived for line in pulled if line.source == number]
                before = clock.error[number], clock.state[number]
                clock.state[number] = clock.seen(max(*above, *before))
        anew = [
            line for line in every if moves(line.source, step) or (not line.source and not hoist)
        ]
        for line in anew:
            clock.predict(line)
        for number in reversed(numbers):
            if not errs(number, step):
                continue
            done = clock.sum_up(number) if any(line in anew for line in clock.lines[number]) else 0
            clock.error[number] = max(done, clock.state[number], clock.error[number])
            spread(number)
    credited = [n for n in numbers if not wavefront or (err[n] is not None and err[n] <= steps)]
    for number in reversed(credited):
        lines = clock.lines[number]
        if not any(line.source for line in lines):
            clock.back_to_sum(number)
        for line in lines:
            if not line.source:
                clock.back(line)
        for line in lines:
            if line.source and line.learns_before:
                clock.feed_back(line)
    for number in reversed(credited):
        clock.learn(number)
    return clock.end


class Followed:
    """Values followed through the steps of a rule, pass by pass; ``run`` of those who inherit says which.

    Afterwards there are ``clock.end`` and the multiply-accumulates ``macs`` of forward, pull and gradient.
    """

    def __init__(self, graph, batch, *, wavefront, hoist=True):
        self.graph, self.batch, self.clock = graph, batch, Clockwork(graph, batch)
        self.wavefront, self.hoist = wavefront, hoist
        self.counts = {}
        for node in graph.nodes:
            lines = [
                (b.terms, line)
                for b, line in zip(node.branches, self.clock.lines[node.number], strict=True)
            ]
            for terms, line in [*lines, (node.then, self.clock.then[node.number])]:
                self._meter(terms, [product for product in line.products if product])
        self.untold = set()
        self.numbers = [node.number for node in graph.nodes]
        self.hidden = self.numbers[:-1]
        self.every = [line for number in self.numbers for line in self.clock.lines[number]]

    def _meter(self, terms, found):
        """Every product of ``terms`` gets its multiply-accumulates, as cycles are its only names."""
        each = iter(found)
        for term in terms:
            if isinstance(term.operator, Attention):
                tokens, width = term.reads
                by_weights, states = tokens * width**2, tokens**2 * width
                for macs in ((3 * by_weights,) * 3, (2 * states, 4 * states, 0), (by_weights,) * 3):
                    self._count(next(each), macs)
            elif isinstance(term.operator, (Dense, Conv2d)):
                self._count(next(each), (term.operator.macs(term.reads),) * 3)

    def _count(self, product, macs):
        self.counts[product] = [0, 0, 0]
        names = ("forward", "pull", "gradient")
        run = product.run

        def counted(cycles, *ready):
            # Which of its passes this is shows in who calls; the clockwork sets it beforehand.
            self.counts[product][names.index(self.now)] += macs[names.index(self.now)]
            return run(cycles, *ready)

        product.run = counted

    @property
    def macs(self):
        return tuple(self.batch * sum(each[i] for each in self.counts.values()) for i in range(3))

    def start(self, told):
        """Feed-forward; the errors of those who are ``told`` go on."""
        clock = self.clock
        for number in self.numbers:
            for line in clock.lines[number]:
                self.predict(line)
            self.now = "forward"
            clock.state[number] = clock.error[number] = clock.sum_up(number)
        for number in told:
            self.tell(number)

    def finish(self, credited):
        """Errors that have not gone on do, and what is credited learns by them."""
        clock = self.clock
        for number in sorted(credited, reverse=True):
            lines = clock.lines[number]
            if number in self.untold:
                self.tell(number)
            self.now = "pull"
            if not any(line.source for line in lines):
                clock.back_to_sum(number)
            for line in lines:
                if not line.source:
                    clock.back(line)
            for line in lines:
                if line.source and line.learns_before:
                    clock.feed_back(line)
        self.learn(credited)
        return self

    def learn(self, numbers):
        self.now = "gradient"
        for number in sorted(numbers, reverse=True):
            self.clock.learn(number)

    def feed_back(self, line):
        self.now = "pull"
        self.clock.feed_back(line)

    def move(self, number, pulled):
        clock = self.clock
        arrived = [line.arrived for line in pulled if line.source == number]
        clock.state[number] = clock.seen(max(*arrived, clock.error[number], clock.state[number]))

    def tell(self, node, *, everywhere=False):
        self.untold.discard(node)
        self.now = "pull"
        lines = [line for line in self.clock.lines[node] if line.source or everywhere]
        if lines:
            self.clock.back_to_sum(node)
        for line in lines:
            self.clock.back(line)

    def predict(self, line):
        self.now = "forward"
        self.clock.predict(line)

    def err(self, node):
        self.now = "forward"
        done = self.clock.sum_up(node)
        self.clock.error[node] = max(done, self.clock.state[node], self.clock.error[node])
        self.untold.add(node)


class Ordered(Followed):
    """A step as a sequence of moves; an error is told when somebody wants to pull it."""

    def run(self, order, steps):
        clock, graph = self.clock, self.graph
        wrong = {self.numbers[-1]} if self.wavefront else set(self.numbers)
        self.start(sorted(wrong))
        for _ in range(steps):
            for group in order:
                moved = [n for n in group if {n, *graph.children[n]} & wrong]
                for number in sorted(moved, reverse=True):
                    above = [line for line in self.every if line.source == number]
                    pulled = [line for line in reversed(above) if line.node in wrong]
                    for child in sorted({line.node for line in pulled} & self.untold):
                        self.tell(child)
                    for line in pulled:
                        self.feed_back(line)
                    self.move(number, pulled)
                    clock.error[number] = clock.state[number]
                    self.untold.add(number)
                    for line in above:
                        self.predict(line)
                    for child in reversed(graph.children[number]):
                        self.err(child)
                wrong |= {each for n in moved for each in (n, *graph.children[n])}
            for line in self.every:
                if not line.source and not self.hoist:
                    self.predict(line)
        return self.finish(wrong)


class FixedPrediction(Followed):
    """Pulls, moves, and errors by what was predicted at the start."""

    def run(self, steps):
        wrong = {self.numbers[-1]} if self.wavefront else set(self.numbers)
        self.start(sorted(wrong))
        for _ in range(steps):
            pulled = [line for line in self.every if line.source and line.node in wrong]
            for line in pulled:
                self.feed_back(line)
            moved = [n for n in self.hidden if {n, *self.graph.children[n]} & wrong]
            for number in moved:
                self.move(number, pulled)
                self.clock.error[number] = self.clock.state[number]
            for number in moved:
                self.tell(number)
            wrong |= set(moved)
        return self.finish(wrong)


class Incremental(Followed):
    """Weights learn in every step, before states move."""

    def run(self, steps):
        self.start(())
        for step in range(1, steps + 1):
            for number in self.numbers:
                self.tell(number, everywhere=True)
            inner = [line for line in self.every if line.source]
            for line in inner:
                self.feed_back(line)
            self.learn(self.numbers)
            if step == steps:
                break
            for number in self.hidden:
                self.move(number, inner)
            for line in self.every:
                self.predict(line)
            for number in self.numbers:
                self.err(number)
        return self


class ErrorOptimisation(Followed):
    """Down through all nodes, and up again."""

    def run(self, steps):
        clock = self.clock
        free = dict.fromkeys(self.hidden, 0)
        self.start(self.numbers[-1:])
        free |= {number: clock.error[number] for number in self.hidden}
        first = dict(clock.state)
        for _ in range(steps):
            for number in reversed(self.numbers):
                if number in free:
                    above = [line for line in self.every if line.source == number]
                    clock.error[number] = max(line.arrived for line in above)
                    free[number] = max(free[number], clock.error[number])
                    self.tell(number)
                for line in clock.lines[number]:
                    if line.source:
                        self.feed_back(line)
            for number in self.numbers:
                inner = [line for line in clock.lines[number] if line.source]
                for line in inner:
                    self.predict(line)
                self.now = "forward"
                done = clock.sum_up(number) if inner else first[number]
                if number in free:
                    clock.state[number] = max(done, free[number])
                elif inner:
                    clock.error[number] = done
                    self.tell(number)
        clock.error |= free
        self.untold = set(self.hidden)
        return self.finish(self.numbers if steps else self.numbers[-1:])


def alternating(graph):
    """Groups of nodes none of which reads another of its group or shares a reader with it, as colours say."""
    return groups(graph, "red_black")


def downwards(graph):
    return [(node.number,) for node in reversed(graph.hidden)]
