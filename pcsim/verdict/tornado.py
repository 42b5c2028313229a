"""Which single cost, were it another, would turn the verdict on energy around?

Both bills are linear in each cost, so one cost moves the ratio of two bills monotonously and the ends of
its range are enough. Left out: several costs that move together, which ``energy_range`` answers, and that
another cost could make another schedule the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pcsim.technology import Bill, Leak, Price, PriceList
from pcsim.verdict.compare import sample_advantage
from pcsim.verdict.comparison import Swing
from pcsim.verdict.result import Result
from pcsim.verdict.words import factor


def tornado(pc: Result, bp: Result, prices: PriceList) -> tuple[Swing, ...]:
    """The swing of every cost that ``pc`` or ``bp`` pays, the widest first.

    Both bills must have been made with ``prices``. Empty where BP's update costs nothing.
    """
    if not bp.per_update.energy_j:
        return ()
    advantage = sample_advantage(pc, bp)
    needed = None if advantage is None else advantage.value
    paid = {line.key for result in (pc, bp) for line in result.bill.lines if line.count}
    costs: tuple[Price | Leak, ...] = (*prices.prices.values(), *prices.leaks)
    swings = [_swing(cost, pc, bp, needed) for cost in costs if cost.key in paid]
    return tuple(sorted(swings, key=lambda swing: (swing.span[0] - swing.span[1], swing.key)))


def _swing(cost: Price | Leak, pc: Result, bp: Result, needed: float | None) -> Swing:
    if isinstance(cost, Price):
        value, low, high, unit = cost.joules, cost.low_j, cost.high_j, f"J per {cost.per}"
    else:
        value, low, high, unit = cost.watts, cost.low_w, cost.high_w, "W on the whole chip"
    mine, theirs = _energy(pc, cost, value), _energy(bp, cost, value)

    ends = (low, high, value / 2, 2 * value)
    at_low, at_high, at_half, at_double = ratios = [mine(at) / theirs(at) for at in ends]
    now = pc.per_update.energy_j / bp.per_update.energy_j
    return Swing(
        key=cost.key,
        status=cost.status,
        unit=unit,
        value=value,
        low=low,
        high=high,
        at_low=at_low,
        at_high=at_high,
        at_half=at_half,
        at_double=at_double,
        turns_update=_turns(ratios, now, 1.0),
        turns_target=None if needed is None else _turns(ratios, now, needed),
    )


def _energy(result: Result, cost: Price | Leak, value: float) -> Callable[[float], float]:
    """Energy of an update in joules as a function of what ``cost`` is, if it is ``value`` in the bill."""
    spent = sum(line.energy_j for line in result.bill.lines if line.key == cost.key)
    rest = result.per_update.energy_j - spent
    amount = spent / value if value else _amount(result.bill, result, cost)
    return lambda at: rest + amount * at


def _amount(bill: Bill, result: Result, cost: Price | Leak) -> float:
    """How often a price, or for how many seconds a leak, is paid that costs nothing so far."""
    if isinstance(cost, Leak):
        return result.per_update.latency_s
    return sum(line.count for line in bill.lines if line.key == cost.key)


def _turns(ratios: Sequence[float], now: float, threshold: float) -> bool:
    """Whether one of ``ratios`` is on the other side of ``threshold`` than ``now``."""
    return any((ratio - threshold) * (now - threshold) < 0 for ratio in ratios)


NAMED = 6
"""As many costs are named in a sentence; the others are counted."""


def tornado_sentence(swings: Sequence[Swing], advantage: float | None, name: str = "PC") -> str:
    """Whether a single cost decides; of the energy to target where ``advantage`` is known, else of an
    update's; ``name`` is that of the rule that competes with BP."""
    turning = [
        swing for swing in swings if (swing.turns_update, swing.turns_target)[advantage is not None]
    ]
    what = "energy to target" if advantage is not None else "energy per update"
    moved = "halved, doubled or at an end of its range"
    if not turning:
        low = min(swing.span[0] for swing in swings) / (advantage or 1.0)
        high = max(swing.span[1] for swing in swings) / (advantage or 1.0)
        return (
            f"No single cost, {moved}, turns the {what} around: {name}'s stays {factor(low)} to "
            f"{factor(high)} times BP's."
        )
    names = ", ".join(swing.key for swing in turning[:NAMED])
    more = f" and {len(turning) - NAMED} more" if len(turning) > NAMED else ""
    return f"A single cost, {moved}, can turn the {what} around: {names}{more}."
