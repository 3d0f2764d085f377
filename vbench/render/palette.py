"""One color and one marker for each index, the same in every chart of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COLORS = (
    "#5647FF",
    "#DC3909",
    "#0BBE88",
    "#BB19AE",
    "#E49600",
    "#8DA2FF",
    "#596E70",
    "#9B5A37",
)
"""Searched for the largest distance between any two under normal sight, deuteranopia, protanopia
and tritanopia (ΔE ≥ 20 in each), and for a contrast of 2.4 on white."""
DARK_COLORS = (
    "#8176FF",
    "#E8633D",
    "#0BBE88",
    "#D263C9",
    "#E49600",
    "#BCC8FF",
    "#7F9091",
    "#B5825F",
)
"""The same on a dark page, lightened to a contrast of at least 4.5 with its cards."""


class Marker(NamedTuple):
    """A marker as Vega, matplotlib and an SVG path in a box of −6…6 call it."""

    vega: str
    matplotlib: str
    path: str


MARKERS = (
    Marker("circle", "o", "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0"),
    Marker("square", "s", "M-4.5,-4.5h9v9h-9z"),
    Marker("triangle-up", "^", "M0,-5.5L5.5,4.5H-5.5z"),
    Marker("diamond", "D", "M0,-6L5,0L0,6L-5,0z"),
    Marker("triangle-down", "v", "M0,5.5L5.5,-4.5H-5.5z"),
    Marker("cross", "P", "M-2,-5.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5v-4h3.5z"),
    Marker("triangle-right", ">", "M5.5,0L-4.5,5.5V-5.5z"),
    Marker("triangle-left", "<", "M-5.5,0L4.5,5.5V-5.5z"),
)
_DASHES = ((), (5, 2), (2, 2), (7, 2, 2, 2))


class Look(NamedTuple):
    """How an index is drawn. `dash` is empty for a line without gaps."""

    color: str
    dark: str
    marker: Marker
    dash: tuple[int, ...]

    @property
    def css(self) -> str:
        """Its color on a page that is light or dark."""
        return f"light-dark({self.color}, {self.dark})"


def looks(indexes: Sequence[str]) -> dict[str, Look]:
    """A look for each index, by its place. No two of the first 64 are the same."""
    found = {}
    for place, index in enumerate(indexes):
        lap = place // len(COLORS)
        found[index] = Look(
            COLORS[place % len(COLORS)],
            DARK_COLORS[place % len(COLORS)],
            MARKERS[(place + lap) % len(MARKERS)],
            _DASHES[lap % len(_DASHES)],
        )
    return found
