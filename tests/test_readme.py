"""The README's Python session runs as it stands there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_python_session_gives_what_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line of output is as printed there, but for run ids."""
    monkeypatch.chdir(tmp_path)
    session = "\n".join(re.findall(r"```pycon\n(.*?)```", README.read_text(), re.DOTALL))
    session = session.replace("…", "...")
    test = doctest.DocTestParser().get_doctest(session, {}, "README", str(README), 0)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.attempted
    assert not result.failed


def test_the_index_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class that a reader copies is measured, and exact at step 1."""
    import numpy as np

    import vbench

    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "my_index.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    rng = np.random.default_rng(0)
    base, queries = (rng.normal(size=(size, 4)).astype(np.float32) for size in (200, 20))
    data = vbench.Dataset("tiny", base, queries, "ip")
    run = vbench.run(data, "my_index:Sample", builds=1, k=3)
    assert run.measure("Recall@3")["value"].to_list()[-1] == 1.0


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every relative link names a file or folder that is there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README.read_text())
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
