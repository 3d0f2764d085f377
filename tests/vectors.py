"""Vectors that tests measure on: drawn anew from a seed, whichever tests ran before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def gaussian(*shape: int, seed: int = 0) -> Vectors:
    """Normal draws of this shape."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def gaussian_pair(n: int, m: int, d: int, seed: int = 0) -> tuple[Vectors, Vectors]:
    """Base (n, d) and queries (m, d), of one stream."""
    both = gaussian(n + m, d, seed=seed)
    return both[:n].copy(), both[n:].copy()


def save_pair(
    folder: Path, n: int, m: int, d: int, seed: int = 0, *, queries: str = "queries"
) -> None:
    """The same, as ``base.npy`` and ``queries.npy`` in a folder."""
    for name, array in zip(("base", queries), gaussian_pair(n, m, d, seed), strict=True):
        np.save(folder / f"{name}.npy", array)
