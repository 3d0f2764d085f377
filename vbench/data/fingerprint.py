"""One digest for the vectors that a ground truth or a result belongs to."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import Metric

_BLOCK_BYTES = 16 << 20


def fingerprint(base: NDArray[Any], queries: NDArray[Any], metric: Metric) -> str:
    """SHA-256 over metric, dtypes, shapes and bytes, read in blocks.

    Equal for the same vectors whatever file they came from.
    """
    digest = hashlib.sha256(metric.encode())
    for array in (base, queries):
        digest.update(f"|{array.dtype.str}{array.shape}|".encode())
        rows = max(1, _BLOCK_BYTES // max(1, array[:1].nbytes))
        for start in range(0, len(array), rows):
            digest.update(np.ascontiguousarray(array[start : start + rows]).data)
    return digest.hexdigest()
