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
    weights, None where it is not finite. A seed that diverges stops after ``diverged_at`` updates: its curve
    keeps the evaluations before that, and ``test_accuracy`` is None, as what a diverged network
    answers says nothing of its rule. Where inference diverges on the untrained network, that is 0.
    """

    seed: int
    updates: tuple[int, ...]
    validation_accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    train_energy: tuple[float | None, ...]
    test_accuracy: float | None
    diverged_at: int | None


@dataclass(frozen=True)
class Profile:
    """What one batch keeps busy: the first training batch of the first seed, at its trained weights.

    ``steps`` is the inference steps executed per batch, 0 for bp; where batches settle early, the
    most of any batch in ``executed``: pairs (steps, batches) over all batches of the first epoch, at
    the trained weights. ``active_states[t][l - 1]``
    counts the non-zero values that products read of layer l after t steps, phi(z_l), or at the
    output the prediction; ``active_errors`` counts the non-zero errors alike. Both sum over the
    batch. ``credited_layers`` are the layers, counted from 1, whose weight gradient is above the noise of
    rounding (``credit.py``); ``gradient_norms``, ``gradient_cosines`` and ``credit_reasons`` have an entry a
    layer and say how large it is, how well it points where float64's does, and why it is no credit.
    ``sent_states`` and ``sent_errors``, shaped alike, count the values told to neighbours, where there is a
    threshold for that, else they are empty. ``rate_limit`` is the inference rate beyond which this batch's
    linearised network does not settle; None where no bound is known.
    """

    steps: int
    batch: int
    active_states: tuple[tuple[int, ...], ...]
    active_errors: tuple[tuple[int, ...], ...]
    credited_layers: tuple[int, ...]
    executed: tuple[tuple[int, int], ...] = ()
    sent_states: tuple[tuple[int, ...], ...] = ()
    sent_errors: tuple[tuple[int, ...], ...] = ()
    rate_limit: float | None = None
    gradient_norms: tuple[float | None, ...] = ()
    gradient_cosines: tuple[float | None, ...] = ()
    credit_reasons: tuple[str, ...] = ()

    @property
    def mean_steps(self) -> float:
        """Inference steps executed per batch, on average."""
        if not self.executed:
            return float(self.steps)
        batches = sum(count for _, count in self.executed)
        return sum(steps * count for steps, count in self.executed) / batches


@dataclass(frozen=True)
class SeedResult:
    """What one seed found out, as it is stored.

    ``absent`` are the classes, counted from 0, of which the training, validation and test images have
    none.
    """

    curve: SeedCurve
    profile: Profile
    absent: tuple[tuple[int, ...], ...] = ((), (), ())


@dataclass(frozen=True)
class Training:
    """Everything known of one rule after training it with several seeds.

    ``rate`` is that of inference; ``absent`` the classes without training, validation and test images.
    """

    rule: str
    batch: int
    updates_total: int
    curves: tuple[SeedCurve, ...]
    profile: Profile
    rate: float | None = None
    absent: tuple[tuple[int, ...], ...] = ((), (), ())

    @property
    def rate_excess(self) -> float | None:
        """How many times the inference rate exceeds its limit; None where it does not: a warning."""
        limit = self.profile.rate_limit
        if self.rate is None or limit is None or self.rate <= limit:
            return None
        return self.rate / limit

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
    return SeedResult(curve, Profile(**_tuples(value["profile"])), _tuples(value["absent"]))


def _tuples(value: Any) -> Any:
    """JSON has lists where we have tuples."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
