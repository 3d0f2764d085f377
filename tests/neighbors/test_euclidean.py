"""Inner product and cosine as Euclidean distances."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.metric import METRICS, Metric, distance
from vbench.neighbors import blocks
from vbench.neighbors.euclidean import euclidean, largest_norm, lift, normalize, square_norms

RNG_SEED = 5


def made(rows: int, d: int = 6) -> np.ndarray:
    return np.random.default_rng(RNG_SEED).standard_normal((rows, d)).astype(np.float32)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 200)


def test_lengths_are_summed_in_float64() -> None:
    """Block by block, whatever the type; the largest is that of all blocks."""
    base = made(23)
    assert square_norms(base) == pytest.approx(np.square(base.astype(float)).sum(axis=1))
    assert largest_norm(base) == pytest.approx(np.linalg.norm(base.astype(float), axis=1).max())
    loud = np.full((3, 100), 100, np.int8)
    assert square_norms(loud).tolist() == [1e6] * 3


def test_the_lift_makes_inner_product_a_distance() -> None:
    """Distances of lifted vectors are those that the formula gives, and none is imaginary."""
    base, queries = made(40), made(3)
    out = np.hstack([base, np.zeros((40, 1), np.float32)])
    lift(out)
    far = distance(np.hstack([queries, np.zeros((3, 1))])[:, None], out[None], "l2")
    d = distance(queries[:, None], base[None], "ip")
    assert euclidean(d, queries, "ip", largest_norm(base)) == pytest.approx(far, rel=1e-6)
    assert out[np.argmax(square_norms(base)), -1] == 0


def test_the_chord_of_unit_vectors() -> None:
    """Under cosine the distance is that of vectors of length 1; a zero row stays zero."""
    base, queries = made(40), made(3)
    d = distance(queries[:, None], base[None], "cosine")
    units = [base.copy(), queries.copy()]
    for each in units:
        normalize(each)
    far = distance(units[1][:, None], units[0][None], "l2")
    assert euclidean(d, queries, "cosine") == pytest.approx(far, abs=1e-6)
    zero = np.zeros((2, 3), np.float32)
    normalize(zero)
    assert not zero.any()


@pytest.mark.parametrize("metric", METRICS)
def test_order_is_kept(metric: Metric) -> None:
    """Whatever the metric: the nearer of two stays the nearer."""
    base, queries = made(60), made(4)
    d = distance(queries[:, None], base[None], metric)
    far = euclidean(d, queries, metric, largest_norm(base))
    order = np.argsort(d, axis=1)
    assert (np.diff(np.take_along_axis(far, order, axis=1), axis=1) >= 0).all()
