"""Were the rules' settings tuned, with the same budget for each? The verdict depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcsim.config import Workload


def tuning_facts(workload: Workload) -> dict[str, int] | None:
    """The budget of each rule and the seeds and epochs of a training of it; None where the settings
    were not tuned, or are not those that were."""
    if workload.tuning is None or not workload.tuned:
        return None
    return workload.tuning.model_dump(include={"budget", "seeds", "epochs"})


def tuning_sentence(workload: Workload) -> str:
    """What a reader of the verdict has to know of it."""
    facts = tuning_facts(workload)
    if facts is None:
        if workload.tuning is None:
            return "The rates were not tuned here."
        return "The rates were not tuned here: those that were belong to other settings."
    epochs = facts["epochs"]
    length = f" of {_many(epochs, 'epoch')}" if epochs != workload.training.epochs else ""
    return (
        f"Both rules were tuned with {_many(facts['budget'], 'training')}{length} each on the "
        "validation images."
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
