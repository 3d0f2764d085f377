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
    """A table that is too wide for the terminal has its rows one under the other."""
    assert "measure" in printed(80).splitlines()[2]
    parts = ("Numbers", "Robustness(delta=0.9)@10", "-0.0153…+0.0370", "0.8846", "ofatest")
    for width in (80, 40, 30):
        shown = "".join(printed(width).split())
        assert all(part in shown for part in parts), shown
