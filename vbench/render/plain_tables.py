"""A few tables with a verdict, which the terminal and a page of one file show alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from markupsafe import Markup

from vbench._paths import resource_dir


class PlainTable(NamedTuple):
    """Heads and rows of cells; the first column is text, as are those in `text`."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: Collection[str] = ()


def to_page(
    title: str,
    tables: Sequence[PlainTable],
    *,
    lead: str = "",
    verdict: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The page of some tables as HTML, without a script."""
    from vbench.render.page import page

    template = page.environment().get_template("tables.html")
    style = (resource_dir("reports") / "page.css").read_text(encoding="utf-8")
    return template.render(
        title=title, tables=tables, lead=lead, verdict=verdict, notes=notes, style=Markup(style)
    ).lstrip()
