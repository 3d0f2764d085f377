"""What all commands print with."""

from __future__ import annotations

import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vbench.cli import main
from vbench.errors import VbenchError
from vbench.render.terminal import output
from vbench.render.terminal.output import (
    MACHINE_WIDTH,
    console,
    describe_times,
    in_lines,
    is_notebook,
    print_json,
    print_table,
    say,
    shown_progress,
    write_duration,
)
from vbench.render.terminal.tables import describe_warning, lead_with
from vbench.runs.schema import Warn


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


def test_words_of_text_are_not_broken() -> None:
    """A column of text that would have room for a few letters alone comes in another part."""
    out = Console(file=io.StringIO(), width=52)
    table = Table()
    table.add_column("name", no_wrap=True)
    table.add_column("title", overflow="fold")
    table.add_column("n", justify="right", no_wrap=True)
    table.add_row("agnews-mxbai-1024-euclidean", "Headlines of newspapers", "769,382,000,000")
    print_table(out, table)
    shown = out.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    assert shown.count("agnews-mxbai-1024-euclidean") == 2
    assert max(map(len, shown.splitlines())) <= 52
    for word in ("Headlines", "newspapers", "769,382,000,000"):
        assert word in shown


@pytest.mark.parametrize("name", ["hnsw[fast]", "[/bold]", "[red]", ":smile:", "[link=x]y[/link]"])
def test_names_are_no_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In lines, titles, heads, cells and captions a name is printed as it is written."""
    out = console()
    table = Table(title=f"1 {name}", caption=f"2 {name}")
    table.add_column(f"3 {name}")
    table.add_row(f"4 {name}")
    print_table(out, table)
    out.print(f"5 {name}", style="bold")
    out.rule(f"6 {name}")
    out.print(lead_with(f"7 {name}", f"8 {name}"))
    out.print(describe_warning(Warn(*[f"9 {name}"] * 4)))
    say(f"10 {name}")
    shown = capsys.readouterr().out
    for number in range(1, 11):
        assert f"{number} {name}" in shown


def test_nothing_controls_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences are seen, and tables stay straight."""
    name = "a\x1b]52;c;ZXZpbA==\x07\x9b31mb\rc"
    out = console()
    table = Table(title=name)
    table.add_column(name)
    table.add_row(name)
    table.add_row(Text(name))
    print_table(out, table)
    out.print(Text(name), name)
    say(name)
    say(name, err=True)
    print_json({name: [name]})
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert not set(shown) & set("\x1b\x07\x9b\r")
    # rich itself drops some of them from a Text.
    assert shown.count(r"a\x1b]52;c;ZXZpbA==\x07\x9b31mb\rc") == 6
    assert shown.count(r"a\x1b]52;c;ZXZpbA==\x9b31mbc") == 2
    lines = [line for line in captured.out.splitlines() if line.startswith(("┃", "│"))]
    assert len({len(line) for line in lines[:2]}) == 1


def test_names_that_are_no_text() -> None:
    """A path of bytes that are not UTF-8 is refused in a line: no document could hold it."""
    result = CliRunner().invoke(main, ["data", "show", "\udcff.npy"])
    assert result.exit_code == 2
    assert r"\udcff.npy: is not UTF-8" in result.output
    assert "internal error" not in result.output


def test_what_was_typed_is_text_too() -> None:
    """Messages about the call itself control the terminal no more than others."""
    for arguments in (["data", "\x1b[31mshow"], ["data", "show"], ["run", "--\x1b[31mx"]):
        result = CliRunner().invoke(main, [*arguments, "\x1b[31m", "\x1b[32m"])
        assert result.exit_code == 2
        assert "\x1b" not in result.output


def test_long_work_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in the first two seconds; then a line for each build, and every half a minute."""
    times = iter([0.0, 1.0, 3.0, 5.0, 33.0, 34.0, 36.0, 40.0, 44.0])
    tell = in_lines(lambda: next(times))
    for done in range(4):
        tell(f"hnsw build 1/2 ef={done}", done, 6)
    tell("hnsw build 2/2", 4, 6)
    tell("hnsw build 2/2 ef=1", 4, 6)
    tell("hnsw build 1/2 ef=4", 5, 6)
    tell("ivf build 1/2", 5, 6)
    assert capsys.readouterr().err.splitlines() == [
        "vbench: hnsw build 1/2 ef=1, 1 of 6 done, 3 s elapsed, about 15 s left",
        "vbench: hnsw build 1/2 ef=3, 3 of 6 done, 33 s elapsed, about 33 s left",
        "vbench: hnsw build 2/2 ef=1, 4 of 6 done, 36 s elapsed, about 18 s left",
        "vbench: ivf build 1/2, 5 of 6 done, 44 s elapsed, about 9 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.4, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (900, "15 min"), (3780, "1 h 3 min")],
)
def test_times_are_written_as_people_say_them(seconds: float, written: str) -> None:
    """With two units at most."""
    assert write_duration(seconds) == written


def test_what_is_left_is_told_once_something_is_done() -> None:
    """And not when all is."""
    assert describe_times(0, 4, 10.0) == "10 s elapsed"
    assert describe_times(4, 4, 10.0) == "10 s elapsed"


def test_columns_are_respected_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wide as every table needs where nothing is said."""
    monkeypatch.setenv("COLUMNS", "80")
    assert console().width == 80
    for wrong in ("", "0", "wide"):
        monkeypatch.setenv("COLUMNS", wrong)
        assert console().width == MACHINE_WIDTH


@pytest.mark.parametrize("given", [None, False])
def test_nothing_is_shown_unasked(given: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Outside of notebooks."""
    with shown_progress(given) as tell:
        tell("hnsw", 0, 1)
    assert capsys.readouterr() == ("", "")


def test_true_shows_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a log of CI."""
    times = iter([0.0, 10.0])
    monkeypatch.setattr(output.time, "monotonic", lambda: next(times))
    with shown_progress(True) as tell:
        tell("hnsw", 0, 1)
    assert "hnsw, 0 of 1 done" in capsys.readouterr().err


def test_a_function_is_called_itself() -> None:
    """With what is done, how much, and of how much."""
    seen: list[Any] = []
    with shown_progress(lambda *each: seen.append(each)) as tell:
        tell("hnsw", 0, 1)
    assert seen == [("hnsw", 0, 1)]


def test_anything_else_is_refused() -> None:
    """With what is allowed."""
    with pytest.raises(VbenchError, match="progress='bar'; give True, False, or a function"):
        shown_progress("bar").__enter__()  # type: ignore[arg-type]


def test_a_notebook_shows_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being asked."""
    shown: list[str] = []
    handle = SimpleNamespace(update=shown.append)
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(display).update(Pretty=str, display=lambda *each, **more: handle)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert is_notebook()
    with shown_progress(None) as tell:
        tell("hnsw", 1, 2)
    assert shown == ["hnsw, 1 of 2 done, 0 s elapsed, about 0 s left"]


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no kernel."""
    ipython = ModuleType("IPython")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not is_notebook()
