"""What rankers make of candidates: their scores are checked, and lists measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ranked_run import judged_dataset, ranked_run

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.ranking.protocol import Ranker
from vbench.ranking.ranked import keep_run, score
from vbench.ranking.simple import Tower
from vbench.ranking.stage import Stage, set_up
from vbench.runs.run import Run


class Made(Ranker):
    """Returns what a test wants."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def score(self, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        if callable(self.answer):
            return self.answer(queries, candidates)
        return np.full(candidates.shape, self.answer)


def test_a_ranker_that_knows_the_answer_is_perfect_on_what_is_there(stage: Stage) -> None:
    """Each relevant candidate counts at its best rank, in the control as in the trials."""
    grades = stage.judgments.grades
    oracle = Made(lambda queries, items: grades(queries[:, np.newaxis], items))
    ranked = score(stage, oracle, "oracle")
    there = (stage.grades[stage.pool.places[0]] > 0).sum(axis=1)
    np.testing.assert_array_equal(ranked.exact["Hit@10"], np.minimum(there, 1))
    np.testing.assert_allclose(ranked.exact["MAP@10"], there / stage.ideal.relevant)
    assert (ranked.trials["Hit@10"] <= 1).all()


def test_the_order_of_retrieval_is_that_of_the_tower(stage: Stage, dataset: Dataset) -> None:
    """Ranking exact candidates by similarity changes nothing; one score for all neither."""
    tower = Tower()
    tower._dataset = dataset
    by_similarity, untouched = score(stage, tower, "tower"), score(stage, Made(0.0), "same")
    for name, values in by_similarity.exact.items():
        if name != "GAUC":
            np.testing.assert_allclose(values, untouched.exact[name])
    assert np.nanmin(by_similarity.kendall) == 1.0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.nan, r"bad returned nan for query \d+ and item \d+"),
        (np.inf, "must be a finite number"),
        (lambda queries, items: np.zeros(len(queries)), "one score for each candidate"),
        (lambda queries, items: items.astype(str), "scores must be numbers"),
        (lambda queries, items: {}["weights"], r"bad failed in score \(KeyError: 'weights'\)"),
    ],
)
def test_scores_that_are_none_are_refused(stage: Stage, answer: object, message: str) -> None:
    """NaN, infinity, another shape, text: the ranker is named, and the place where there is one."""
    with pytest.raises(VbenchError, match=message):
        score(stage, Made(answer), "bad")


def test_the_trials_of_one_run_are_as_if_it_were_alone(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Two runs ranked together, then one of them taken out."""
    second = ranked_run(tmp_path / "second", dataset, {"lsh": {4: 0.6}}, seed=9)
    both = set_up([run, second], dataset)
    tower = Tower()
    tower._dataset = dataset
    own, (ranked,) = keep_run(both, [score(both, tower, "tower")], second)
    alone = score(set_up([second], dataset), tower, "tower")
    assert [str(case.setting) for case in own.cases] == ["lsh ef=4"]
    for name in ranked.trials:
        np.testing.assert_allclose(ranked.trials[name], alone.trials[name])
    np.testing.assert_allclose(ranked.kendall, alone.kendall)


def test_a_dataset_with_pads_and_repeats(tmp_path: Path) -> None:
    """An index that returns −1 or an id twice loses what it did not return, no more."""
    dataset = judged_dataset(tmp_path / "small")
    run = ranked_run(tmp_path / "run", dataset, {"hnsw": {16: 0.0}}, builds=1)
    stage = set_up([run], dataset)
    case = stage.cases[0]
    whole = case.setting.answers()[0].ids[stage.judged]
    ids = whole.copy()
    ids[:, 10:15], ids[:, 15:] = -1, ids[:, :5]
    from vbench.ranking.pool import Pool

    pool = Pool.of(stage.judged, [whole, ids])
    changed = dataclasses.replace(
        stage, pool=pool, grades=stage.judgments.grades(pool.query, pool.item)
    )
    ranked = score(changed, Made(0.0), "same")
    np.testing.assert_allclose(ranked.trials["nDCG@10"][0], ranked.exact["nDCG@10"])
