"""In which order do layers follow one another over the tiles?"""

from __future__ import annotations


def snake(rows: int, columns: int) -> tuple[int, ...]:
    """Tile numbers (row * columns + column) along a path on which consecutive tiles are neighbours."""
    path: list[int] = []
    for row in range(rows):
        line = range(row * columns, (row + 1) * columns)
        path.extend(line if row % 2 == 0 else reversed(line))
    return tuple(path)
