"""What `vbench data audit` prints: the findings, the worst first, and what to try."""

from __future__ import annotations

from vbench.analysis.audit import DataAudit
from vbench.render.audit import notes_of, table_of, title_of
from vbench.render.terminal.output import console, print_table, say
from vbench.render.terminal.tables import make_table, style_text

_STYLES = {"good": "green", "watch": "yellow", "bad": "bold red"}


def print_audit(found: DataAudit) -> None:
    """A row for each finding; below it why it matters, and a command, for what is not good."""
    out = console()
    out.print(title_of(found), style="bold", markup=False)
    shown = table_of(found)
    table = make_table("", *shown.heads, text=shown.text)
    for title, value, verdict, bad in shown.rows:
        table.add_row(title, value, style_text(verdict, style=_STYLES[verdict]), bad)
    print_table(out, table)
    for note in notes_of(found, "! "):
        say(note)
