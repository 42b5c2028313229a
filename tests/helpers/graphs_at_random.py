"""Small random networks of every operator, for tests of whatever is made of them."""

import random

from pcsim.network import DescriptionError, graph_of

ACTIVATIONS = ["relu", "tanh", "gelu", "silu", "sigmoid", "hard_tanh", "leaky_relu"]


def node(name, *branches, then=()):
    """A description: ``branches`` are (source, map)."""
    found = [{"from": source, "map": list(terms)} for source, terms in branches]
    return {"name": name, "branches": found, "then": list(then)}


def conv(filters, kernel=3, stride=1, padding=1, groups=1, bias=True):
    given = dict(
        filters=filters, kernel=kernel, stride=stride, padding=padding, groups=groups, bias=bias
    )
    return ["conv2d", given]


def dense(units, bias=True):
    return ["dense", {"units": units, "bias": bias}]


def images(draw):
    """Of convolutions, pools and residuals over one or two nodes."""
    channels = draw.choice([1, 2, 4, 6])
    sides = draw.randint(4, 9), draw.randint(4, 9)
    nodes, shapes = [], [("x", (channels, *sides))]
    for index in range(draw.randint(1, 4)):
        source, shape = shapes[-1]
        groups = draw.choice([1, 1, shape[0]])
        kernel, stride = draw.randint(1, 3), draw.randint(1, 4)
        filters = groups * draw.randint(1, 3)
        terms = [draw.choice(ACTIVATIONS)] if draw.random() < 0.4 and source != "x" else []
        terms.append(conv(filters, kernel, stride, draw.randint(0, 1), groups, draw.random() < 0.5))
        if draw.random() < 0.4:
            terms.append(draw.choice(ACTIVATIONS))
        if draw.random() < 0.4:
            kind = draw.choice(["max_pool", "avg_pool"])
            terms.append([kind, {"kernel": draw.randint(1, 2), "stride": draw.randint(1, 3)}])
        if draw.random() < 0.3:
            terms += [conv(draw.randint(1, 4), 1, 1, 0), draw.choice(ACTIVATIONS)]
        branches = [(source, terms)]
        name = f"z{index + 1}"
        try:
            made = graph_of(shapes[0][1], [*nodes, node(name, *branches)]).output.shape
        except DescriptionError:
            continue
        if draw.random() < 0.6:
            other, theirs = draw.choice(shapes)
            if theirs == made:
                branches.append((other, []))
            elif theirs[1:] == made[1:]:
                branches.append((other, [conv(made[0], 1, 1, 0)]))
        then = [draw.choice(ACTIVATIONS)] if draw.random() < 0.3 else []
        nodes.append(node(name, *branches, then=then))
        shapes.append((name, made))
    end = draw.choice([["flatten"], ["global_avg_pool"], ["relu", "flatten"]])
    nodes.append(node("y", (shapes[-1][0], [*end, dense(draw.randint(1, 5))])))
    return graph_of(shapes[0][1], nodes)


def sequences(draw):
    """Of attention, norms and dense maps of tokens, with residuals around them."""
    size, heads = draw.randint(1, 3), draw.choice([1, 2, 4])
    side, width = size * draw.randint(1, 3), heads * draw.randint(1, 4)
    first = [["patches", {"size": size}], dense(width)] + (
        ["position"] if draw.random() < 0.5 else []
    )
    nodes, last = [node("t", ("x", first))], "t"
    for index in range(draw.randint(1, 3)):
        norm = draw.choice(["layer_norm", "rms_norm"])
        if draw.random() < 0.6:
            inner = [["attention", {"heads": heads, "causal": draw.random() < 0.5}]]
        else:
            inner = [dense(draw.randint(1, 9)), draw.choice(ACTIVATIONS), dense(width)]
        after = draw.random() < 0.4
        name = f"b{index}"
        branches = [(last, inner if after else [norm, *inner])]
        if draw.random() < 0.8:
            branches.append((last, []))
        nodes.append(node(name, *branches, then=[norm] if after else []))
        last = name
    end = draw.choice([["mean_tokens"], ["flatten"], ["layer_norm", "mean_tokens"]])
    nodes.append(node("y", (last, [*end, dense(3)])))
    return graph_of((draw.randint(1, 3), side, side), nodes)


def features(draw):
    """Of dense maps: every node reads one or two before it, some sums go on through maps of their own."""
    width = draw.randint(1, 7)
    nodes, names = [], ["x"]
    for index in range(draw.randint(1, 5)):
        sources = {names[-1], draw.choice(names)}
        branches = []
        for source in sorted(sources, key=names.index, reverse=True):
            terms = [draw.choice(ACTIVATIONS)] if draw.random() < 0.5 and source != "x" else []
            if source == "x" or draw.random() < 0.7:
                terms.append(dense(width, draw.random() < 0.5))
            branches.append((source, terms))
        then = [draw.choice(ACTIVATIONS), dense(width)] if draw.random() < 0.2 else []
        names.append(f"z{index + 1}")
        nodes.append(node(names[-1], *branches, then=then))
    nodes.append(node("y", (names[-1], [dense(draw.randint(1, 4))])))
    return graph_of((draw.randint(1, 6),), nodes)


def graph(seed):
    """Some graph; the same for the same seed."""
    draw = random.Random(seed)
    return [images, sequences, features][seed % 3](draw)
