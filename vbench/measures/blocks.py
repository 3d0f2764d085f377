"""Some rows at a time, so that what is made of them stays in a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray


def row_blocks(array: NDArray[Any], entries: int) -> Iterator[slice]:
    """The rows of an array (m, k), in parts of about so many entries."""
    step = max(1, entries // max(1, array.shape[1]))
    return (slice(first, first + step) for first in range(0, len(array), step))
