"""What the same misses cost rankers of rising strength."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.analysis.rank import rank
from vbench.analysis.strength import asked_measures, find_levels, fit_slopes
from vbench.data.dataset import Dataset
from vbench.measures.grammar import parse
from vbench.ranking.ranked import Ranked
from vbench.runs.run import Run

QUERIES = 600


def ranked(name: str, exact: float, lost: tuple[float, ...]) -> Ranked:
    """A ranker that loses these shares of `exact` in its trials, over the noise of queries."""
    noise = np.random.default_rng(0).uniform(0.5, 1.5, QUERIES)
    own = exact * noise
    trials = np.stack([own * (1 - share) for share in lost])
    return Ranked(
        name, {"nDCG@10": own}, {"nDCG@10": trials}, np.empty((1, 1)), own, (), own[np.newaxis]
    )


def measured(recall: list[float]) -> dict:
    """Every measure that is asked for, the same for all."""
    return {parse(name): np.array(recall) for name in asked_measures(100)}


def test_shares_are_of_the_trials_of_a_level() -> None:
    """Each trial is in one level, its upper end in the last; the slope is that of the rankers."""
    rankers = [
        ranked("weak", 0.02, (0.4, 0.1, 0.0)),
        ranked("middle", 0.03, (0.5, 0.1, 0.0)),
        ranked("strong", 0.05, (0.7, 0.1, 0.0)),
    ]
    found = find_levels(rankers, measured([0.2, 0.5, 1.0]), 100)
    levels = [each for each in found if each.measure == "Recall@100"]
    assert [(each.low, each.high, each.trials) for each in levels] == [
        (0.0, 0.3, 1), (0.5, 0.7, 1), (0.9, 1.0, 1),
    ]  # fmt: skip
    low, middle, high = levels
    assert [each.share.value for each in low.shares] == pytest.approx([0.4, 0.5, 0.7])
    assert low.slope.low < low.slope.value < low.slope.high
    assert low.slope.value == pytest.approx(0.1, rel=0.05)
    assert middle.slope.value == pytest.approx(0, abs=1e-9)
    assert [each.share.value for each in high.shares] == [0, 0, 0]
    assert {each.measure for each in found} == set(asked_measures(100))


def test_slopes_are_those_of_least_squares() -> None:
    """As numpy fits them; two rankers, or rankers of one strength, have none."""
    rng = np.random.default_rng(1)
    x, y = rng.random((4, 5)), rng.random((4, 5))
    wanted = [np.polyfit(*each, 1)[0] for each in zip(x, y, strict=True)]
    np.testing.assert_allclose(fit_slopes(x, y), wanted)
    assert np.isnan(fit_slopes(x[:, :2], y[:, :2])).all()
    assert not np.isfinite(fit_slopes(np.ones((4, 5)), y)).any()
    (level,) = find_levels([ranked("one", 0.1, (0.1,))], measured([0.5]), 100)[:1]
    assert level.slope.value is None


def test_a_ranking_tells_them(dataset: Dataset, run: Run) -> None:
    """For every ranker, and every level that a trial is in; δ by segment, too."""
    made = rank([run], dataset=dataset)
    (level, *_) = made.levels
    assert [each.ranker for each in level.shares] == ["tower", "popularity"]
    assert sum(each.trials for each in made.levels if each.measure == "Recall@20") == 6
    choice = made.delta[0]
    assert [(each.column, each.group) for each in choice.segments] == [
        ("activity", "heavy"), ("activity", "light"),
    ]  # fmt: skip
