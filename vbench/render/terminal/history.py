"""The tables of a history, for a person at a terminal."""

from __future__ import annotations

from rich.table import Table

from vbench.analysis.history import History, Series, say_first
from vbench.numbers import write, write_ends
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text


def print_history(history: History) -> None:
    """Print every series run by run, and what changed."""
    out = console()
    for each in history.series:
        print_table(out, _table(each))
        worse = any(not change.better for change in each.changes)
        style = "yellow" if worse else "green" if each.changes else "dim"
        out.print(style_text(each.verdict, style=style))
        out.print()
    for left in history.left_out:
        out.print(f"left out: {left}", style="dim")
    out.print(style_text(say_first(history), style="bold"))


def _table(series: Series) -> Table:
    table = make_table(
        f"{series.setting}, K={series.k}",
        *("run", "began", series.measure, "", "builds", "beside the answers"),
    )
    changes = {change.run: change for change in series.changes}
    for point in series.points:
        change = changes.get(point.run)
        arrow = "" if change is None else ("▲" if (change.difference.value or 0) > 0 else "▼")
        what = [*(["identical answers"] if point.identical else []), *map(str, point.changes)]
        table.add_row(
            point.run,
            point.created[:10],
            write(point.value, series.unit),
            f"{write_ends(point, series.unit)} {arrow}".strip(),
            str(point.builds),
            "; ".join(what),
        )
    return table
