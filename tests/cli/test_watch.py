"""`vbench watch`: exit codes, and what a person and a program read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

from vbench.cli import main

ASKED = ("watch", "-i", "flat", "-d", "base.npy", "--metric", "l2", "--sample", "100%")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    base, queries = gaussian_pair(300, 60, 8, seed=7)
    np.save("base.npy", base)
    np.save("q.npy", queries)
    good = [json.dumps({"vector": each}) for each in queries.tolist()]
    Path("good.jsonl").write_text("\n".join(good))
    bad = [json.dumps({"vector": each, "ids": [-1]}) for each in queries.tolist()]
    Path("bad.jsonl").write_text("\n".join(bad))
    return tmp_path


def call(*words: str, text: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*ASKED, *words], input=text)
    return result.exit_code, result.output


def test_exit_codes_say_what_came_out() -> None:
    """0 while it holds, 1 when it is broken, 3 where too little was asked, 2 for a wrong call."""
    code, said = call("--promise", "R0.9@10>=0.8", "--queries", "q.npy")
    assert code == 0, said
    assert "holds: Robustness(delta=0.9)@10 is 100 %" in said
    code, said = call("--promise", "R0.9@10>=0.8", "--queries", "bad.jsonl")
    assert code == 1, said
    assert "broken: " in said
    code, said = call("--promise", "R0.9@10>=0.8", "--queries", "good.jsonl", "--at-most", "2")
    assert code == 3, said
    assert "cannot be judged" in said
    code, said = call("--promise", "R0.9@10", "--queries", "good.jsonl")
    assert code == 2
    assert said.startswith("vbench: 'R0.9@10' is not a target")
    code, said = call("--promise", "R0.9@10>=0.8", "-i", "flat", "--queries", "q.npy")
    assert "one index is watched at a time" in said


def test_standard_input_and_json() -> None:
    """The document alone is printed."""
    text = Path("bad.jsonl").read_text()
    code, said = call("--promise", "Recall@10>=0.8", "--queries", "-", "--json", text=text)
    found = json.loads(said)
    assert (code, found["schema"], found["status"]) == (1, "vbench.watch/1", "broken")
    assert found["searches"] == 0
