"""Simulate how often intervals and verdicts are right, with the functions of the slow tests.

``python scripts/simulations.py coverage``, ``… verdicts`` and ``… items`` print the tables of
docs/statistics.md as JSON: rows by name, each with values by name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "stats"), str(TESTS / "measures")]

# Tests are imported from where they lie.
import test_coverage as covered  # noqa: E402
import test_items_coverage as of_items  # noqa: E402
import test_verdicts as judged  # noqa: E402
from build_pools import made_pool  # noqa: E402

from vbench.stats.crossed import crossed_mean  # noqa: E402
from vbench.stats.paired import compare_means  # noqa: E402

Row = dict[str, float]
ROUNDS = 400
ROUNDS_OF_ITEMS = 100


def coverage() -> Iterator[tuple[str, Row]]:
    """Lowest and highest coverage over numbers of queries, of each number of builds."""
    shown = {
        name: covered.MEASURES[name] for name in ("mean", "robustness at 0.9", "failure", "CVaR")
    }
    for builds in (1, 2, 3, 5, 8):
        found = [
            covered.coverage(covered.WORLDS["drifting"], shown, builds, m, ROUNDS, seed=builds * m)
            for m in (200, 1000, 5000)
        ]
        yield (
            f"{builds} builds",
            {
                f"{name}, {how.__name__}": how(each[name] for each in found)
                for name in shown
                for how in (min, max)
            },
        )


def verdicts() -> Iterator[tuple[str, Row]]:
    """What becomes of an index compared with itself, and of differences that there are."""
    for name in judged.POOLS:
        pool = judged.pool_of(name)
        for builds in (2, 3, 5):
            detectable = judged.found_of_detectable(pool, builds, 500, 300)
            yield (
                f"{name}, {builds} builds",
                {
                    "called different": judged.false_alarms(pool, builds, 500, 400),
                    **{
                        f"percentile covered, {m} queries": judged.percentile_coverage(
                            pool, 5, builds, m, 300
                        )
                        for m in (300, 1000)
                    },
                    "detectable found, min": float(detectable.min()),
                    "detectable found, max": float(detectable.max()),
                },
            )
    yield (
        "spread of builds",
        {
            name: float(judged.pool_of(name).recall.mean(axis=1).std(ddof=1))
            for name in judged.POOLS
        },
    )
    yield "one build of hnsw", {"called different": builds_called_different(400)}
    for hardest in (0.79, 0.35):
        a, b = made_pool(hardest=0.1, seed=0), made_pool(hardest=hardest, seed=1)
        found, held = judged.found_and_covered(a, b, 3, 500, 400)
        yield (
            f"CVaR, {hardest}",
            {"difference": b.cvar() - a.cvar(), "found": found, "covered": held},
        )
    skewed = made_pool(hard=0.3, drift=0.25, skew=2.0)
    yield (
        "builds that dominate",
        {f"{builds} builds": mean_covered(skewed, builds, 300) for builds in (2, 3, 5, 8)},
    )


def items() -> Iterator[tuple[str, Row]]:
    """Lowest and highest coverage of items' measures over worlds and numbers of queries."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(items_covered, (2, 3, 5))


def items_covered(builds: int) -> tuple[str, Row]:
    """The same of so many builds."""
    worlds = [of_items.World(**each) for each in of_items.WORLDS.values()]
    found = [
        of_items.coverage(world, m, builds, ROUNDS_OF_ITEMS)
        for world in worlds
        for m in (300, 1000)
    ]
    return f"{builds} builds", {
        f"{measure}, {how.__name__}": how(each[measure] for each in found)
        for measure in found[0]
        for how in (min, max)
    }


def builds_called_different(rounds: int) -> float:
    """Share of pairs of builds of one index that a test of one build each calls different."""
    rng = np.random.default_rng(7)
    pool = judged.pool_of("hnsw")
    drawn = (pool.draw(rng, 2, 2000) for _ in range(rounds))
    return sum(compare_means(x[:1], x[1:]).p < 0.05 for x in drawn) / rounds


def mean_covered(pool, builds: int, rounds: int) -> float:
    """Share of intervals of mean recall of 5,000 queries that hold the truth."""
    rng = np.random.default_rng(5)
    truth = pool.recall.mean()
    found = (crossed_mean(pool.draw(rng, builds, 5000)) for _ in range(rounds))
    return sum(each.low <= truth <= each.high for each in found) / rounds


if __name__ == "__main__":
    tables = {"coverage": coverage, "verdicts": verdicts, "items": items}
    print(json.dumps(dict(tables[sys.argv[1]]()), indent=1))
