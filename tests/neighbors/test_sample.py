"""A guess from a sample spares work, and never costs an answer."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.errors import DataError
from vbench.metric import METRICS, Metric, distance
from vbench.neighbors.exact import nearest
from vbench.neighbors.sample import Sample
from vbench.neighbors.space import ScoreSpace

N, M, D, K = 1600, 9, 5, 70


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, D), np.float32), rng.standard_normal((M, D), np.float32)


def brute(queries: np.ndarray, base: np.ndarray, metric: Metric, k: int = K) -> np.ndarray:
    away = distance(queries[:, None], base[None], metric)
    order = np.lexsort((np.broadcast_to(np.arange(len(base)), away.shape), away), axis=1)
    return order[:, :k]


@pytest.mark.parametrize("metric", METRICS)
def test_a_guess_is_a_little_under_the_k_th_best(metric: Metric) -> None:
    """So that at least k rows pass, and few more than are needed."""
    base, queries = made()
    space = ScoreSpace(queries, base, metric)
    guess = Sample(space, range(N), K).guess(slice(0, M))
    rows, norms = space.rows(base, np.float32, 0)
    passing = (space.products(slice(None), rows) >= guess[:, np.newaxis]).sum(axis=1)
    assert (passing >= K).all()
    assert passing.max() < 8 * K
    assert norms.shape == (N,)


@pytest.mark.parametrize(("n", "k"), [(N, 63), (100, 90), (0, 1), (17, 17)])
def test_nothing_is_guessed_where_a_sample_says_too_little(n: int, k: int) -> None:
    """Of few neighbors, or few rows."""
    base, queries = made()
    space = ScoreSpace(queries, base, "l2")
    assert (Sample(space, range(n), k).guess(slice(0, M)) == -np.inf).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_guess_that_is_too_high_is_found_out(
    metric: Metric, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queries that it is too high for are asked again without it, and they alone."""
    base, queries = made(1)
    asked = []
    honest = Sample.guess

    def too_high(self: Sample, part: slice) -> np.ndarray:
        found = honest(self, part)
        found[::2] = 1e30
        asked.append(len(found))
        return found

    monkeypatch.setattr(Sample, "guess", too_high)
    ids, distances = nearest(queries, base, metric, K, threads=threads)
    assert sum(asked) == M
    assert (ids == brute(queries, base, metric)).all()
    assert (distances == distance(queries[:, None], base[ids], metric)).all()


def test_a_sample_that_is_nearer_than_all_else() -> None:
    """Its guess is the highest that there is; answers are those of a comparison with all."""
    base, queries = made(2)
    base[:: N // (N // 16)] *= 0.01
    queries *= 0.01
    ids, _ = nearest(queries, base, "l2", K)
    assert (ids == brute(queries, base, "l2")).all()


def test_many_equal_rows_at_the_guess() -> None:
    """More of them than there is room for are decided by their ids."""
    base, queries = made(3)
    base = np.round(base)
    ids, _ = nearest(queries, base, "l2", K)
    assert (ids == brute(queries, base, "l2")).all()


def test_what_is_no_number_is_told_of_where_it_is() -> None:
    """And not of the sample."""
    base, queries = made()
    base[16] = np.nan
    with pytest.raises(DataError, match="base, row 16"):
        nearest(queries, base, "l2", K)
