"""How far a call is, wherever it is made."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vbench.errors import VbenchError
from vbench.render.terminal import output
from vbench.render.terminal.output import in_lines
from vbench.render.terminal.progress import is_notebook, shown_progress


def test_long_work_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in the first two seconds; then a line for each step, and every half a minute."""
    times = iter([0.0, 1.0, 3.0, 5.0, 33.0, 34.0, 36.0])
    tell = in_lines(lambda: next(times))
    for done in range(4):
        tell("hnsw build 1/2", done, 6)
    tell("hnsw build 2/2", 4, 6)
    tell("hnsw build 2/2", 5, 6)
    assert capsys.readouterr().err.splitlines() == [
        "vbench: hnsw build 1/2, 1 of 6 done, 3 s",
        "vbench: hnsw build 1/2, 3 of 6 done, 33 s",
        "vbench: hnsw build 2/2, 5 of 6 done, 36 s",
    ]


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
    assert shown == ["hnsw, 1 of 2 done, 0 s"]


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no kernel."""
    ipython = ModuleType("IPython")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not is_notebook()
