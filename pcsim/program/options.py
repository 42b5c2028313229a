"""How a network relaxes: all that its programs are told besides the network."""

from __future__ import annotations

from dataclasses import dataclass

from pcsim.program.messages import Told
from pcsim.program.synchronise import Control
from pcsim.program.visits import Visits


@dataclass(frozen=True)
class Options:
    """``steps`` of inference on ``batch`` samples, and how.

    ``hoist``: what only reads the input is predicted once. ``wavefront``: only what can differ from the feed-
    forward start runs, and only nodes whose error can differ from zero learn. ``micro_batches`` take turns within a
    step. ``control``: what nodes wait for between steps. ``visits``: in which order tiles with many parts go
    through them. ``at_once``: nodes learn within the last step, while their weights are at hand, as they do where
    visits have an order. ``told``: values are compared with what is known of them, and only so many are told.
    """

    batch: int
    steps: int
    optimiser: str
    wavefront: bool = True
    hoist: bool = True
    descent: str = "gd"
    nudged: bool = False
    master: bool = False
    micro_batches: int = 1
    control: Control | None = None
    visits: Visits | None = None
    at_once: bool = False
    told: Told | None = None
