"""Has exactly this been trained before? Finished trainings, found by what they depend on.

The key covers what learning depends on and nothing else: no hardware, no schedule, no name, no
target accuracy, and not whether idle layers are skipped or the first prediction is hoisted, which
change no bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pcsim.engine.cache import cache_folder, engine_fingerprint, write_whole
from pcsim.engine.training import Training, training_from_json, training_to_json

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload


def learning_key(workload: Workload, candidate: Candidate, *, first_seed: int) -> str:
    """A hash that two trainings share exactly when they compute the same bits on one machine."""
    network, data, training = workload.network, workload.data, workload.training
    relevant = {
        "layers": network.layers,
        "activation": network.activation,
        "parameterisation": network.parameterisation,
        "dataset": data.dataset,
        "split": (data.train, data.validation, data.test),
        "normalise": data.normalise,
        "batch": training.batch,
        "epochs": training.epochs,
        "loss": training.loss,
        "seeds": (first_seed, training.seeds),
        "evaluate_every": training.evaluate_every,
        "rule": candidate.rule,
        "order": candidate.order,
        "steps": candidate.steps,
        "rate": candidate.rate,
        "optimiser": (candidate.optimiser.kind, candidate.optimiser.rate),
        "format": candidate.numerics.state,
        "engine": engine_fingerprint(),
    }
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()


def load_training(key: str) -> Training | None:
    """The stored training, or None when there is none or its file is damaged."""
    try:
        return training_from_json(json.loads(_path(key).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save_training(key: str, training: Training) -> None:
    """Keep a training; where the cache folder cannot be written, keep nothing."""
    content = json.dumps(training_to_json(training), allow_nan=False)
    with contextlib.suppress(OSError):
        write_whole(_path(key), content.encode())


def _path(key: str) -> Path:
    return cache_folder() / "trainings" / f"{key}.json"
