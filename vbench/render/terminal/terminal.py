"""A console that takes what it prints for text: no name is markup, none controls the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from vbench._plain import plain
from vbench.runs.schema import Warn


class PlainConsole(Console):
    """What looks like markup, an emoji's name or an escape sequence is printed as it is written.

    Styles are given by `style=` and :func:`styled`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # The last door, for a Text that was made elsewhere.
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else plain(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)


def styled(text: object, style: str = "") -> Text:
    """Text in a style, such as "bold red"."""
    return Text(plain(text), style=style)


def headed(name: object, rest: str, style: str = "bold") -> Text:
    """A name that stands out, and what is said of it."""
    return Text.assemble((plain(name), style), plain(rest))


def warned(warning: Warn) -> Text:
    """A finding with its remedy."""
    said = f": {warning.message}; {warning.why}. Try: {warning.remedy}."
    return Text.assemble(("! ", "yellow"), headed(warning.about, said))
