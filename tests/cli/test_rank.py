"""`vbench rank`, as a user types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from ranked_run import judged_dataset, ranked_run, taken_dataset

from vbench.analysis.ranking import RankingLoss
from vbench.cli import main
from vbench.ranking.handoff import Export
from vbench.runs import files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset and a run over it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    dataset = judged_dataset(tmp_path / "small")
    ranked_run(tmp_path / "run", dataset)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["rank", *arguments])


def test_the_tables_keep_model_and_index_apart(folder: Path) -> None:
    """Losses of the model, losses of the index, where, predictors, δ, and where it is kept."""
    result = call("run")
    assert result.exit_code == 0, result.output
    for part in (
        "Losses of the model",
        "Losses of the index behind tower",
        "lost by the model",
        "lost by the index",
        "Where the index loses",
        "Which measure predicts the loss",
        "relative loss",
        "Hit@10 loss",
        "note",
        "Choosing δ",
        "run/rank.json",
    ):
        assert part in result.output


@pytest.mark.parametrize("width", [60, 80])
def test_no_number_is_cut_off_on_a_narrow_terminal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """A table that is too wide comes in parts, each with index and setting in front."""
    monkeypatch.setattr("vbench.render.terminal.output.MACHINE_WIDTH", width)
    result = call("run")
    assert result.exit_code == 0, result.output
    assert "…" not in result.output
    assert max(map(len, result.output.splitlines())) <= width
    assert "Recall(truth=10)@20" in result.output


def test_json_is_one_document_and_the_one_that_is_kept(folder: Path) -> None:
    """Schema, settings by ranker, measures with intervals; the same in rank.json."""
    result = call("run", "--ranker", "tower", "--json")
    document = json.loads(result.stdout)
    assert document["schema"] == "vbench.rank/2"
    assert document["run"] == "run"
    assert {each["ranker"] for each in document["settings"]} == {"tower"}
    loss = document["settings"][0]["measures"]["nDCG@10"]["index_loss"]
    assert set(loss) == {"value", "low", "high"}
    assert files.read_json(folder / "run" / "rank.json") == document
    assert RankingLoss.from_json(result.stdout).settings[0].missing == 0


def test_out_and_back(folder: Path) -> None:
    """Export, score the pairs elsewhere, and rank with the file: as the program itself does."""
    assert call("run", "--export", "out", "--format", "parquet").exit_code == 0
    rows = pl.concat(
        [pl.read_parquet(file) for file in Path("out").glob("*.candidates.parquet")]
    ).unique(["q_id", "doc_id"])
    pairs = rows.select("q_id", "doc_id", score=-pl.col("doc_id").cast(pl.Float64))
    pairs.write_parquet("scores.parquet")
    Path("by_id.py").write_text(
        "import sys, polars as pl\n"
        "rows = pl.read_parquet(sys.argv[1])\n"
        "rows.select('q_id', 'doc_id', score=-pl.col('doc_id')).write_parquet(sys.argv[2])\n"
    )
    command = f"command:{sys.executable} by_id.py"
    document = json.loads(call("run", "-r", "file:scores.parquet", "-r", command, "--json").stdout)
    first, second = document["rankers"]
    assert first["measures"] == second["measures"]
    assert document["warnings"] == []


def test_export_says_what_it_wrote(folder: Path) -> None:
    """A line for a person, or one document with the files of each trial."""
    result = call("run", "--export", "out", "--format", "trec", "--json")
    exported = Export.from_json(result.stdout)
    assert len(exported.trials) == 6
    assert all(Path(file).is_file() for file in exported.files)
    assert "8 files in out" in call("run", "--export", "out", "--format", "trec").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "holds no run"),
        (["run", "--ranker", "towr"], "did you mean 'tower'"),
        (["run", "--k", "50"], "no candidates of K=50"),
        (["run", "--ranker", "file:none.run"], "no such file"),
        (["run", "--dataset", "other"], "other vectors"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_line(
    folder: Path, arguments: list[str], message: str
) -> None:
    """What was given, what is allowed; no traceback."""
    other = folder / "other"
    other.mkdir()
    np.save(other / "base.npy", np.ones((9, 4), dtype=np.float32) + np.eye(9, 4))
    np.save(other / "queries.npy", np.ones((3, 4), dtype=np.float32))
    (other / "dataset.toml").write_text('metric = "ip"\n')
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_dataset_without_judgments_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which file would hold them."""
    monkeypatch.chdir(tmp_path)
    dataset = judged_dataset(tmp_path / "bare", relevance=None)
    ranked_run(tmp_path / "run", dataset)
    result = call("run")
    assert result.exit_code == 2
    assert "relevance.parquet" in result.output


def test_where_worse_search_ranks_better_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line on the terminal, no table of predictors, no δ; the page says it too."""
    monkeypatch.chdir(tmp_path)
    dataset = taken_dataset(tmp_path / "taken")
    ranked_run(tmp_path / "run", dataset, {"hnsw": {1: 0.5, 2: 0.3, 3: 0.1}})
    result = call("run", "--ranker", "tower")
    assert result.exit_code == 0, result.output
    assert "Which measure predicts" not in result.output
    said = "worse search ranks better: for each 0.1 that mean recall falls, nDCG@10 rises by"
    assert result.output.count(said) == 1
    made = CliRunner().invoke(main, ["report", "run"])
    assert made.exit_code == 0, made.output
    page = Path("run/report.html").read_text()
    assert "Worse search ranks better: for each 0.1 that mean recall falls, nDCG@10 rises" in page
    assert "Which measure of the index predicts the loss?" not in page
    assert "tower, by Recall@20: worse search ranks better." in page


def test_settings_that_lack_builds_are_named(folder: Path) -> None:
    """On the terminal, and as `failed` and `missing` in the documents of ranking and hand-off."""
    files.trial_path(folder / "run", "b0-1-16-20").unlink()
    lacks = "hnsw ef=16 K=20: 1 of 2 builds missing in run (not reached"
    assert f"missing results: {lacks}" in call("run", "--ranker", "tower").output
    for more in (["--ranker", "tower"], ["--export", "out"]):
        document = json.loads(call("run", *more, "--json").stdout)
        assert [each["build_number"] for each in document["failed"]] == [1]
        (missing,) = document["missing"]
        assert missing.startswith(lacks)


def test_figures_are_drawn(folder: Path) -> None:
    """Three figures for each ranker, and one of all of them, as PNG and as SVG."""
    assert call("run", "--figures", "drawn").exit_code == 0
    names = {"losses", "kept-by-recall", "predictors"}
    expected = {
        f"{ranker}-{name}.{suffix}"
        for ranker in ("tower", "popularity")
        for name in names
        for suffix in ("png", "svg")
    }
    expected |= {"strength.png", "strength.svg"}
    assert {file.name for file in Path("drawn").iterdir()} == expected
    assert "nDCG@10 lost by the index" in _text(Path("drawn/tower-losses.svg"))


def _text(path: Path) -> str:
    """The comments in which matplotlib keeps what it drew as outlines."""
    return " ".join(path.read_text().split())
