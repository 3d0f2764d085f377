"""What all commands print with."""

from __future__ import annotations

import io

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vbench.cli import main
from vbench.render.terminal.output import console, print_json, print_table, say
from vbench.render.terminal.terminal import headed, warned
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
    out.print(headed(f"7 {name}", f"8 {name}"))
    out.print(warned(Warn(*[f"9 {name}"] * 4)))
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
