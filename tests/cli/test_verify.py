"""`vbench verify`: exit codes, and what a person reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

from vbench.cli import main

TUNE = [
    *[
        "tune",
        "--index",
        "ivf-flat",
        "--set",
        "nlist=8",
        "--dataset",
        "base.npy",
        "--queries",
        "q.npy",
        "--metric",
        "l2",
    ],
    *[
        "--builds",
        "1",
        "--repeats",
        "1",
        "--minimize",
        "CpuTime",
        "--out",
        "tuned",
        "--certificate",
        "ivf.json",
    ],
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VBENCH_HOME", str(tmp_path / "home"))
    base, queries = gaussian_pair(400, 300, 8, seed=7)
    np.save("base.npy", base)
    np.save("q.npy", queries[:200])
    np.save("later.npy", queries[200:])
    return tmp_path


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(words))
    return result.exit_code, result.output


def test_a_certificate_is_written_and_verified() -> None:
    """0 where it holds, on the queries of the certificate and on others; also as JSON."""
    code, said = call(*TUNE, "--target", "R0.6@5>=0.6")
    assert code == 0, said
    verify = ["verify", "ivf.json", "--index", "ivf-flat", "--repeats", "1", "--out", "again"]
    code, said = call(*verify, "--page", "verified.html")
    assert code == 0, said
    assert "page: verified.html" in said
    assert "holds: its claim is certified again" in Path("verified.html").read_text()
    assert "holds: its claim is certified again on 100 queries that certified it" in said
    assert "bound then" in said
    code, said = call(*verify[:-1], "fresh", "--queries", "later.npy", "--json")
    found = json.loads(said[said.index("{") :])
    assert found["are_fresh"]
    assert code == {"holds": 0, "open": 3}[found["status"]]


def test_wrong_calls_are_one_line() -> None:
    """Exit code 2, and what to do."""
    code, said = call("verify", "none.json", "--index", "hnsw")
    assert (code, said.count("\n")) == (2, 1)
    assert "none.json is no file; vbench tune --certificate none.json makes one" in said
    Path("run.json").write_text('{"schema": "vbench.run/2"}')
    code, said = call("verify", "run.json", "--index", "hnsw")
    assert code == 2
    code, said = call(*TUNE[:-1], "no/ivf.json", "--target", "R0.6@5>=0.6")
    assert code == 2
    assert "there is no folder no" in said
    code, said = call("verify", "none.json", "--index", "hnsw", "--index", "flat")
    assert (code, "one index" in said) == (2, True)
    code, said = call("verify", "none.json", "--index", "hnsw", "--metric", "l2")
    assert (code, "belongs to --dataset" in said) == (2, True)
