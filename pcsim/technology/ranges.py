"""How far can the ratio of two bills move when uncertain prices move?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pcsim.errors import PcsimError
from pcsim.technology.bill import STATIC, Bill
from pcsim.technology.values import Leak, Price, PriceList

Span = tuple[float, float]
"""A low and a high end."""


def uncertain_keys(prices: PriceList) -> tuple[str, ...]:
    """Keys of the prices that nobody published (``assumed``) or the user gave with a range."""
    spans = _spans(prices)
    costs: tuple[Price | Leak, ...] = (*prices.prices.values(), *prices.leaks)
    return tuple(
        cost.key
        for cost in costs
        if cost.status == "assumed"
        or (cost.status == "user" and spans[cost.key][0] < spans[cost.key][1])
    )


def ratio_range(
    bill_a: Bill, bill_b: Bill, prices: PriceList, *, keys: Collection[str] | None = None
) -> Span:
    """Smallest and largest E_a / E_b while ``keys`` move in low..high, alike in both bills.

    ``keys`` defaults to :func:`uncertain_keys`; one key alone gives a bar of a tornado chart. Both
    bills must come from ``prices``.

    E_a / E_b is a quotient of two linear functions of the prices x with E_b > 0: along one x_i the
    sign of its derivative does not depend on x_i, so an extreme lies at a vertex of the box. r is
    the maximum exactly when the maximum over x of E_a(x) - r E_b(x), taken price by price, is 0
    (Dinkelbach 1967); each round moves r to a vertex of larger quotient, and vertices are finite.

    Raises PcsimError when E_b can be zero.
    """
    moving = uncertain_keys(prices) if keys is None else tuple(keys)
    spans = _spans(prices)
    fixed_a, moving_a = _split(bill_a, moving, prices, spans)
    fixed_b, moving_b = _split(bill_b, moving, prices, spans)
    if fixed_b + sum(low for low, _ in moving_b) <= 0:
        raise PcsimError("the second bill must cost something at the low end of prices, not 0 J")
    pairs = tuple(zip(moving_a, moving_b, strict=True))
    return (
        _extreme(fixed_a, fixed_b, pairs, sign=-1),
        _extreme(fixed_a, fixed_b, pairs, sign=1),
    )


def _spans(prices: PriceList) -> dict[str, Span]:
    """Low and high of every price (J) and leak (W) by key."""
    spans = {price.key: (price.low_j, price.high_j) for price in prices.prices.values()}
    return spans | {leak.key: (leak.low_w, leak.high_w) for leak in prices.leaks}


def _split(
    bill: Bill, moving: Sequence[str], prices: PriceList, spans: Mapping[str, Span]
) -> tuple[float, list[Span]]:
    """The bill's energy at fixed prices, and per moving price its energy at low and at high."""
    watts = {leak.key: leak.watts for leak in prices.leaks}
    static = [line for line in bill.lines if line.stage == STATIC and watts[line.key] * line.share]
    cycle_s = static[0].unit_j / (watts[static[0].key] * static[0].share) if static else 0.0
    amount = dict.fromkeys(moving, 0.0)
    fixed_j = 0.0
    for line in bill.lines:
        if line.key in amount:
            amount[line.key] += line.count * line.share * (cycle_s if line.stage == STATIC else 1.0)
        else:
            fixed_j += line.energy_j
    return fixed_j, [(amount[key] * spans[key][0], amount[key] * spans[key][1]) for key in moving]


def _extreme(
    fixed_a: float, fixed_b: float, pairs: Sequence[tuple[Span, Span]], *, sign: int
) -> float:
    """The largest (sign 1) or smallest (sign -1) quotient over the box's vertices."""
    ratio = None
    ends = [0] * len(pairs)
    while True:
        energy_a = fixed_a + sum(a[end] for (a, _), end in zip(pairs, ends, strict=True))
        energy_b = fixed_b + sum(b[end] for (_, b), end in zip(pairs, ends, strict=True))
        better = energy_a / energy_b
        if ratio is not None and sign * (better - ratio) <= 0:
            return ratio
        ratio = better
        ends = [int(sign * ((a[1] - a[0]) - ratio * (b[1] - b[0])) > 0) for a, b in pairs]
