"""Has exactly this been trained before? The results of single seeds, found by what they depend on.

The key covers what learning depends on and nothing else: no hardware but its number formats, no schedule,
no name, no target accuracy, and not whether the first prediction is hoisted, which changes no bit.
Whether idle layers are skipped changes none in fp32 and fp64 either; where values are rounded at random,
cells are noisy or scales follow the values, a layer that is computed again may not be idle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pcsim.cache import cache_folder, keep, kept, source_fingerprint, tell_unusable
from pcsim.config import at_places_of
from pcsim.engine.data.content import identity
from pcsim.engine.training import SeedResult, seed_from_json, seed_to_json

if TYPE_CHECKING:
    from pcsim.config import Candidate, Workload

SOURCES = ("compiled", "network", "engine", "formats.py")
"""Everything of ours that decides the bits a training computes.

Not in it: the processor, whose BLAS kernels may round differently. Do not share one folder
among machines of different kinds.
"""


def learning_key(workload: Workload, candidate: Candidate, *, first_seed: int) -> str:
    """A hash that two trainings share exactly when they compute the same bits on one machine.

    Raises:
        InputError: the dataset's files are missing or unreadable.
    """
    return _hash(_relevant(workload, candidate), (first_seed, workload.training.seeds))


def seed_key(workload: Workload, candidate: Candidate, *, seed: int) -> str:
    """The same of one seed's training."""
    return _hash(_relevant(workload, candidate), seed)


def seed_keys(workload: Workload, candidate: Candidate, seeds: Iterable[int]) -> list[str]:
    """``seed_key`` of each of ``seeds``."""
    relevant = _relevant(workload, candidate)
    return [_hash(relevant, seed) for seed in seeds]


def _hash(relevant: dict[str, Any], seeds: int | tuple[int, int]) -> str:
    text = json.dumps({**relevant, "seeds": seeds}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(path: str) -> str:
    """The digest of a Python file, whose operators the training rests on; empty where it is gone."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def _relevant(workload: Workload, candidate: Candidate) -> dict[str, Any]:
    network, data, training = workload.network, workload.data, workload.training
    with at_places_of(workload):
        content = identity(data.dataset)
    return {
        "network": network.model_dump(mode="json"),
        "extensions": [_content(path) for path in workload.extensions or ()],
        "dataset": content,
        "split": (data.train, data.validation, data.test),
        "normalise": data.normalise,
        "batch": training.batch,
        "epochs": training.epochs,
        "loss": training.loss,
        "evaluate_every": training.evaluate_every,
        "rule": candidate.rule,
        "order": candidate.order,
        "inference": asdict(candidate.inference) if candidate.inference else None,
        "own": candidate.own.model_dump(mode="json") if candidate.own else None,
        "steps": candidate.steps,
        "rate": candidate.rate,
        "optimiser": candidate.optimiser.model_dump(mode="json"),
        "numerics": candidate.numerics.words(),
        "wavefront": None if candidate.numerics.plain else candidate.wavefront,
        "engine": source_fingerprint(*SOURCES),
    }


def load_seed(key: str) -> SeedResult | None:
    """The stored result, or None when there is none or its file is damaged.

    Damaged is what the file's own hash does not belong to, whoever changed it, and what is no result.
    """
    path = _folder() / f"{key}.json"
    content = kept(path)
    if content is None:
        return None
    try:
        stored = json.loads(content)
        if stored.pop("sha256") == _digest(key, stored):
            return seed_from_json(stored)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    tell_unusable(path)
    return None


def save_seed(key: str, result: SeedResult) -> None:
    """Keep a result; where the cache folder cannot be written, keep nothing."""
    stored = seed_to_json(result)
    content = json.dumps({"sha256": _digest(key, stored), **stored}, allow_nan=False)
    keep(_folder() / f"{key}.json", content.encode())


def _digest(key: str, stored: Any) -> str:
    """The hash of a result, by which a file that was changed or is another's is told."""
    text = json.dumps(stored, allow_nan=False, sort_keys=True)
    return hashlib.sha256(f"{key} {text}".encode()).hexdigest()


def checkpoint_path(key: str) -> Path:
    """Where the training of the seed with this key keeps its state until it has ended."""
    return _folder() / f"{key}.partial.npz"


def _folder() -> Path:
    return cache_folder() / "trainings"
