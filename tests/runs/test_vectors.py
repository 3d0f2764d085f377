"""The hardness of a run's queries: computed once, from the run's own vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vectors import save_pair

import vbench
from vbench.analysis.tail import explain
from vbench.errors import VbenchError
from vbench.measures.hardness import NAMES
from vbench.runs import vectors as room
from vbench.runs.vectors import dataset_of, hardness_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on vectors that lie in files."""
    found = tmp_path_factory.mktemp("data")
    save_pair(found, 400, 30, 6, seed=5)
    dataset = vbench.load(found / "base.npy", queries=found / "queries.npy", metric="l2")
    vbench.run(
        dataset, ["ivf-flat"], k=5, builds=2, repeats=1, settings={"nprobe": [1]},
        out=found / "run",
    )  # fmt: skip
    return found


def test_hardness_is_computed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One column for each measure; the second time it is read."""
    run = vbench.open(folder / "run")
    first = hardness_of(run, 5)
    assert first.columns == list(NAMES)
    assert len(first) == 30
    monkeypatch.setattr(room, "reopen", None)
    assert hardness_of(run, 5).equals(first)
    assert run.hardness(5).equals(first)


def test_the_tail_shows_hardness_with_rank_correlation(folder: Path) -> None:
    """Each measure has ρ and AUC with intervals, the best first; wrong ids have a distance."""
    (found,) = explain(vbench.open(folder / "run")).indexes
    assert {row.measure for row in found.hardness} == set(NAMES)
    strength = [abs(row.auc - 0.5) for row in found.hardness]
    assert strength == sorted(strength, reverse=True)
    for row in found.hardness:
        assert row.spearman_low <= row.spearman <= row.spearman_high
    worst = found.worst[0]
    assert set(worst.hardness) == set(NAMES)
    farthest = max(each.distance for each in worst.missed)
    assert all(each.distance >= farthest for each in worst.instead)


def test_other_vectors_are_refused(folder: Path) -> None:
    """A dataset that is not the run's is named with both fingerprints."""
    run = vbench.open(folder / "run")
    other = vbench.load(
        np.zeros((9, 6)) + np.arange(9)[:, None], queries=np.ones((30, 6)), metric="l2"
    )
    with pytest.raises(VbenchError, match="are not those of"):
        dataset_of(run, other)
    with pytest.raises(VbenchError, match="are not those of"):
        explain(run, dataset=other)
