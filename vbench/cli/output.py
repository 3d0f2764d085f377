"""How every command speaks: JSON on standard output, progress and warnings on standard error."""

from __future__ import annotations

import io
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MACHINE_WIDTH = 180
_CUT_SHORT = re.compile(r"\S…")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on standard output."
)


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinities become null."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough for every table where there is none."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = MACHINE_WIDTH
    return made


def print_table(out: Console, table: Table) -> None:
    """Print a table; where it is wider than the terminal, its rows one under the other.

    rich would cut numbers short to make a table fit.
    """
    from rich.table import Table as Grid
    from rich.text import Text

    with out.capture() as shown:
        out.print(table)
    if not _CUT_SHORT.search(shown.get()):
        out.print(table)
        return
    if table.title:
        out.print(table.title, style="italic")
    heads = [column.header for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(overflow="fold")
        grid.add_column(overflow="fold")
        for head, cell in zip(heads, cells, strict=True):
            text = Text.from_markup(cell) if isinstance(cell, str) else cell
            if str(text):
                grid.add_row(Text(f"  {head}", style="dim"), text)
        out.print(grid)
        out.print()
    if table.caption:
        out.print(table.caption, style="dim")


def speak_plainly() -> None:
    """Print a warning as one line, without file and line of our code; in any encoding.

    A terminal that knows no `±` shows `?`. JSON goes out as bytes, in UTF-8.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"vbench: warning: {message}", err=True)

    warnings.showwarning = show


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A callback ``(doing, done, total)`` that draws a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda doing, done, total: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # A slow refresh: the bar must not take time from what is measured on the same machine.
    bar = Progress(*columns, console=console(stderr=True), transient=True, refresh_per_second=4)
    with bar:
        task = bar.add_task("", total=None)
        yield lambda doing, done, total: bar.update(
            task, description=doing, completed=done, total=total
        )


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self._start
