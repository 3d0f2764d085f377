"""Which measure of the index tells what the ranking stage will lose."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval
from vbench.analysis.ranking import LEADING, Prediction, RankerPredictors
from vbench.measures import usual
from vbench.measures.answers import Answers
from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.metric import FloatArray

RESAMPLES = 1_000
FEWEST_SETTINGS = 5
_DELTAS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


class Pairs(NamedTuple):
    """Which pairs of trials are compared: bool (T, T), the first better than the second."""

    clear: NDArray[np.bool_]
    near: NDArray[np.bool_]


def measure_trials(
    answers: Sequence[Answers], survivors: Mapping[int, NDArray[np.integer[Any]]]
) -> dict[Measure, FloatArray]:
    """Every measure of an index that is tried, of every trial: float64 (T,).

    Parameters
    ----------
    survivors : int (T, m) by depth, hits against so many of the exact neighbors
        All measures of the deepest of them, and the mean of the others: of one neighbor or three
        the other measures say hardly more.
    """
    k, deepest = answers[0].k, max(survivors)
    found = {name: np.array([parse(name).value(each) for each in answers]) for name in _names(k)}
    for depth in sorted(survivors, reverse=True):
        if depth == k:
            continue  # that is recall itself
        # Of the top alone these hits are all hits, and need not be counted again.
        tops = [
            dataclasses.replace(each, k=depth, hits=hits)
            for each, hits in zip(answers, survivors[depth], strict=True)
        ]
        found |= {
            _with_truth(name, k, depth): np.array([parse(name).value(each) for each in tops])
            for name in (_names(depth) if depth == deepest else [f"Recall@{depth}"])
        }
    return {parse(name): each for name, each in found.items()}


def _names(k: int) -> list[str]:
    robust = [f"Robustness(delta={delta})@{k}" for delta in _DELTAS]
    return [f"Recall@{k}", *robust, f"CVaR(alpha=0.05)@{k}", f"Failure@{k}"]


def _with_truth(name: str, k: int, top: int) -> str:
    return str(dataclasses.replace(parse(name), k=k, truth=top))  # type: ignore[call-arg]  # OfHits


def judge_measures(
    measured: Mapping[Measure, FloatArray],
    settings: NDArray[np.intp],
    quality: FloatArray,
    ranker: str = "",
) -> RankerPredictors:
    """Judge every measure, best first.

    Parameters
    ----------
    measured : float64 (T,) by measure, as :func:`measure_trials` gives them
    settings : int (T,), which setting each trial belongs to; builds of one setting share it
    quality : float64 (T, mj), ranking quality of every query, such as nDCG@10
    """
    kept = quality.mean(axis=1)
    recall = next(iter(measured.values()))
    pairs = _pairs(quality, settings, recall)
    weights = _resamples(settings)
    found = [_judge(name, each, kept, pairs, weights) for name, each in measured.items()]
    return RankerPredictors(
        ranker=ranker,
        quality=LEADING,
        trials=len(settings),
        settings=len(np.unique(settings)),
        pairs=int(pairs.clear.sum()),
        pairs_near=int(pairs.near.sum()),
        measures=sorted(found, key=_order),
    )


def _order(each: Prediction) -> tuple[float, float]:
    return (
        1.0 if each.misordered.value is None else each.misordered.value,
        -(each.correlation.value or 0.0),
    )


def _pairs(quality: FloatArray, settings: NDArray[np.intp], recall: FloatArray) -> Pairs:
    """Pairs of trials of two settings whose qualities differ by 1.96 paired standard errors."""
    covariance = np.atleast_2d(np.cov(quality))
    own = np.diag(covariance)
    variance = own[:, np.newaxis] + own - 2 * covariance
    error = np.sqrt(np.maximum(variance, 0.0) / quality.shape[1])
    kept = quality.mean(axis=1)
    clear = (kept[:, np.newaxis] - kept > 1.96 * error) & (settings[:, np.newaxis] != settings)
    near = clear & (np.abs(recall[:, np.newaxis] - recall) <= usual.MATCHED)
    return Pairs(clear, near)


def _resamples(settings: NDArray[np.intp]) -> FloatArray:
    """How often each trial occurs when settings are drawn with replacement: (R, T)."""
    names, codes = np.unique(settings, return_inverse=True)
    if len(names) < FEWEST_SETTINGS:
        return np.empty((0, len(settings)))
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    return np.asarray(drawn[:, codes], dtype=np.float64)


def _judge(
    measure: Measure, values: FloatArray, kept: FloatArray, pairs: Pairs, weights: FloatArray
) -> Prediction:
    turned = values if measure.better == "higher" else -values
    once = np.ones((1, len(values)))
    wrong = (turned[:, np.newaxis] < turned) + 0.5 * (turned[:, np.newaxis] == turned)
    return Prediction(
        measure=str(measure),
        correlation=_interval(_spearman(turned, kept, once), _spearman(turned, kept, weights)),
        misordered=_interval(_share(wrong, pairs.clear, once), _share(wrong, pairs.clear, weights)),
        misordered_near=_finite(_share(wrong, pairs.near, once)[0]),
    )


def _spearman(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """Spearman's ρ where trial t occurs weights[r, t] times: (R,)."""
    a, b = (_ranks(each, weights) for each in (x, y))
    total = weights.sum(axis=1, keepdims=True)
    a = a - (a * weights).sum(axis=1, keepdims=True) / total
    b = b - (b * weights).sum(axis=1, keepdims=True) / total
    size = np.sqrt((a * a * weights).sum(axis=1) * (b * b * weights).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a * b * weights).sum(axis=1) / size)


def _ranks(x: FloatArray, weights: FloatArray) -> FloatArray:
    lower = (x[:, np.newaxis] < x) + 0.5 * (x[:, np.newaxis] == x)
    return np.asarray(weights @ lower)


def _share(wrong: FloatArray, among: NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """Share of the pairs in `among` that are wrong, for each resample: (R,)."""
    total = ((weights @ among) * weights).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((weights @ (wrong * among)) * weights).sum(axis=1) / total)


def _interval(value: FloatArray, resampled: FloatArray) -> Interval:
    kept = resampled[np.isfinite(resampled)]
    if not np.isfinite(value[0]) or len(kept) < RESAMPLES / 2:
        return Interval(_finite(value[0]))
    low, high = np.quantile(kept, [0.025, 0.975])
    return Interval(float(value[0]), float(low), float(high))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
