"""The guard of epzero: what it promises, and what it reports."""

from __future__ import annotations

import numpy as np
import pytest
from vectors import gaussian_pair

from vbench.indexes.epzero import Epzero

pytestmark = pytest.mark.engines
BASE, QUERIES = gaussian_pair(2000, 400, 16, seed=2)


def test_a_recall_is_held_by_a_guard_that_reports() -> None:
    """Of each query of the last search alike, once it has seen some; a new setting ends it."""
    index = Epzero(M=8)
    index.fit(BASE, "l2", seed=0, threads=1)
    assert index.estimates() is None
    setting = index.claim("Recall@10>=0.9")
    assert setting == {"recall": 0.9}
    index.set(**setting, sample=0.5)
    ids = index.search(QUERIES, 10)
    told = index.estimates()
    assert told is not None
    assert told.shape == (400,)
    assert 0.5 < told[0] <= 1.0
    assert len(np.unique(told)) == 1
    assert (np.sort(ids, axis=1) == np.sort(index.exact(QUERIES, 10), axis=1)).mean() > 0.8
    assert index.search_one(QUERIES[0], 10).shape == (10,)
    told = index.estimates()
    assert told is not None
    assert told.shape == (1,)
    index.set(ef=32)
    assert index.estimates() is None
    with pytest.raises(ValueError, match="mean recall alone"):
        index.claim("Robustness(delta=0.9)@10>=0.9")
    index.set(**setting)
    index.fit(BASE[:500], "l2", seed=0, threads=1)
    assert index.search(QUERIES, 10).max() < 500
    index.close()
