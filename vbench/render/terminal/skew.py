"""Versions of towers for a person at a terminal: what lists have in common, and what is lost."""

from __future__ import annotations

from vbench.analysis.skew import Skew
from vbench.render.skew import notes_of, tables_of
from vbench.render.terminal.output import console, say
from vbench.render.terminal.tables import print_plain


def print_skew(found: Skew) -> None:
    """Print a row for each version, and one for each setting of the index."""
    out = console()
    for table in tables_of(found):
        print_plain(out, table)
    for note in notes_of(found):
        say(note)
