"""Do 95 % intervals of items' measures hold the truth? Simulated searches, items in several lists.

A few items fill most lists and most are in one list or none; items differ in how easily they are
found, for all builds and for each, and so do queries and builds. The truth is the mean over many
samples of as many queries and builds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from answers_factory import from_ids

from vbench.measures.answers import Answers
from vbench.measures.items import ItemRecall, ItemRobustness, LostItems
from vbench.measures.sample import Sample

K = 10
ITEMS, POOL = 3000, 6000
MEASURES = (
    ItemRecall() @ K,
    ItemRobustness() @ K,
    LostItems() @ K,
    LostItems(least=3) @ K,
)


class World:
    """Queries to draw from, each with its exact list, and how items, queries and builds differ."""

    def __init__(
        self, *, persistent: float, chance: float, drift: float, level: float = 2.5
    ) -> None:
        rng = np.random.default_rng(0)
        popularity = -0.9 * np.log(np.arange(1, ITEMS + 1))
        self.lists = np.empty((POOL, K), dtype=np.int32)
        for first in range(0, POOL, 1000):
            keys = popularity + rng.gumbel(size=(1000, ITEMS))
            self.lists[first : first + 1000] = np.argpartition(-keys, K, axis=1)[:, :K]
        # The rare are harder to find.
        ease = 0.4 * (popularity - popularity.mean())
        self.items = level + ease + persistent * rng.standard_normal(ITEMS)
        self.queries = 0.7 * rng.standard_normal(POOL)
        self.chance, self.drift = chance, drift

    def answers(self, m: int, builds: int, rng: np.random.Generator) -> list[Answers]:
        """What some builds answer to m queries."""
        asked = rng.choice(POOL, m, replace=False)
        truth = self.lists[asked]
        found = []
        for _ in range(builds):
            own = self.items + self.chance * rng.standard_normal(ITEMS)
            logit = own[truth] + self.queries[asked, np.newaxis]
            logit = logit + self.drift * rng.standard_normal()
            hit = rng.random(truth.shape) < 1.0 / (1.0 + np.exp(-logit))
            found.append(
                from_ids(np.where(hit, truth, ITEMS + 1), truth, k=K, hits=hit.sum(axis=1))
            )
        return found


WORLDS = {
    "like a graph": {"persistent": 2.0, "chance": 2.0, "drift": 0.1},
    "agreeing": {"persistent": 2.0, "chance": 0.3, "drift": 0.02},
    "drifting": {"persistent": 1.0, "chance": 1.0, "drift": 0.5},
    "hardly anything lost": {"persistent": 0.5, "chance": 0.5, "drift": 0.1, "level": 5.0},
}


def coverage(world: World, m: int, builds: int, rounds: int) -> dict[str, float]:
    """Share of the samples whose interval holds the mean of all of them, of each measure."""
    rng = np.random.default_rng(builds * m)
    found = []
    for _ in range(rounds):
        sample = Sample(world.answers(m, builds, rng))
        found.append([sample.estimate(measure)[:3] for measure in MEASURES])
    values = np.array(found, dtype=float)
    truth = values[:, :, 0].mean(axis=0)
    held = (values[:, :, 1] <= truth) & (truth <= values[:, :, 2])
    return dict(zip(map(str, MEASURES), held.mean(axis=0).tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("builds", [2, 3, 5])
@pytest.mark.parametrize("m", [300, 1000])
def test_intervals_cover(name: str, builds: int, m: int) -> None:
    """At least 93 %, in every world."""
    rounds = 200
    found = coverage(World(**WORLDS[name]), m, builds, rounds)
    assert min(found.values()) >= 0.93 - 3 * math.sqrt(0.93 * 0.07 / rounds), found


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_same_against_same_is_seldom_called_different(name: str) -> None:
    """Two groups of three builds of one index, the same queries: 8 % at most at p < 0.05."""
    world, rng, rounds = World(**WORLDS[name]), np.random.default_rng(2), 100
    calls = np.zeros(len(MEASURES))
    for _ in range(rounds):
        found = world.answers(500, 6, rng)
        a, b = Sample(found[:3]), Sample(found[3:])
        calls += [measure.difference(a, b).p < 0.05 for measure in MEASURES]
    assert (calls / rounds <= 0.08 + 2 * math.sqrt(0.08 * 0.92 / rounds)).all(), calls
