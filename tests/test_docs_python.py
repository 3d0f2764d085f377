"""The guide to Python runs as it stands there, and leaves no public name out."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import vbench

GUIDE = Path(__file__).parents[1] / "docs" / "python.md"


def test_the_sessions_of_the_guide_give_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line of output is as printed there; then the class of a cell is measured."""
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text()
    session = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(session, {}, "python.md", str(GUIDE), 0)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    result = doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False)
    assert result.attempted
    assert not result.failed
    (cell,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    name = str(tmp_path / "cell.py")
    Path(name).write_text(cell)
    exec(compile(cell, name, "exec", dont_inherit=True), {**test.globs, "__name__": "__main__"})


def test_every_public_name_stands_in_the_guide() -> None:
    """What can be completed can be looked up."""
    words = set(re.findall(r"\w+", GUIDE.read_text()))
    assert [name for name in dir(vbench) if name not in words and name != "__version__"] == []
