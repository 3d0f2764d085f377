"""Scores of a tile, block by block: the same as of one product."""

from __future__ import annotations

import numpy as np
import pytest

from vbench.metric import METRICS
from vbench.neighbors.space import ScoreSpace
from vbench.neighbors.tiles import TILE_ROWS, Tile


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, TILE_ROWS), (300, 1001), (1000, TILE_ROWS)])
def test_hits_are_those_of_one_product(metric, scored, m, n):
    """By query, then column, whether the scores were there before or not."""
    random = np.random.default_rng(m + n)
    base, queries = random.standard_normal((n, 7)), random.standard_normal((m + 4, 7))
    base[n // 2] = 0
    space = ScoreSpace(queries, base, metric)
    rows, norms = space.rows(base, np.float32, 0)
    wanted = space.narrow[2 : m + 2] @ rows.T
    space.place_zero(wanted, norms)
    least = np.quantile(wanted, 0.9, axis=1).astype(np.float32)
    tile = Tile(space, slice(2, m + 2), rows, norms)
    if scored:
        tile.score()
    found = tile.hits(least)
    places = found.queries * n + found.columns
    assert (np.diff(places) > 0).all()
    np.testing.assert_allclose(found.scores, wanted[found.queries, found.columns], atol=1e-5)
    sure = np.abs(wanted - least[:, np.newaxis]) > 1e-5
    reached = np.zeros((m, n), np.bool_)
    reached.flat[places] = True
    np.testing.assert_array_equal(reached[sure], (wanted >= least[:, np.newaxis])[sure])
    chosen = np.array([m - 1, 0])
    np.testing.assert_allclose(tile.scores_of(chosen), wanted[chosen], atol=1e-5)


def test_nothing_of_the_tile_before_is_found():
    """Where a shorter tile ends, the memory that it shares with a longer one still holds that."""
    base = np.ones((TILE_ROWS, 3), np.float32)
    space = ScoreSpace(base[:2], base, "ip")
    norms = np.full(TILE_ROWS, 3.0**0.5)
    least = np.full(2, -np.inf, np.float32)
    assert len(Tile(space, slice(0, 2), base, norms).hits(least).queries) == 2 * TILE_ROWS
    found = Tile(space, slice(0, 2), base[:13], norms[:13]).hits(least)
    assert found.columns.tolist() == [*range(13)] * 2
