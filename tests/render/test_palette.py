"""Colors of indexes: enough contrast on a light page and on a dark one."""

from __future__ import annotations

import re

import pytest

from vbench._paths import resource_dir
from vbench.render.palette import COLORS, DARK_COLORS, looks


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("place", "colors", "least"), [(0, COLORS, 2.2), (1, DARK_COLORS, 4.5)])
def test_colors_stand_out_from_the_cards_of_the_page(
    place: int, colors: tuple[str, ...], least: float
) -> None:
    """On both papers too."""
    style = (resource_dir("reports") / "page.css").read_text()
    for name in ("paper", "card"):
        found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", style)
        assert found is not None
        assert min(contrast(color, found[place + 1]) for color in colors) >= least


def test_a_look_has_its_color_for_both() -> None:
    """As the style sheet of a browser understands it."""
    assert looks(["a"])["a"].css == f"light-dark({COLORS[0]}, {DARK_COLORS[0]})"
