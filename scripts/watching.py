"""What docs/watching.md states: simulated services, and hnsw on three datasets as it gets worse.

python scripts/watching.py [--runs N] > build/measured/watch.json
python scripts/watching.py --best [--runs N] > build/measured/watch_best.json

With --best: how soon a change could be found at all, at as few false alarms.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

import vbench
from vbench.bench.reach import reach
from vbench.data.ground_truth import compute_ground_truth
from vbench.measures.hits import relevant, threshold
from vbench.metric import FloatArray
from vbench.stats.anytime import CONCENTRATION, EVERY, FIRST

SEARCHES, ALPHA, K = 20_000, 0.01, 10
BEFORE = 2_000
"""Shadow searches before an index gets worse."""


def evidence(
    limit: float, half: bool = False
) -> Callable[[NDArray[Any], NDArray[Any]], FloatArray]:
    """Capital of bets against a share of at most `limit`, by its closed form: of n, S.

    With `half`, of bets spread as Beta(½, ½).
    """
    a0, b0 = (0.5, 0.5) if half else (CONCENTRATION * limit, CONCENTRATION * (1.0 - limit))
    whole = special.betaln(a0, b0) + np.log(special.betaincc(a0, b0, limit))

    def capital(n: NDArray[Any], total: NDArray[Any]) -> FloatArray:
        a, b = total + a0, n - total + b0
        with np.errstate(divide="ignore"):
            log = special.betaln(a, b) + np.log(special.betaincc(a, b, limit)) - whole
        log -= special.xlogy(total, limit) + special.xlog1py(n - total, -limit)
        return np.asarray(np.exp(np.minimum(log, 700.0)))

    return capital


def first_alarm(lost: NDArray[np.bool_], limit: float, *, half: bool = False) -> int | None:
    """After how many shadow searches a promise is called broken, as PromiseTest does."""
    total = np.concatenate([[0], np.cumsum(lost)])
    # It can rise above the limit after a loss alone.
    at = np.flatnonzero(lost) + 1
    capital = evidence(limit, half=half)
    if half:
        won = capital(at, total[at])
    else:
        aside = 1.0 - FIRST
        won = FIRST * capital(at, total[at])
        for k in range(1, len(lost) // EVERY + 1):
            first, weight = k * EVERY, (1.0 - FIRST) / (k * (k + 1))
            after = at > first
            won[after] += weight * capital(at[after] - first, total[at[after]] - total[first])
            won[~after] += weight
            aside -= weight
        won += aside
    above = np.flatnonzero(won >= 1.0 / ALPHA)
    return int(at[above[0]]) if len(above) else None


def alarms_of_interval(lost: NDArray[np.bool_], limit: float) -> bool:
    """Whether a 95 % interval (Wilson's) that is looked at every 50 is ever above the limit."""
    n = np.arange(50, len(lost) + 1, 50)
    share, z = np.cumsum(lost)[n - 1] / n, 1.959964
    middle, width = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + (z / 2 / n) ** 2)
    return bool(((middle - width) / (1 + z * z / n) > limit).any())


