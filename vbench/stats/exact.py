"""Tests of paired values that need no variance: sign flips, McNemar, and Holm over many."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from vbench.errors import VbenchError
from vbench.metric import FloatArray

FLIPS = 10_000
_BLOCK_SIGNS = 4_000_000
_FEW_MAGNITUDES = 256


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of the exact McNemar test, of the queries that pass on one side only.

    Of the pairs that disagree, as many are expected on one side as on the other. Twice the
    smaller binomial tail, at most 1.
    """
    if min(only_first, only_second) < 0:
        raise VbenchError(f"queries cannot be counted as {only_first} and {only_second}")
    disagreeing = only_first + only_second
    tail = float(special.bdtr(min(only_first, only_second), disagreeing, 0.5))
    return min(1.0, 2.0 * tail)


def sign_flip(differences: ArrayLike, *, flips: int = FLIPS, seed: int = 0) -> float:
    """Two-sided p of the paired permutation test of a mean.

    If two builds were alike, the sign of every difference would be a coin toss. Counts how often
    the sum over tossed signs is as far from 0 as the observed one. Where all differences that are
    not 0 have one size the answer is exact, and is McNemar's.

    Parameters
    ----------
    differences : (m,)
        Second minus first, of each query or each cluster of queries.
    flips
        Random assignments of signs; the smallest p is 1/(flips + 1).
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise VbenchError(f"sign flips need finite differences (m,), m >= 1, got {values.shape}")
    values = values[values != 0.0]
    if values.size == 0:
        return 1.0
    # Recall has few sizes of difference; 1e-12 undoes the rounding of 0.9 − 0.8 ≠ 0.8 − 0.7.
    scale = float(np.abs(values).max())
    sizes, counts = np.unique(np.round(np.abs(values) / scale, 12), return_counts=True)
    if len(sizes) == 1:
        positive = int((values > 0).sum())
        return mcnemar(positive, len(values) - positive)
    observed = abs(float((values / scale).sum()))
    rng = np.random.default_rng(seed)
    sums = (
        _sums_by_size(sizes, counts, flips, rng)
        if len(sizes) <= _FEW_MAGNITUDES
        else _sums_one_by_one(np.abs(values) / scale, flips, rng)
    )
    # Sums that are equal may differ in the last digits, and a sum of 0 has no relative distance.
    extreme = int((np.abs(sums) >= observed - 1e-7).sum())
    return (extreme + 1) / (flips + 1)


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's (1979) adjusted p of several tests, float64 of the same length.

    Each may be held against the level that all of them together shall keep.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0.0) & (p <= 1.0)).all():
        raise VbenchError("Holm's adjustment takes a list of p values between 0 and 1")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def holm_levels(p_values: ArrayLike, alpha: float = 0.05) -> FloatArray:
    """The largest p that Holm's method calls different in each test, given those of all others.

    Of n tests, k of the others being different, α/(n − k): what a test could still have found is
    asked at this level and not at α.
    """
    p = np.asarray(p_values, dtype=np.float64)
    n = len(p)
    steps = alpha / np.arange(n, 1, -1)
    left = []
    for i in range(n):
        others = np.sort(np.delete(p, i))
        passed = int(np.logical_and.accumulate(others < steps).sum())
        left.append(alpha / (n - passed))
    return np.array(left)


def _sums_by_size(
    sizes: FloatArray, counts: NDArray[np.intp], flips: int, rng: np.random.Generator
) -> FloatArray:
    """Sums over tossed signs: of equal differences only the number of heads matters."""
    heads = rng.binomial(counts, 0.5, size=(flips, len(counts)))
    return np.asarray((2.0 * heads - counts) @ sizes)


def _sums_one_by_one(sizes: FloatArray, flips: int, rng: np.random.Generator) -> FloatArray:
    rows = max(1, _BLOCK_SIGNS // len(sizes))
    sums = np.empty(flips)
    for start in range(0, flips, rows):
        stop = min(start + rows, flips)
        shape = (stop - start, -(-len(sizes) // 8))
        bits = np.unpackbits(rng.integers(0, 256, size=shape, dtype=np.uint8), axis=1)
        sums[start:stop] = bits[:, : len(sizes)] @ (2.0 * sizes) - sizes.sum()
    return sums
