"""What all commands print with."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from vbench.cli.output import print_table


def printed(width: int) -> str:
    out = Console(file=io.StringIO(), width=width)
    table = Table(title="Numbers", caption="of a test")
    for head in ("measure", "interval", "p"):
        table.add_column(head)
    table.add_row("Robustness(delta=0.9)@10", "-0.0153 … +0.0370", "0.8846")
    print_table(out, table)
    return out.file.getvalue()  # type: ignore[attr-defined]


def test_no_number_is_cut_short() -> None:
    """A table that is too wide for the terminal comes in parts, each with its first column."""
    assert "measure" in printed(80).splitlines()[2]
    for width in (80, 60, 40):
        shown = printed(width)
        assert max(map(len, shown.splitlines())) <= width
        for part in ("Numbers", "-0.0153", "+0.0370", "0.8846", "of a test"):
            assert part in shown, shown
    assert printed(40).count("measure") == 2
