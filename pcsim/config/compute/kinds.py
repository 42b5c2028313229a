"""Which section does ``kind`` choose? A union that extensions can add to while it is open."""

from __future__ import annotations

from typing import get_args

from pcsim.config.chosen import ByWord, offer
from pcsim.config.compute.crossbar import Crossbar
from pcsim.config.compute.serial import Serial
from pcsim.config.compute.simd import Simd
from pcsim.config.compute.systolic import Systolic
from pcsim.config.compute.unit import ComputeUnit

SHIPPED: tuple[type[ComputeUnit], ...] = (Systolic, Simd, Crossbar, Serial)


def kind_of(section: type[ComputeUnit]) -> str:
    """The word that chooses a section: its ``kind`` is a Literal of one."""
    (word,) = get_args(section.model_fields["kind"].annotation)
    return str(word)


KINDS: dict[str, type[ComputeUnit]] = {kind_of(section): section for section in SHIPPED}
"""Word -> its section."""


def add_kind(section: type[ComputeUnit]) -> str:
    """Let files choose ``section``; returns its word.

    Raises:
        ValueError: another section has this word.
    """
    word = kind_of(section)
    known = KINDS.setdefault(word, section)
    if known is not section:
        raise ValueError(f"kind must be new, not {word!r}, which is {known.__qualname__}")
    return word


offer(ComputeUnit, "kind", KINDS)


def chosen_by_kind() -> ByWord:
    """The section of `KINDS` that ``kind`` names. Annotates a field of type ComputeUnit."""
    return ByWord(KINDS, "kind")
