"""`vbench skew`: what a person and a program read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

from vbench.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    base, queries = gaussian_pair(300, 40, 8, seed=7)
    np.save("base.npy", base)
    np.save("old.npy", queries)
    np.save("new.npy", queries + np.float32(0.1))


def call(*words: str) -> tuple[int, str]:
    asked = ["skew", "base.npy", "base.npy", "--metric", "l2", *words]
    result = CliRunner().invoke(main, asked)
    return result.exit_code, result.output


def test_versions_are_tables_and_a_document() -> None:
    """Without judgments that is said."""
    code, said = call("--queries", "old.npy", "--queries", "new.npy", "--ages", "2")
    assert code == 0, said
    assert "has no relevance judgments" in said
    code, said = call("--queries", "old.npy", "--queries", "new.npy", "--json", "--page", "s.html")
    page = Path("s.html").read_text()
    assert "has no relevance judgments" in page
    assert page.count("<tr>") == 3
    found = json.loads(said)
    assert (code, found["schema"], found["hit_rate"]) == (0, "vbench.skew/1", None)
    assert 0 < found["versions"][0]["agreement"] < 1


def test_wrong_calls_are_one_line() -> None:
    """What was given; a page has its folder."""
    code, said = call("--queries", "old.npy", "--queries", "new.npy", "--page", "no/s.html")
    assert (code, "no/s.html: there is no folder" in said) == (2, True)
    code, said = call("--queries", "old.npy")
    assert (code, said.strip()) == (2, "vbench: --queries is given 1 times for 2 versions")
