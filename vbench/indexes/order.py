"""In which order base vectors are inserted: another one for each build."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def insertion_order(
    n: int, left_out: Sequence[int] | NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Row of the base that is inserted at each place: (n − left out,)."""
    return np.random.default_rng(seed).permutation(np.delete(np.arange(n), left_out))
