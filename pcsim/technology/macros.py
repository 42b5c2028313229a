"""What does an SRAM macro of any size, port and node cost by CACTI?

Its runs form a grid: nodes, widths of the port, sizes. Between them energies, leakage and area follow power
laws, and every run is met exactly. Most sizes were run with a 64-bit port; of other ports the ratio to it
is interpolated between the sizes that were run with both. Below the finest node run a stated rule takes over.
Left out: other cells and temperatures, several banks or ports.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from pcsim.technology.reading import read_table
from pcsim.units import exact_quantity, parse_quantity, parse_size

SCHEMA = "pcsim/cacti/1"
REFERENCE_BITS = 64
"""The port with which every size was run."""

Points = tuple[tuple[float, float], ...]
"""(coordinate, value) by rising coordinate, all above 0."""


@dataclass(frozen=True)
class Macro:
    """One macro: energies of one access through its whole port, leakage, area; SI units."""

    read_j: float
    write_j: float
    leakage_w: float
    area_m2: float


@dataclass(frozen=True)
class Macros:
    """All runs: ``runs[node in nm][port in bits][size in bytes]``, and the rule below the finest of them."""

    source: str
    runs: Mapping[int, Mapping[int, Mapping[int, Macro]]]
    below: Mapping[str, tuple[float, float]]
    finest_nm: float

    @classmethod
    def load(cls) -> Macros:
        """The shipped runs."""
        return _load()

    def covers(self, size_bytes: float, *, bits: float, node_nm: float) -> bool:
        """Whether ``at`` knows such a macro."""
        widths = self.runs[min(self.runs)]
        sizes = widths[REFERENCE_BITS if bits == REFERENCE_BITS else min(widths)]
        return (
            self.finest_nm <= node_nm <= max(self.runs)
            and min(widths) <= bits <= max(widths)
            and min(sizes) <= size_bytes <= max(sizes)
        )

    def at(self, size_bytes: float, *, bits: float, node_nm: float) -> Macro:
        """The macro of that size, port and node. Raises ValueError outside the runs."""
        if not self.covers(size_bytes, bits=bits, node_nm=node_nm):
            raise ValueError(f"no macro of {size_bytes} B, {bits} bit and {node_nm} nm was run")
        low = min(self.runs)
        run_nm = max(node_nm, low)
        values = {}
        for name, rule in self.below.items():
            field = _FIELDS[name]
            points = [(nm, self._of_node(nm, field, size_bytes, bits)) for nm in sorted(self.runs)]
            value = _power_law(tuple(points), run_nm)
            if node_nm < low:
                factor, power = rule
                value *= factor * (node_nm / low) ** power
            values[field] = value
        return Macro(**values)

    def rows(self) -> Iterator[tuple[int, int, int, Macro]]:
        """Every run: node, port, size, macro."""
        for node, widths in self.runs.items():
            for bits, sizes in widths.items():
                for size, macro in sizes.items():
                    yield node, bits, size, macro

    def _of_node(self, node: int, field: str, size: float, bits: float) -> float:
        widths = self.runs[node]

        def value(width: int, size_bytes: int) -> float:
            found: float = getattr(widths[width][size_bytes], field)
            return found

        reference = tuple((s, value(REFERENCE_BITS, s)) for s in sorted(widths[REFERENCE_BITS]))
        base = _power_law(reference, size)
        if bits == REFERENCE_BITS:
            return base
        ratios = []
        for width in sorted(widths):
            beside = tuple((s, value(width, s) / dict(reference)[s]) for s in sorted(widths[width]))
            ratios.append((width, _power_law(beside, size)))
        return base * _power_law(tuple(ratios), bits)


_FIELDS = {"read": "read_j", "write": "write_j", "leakage": "leakage_w", "area": "area_m2"}


def _power_law(points: Points, at: float) -> float:
    """The value at ``at``, by a power law between neighbours; a point's own value where it lies on one."""
    above = bisect_left(points, at, key=lambda point: point[0])
    there, value_there = points[above]
    if there == at:
        return value_there
    here, value_here = points[above - 1]
    share = math.log(at / here) / math.log(there / here)
    return value_here * math.exp(math.log(value_there / value_here) * share)


@cache
def _load() -> Macros:
    table = read_table("cacti", schema=SCHEMA)
    units = ("J", "J", "W", "m2")

    def macro(numbers: list[float]) -> Macro:
        pairs = zip(numbers, table["units"], units, strict=True)
        return Macro(*(float(parse_quantity(f"{n!r} {given}", si)) for n, given, si in pairs))

    return Macros(
        source=" ".join(table["source"].split()),
        runs={
            int(node): {
                int(bits): {parse_size(size): macro(numbers) for size, numbers in sizes.items()}
                for bits, sizes in widths.items()
            }
            for node, widths in table["runs"].items()
        },
        below={
            name: (float(rule["factor"]), float(rule["power"]))
            for name, rule in table["below"].items()
        },
        finest_nm=float(table["finest"]),
    )


def macros_markdown(macros: Macros) -> str:
    """Every run as a row, then the rule below them and the source."""
    head = "| node | port | size | read | write | leakage | area |\n|---|---|---|---|---|---|---|"
    rows = [
        f"| {node} nm | {bits} bit | {exact_quantity(size, 'B')} | {m.read_j * 1e12:.6g} pJ "
        f"| {m.write_j * 1e12:.6g} pJ | {m.leakage_w * 1e3:.6g} mW | {m.area_m2 * 1e6:.6g} mm2 |"
        for node, bits, size, m in macros.rows()
    ]
    rules = [
        f"- {name}: x {factor:g} s^{power:g}, s = node / {min(macros.runs)} nm, down to "
        f"{macros.finest_nm:g} nm"
        for name, (factor, power) in macros.below.items()
    ]
    return "\n\n".join(("\n".join((head, *rows)), "\n".join(rules), f"- **CACTI** {macros.source}"))