def simulate(runs: int) -> dict[str, dict[str, float | None]]:
    """Services whose share of losses is what was promised, or more from the start or later."""
    found: dict[str, dict[str, float | None]] = {}
    rng = np.random.default_rng(0)
    kept = rng.random((runs, SEARCHES)) < 0.24
    found["kept"] = {
        "share": 0.24,
        "interval": float(np.mean([alarms_of_interval(row, 0.24) for row in kept])),
        "test": float(np.mean([first_alarm(row, 0.24) is not None for row in kept])),
        "half": float(np.mean([first_alarm(row, 0.24, half=True) is not None for row in kept])),
    }
    for limit, share, most in (
        *((0.24, share, SEARCHES) for share in (0.26, 0.28, 0.3, 0.35)),
        *((0.01, share, SEARCHES) for share in (0.02, 0.03)),
    ):
        lost = rng.random((runs // 4, most)) < share
        row: dict[str, float | None] = {"promised": limit, "share": share}
        for name, half in (("test", False), ("half", True)):
            when = [first_alarm(each, limit, half=half) or most for each in lost]
            row[name] = float(np.median(when))
        found[f"{limit:g} to {share:g}"] = row
    for first in (0.2, 0.24):
        shares = np.where(np.arange(3 * BEFORE) < BEFORE, first, 0.3)
        lost = rng.random((runs // 4, 3 * BEFORE)) < shares
        when = [first_alarm(each, 0.24) or 3 * BEFORE for each in lost]
        after = [each - BEFORE for each in when if each > BEFORE]
        found[f"{first:g} then 0.3"] = {
            "first": first,
            "then": 0.3,
            "test": float(np.median(after)),
        }
    return found


def find_best(runs: int) -> dict[str, dict[str, float | None]]:
    """How soon a change from 24 % to 30 % could be found by one who knows both shares.

    The procedure of Shiryaev and Roberts, nearly optimal for a change at an unknown time (Pollak,
    Annals of Statistics 13, 1985), and Page's sums, with the limit that 1 % of the services that
    keep their promise pass in as many searches.
    """
    found: dict[str, dict[str, float | None]] = {}
    before, after = 0.24, 0.3
    won, lost = np.log((1 - after) / (1 - before)), np.log(after / before)
    for name in ("shiryaev-roberts", "page"):
        rng = np.random.default_rng(2)

        def step(score: FloatArray, share: float, name: str = name, rng: Any = rng) -> FloatArray:
            gain = np.where(rng.random(len(score)) < share, lost, won)
            start = np.logaddexp(score, 0.0) if name == "shiryaev-roberts" else np.maximum(score, 0)
            return np.asarray(start + gain)

        score = largest = np.full(runs, -np.inf)
        for _ in range(SEARCHES):
            score = step(score, before)
            largest = np.maximum(largest, score)
        limit = float(np.quantile(largest, 1.0 - ALPHA))
        score, waits = np.full(runs, -np.inf), np.full(runs, np.inf)
        for _ in range(BEFORE):
            score = step(score, before)
        for n in range(1, 2 * BEFORE + 1):
            score = step(score, after)
            waits = np.where(np.isinf(waits) & (score >= limit), n, waits)
        found[name] = {"limit": limit, "median": float(np.median(waits))}
    return found


def passing(name: str, ef: tuple[int, int]) -> list[NDArray[np.bool_]]:
    """Which queries of a dataset hnsw serves with a recall of 0.9 or more, at two settings."""
    dataset = vbench.load(name)
    truth = compute_ground_truth(dataset, K)
    index = "hnsw-mips" if dataset.metric == "ip" else "hnsw"
    with reach(dataset, index, K, settings={"ef": [ef[0]]}, connect={}, place=None, seed=0) as (
        _,
        target,
    ):
        found = []
        for each in ef:
            target.index.set(ef=each)
            ids = np.stack([target.search(query) for query in np.asarray(dataset.queries)])
            found.append(relevant(truth.ids[:, :K], ids).sum(axis=1) >= threshold(0.9, K))
    return found


def degrade(name: str, ef: tuple[int, int], runs: int) -> dict[str, float | None]:
    """An index that is searched with less effort after some time, and how soon that is seen."""
    before, after = passing(name, ef)
    # The share that was promised is what half of the queries show, less two points.
    promise = round(float(before[::2].mean()) - 0.02, 3)
    rng = np.random.default_rng(1)
    alarms, waits = 0, []
    for _ in range(runs):
        rows = rng.integers(0, len(before), 2 * BEFORE + SEARCHES)
        lost = ~np.where(np.arange(len(rows)) < BEFORE, before[rows], after[rows])
        when = first_alarm(lost, 1.0 - promise)
        alarms += when is not None and when <= BEFORE
        if when is not None and when > BEFORE:
            waits.append(when - BEFORE)
    return {
        "promise": promise,
        "before": float(before.mean()),
        "after": float(after.mean()),
        "false": alarms / runs,
        "found": len(waits) / runs,
        "median": float(np.median(waits)) if waits else None,
    }


def main() -> int:
    """Print the numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--best", action="store_true")
    asked = parser.parse_args()
    runs = asked.runs
    if asked.best:
        print(json.dumps(find_best(runs), indent=1))
        return 0
    found = simulate(runs)
    for name, ef in (("books", (64, 48)), ("glove-50", (64, 48)), ("wordnet", (32, 24))):
        found[name] = degrade(name, ef, runs // 10)
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
