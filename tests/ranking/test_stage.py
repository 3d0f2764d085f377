"""Candidates before a ranking stage: the judged queries of runs that belong together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ranked_run import JUDGED, ranked_run

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.ranking.stage import Stage, set_up
from vbench.runs.run import Run


def test_judged_queries_alone_are_ranked(stage: Stage) -> None:
    """70 of 90 queries, five trials and the control, 20 candidates each."""
    assert len(stage.judged) == JUDGED
    assert stage.k == 20
    assert stage.trials == 6
    assert [place.shape for place in stage.pool.places] == [(JUDGED, 20)] * 7
    assert all(case.recall.shape == (2, JUDGED) for case in stage.cases)


def test_runs_must_be_of_these_vectors(run: Run, dataset: Dataset, tmp_path: Path) -> None:
    """Another dataset, another K, and no run at all are refused with what there is."""
    other = dataclasses.replace(dataset, base=dataset.base[::-1].copy(), name="other")
    with pytest.raises(VbenchError, match="searched other vectors"):
        set_up([run], other)
    with pytest.raises(VbenchError, match=r"no candidates of K=100 \(it has K=20\); give k=20"):
        set_up([run], dataset, 100)
    with pytest.raises(VbenchError, match="at least one run"):
        set_up([], dataset)
    ten = ranked_run(tmp_path / "ten", dataset, k=10)
    with pytest.raises(VbenchError, match="no K that the other runs hold"):
        set_up([run, ten], dataset)
