"""`vbench site`, as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from run_folder import answered

from vbench.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["site", *arguments])


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of two indexes on two datasets."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, print_ in (("one", "f"), ("two", "e")):
        indexes = {
            index: {16: rng.permuted(np.tile([8, 10], (3, 30)), axis=1)}
            for index in ("hnsw", "<b>ivf</b>")
        }
        answered(tmp_path / name, indexes, fingerprint=print_ * 64)
    return tmp_path


def test_a_site_is_files_alone(two: Path) -> None:
    """A map without a script, a page for each dataset, the numbers; nothing is asked for."""
    result = call("one", "two", "--out", "site")
    assert result.exit_code == 0, result.output
    assert "2 indexes, 2 of them ranked" in result.stdout
    index = (two / "site" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in index
    assert not re.search(r'(?:src|href)="(?:https?:)?//', index)
    assert "<b>ivf</b>" not in index
    assert "&lt;b&gt;ivf" in index
    links = set(re.findall(r'href="([^"#:]+)"', index))
    assert all((two / "site" / link).is_file() for link in links)
    assert len([link for link in links if link.endswith(".html")]) == 2


def test_the_document_is_what_lies_in_the_folder(two: Path) -> None:
    """Rows with their letters, ranks, curves and commands."""
    result = call("one", "--out", "site", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document == json.loads((two / "site" / "site.json").read_text())
    assert document["schema"] == "vbench.site/1"
    (entry,) = document["entries"]
    assert {row["rank"][0] for row in entry["rows"]} <= {1, 2}
    assert all(len(row["curve"]) == 11 for row in entry["rows"])


def test_a_wrong_call_is_one_line(two: Path) -> None:
    """No folder to write into, or one that is a file."""
    (two / "file").write_text("")
    result = call("one", "--out", "file")
    assert result.exit_code == 2
    assert "file is a file" in result.stderr
    assert call("one").exit_code == 2
