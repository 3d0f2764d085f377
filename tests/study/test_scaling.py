"""Parts on samples of the base: what is measured, the lines through them, tables and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from vectors import gaussian_pair

from vbench.analysis.study import StudyResult
from vbench.cli import main
from vbench.errors import VbenchError
from vbench.runs.run import Run
from vbench.runs.schema import Level
from vbench.study.file import read_study
from vbench.study.scaling import needed

STUDY = """
title = "Growth"
[[parts]]
name = "fixed"
dataset = "{data}"
indexes = ["tunable:Kept"]
builds = 1
repeats = 1
queries_at_most = 30
settings = {{ keep = [16] }}
sizes = [100, 200, 900]
samples = 2
[[parts]]
name = "level"
dataset = "{data}"
indexes = ["tunable:Kept"]
builds = 1
repeats = 1
queries_at_most = 30
at_recall = 0.5
sizes = [100, 200]
[[scaling]]
name = "growth"
parts = ["fixed", "level"]
measures = ["Recall@K", "Robustness(delta=0.5)@K"]
to = 3200
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of samples of 400 vectors; a size of 900 is all of them."""
    base, queries = gaussian_pair(400, 40, 6)
    np.savez(tmp_path / "made.npz", base=base, queries=queries, metric="l2")
    path = tmp_path / "growth.toml"
    path.write_text(STUDY.format(data=tmp_path / "made.npz"))
    return path


def test_samples_are_measured_and_their_lines_drawn(study: Path, tmp_path: Path) -> None:
    """A run for each size and sample, of the same queries; lines, a CSV and figures of them."""
    out = tmp_path / "out"
    arguments = ["run", "--study", str(study), "--out", str(out)]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    result = StudyResult.from_json(done.stdout)
    data = {path.name: Run(path).manifest.dataset for path in sorted((out / "runs").iterdir())}
    # Of all vectors there is one sample.
    assert [name for name in data if name.startswith("fixed")] == [
        "fixed-made-100-0",
        "fixed-made-100-1",
        "fixed-made-200-0",
        "fixed-made-200-1",
        "fixed-made-900-0",
    ]
    assert data["fixed-made-100-1"].base_at_most == {"count": 100, "of": 400, "seed": 1}
    assert data["fixed-made-900-0"].n == 400
    assert {each.queries_at_most["seed"] for each in data.values() if each.queries_at_most} == {0}
    lines = {(line.part, line.measure): line for line in result.scaling["growth"]}
    recall = lines["fixed", "Recall"]
    assert [(each.n, each.sample) for each in recall.values] == [
        (100, 0),
        (100, 1),
        (200, 0),
        (200, 1),
        (400, 0),
    ]
    # A list of 16 of n candidates holds fewer and fewer of the nearest.
    assert recall.per_doubling.value < 0
    assert recall.forecast.n == 3200
    assert recall.left_out is not None
    assert recall.left_out.n == 400
    assert lines["level", "keep"].per_doubling.value == pytest.approx(2, rel=0.5)
    frame = pl.read_csv(out / "tables" / "growth.csv")
    assert set(frame["what"]) == {"measured", "forecast", "left out"}
    assert (out / "figures" / "growth-fixed-made-Recall-k10.png").stat().st_size > 1000
    assert result.page is None
    shown = CliRunner().invoke(main, arguments)
    assert "at 3,200" in shown.output
    assert "page:" not in shown.output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("sizes = [100, 200]", "sizes = [0]", ">= 1"),
        ("samples = 2", "samples = 0", ">= 1"),
        ('parts = ["fixed", "level"]', 'parts = ["fixd"]', "'fixed'"),
        ("to = 3200", "", "to"),
        ('"Recall@K"', '"Recal@K"', "Recall"),
        ("sizes = [100, 200]", "sizes = [100, 100]", "two parts have one name"),
    ],
)
def test_mistakes_are_named(study: Path, old: str, new: str, says: str) -> None:
    """Sizes, samples, parts and measures that cannot be."""
    study.write_text(study.read_text().replace(old, new))
    with pytest.raises(VbenchError, match=says):
        read_study(str(study))


def test_what_a_level_takes_lies_between_what_was_tried() -> None:
    """Of two values around the level the one between them, by logarithms."""
    known = {"index": "i", "build": {}, "fixed": {}, "k": 10, "chosen": [], "reached": False}
    level = Level(
        **known, target=0.9, tune_parameter="ef", tried=[(64, 0.95), (16, 0.85), (8, 0.6)]
    )
    assert needed(level) == pytest.approx(32)
    level = Level(**known, target=0.9, tune_parameter="ef", tried=[(64, 0.9), (16, 0.85)])
    assert needed(level) == pytest.approx(64)
    level = Level(**known, target=0.9, tune_parameter="ef", tried=[(4096, 0.8)])
    assert needed(level) == 4096
