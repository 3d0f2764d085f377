"""Code that a process does not survive importing is refused, and the process survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench import _plugins
from vbench.errors import VbenchError
from vbench.indexes.recipe import load_recipe


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os; os._exit(0)", "exit code 0"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os; os.kill(os.getpid(), 40)", r"SIG|signal 40"),
        ("import time; time.sleep(600)", "does not end within"),
    ],
)
@pytest.mark.parametrize("kind", ["module", "wrapper"])
def test_what_ends_or_holds_the_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str, kind: str
) -> None:
    """By its name, before it is imported here."""
    monkeypatch.setattr(_plugins, "IMPORT_SECONDS", 10.0 if "sleep" not in source else 2.0)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "deadly.py").write_text(source)
    spec = "deadly:Index" if kind == "module" else f"annb:{tmp_path}/deadly.py:Index"
    with pytest.raises(VbenchError, match=rf"deadly.*cannot be imported.*({says})"):
        load_recipe(spec)


def test_what_raises_is_said_by_the_import_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rehearsal says nothing of it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raising.py").write_text("raise SystemExit('not today')")
    with pytest.raises(VbenchError, match=r"raising:Index cannot be imported.*not today"):
        load_recipe("raising:Index")
