"""pcsim: what does it cost to learn by predictive coding instead of backpropagation, on your chip?

    import pcsim
    verdict = pcsim.run(pcsim.load_hardware("tile64"), pcsim.load_workload("mlp128"))
    print(verdict.ratios.energy)

The names below are imported when first used, so that ``import pcsim`` needs neither numpy nor numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pcsim.version import VERSION

if TYPE_CHECKING:
    from pcsim.config import load_hardware as load_hardware
    from pcsim.config import load_workload as load_workload
    from pcsim.line import run as run
    from pcsim.sweeps import sweep as sweep
    from pcsim.verdict import Verdict as Verdict

__version__ = VERSION

_HOME = {
    "load_hardware": "pcsim.config",
    "load_workload": "pcsim.config",
    "run": "pcsim.line",
    "sweep": "pcsim.sweeps",
    "Verdict": "pcsim.verdict",
}
__all__ = ["Verdict", "__version__", "load_hardware", "load_workload", "run", "sweep"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'pcsim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
