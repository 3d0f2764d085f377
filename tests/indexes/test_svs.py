"""Intel's Scalable Vector Search."""

from __future__ import annotations

import numpy as np
import pytest
from vectors import gaussian

from vbench.errors import MissingExtraError
from vbench.indexes.library import check_installed
from vbench.indexes.svs import SvsVamana
from vbench.metric import Metric

BASE = gaussian(800, 8, seed=15)


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "alpha"), [("l2", 1.2), ("ip", 1 / 0.95), ("cosine", 1 / 0.95)])
def test_without_alpha_it_prunes_as_the_library_advises(metric: Metric, alpha: float) -> None:
    """By 1.2 for distances, by 0.95 for similarities; another alpha makes another graph."""
    try:
        check_installed(SvsVamana)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    advised, same, other = (_graph(metric, each) for each in (None, alpha, 1.6))
    np.testing.assert_array_equal(advised, same)
    assert not np.array_equal(advised, other)


def _graph(metric: Metric, alpha: float | None) -> np.ndarray:
    index = SvsVamana(graph_max_degree=16, window_size=32, alpha=alpha)
    index.fit(BASE, metric, seed=1, threads=1)
    graph = index.neighbors()
    assert graph is not None
    index.close()
    return graph.neighbors
