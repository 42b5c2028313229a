"""Transfers on a network by themselves, without a chip around it."""

from pcsim.machine.core.network import ask, collect, network_of, no_intervals, reserve


def starts(asks, routes, *, router, link):
    """When each ask (time, rank, flits), along the route in the same place, starts; asked in this order."""
    network = network_of(routes, len(asks), router_cycles=router, link_cycles=link)
    intervals, found = no_intervals(), {}
    for name, (time, rank, flits) in enumerate(asks):
        ask(network, name, time, rank, name, flits)
    for now in sorted({time for time, _, _ in asks}):
        for served in network.requests["served"][: collect(network, now)].tolist():
            intervals, found[served] = reserve(network, intervals, served, now)
    return [found[name] for name in range(len(asks))]


def run(asks, shape, *, router=3, link=1):
    """(start, arrival) of each ask (time, rank, source, targets, flits), asked in this order."""
    routes = [shape.route(source, targets) for _, _, source, targets, _ in asks]
    begun = starts(
        [(time, rank, flits) for time, rank, _, _, flits in asks], routes, router=router, link=link
    )
    return [
        (start, start + flight(route, router, link) + flits - 1)
        for start, route, (*_, flits) in zip(begun, routes, asks, strict=True)
    ]


def flight(route, router, link):
    """Cycles of a head to the last destination."""
    ways = zip(route.hops, route.wires, strict=True)
    return max(hops * router + wire * link for hops, wire in ways)
