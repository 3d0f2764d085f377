"""`vbench import`, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from imported import (
    NAME,
    M,
    answers_on,
    write_annb,
    write_dataset,
    write_qdrant,
    write_vectordbbench,
)

from vbench.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dataset and one result on it."""
    monkeypatch.chdir(tmp_path)
    write_annb(tmp_path / "results" / "a.hdf5", *answers_on(write_dataset(tmp_path)))
    return tmp_path


def test_results_become_a_run_with_a_page(here: Path) -> None:
    """The table, where it is from, what is lost, and what to do next."""
    result = call("results", "--out", "run")
    assert result.exit_code == 0, result.output
    assert "! imported: 1 result, from ann-benchmarks; not recorded:" in result.stdout
    assert "vbench compare run OTHER" in result.stdout
    assert (here / "run" / "report.html").is_file()
    for command in (["report", "run"], ["tail", "run"], ["tail", "run", "--json"]):
        assert CliRunner().invoke(main, command).exit_code == 0


def test_the_document_holds_the_summary(here: Path) -> None:
    """With the origin, what was left out and means."""
    (here / "results" / "b.hdf5").write_bytes(b"no")
    write_vectordbbench(here / "results" / "v.json")
    result = call("results", "--json")
    assert result.exit_code == 1, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.import/1"
    assert document["summary"]["origin"]["tool"] == "ann-benchmarks"
    assert [each["file"] for each in document["left_out"]] == ["results/b.hdf5"]
    assert document["means"][0]["index"] == "PgVector 2c8g"


def test_answers_that_are_missing_are_exit_code_1(here: Path) -> None:
    """Of any system, by its ids; the run is made all the same."""
    frame = pl.DataFrame({"query": [0], "ids": [[1, 2, 3]]})
    frame.write_parquet(here / "ours.parquet")
    result = call("ours.parquet", "--dataset", f"{NAME}.hdf5", "--name", "mine", "--json")
    assert result.exit_code == 1, result.output
    document = json.loads(result.stdout)
    assert document["unanswered"] == M - 1
    assert document["summary"]["settings"][0]["index"] == "mine"


def test_means_alone_cannot_be_judged(here: Path) -> None:
    """They are shown, and the exit code is 3."""
    write_qdrant(here / "q.json", np.full(M, 9), parallel=8)
    result = call("q.json")
    assert result.exit_code == 3, result.output
    assert "no query's own recall" in result.stdout
    assert "DETAILED_RESULTS=1" in result.stdout


def test_a_wrong_call_is_one_line(here: Path) -> None:
    """Exit code 2."""
    result = call("results", "--dataset", "nope.hdf5")
    assert result.exit_code == 2
    assert result.stderr.startswith("vbench: ")
    assert len(result.stderr.strip().splitlines()) == 1
