"""Candidates before a ranking stage: the judged queries of runs that belong together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ranked_run import JUDGED, ranked_run

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.metric import distance
from vbench.ranking.ranked import score
from vbench.ranking.simple import Tower
from vbench.ranking.stage import Stage, set_up
from vbench.runs.run import Run


def test_judged_queries_alone_are_ranked(stage: Stage) -> None:
    """70 of 90 queries, five trials and the control, 20 candidates each."""
    assert len(stage.judged) == JUDGED
    assert stage.k == 20
    assert stage.trials == 6
    assert [place.shape for place in stage.pool.places] == [(JUDGED, 20)] * 7
    assert all(case.recall.shape == (2, JUDGED) for case in stage.cases)


def test_queries_that_have_nothing_to_find_are_not_ranked(
    run: Run, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All measures are those of a stage that ranks every query; a few are compared anyway."""
    relevance = dataset.relevance
    assert relevance is not None
    # Of every other query the farthest items are relevant: no list holds them.
    near = distance(dataset.queries[:, np.newaxis], dataset.base, dataset.metric)
    far = near.argmax(axis=1)[relevance["query"].to_numpy()]
    item = np.where(relevance["query"] % 2, relevance["item"], far)
    judged = dataclasses.replace(
        dataset, relevance=relevance.with_columns(item=item).unique(["query", "item"])
    )
    ranker = Tower()
    ranker._dataset = judged
    whole = set_up([run], judged)
    expected = score(whole, ranker, "tower")
    monkeypatch.setattr("vbench.ranking.stage.COMPARED", 4)
    few = set_up([run], judged)
    assert len(whole.pool.queries) == JUDGED
    assert JUDGED // 4 < len(few.pool.queries) < JUDGED // 2 + 5
    assert few.compared.tolist() == few.judged[[0, 23, 46, 69]].tolist()
    np.testing.assert_array_equal(few.judged, whole.judged)
    found = score(few, ranker, "tower")
    assert found.kendall.shape == (7, 4)
    np.testing.assert_array_equal(found.kendall, expected.kendall[:, [0, 23, 46, 69]])
    for name, values in expected.trials.items():
        np.testing.assert_array_equal(found.exact[name], expected.exact[name])
        np.testing.assert_array_equal(found.trials[name], values)


def test_what_is_counted_of_trials_is_what_their_answers_say(run: Run, dataset: Dataset) -> None:
    """Hits and survivors of the judged queries, and the ids that are ranked."""
    stage = set_up([run], dataset)
    places = iter(stage.pool.places)
    next(places)
    for case in stage.cases:
        for number, answers in enumerate(case.setting.answers()):
            np.testing.assert_array_equal(case.answers[number].hits, answers.hits[stage.judged])
            for depth, survivors in case.survivors.items():
                expected = answers.hits_against(depth)[stage.judged]
                np.testing.assert_array_equal(survivors[number], expected)
            ids = stage.pool.item[next(places)]
            np.testing.assert_array_equal(ids, answers.ids[stage.judged])


def test_one_candidate_is_a_list_too(dataset: Dataset, tmp_path: Path) -> None:
    """K=1: survival is recall itself."""
    one = ranked_run(tmp_path / "one", dataset, k=1)
    stage = set_up([one], dataset)
    for case in stage.cases:
        assert set(case.survivors) == {1}
        np.testing.assert_array_equal(case.survival[1], case.recall)


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
