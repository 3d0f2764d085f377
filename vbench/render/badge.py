"""A badge of a comparison: the first measure of the candidate, in the color of the gate."""

from __future__ import annotations

from html import escape

from vbench._plain import plain
from vbench.analysis.comparison import Comparison
from vbench.numbers import write, write_interval

_COLORS = {0: "#1a7f37", 1: "#cf222e", 3: "#9a6700", None: "#57606a"}
_WORDS = {0: "passed", 1: "failed", 3: "undecided"}
_WIDTH, _MARGIN, _HEIGHT = 6.6, 6.0, 20


def badge_of(comparison: Comparison) -> str:
    """An SVG image: green where gate and floors passed, red where one failed, amber where not told.

    Without gate and floors it is gray, and says the value alone.
    """
    label, value = _content(comparison)
    judged = comparison.gate is not None or bool(comparison.floors)
    code = comparison.exit_code if judged else None
    text = value if code is None else f"{value} {_WORDS[code]}"
    return _drawn(plain(label), plain(text), _COLORS[code])


def _content(comparison: Comparison) -> tuple[str, str]:
    """The measure, and its value with its interval."""
    for row in comparison.comparisons:
        return row.measure, write_interval(row.candidate_value, row.unit)
    for floor in comparison.floors:
        return floor.floor, write(floor.value, floor.unit)
    return "vbench", "nothing compared"


def _drawn(label: str, text: str, color: str) -> str:
    """Two boxes with text; widths are stated, whatever font is there."""
    left, right = (_WIDTH * len(each) + 2 * _MARGIN for each in (label, text))
    total = left + right

    def written(words: str, start: float, width: float) -> str:
        return (
            f'<text x="{start + _MARGIN:.1f}" y="14" textLength="{width - 2 * _MARGIN:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(words)}</text>'
        )

    title = escape(f"{label}: {text}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:.1f}" height="{_HEIGHT}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n'
        f'<rect width="{total:.1f}" height="{_HEIGHT}" rx="3" fill="{color}"/>\n'
        f'<path d="M3 0h{left - 3:.1f}v{_HEIGHT}h-{left - 3:.1f}a3 3 0 0 1-3-3v-{_HEIGHT - 6}'
        'a3 3 0 0 1 3-3z" fill="#24292f"/>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{written(label, 0.0, left)}{written(text, left, right)}</g>\n</svg>\n"
    )
