"""Which paths may a file have, and which of them was meant by one that it may not?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pcsim.config.chosen import everything_offered, sections_for
from pcsim.config.fields import any_of, nearest
from pcsim.config.marks import Path, show_path
from pcsim.config.section import Section, fields_by_key, section_at

_MOST_NAMED = 4
_HARDLY_DIFFERENT = 0.85


def paths_of(model: type[Section]) -> tuple[str, ...]:
    """Every path of a file, of sections and of values, with all sections that a word in them chooses."""
    return _paths_of(model, everything_offered())


def path_meant(model: type[Section], path: Path, *, near: str = "") -> str:
    """A hint at the whole path that an unknown key at ``path`` was meant to be, empty if none is.

    A key that stands elsewhere is meant for there, wherever that is nearest. Else it is ``near``, the key beside it
    that is most alike, or at last one anywhere that is hardly different.
    """
    *above, word = map(str, path)
    known = paths_of(model)
    meant = _nearest_to(above, [each for each in known if _last(each) == word])
    if not meant and near:
        meant = [show_path((*path[:-1], near))]
    if not meant:
        close = nearest(word, map(_last, known), likeness=_HARDLY_DIFFERENT)
        meant = _nearest_to(above, [each for each in known if _last(each) == close])
    return f"did you mean {any_of(map(repr, meant[:_MOST_NAMED]))}?" if meant else ""


def _nearest_to(above: list[str], paths: list[str]) -> list[str]:
    """Those of ``paths`` that share most of their beginning with ``above``."""

    def shared(path: str) -> int:
        parts = path.split(".")
        return next(
            (at for at, part in enumerate(above) if parts[at : at + 1] != [part]), len(above)
        )

    most = max(map(shared, paths), default=0)
    return [path for path in paths if shared(path) == most]


def _last(path: str) -> str:
    return path.rpartition(".")[2]


@cache
def _paths_of(model: type[Section], offered: tuple[type[Section], ...]) -> tuple[str, ...]:
    """``offered``: what the answer depends on beside the model."""
    return tuple(dict.fromkeys(_below(model, ())))


def _below(model: type[Section], above: Path) -> Iterator[str]:
    for key in fields_by_key(model):
        path = (*above, key)
        yield show_path(path)
        for part in sections_for(section_at(model, [key])):
            yield from _below(part, path)
