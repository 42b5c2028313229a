"""From blocks, one on top of the other, to the description of nodes.

Most networks go one way up, so they can be said as a list of blocks: operators, residual blocks, and repetitions.

    - conv: {filters: 16, kernel: 3, padding: 1}
    - pool: {kind: max, kernel: 2}
    - repeat: {times: 2, blocks: [{residual: [layer_norm, {attention: {heads: 4}}]}]}
    - dense: 10

An operator with weights (dense, conv2d, attention) begins a node of its own. The network's ``activation`` stands
behind it (``placement: post``: one state a block, behind its pool) or, for all but the first, before it (``pre``:
pools are nodes of their own). Behind the last one there is none. Pools and positions belong to what came before;
norms and reshapes to what comes next. ``residual`` is a node that adds to the value below it what its own operators
make of it, and those are taken as they stand; ``node`` is a node of just the operators it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pcsim.network.build import Mistake, Path, X, near
from pcsim.network.operators import OPERATORS

CORES = ("dense", "conv2d", "attention")
"""Operators that begin a node."""

TRAILING = ("max_pool", "avg_pool", "global_avg_pool", "mean_tokens", "position")
"""Operators that belong to the node before, placement post."""

SHORT = ("conv", "pool")
"""Words of blocks for operators of other names."""

BLOCKS = (*SHORT, "residual", "node", "repeat")
"""Words that stand for more than an operator of that name."""

POOLS = {"max": "max_pool", "avg": "avg_pool"}
"""The kinds of ``pool``."""

MOST = 4096
"""Blocks after all repetitions."""

_LONG = ("map", "skip", "then")


@dataclass(frozen=True)
class OperatorEntry:
    """An operator's entry, and where in the file it stands; the activation that is put in stands at its block.

    ``word`` is what the file calls it, where that is another name than the operator's.
    """

    entry: Any
    at: Path
    word: str = ""


@dataclass
class Described:
    """The nodes that blocks describe, where each operator of theirs stands, and what is wrong."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    places: dict[Path, Path] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place_of(self, path: Path) -> Path:
        """Where in the blocks the value at ``path`` of the nodes stands."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return (*self.places[path[:end]], *path[end:])
        return ("blocks",)

    def add(
        self,
        at: Path,
        branches: Sequence[tuple[Path, Sequence[OperatorEntry]]],
        then: Sequence[OperatorEntry] = (),
    ) -> None:
        """A node from the value below it."""
        index = len(self.nodes)
        below = self.nodes[-1]["name"] if self.nodes else X
        self.places["nodes", index] = at
        described = []
        for number, (place, pieces) in enumerate(branches):
            self.places["nodes", index, "branches", number] = place
            for position, piece in enumerate(pieces):
                self._stands(("nodes", index, "branches", number, "map", position), piece)
            described.append({"from": below, "map": [piece.entry for piece in pieces]})
        for position, piece in enumerate(then):
            self._stands(("nodes", index, "then", position), piece)
        node: dict[str, Any] = {"name": f"z{index + 1}", "branches": described}
        if then:
            node["then"] = [piece.entry for piece in then]
        self.nodes.append(node)

    def _stands(self, path: Path, piece: OperatorEntry) -> None:
        self.places[path] = piece.at
        if piece.word:
            (name,) = piece.entry
            self.places[(*path, name)] = (*piece.at, piece.word)


def described(blocks: object, *, activation: str | None, placement: str) -> Described:
    """The nodes that ``blocks`` stand for; the last of them is named y."""
    found = Described()
    flat = _flat(blocks, ("blocks",), found)
    _Grouping(found, None if activation in (None, "linear") else activation, placement).run(flat)
    if found.nodes:
        found.nodes[-1]["name"] = "y"
    return found


def _flat(blocks: object, path: Path, found: Described) -> list[tuple[str, Any, Path]]:
    """All blocks in a row, repetitions written out: the word of each, its entry, and its place."""
    if not isinstance(blocks, list | tuple) or not blocks:
        said = "must be a list of blocks such as {conv: {filters: 16, kernel: 3}}, residual, repeat or dense"
        found.mistakes.append(Mistake(path, f"{said}, not {blocks!r}"))
        return []
    flat: list[tuple[str, Any, Path]] = []
    for index, block in enumerate(blocks):
        at = (*path, index)
        name, value = _named(block)
        if name != "repeat":
            flat.append((name or "", block, at))
            continue
        keys = set(value) if isinstance(value, Mapping) else set()
        if keys != {"times", "blocks"}:
            has = ", ".join(map(str, value)) if keys else repr(value)
            said = (
                f"must have the keys times and blocks, {{times: 4, blocks: [...]}}, and has {has}"
            )
            hints = (
                near(key, ["times", "blocks"])
                for key in sorted(map(str, keys - {"times", "blocks"}))
            )
            found.mistakes.append(Mistake((*at, "repeat"), said, next(hints, "")))
            continue
        times = value["times"]
        if type(times) is not int or not 1 <= times <= MOST:
            said = f"must be a whole number between 1 and {MOST}, not {times!r}"
            found.mistakes.append(Mistake((*at, "repeat", "times"), said))
            continue
        inside = _flat(value["blocks"], (*at, "repeat", "blocks"), found)
        if len(flat) + len(inside) * times > MOST:
            said = f"must not make more than {MOST} blocks of all repetitions together, not {times}"
            found.mistakes.append(Mistake((*at, "repeat", "times"), said))
            return flat
        flat += inside * times
    return flat


class _Grouping:
    """Collects operators until a node is complete."""

    def __init__(self, found: Described, activation: str | None, placement: str) -> None:
        self.found, self.activation, self.placement = found, activation, placement
        self.pieces: list[OperatorEntry] = []
        self.core: Path | None = None

    def run(self, flat: Sequence[tuple[str, Any, Path]]) -> None:
        predicting = (*CORES, "conv", "residual", "node")
        last = max((i for i, block in enumerate(flat) if block[0] in predicting), default=-1)
        for index, (name, block, at) in enumerate(flat):
            if name in ("residual", "node"):
                self.close()
                self.whole(name, _named(block)[1], at)
            else:
                self.operator(name, self.piece(name, block, at, BLOCKS), last=index >= last)
        self.close()
        if self.pieces:
            self.found.add(self.pieces[0].at, [(self.pieces[0].at, self.pieces)])

    def piece(self, name: str, block: Any, at: Path, words: Sequence[str] = SHORT) -> OperatorEntry:
        """The entry of an operator, the short words of blocks written out; ``words`` may stand there besides."""
        if name == "conv":
            return OperatorEntry({"conv2d": _named(block)[1]}, at, "conv")
        if name and name not in OPERATORS and name != "pool":
            known = [*words, *OPERATORS]
            said = f"must be one of {', '.join(known)}, not {name!r}"
            self.found.mistakes.append(Mistake(at, said, near(name, known)))
            return OperatorEntry("flatten", at)
        if name != "pool":
            return OperatorEntry(block, at)
        value = _named(block)[1]
        if not isinstance(value, Mapping) or value.get("kind") not in POOLS:
            said = f"must be {{kind: max or avg, kernel: N}}, not {value!r}"
            self.found.mistakes.append(Mistake((*at, "pool"), said))
            return OperatorEntry("flatten", at)
        own = {key: each for key, each in value.items() if key != "kind"}
        return OperatorEntry({POOLS[value["kind"]]: own}, at, "pool")

    def operator(self, name: str, piece: OperatorEntry, *, last: bool) -> None:
        word, at = _named(piece.entry)[0] or name, piece.at
        trails = word in TRAILING and self.core is not None
        if word in CORES or (self.core is not None and not trails):
            self.close()
        if trails and self.placement == "pre":
            self.close()
            self.found.add(at, [(at, [piece])])
            return
        if word in CORES:
            if self.placement == "pre" and self.found.nodes and self.activation:
                self.pieces.insert(0, OperatorEntry(self.activation, at))
            self.core = at
        self.pieces.append(piece)
        if word in CORES and self.placement == "post" and not last and self.activation:
            self.pieces.append(OperatorEntry(self.activation, at))

    def close(self) -> None:
        """The node that has been collected so far, if it has one; else what waits belongs to the next."""
        if self.core is not None:
            self.found.add(self.core, [(self.core, self.pieces)])
            self.core, self.pieces = None, []

    def whole(self, name: str, value: Any, at: Path) -> None:
        """A residual block, or a node of just the operators that it names."""
        path = (*at, name)
        parts: dict[str, Any] = {"map": value}
        if isinstance(value, Mapping) and name == "residual":
            unknown = [key for key in value if key not in _LONG]
            for key in unknown:
                said = f"must be {', '.join(_LONG)}, not {key!r}"
                mistake = Mistake((*path, str(key)), said, near(key, _LONG), at_key=True)
                self.found.mistakes.append(mistake)
            parts = dict(value)
        lists = {key: self.pieces_of(parts.get(key, ()), path, key, value) for key in _LONG}
        before, self.pieces = self.pieces, []
        branches = [(path, [*before, *lists["map"]])]
        if name == "residual":
            branches.append((path, lists["skip"]))
        self.found.add(path, branches, lists["then"])

    def pieces_of(self, given: Any, path: Path, key: str, value: Any) -> list[OperatorEntry]:
        at = (*path, key) if isinstance(value, Mapping) else path
        if not isinstance(given, list | tuple):
            said = f"must be a list of operators, not {given!r}"
            self.found.mistakes.append(Mistake(at, said))
            return []
        pieces = []
        for index, each in enumerate(given):
            place = (*at, index)
            pieces.append(self.piece(_named(each)[0] or "", each, place))
        return pieces


def _named(entry: Any) -> tuple[str | None, Any]:
    """The word of a block, and what it says."""
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        (name, value), *_ = entry.items()
        return (name, value) if isinstance(name, str) else (None, None)
    if isinstance(entry, list | tuple) and entry and isinstance(entry[0], str):
        return entry[0], entry[1] if len(entry) > 1 else {}
    return None, None
