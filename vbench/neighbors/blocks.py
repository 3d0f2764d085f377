"""The one way to walk through vectors: block by block, so that few of them are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 8 << 20


def blocks(array: NDArray[Any], itemsize: int | None = None) -> Iterator[tuple[int, NDArray[Any]]]:
    """First row and rows of each block of some megabytes of an array (n, d).

    `itemsize` is the bytes of a number in the type that the caller widens it to; default: its own.
    """
    row = int(np.prod(array.shape[1:])) * (itemsize or array.itemsize)
    step = max(1, BLOCK_BYTES // max(1, row))
    for start in range(0, len(array), step):
        yield start, array[start : start + step]
