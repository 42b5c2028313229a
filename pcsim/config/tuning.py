"""Were the settings of the rules tuned, how hard, and are they still those that were?"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

from pcsim.config.fields import name, whole
from pcsim.config.section import Section


class Tuning(Section):
    """What ``pcsim tune`` did: ``budget`` trainings for each rule, each with ``seeds`` seeds and
    ``epochs`` passes.

    ``settings`` is the fingerprint of what was tuned.
    """

    budget: Annotated[int, whole(1, 100_000)]
    seeds: Annotated[int, whole(1, 1000)]
    epochs: Annotated[int, whole(1, 100_000)]
    settings: Annotated[str, name()]


def settings_fingerprint(workload: Section) -> str:
    """Of a workload file's task and of both rules' settings: eight hexadecimal digits.

    Left out is what may differ between tuning and using: names, folders, the duration, seeds, the
    target, test images, and what changes no bit of learning. Defaults are left out, too, so that a
    key that is added to the format later changes no fingerprint.
    """
    everything = workload.model_dump(
        mode="json",
        exclude_defaults=True,
        exclude={
            "schema_id": True,
            "name": True,
            "tuning": True,
            "data": {"test"},
            "training": {"epochs", "seeds", "target_accuracy", "evaluate_every"},
            "pc": {"wavefront", "hoist"},
            "bp": {"schedule"},
        },
    )
    everything["dataset"] = Path(everything["data"].pop("dataset")).name
    text = json.dumps(everything, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
