"""What did a training find out: learning curves and what one trained batch keeps busy.

These values hold no arrays and no NaN: they are stored as JSON and everything after the engine
reads them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SeedCurve:
    """How one seed learned: one entry per evaluation, the first before any update.

    ``train_energy`` is the energy F after inference (pc) or the loss (bp) of the last batch before
    the evaluation, at the weights that batch met; entry 0 is the first batch's at the initial
    weights. A seed that diverges stops after ``diverged_at`` updates: its curve keeps the
    evaluations before that, and ``test_accuracy`` is what its last weights give, an output that is
    not finite counting as wrong.
    """

    seed: int
    updates: tuple[int, ...]
    validation_accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    train_energy: tuple[float, ...]
    test_accuracy: float
    diverged_at: int | None


@dataclass(frozen=True)
class Profile:
    """What one batch keeps busy: the first training batch of the first seed, at its trained weights.

    ``steps`` is the inference steps executed per batch, 0 for bp. ``active_states[t][l - 1]``
    counts the non-zero values that products read of layer l after t steps, phi(z_l), or at the
    output the prediction; ``active_errors`` counts the non-zero errors alike. Both sum over the
    batch. ``credited_layers`` are the layers, counted from 1, whose weight gradient has a non-zero
    entry.
    """

    steps: int
    batch: int
    active_states: tuple[tuple[int, ...], ...]
    active_errors: tuple[tuple[int, ...], ...]
    credited_layers: tuple[int, ...]


@dataclass(frozen=True)
class SeedResult:
    """What one seed found out, as it is stored."""

    curve: SeedCurve
    profile: Profile


@dataclass(frozen=True)
class Training:
    """Everything known of one rule after training it with several seeds."""

    rule: str
    batch: int
    updates_total: int
    curves: tuple[SeedCurve, ...]
    profile: Profile

    @property
    def credit_depth(self) -> int:
        """How many layers received a gradient."""
        return len(self.profile.credited_layers)


def seed_to_json(result: SeedResult) -> dict[str, Any]:
    """Plain JSON values."""
    return asdict(result)


def seed_from_json(value: dict[str, Any]) -> SeedResult:
    """The inverse of ``seed_to_json``; raises KeyError or TypeError where something is missing."""
    curve = SeedCurve(**_tuples(value["curve"]))
    return SeedResult(curve, Profile(**_tuples(value["profile"])))


def _tuples(value: Any) -> Any:
    """JSON has lists where we have tuples."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
