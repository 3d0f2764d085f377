"""One digest for the vectors that a ground truth or a result belongs to."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.metric import Metric
from vbench.neighbors.blocks import blocks


def fingerprint(base: NDArray[Any], queries: NDArray[Any], metric: Metric) -> str:
    """SHA-256 over metric, dtypes, shapes and bytes, read in blocks.

    Equal for the same vectors whatever file they came from.
    """
    digest = hashlib.sha256(metric.encode())
    for array in (base, queries):
        digest.update(f"|{array.dtype.str}{array.shape}|".encode())
        for _, rows in blocks(array):
            digest.update(np.ascontiguousarray(rows).data)
    return digest.hexdigest()
