"""`vbench index audit`: exit codes, and what a person and a program read."""

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
    base, queries = gaussian_pair(640, 400, 12, seed=21)
    np.save("base.npy", base)
    np.save("q.npy", queries)


def call(name: str, *words: str) -> tuple[int, str]:
    data = ("-d", "base.npy", "--queries", "q.npy", "--metric", "l2", "--trials", "2")
    result = CliRunner().invoke(main, ["index", "audit", name, *data, *words])
    return result.exit_code, result.output


def test_what_a_person_reads() -> None:
    """1 for a lie, with the estimates and the costs beside; the page has the same numbers."""
    code, said = call("claiming:Lying", "-t", "Recall@10>=0.6", "--page", "claims.html")
    assert code == 1, said
    for text in (
        "claimed less true",
        "Queries by what is estimated of them",
        "oracle of each query",
        "broken: ",
    ):
        assert text in said
    page = Path("claims.html").read_text()
    assert "Do its estimates tell the recall?" in page
    assert "broken: " in page
    assert "<script" not in page


def test_what_a_program_reads() -> None:
    """The document alone; 0 where the claim holds."""
    code, said = call("claiming:Silent", "-t", "Recall@10>=0.6", "--json")
    found = json.loads(said[said.index("{") :])
    assert (code, found["schema"], found["status"]) == (0, "vbench.index-audit/1", "holds")
    assert found["calibration"] is None
    code, said = call("claiming:Silent", "-t", "Recall@10>=0.6", "--set", "keep=64")
    assert code == 0, said


def test_wrong_calls_are_one_line() -> None:
    """An index without claims, a target that is none, a folder that is not there."""
    for name, words, told in (
        ("flat", (), "index 'flat' claims nothing"),
        ("claiming:Honest", ("-t", "Recall@10"), "'Recall@10' is not a target"),
        ("claiming:Honest", ("--page", "no/x.html"), "there is no folder"),
        ("nothing", (), "nothing"),
    ):
        code, said = call(name, *words)
        assert code == 2, said
        last = said.strip().splitlines()[-1]
        assert last.startswith("vbench: ")
        assert told in last
