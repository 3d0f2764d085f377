"""`vbench history` and `vbench runs`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from run_folder import answered

from vbench.analysis.history import History
from vbench.analysis.run_list import RunList
from vbench.cli import main


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three versions in `results`, the last of which is worse."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for number, chance in enumerate((0.95, 0.95, 0.6)):
        hits = rng.binomial(10, chance, (3, 200))
        columns = {"kind": ["user", "tag"] * 100}
        answered(tmp_path / f"results/v{number}", {"hnsw": {16: hits}}, columns=columns)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_history_is_printed_and_written_as_a_page_a_table_and_json() -> None:
    """Each run with its value, and where it changed; the page begins with that."""
    done = call("history", "results", "--table", "points.csv")
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "hnsw ef=16: Robustness(delta=0.9)@10 fell by" in words
    assert "page: results/history.html" in words
    page = Path("results/history.html").read_text()
    assert page.index("What changed on") < page.index("fell by")
    assert pl.read_csv("points.csv").columns[:4] == ["measure", "setting", "k", "run"]
    found = History.from_json(call("history", "results", "--json").stdout)
    assert found.schema == "vbench.history/1"
    assert [each.name for each in found.runs] == ["v0", "v1", "v2"]
    assert [each.run for each in found.series[0].changes] == ["v2"]
    part = call("history", "results", "--where", "kind=user", "--measure", "Recall@10", "--json")
    assert json.loads(part.stdout)["series"][0]["measure"] == "Recall@10"
    wrong = call("history", ".")
    assert wrong.exit_code == 0  # what lies two folders deep is found, too
    nothing = call("history", "nothing")
    assert nothing.exit_code == 2
    assert "nothing is no run folder, and holds none" in nothing.output


def test_run_folders_are_listed_merged_and_exported(runs: Path) -> None:
    """What is damaged is said; a merged folder is a run; each query has a row."""
    (runs / "results/broken").mkdir()
    (runs / "results/broken/run.json").write_text("{")
    listed = call("runs", "list")
    assert listed.exit_code == 0, listed.output
    assert "results/v0" in listed.output
    assert "broken" in listed.output
    found = RunList.from_json(call("runs", "list", "results", "--json").stdout)
    assert [each.done for each in found.runs] == [3, 3, 3]
    assert len(found.damaged) == 1
    merged = call("runs", "merge", "results/v0", "results/v1", "--out", "both")
    assert merged.exit_code == 0, merged.output
    assert "both, with 3 builds and 3 trials" in merged.output
    done = call("runs", "export", "both", "results/v2", "--out", "queries.parquet")
    assert done.exit_code == 0, done.output
    table = pl.read_parquet("queries.parquet")
    assert len(table) == 2 * 3 * 200
    assert {"run", "index", "kind", "query", "measure", "value"} <= set(table.columns)
    wrong = call("runs", "export", "both", "--out", "queries.xls")
    assert wrong.exit_code == 2
    assert "give a file that ends with .parquet or .csv" in wrong.output
