"""How does matplotlib's SVG become small enough to stand in a page with seven others?

What is drawn stays the same to a hundredth of a point: only comments, white space, unused ids and
needless digits go, and paths are written with the shortest commands.
"""

from __future__ import annotations

import re

_LONG = re.compile(r"\d+\.\d{3,}")
_PATH = re.compile(r'\bd="([^"]*)"')
_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(?:href="|url\()#([^")]+)')
_SHIFT = re.compile(r'(<use [^>]*?) transform="translate\(([-\d.]+) 0\)"')
_BETWEEN_TAGS = re.compile(r">\s+<")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_PLAIN_GROUP = re.compile(r"<g>((?:<use [^>]*/>|<path [^>]*/>)*)</g>")


def smaller(svg: str) -> str:
    """The same drawing in fewer bytes."""
    svg = _COMMENT.sub("", svg)
    svg = _LONG.sub(_fewer_digits, svg)
    svg = _PATH.sub(lambda found: f'd="{_path(found[1])}"', svg)
    used = set(_REFERENCE.findall(svg))
    svg = _ID.sub(lambda found: found[0] if found[1] in used else "", svg)
    svg = _SHIFT.sub(r'\1 x="\2"', svg)
    svg = _BETWEEN_TAGS.sub("><", svg).replace("<defs/>", "").replace("; ", ";").replace(": ", ":")
    return _PLAIN_GROUP.sub(r"\1", svg)


def _fewer_digits(number: re.Match[str]) -> str:
    """A hundredth of a point is finer than any screen; scales below 1 keep four digits."""
    value = float(number[0])
    return f"{value:.2f}".rstrip("0").rstrip(".") if value >= 1 else f"{value:.4g}"


def _path(text: str) -> str:
    """Absolute commands without spaces; lines along an axis by their one coordinate."""
    written, at = [], ("", "")
    for command in re.findall(r"[A-Za-z][^A-Za-z]*", text):
        letter, numbers = command[0], command[1:].split()
        if letter == "L" and numbers[1] == at[1]:
            written.append(f"H{numbers[0]}")
        elif letter == "L" and numbers[0] == at[0]:
            written.append(f"V{numbers[1]}")
        else:
            written.append(letter + " ".join(numbers))
        if numbers:
            at = numbers[-2], numbers[-1]
    return "".join(written)
