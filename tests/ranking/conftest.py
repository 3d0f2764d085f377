"""A judged dataset and a run over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ranked_run import judged_dataset, ranked_run

from vbench.data.dataset import Dataset
from vbench.ranking.stage import Stage, set_up
from vbench.runs.run import Run


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """300 items, 90 queries, 70 of them judged."""
    return judged_dataset(tmp_path / "small")


@pytest.fixture
def run(tmp_path: Path, dataset: Dataset) -> Run:
    """Three settings of two builds, K=20."""
    return ranked_run(tmp_path / "run", dataset)


@pytest.fixture
def stage(run: Run, dataset: Dataset) -> Stage:
    """Their candidates."""
    return set_up([run], dataset)
