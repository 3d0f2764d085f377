"""What asking again says of a certificate, for a person at a terminal."""

from __future__ import annotations

from vbench.analysis.certificate import Verification
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text
from vbench.render.verify import table_of

_STYLES = {"holds": "green", "broken": "red"}


def print_verification(found: Verification) -> None:
    """Print every claim, what has changed since, and the verdict."""
    out = console()
    shown = table_of(found)
    table = make_table(shown.title, *shown.heads)
    for *cells, status in shown.rows:
        table.add_row(*cells, style_text(status, style=_STYLES.get(status, "yellow")))
    print_table(out, table)
    for change in found.changes:
        out.print(f"since then: {change}")
    style = _STYLES.get(found.status, "yellow")
    out.print(style_text(found.verdict, style=f"bold {style}"))
    out.print(f"run folder: {found.run}", soft_wrap=True)
