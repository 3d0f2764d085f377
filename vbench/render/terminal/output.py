"""How a call speaks: JSON on standard output, progress and warnings on standard error."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from vbench import _invocation
from vbench._plain import plain, plain_json
from vbench.errors import FailedTrialsWarning, VbenchError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all."""
MACHINE_WIDTH = 210
_NO_LIMIT = 10_000
_WORD = 16
"""Letters; longer words, such as paths, may be broken."""
_LONG, _EVERY = 2.0, 30.0
"""Seconds from which on a line says how far work is, and between two lines of one step."""
_BUILD = re.compile(r".*? build \d+/\d+")
"""What is being done, as far as it is one build."""
_CUT_SHORT = re.compile(r"\S…")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on standard output."
)


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinities become null."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    click.echo(plain_json(text).encode())


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line of text; what would control the terminal is escaped."""
    click.echo(plain(text), err=err)


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; without one as COLUMNS says, or as every table needs."""
    from vbench.render.terminal.tables import PlainConsole

    made = PlainConsole(stderr=stderr)
    if not made.is_terminal:
        asked = os.environ.get("COLUMNS", "")
        made.width = int(asked) if asked.isdecimal() and int(asked) else MACHINE_WIDTH
    return made


def print_table(out: Console, table: Table, heads: int = 1) -> None:
    """Print a table; where the terminal is too narrow for it, in parts.

    Each part begins with the first columns, `heads`, that say what a row is about. rich would cut
    numbers short to make a table fit.
    """
    caption, table.caption = table.caption, None
    with out.capture() as shown:
        out.print(table)
    if _CUT_SHORT.search(shown.get()) or _width(out, table.columns, table) > out.width:
        _print_parts(out, table, heads)
    else:
        out.print(table)
    if caption:
        out.print(caption, style="dim italic")


def _print_parts(out: Console, table: Table, heads: int) -> None:
    head, left = table.columns[:heads], table.columns[heads:]
    while left:
        count = len(left)
        while count > 1 and _width(out, [*head, *left[:count]], table) > out.width:
            count -= 1
        shown, left = [*head, *left[:count]], left[count:]
        part = _part(table, shown)
        if _width(out, shown, table) <= out.width:
            for column, of in zip(part.columns, shown, strict=True):
                column.no_wrap = of.no_wrap
        part.title, table.title = table.title, None
        out.print(part)


def _part(table: Table, columns: Sequence[Column]) -> Table:
    """A table of some columns of another one, none of which is cut short."""
    from rich.table import Table as Part

    part = Part(
        box=table.box,
        padding=table.padding,
        pad_edge=table.pad_edge,
        title_justify=table.title_justify,
    )
    for column in columns:
        part.add_column(column.header, justify=column.justify, overflow="fold")
    cells = zip(*(column.cells for column in columns), strict=True)
    for row, values in zip(table.rows, cells, strict=True):
        part.add_row(*values, style=row.style, end_section=row.end_section)
    return part


def _width(out: Console, columns: Sequence[Column], table: Table) -> int:
    """What columns need for numbers in one line each, and words of text that are not broken."""
    from rich.measure import Measurement

    wide = out.options.update(max_width=_NO_LIMIT)
    part = _part(table, columns)
    for column, shown in zip(columns, part.columns, strict=True):
        if column.overflow == "fold" and not column.no_wrap:
            cells = (column.header, *column.cells)
            shown.max_width = min(
                _WORD, max(Measurement.get(out, wide, cell).minimum for cell in cells)
            )
    return Measurement.get(out, wide, part).maximum


def setup_output() -> None:
    """Print a warning as one line, without file and line of our code; in any encoding.

    A terminal that knows no `±` shows `?`. JSON goes out as bytes, in UTF-8.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"vbench: warning: {message}", err=True)

    warnings.showwarning = show
    # Its table says it already.
    warnings.filterwarnings("ignore", category=FailedTrialsWarning)
    _invocation.say = lambda text: say(f"vbench: {text}", err=True)


@contextmanager
def telling() -> Iterator[None]:
    """Print what is warned of inside, each warning once and as a line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for message in dict.fromkeys(str(each.message) for each in caught):
                say(f"vbench: warning: {message}", err=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A callback ``(doing, done, total)``: a bar on a terminal, lines of text elsewhere."""
    if not sys.stderr.isatty():
        yield in_lines(time.monotonic)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[times]}", markup=False),
    )
    began = time.monotonic()
    # A slow refresh: the bar must not take time from what is measured on the same machine.
    bar = Progress(*columns, console=console(stderr=True), transient=True, refresh_per_second=4)
    with bar:
        task = bar.add_task("", total=None, times="")
        yield lambda doing, done, total: bar.update(
            task,
            description=plain(doing),
            completed=done,
            total=total,
            times=describe_times(done, total, time.monotonic() - began),
        )


def in_lines(clock: Callable[[], float]) -> Progress:
    """Lines on standard error once work takes long: for each new build, and every half a minute."""
    began = clock()
    last = began
    told: set[str] = set()

    def tell(doing: str, done: int, total: int) -> None:
        nonlocal last
        now = clock()
        build = _BUILD.match(doing)
        step = build[0] if build else doing
        if now - began >= _LONG and now - last >= (_EVERY if step in told else _LONG):
            told.add(step)
            last = now
            say(f"vbench: {describe_progress(doing, done, total, now - began)}", err=True)

    return tell


def describe_progress(doing: str, done: int, total: int, seconds: float) -> str:
    """What is being done, how far it is, since when, and how long it will take."""
    times = describe_times(done, total, seconds)
    return f"{plain(doing)}, {done} of {total} done, {times}"


def describe_times(done: int, total: int, seconds: float) -> str:
    """``40 s elapsed, about 2 min left``, the rest being as quick as what is done."""
    said = f"{write_duration(seconds)} elapsed"
    if 0 < done < total:
        said += f", about {write_duration(seconds * (total - done) / done)} left"
    return said


def write_duration(seconds: float) -> str:
    """``40 s``, ``2 min 5 s``, ``1 h 3 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


@contextlib.contextmanager
def shown_progress(given: bool | Progress | None) -> Iterator[Progress]:
    """What is called as work goes on: with what is being done, how much is done, and of how much.

    True shows it, False does not, None does so in notebooks; a function is taken as it is.
    """
    if callable(given):
        yield given
    elif given is not None and not isinstance(given, bool):
        raise VbenchError(
            f"progress={given!r:.80}; give True, False, or a function (doing, done, total)"
        )
    elif given is False or (given is None and not is_notebook()):
        yield lambda doing, done, total: None
    elif is_notebook():
        yield _in_place()
    else:
        with progress_bar() as bar:
            yield bar


def is_notebook() -> bool:
    """Whether a kernel of Jupyter runs this process."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None


def _in_place() -> Progress:
    """One line of output of a cell, written over."""
    from IPython.display import Pretty, display

    began = time.monotonic()
    handle = display(Pretty("vbench"), display_id=True)

    def tell(doing: str, done: int, total: int) -> None:
        handle.update(Pretty(describe_progress(doing, done, total, time.monotonic() - began)))

    return tell
