"""Some of the queries: how many, and their share."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.stats.crossed import crossed_mean


class QueryShare(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the queries: how many, and their share with its interval over the queries."""

    queries: int
    share: float
    low: float
    high: float


def count_queries(
    mask: NDArray[np.bool_], clusters: NDArray[np.integer[Any]] | None = None
) -> QueryShare:
    """Those in a mask (m,); queries of one cluster are not independent."""
    found = crossed_mean(mask, cluster=clusters)
    return QueryShare(
        queries=int(mask.sum()), share=float(mask.mean()), low=found.low, high=found.high
    )
