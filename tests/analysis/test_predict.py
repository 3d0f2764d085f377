"""Predictors: which measure of an index orders trials as the ranking stage does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from vbench.analysis import predict
from vbench.analysis.ranking import Prediction
from vbench.measures.grammar import parse
from vbench.ranking.stage import DEPTHS, Stage

SETTINGS = np.repeat(np.arange(8), 2)


def quality(means: np.ndarray, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return means[:, np.newaxis] + noise * rng.normal(size=(len(means), 500))


def judged(values: np.ndarray, kept: np.ndarray, name: str = "Recall@10") -> Prediction:
    (found,) = predict.judge_measures({parse(name): values}, SETTINGS, kept).measures
    return found


def test_a_measure_that_orders_all_is_perfect() -> None:
    """Correlation 1, nothing misordered; and for Failure the other way round."""
    kept = np.linspace(0.1, 0.5, 16)
    found = judged(kept**2, quality(kept))
    assert (found.correlation.value, found.misordered.value) == (pytest.approx(1), 0)
    found = judged(1 - kept, quality(kept), "Failure@10")
    assert (found.correlation.value, found.misordered.value) == (pytest.approx(1), 0)
    assert judged(1 - kept, quality(kept)).misordered.value == 1


def test_correlation_is_spearmans() -> None:
    """As scipy computes it, ties included."""
    rng = np.random.default_rng(1)
    values, kept = rng.integers(0, 5, 16) / 5, rng.random(16)
    found = judged(values, quality(kept))
    assert found.correlation.value == pytest.approx(spearmanr(values, kept)[0])
    assert found.correlation.low < found.correlation.value < found.correlation.high


def test_pairs_that_do_not_differ_are_not_counted() -> None:
    """Noise of the queries decides which pairs are clear; builds of one setting are no pair."""
    kept = np.repeat(np.arange(8) * 1e-4, 2)
    found = predict.judge_measures({parse("Recall@10"): kept}, SETTINGS, quality(kept, noise=1.0))
    assert found.pairs < 10
    found = predict.judge_measures({parse("Recall@10"): kept}, SETTINGS, quality(kept))
    assert found.pairs == 4 * 8 * 7 / 2
    assert found.settings == 8


def test_few_settings_have_no_interval() -> None:
    """Four settings are too few to resample; a measure that never differs has no correlation."""
    settings, kept = np.arange(4), np.linspace(0.1, 0.4, 4)
    made = predict.judge_measures({parse("Recall@10"): np.ones(4)}, settings, quality(kept))
    (found,) = made.measures
    assert found.correlation.value is None
    assert found.misordered.value == 0.5
    assert found.misordered.low is None


def test_measures_are_those_of_the_grammar(stage: Stage) -> None:
    """Each value is what the measure of that name gives, survival included."""
    answers = [each for case in stage.cases for each in case.answers]
    survivors = {
        depth: np.concatenate([case.survivors[depth] for case in stage.cases]) for depth in DEPTHS
    }
    found = predict.measure_trials(answers, survivors)
    names = {"Recall@20", "CVaR(alpha=0.05,truth=10)@20"}
    assert names | {f"Recall(truth={depth})@20" for depth in DEPTHS} <= set(map(str, found))
    # The stage keeps no ids: they are read again.
    whole = [
        case.setting.run.answers(trial).of_queries(stage.judged)
        for case in stage.cases
        for trial in case.setting.trials
    ]
    for measure, values in found.items():
        np.testing.assert_allclose(values, [measure.value(each) for each in whole])
