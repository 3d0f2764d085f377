"""What in the vectors themselves makes indexes fail: looked for before one is built."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document
from vbench._process.cores import usable_cores
from vbench.data.copies import copies
from vbench.data.dataset import Dataset
from vbench.measures.hardness import lid, mahalanobis, sample_of
from vbench.metric import FloatArray, Metric
from vbench.neighbors.euclidean import euclidean, largest_norm, square_norms
from vbench.neighbors.exact import nearest
from vbench.numbers import Unit

Verdict = Literal["good", "watch", "bad"]
Progress = Callable[[str, int, int], None]

_ASKED = 2_000
"""Base vectors, and queries, whose neighbors are looked at."""
_AMONG = 5_000
"""Base vectors among which hubs are looked for, all against all."""
_TOP = 10
_FAR = 0.99
"""A query is far from the base where fewer than 1 % of the base vectors are as far."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One property of the vectors.

    Attributes
    ----------
    value
        In `unit`; the larger, the harder.
    verdict
        By the limits `watch` and `bad`, from which on it is called so.
    why
        What it does to an index, in a sentence.
    advice
        A command that helps, for what is not good.
    """

    key: str
    title: str
    value: float
    unit: Unit
    verdict: Verdict
    watch: float
    bad: float
    why: str
    advice: str


class DataAudit(Document, frozen=True, kw_only=True, tag="vbench.data-audit/1"):
    """Properties of a dataset that make indexes fail, the worst first."""

    dataset: str
    metric: Metric
    n: int
    m: int
    d: int
    seed: int
    findings: list[Finding]


class _Rule(NamedTuple):
    """How one property is judged; limits lie between data that indexes find easy and hard."""

    title: str
    unit: Unit
    watch: float
    bad: float
    why: str
    advice: str


_PAIRS = {
    "ip": "-i hnsw -i hnsw-mips -i ivf-flat -i ivf-mips",
    "distance": "-i hnsw -i ivf-flat",
}
"""Indexes that such vectors part: built as they are, and where inner products are distances."""
_EQUAL = "vbench run -d {data} {pair} --at-recall 0.9"
_RULES = {
    "not_own_nearest": _Rule(
        "base vectors that are not their own nearest neighbor",
        "share",
        0.01,
        0.1,
        "by inner product longer vectors win everywhere, so a graph has few ways to the others",
        _EQUAL,
    ),
    "norm_spread": _Rule(
        "spread of the lengths of base vectors, by inner product (sd / mean)",
        "number",
        0.05,
        0.15,
        "the order by inner product is then not that of any distance, which graphs and lists need",
        _EQUAL,
    ),
    "far_queries": _Rule(
        "queries farther from the base than 99 % of its own vectors",
        "share",
        0.05,
        0.25,
        "what was built from the base was never made for such queries: graphs find none of their "
        "neighbors for some",
        _EQUAL,
    ),
    "concentration": _Rule(
        "how much more often two queries share a neighbor than if all items were shown alike",
        "number",
        10.0,
        50.0,
        "a few items fill most lists, and those at the rim are found late or never",
        _EQUAL + " && vbench tail last",
    ),
    "anti_hubs": _Rule(
        f"base vectors that are in no other's top {_TOP}, in a sample",
        "share",
        0.05,
        0.25,
        "they get few in-links, so a graph seldom leads to them",
        _EQUAL + " && vbench tail last --graph",
    ),
    "dimension": _Rule(
        "intrinsic dimension of the base (median of the local one)",
        "number",
        20.0,
        40.0,
        "the nearer all distances are to each other, the more candidates a search needs",
        "vbench tune -d {data} -i hnsw --target 'Recall@10>=0.9'",
    ),
    "copies": _Rule(
        "largest group of equal base vectors",
        "count",
        16,
        100,
        "where a group is larger than the links of a vector, its copies link to each other alone, "
        "and a search that comes upon them does not get away",
        "index one of each, or: " + _EQUAL,
    ),
}


def audit(dataset: Dataset, *, seed: int = 0, progress: Progress | None = None) -> DataAudit:
    """Look at the vectors of a dataset for what makes indexes fail.

    Base and queries are sampled by `seed`; neighbors are exact. A property that the metric does
    not have is left out.

    Parameters
    ----------
    progress
        Called with what is looked at, how many steps are done, and how many there are.
    """
    steps = list(_steps(dataset, seed))
    findings: list[Finding] = []
    for number, (what, look) in enumerate(steps):
        if progress:
            progress(what, number, len(steps))
        findings += [_judge(key, value, dataset) for key, value in look().items()]
    if progress:
        progress("done", len(steps), len(steps))
    order = {"bad": 0, "watch": 1, "good": 2}
    return DataAudit(
        dataset=dataset.name,
        metric=dataset.metric,
        n=dataset.n,
        m=dataset.m,
        d=dataset.d,
        seed=seed,
        findings=sorted(findings, key=lambda each: order[each.verdict]),
    )


Look = Callable[[], dict[str, float]]


def _steps(dataset: Dataset, seed: int) -> Iterator[tuple[str, Look]]:
    yield "neighbors of base vectors", lambda: _of_base(dataset, seed)
    yield "hubs", lambda: {"anti_hubs": _anti_hubs(dataset, seed)}
    yield "neighbors of queries", lambda: {"concentration": _concentration(dataset, seed)}
    yield "queries and base", lambda: {"far_queries": _far(dataset, seed)}
    if dataset.metric == "ip":
        yield "lengths", lambda: {"norm_spread": _spread(dataset.base)}
    yield "copies", lambda: {"copies": copies(dataset).largest}


def _judge(key: str, value: float, dataset: Dataset) -> Finding:
    rule = _RULES[key]
    pair = _PAIRS["ip" if dataset.metric == "ip" else "distance"]
    advice = rule.advice.format(data=shlex.quote(dataset.name), pair=pair)
    verdict: Verdict = "bad" if value >= rule.bad else "watch" if value >= rule.watch else "good"
    return Finding(
        key=key,
        title=rule.title,
        value=float(value),
        unit=rule.unit,
        verdict=verdict,
        watch=rule.watch,
        bad=rule.bad,
        why=rule.why,
        advice="" if verdict == "good" else advice,
    )


def _threads() -> int:
    return len(usable_cores())


def _of_base(dataset: Dataset, seed: int) -> dict[str, float]:
    """Whether base vectors find themselves, and how many dimensions their neighborhoods have."""
    base, metric = dataset.base, dataset.metric
    rows = sample_of(base, _ASKED, seed, metric)
    depth = min(101, dataset.n - dataset.zero_rows)
    ids, distances = nearest(base[rows], base, metric, depth, threads=_threads())
    # A copy is as near as the vector itself.
    own = nearest_is_own(ids, distances, rows)
    found = {"not_own_nearest": 1.0 - float(own.mean())} if metric == "ip" else {}
    if depth > _TOP:
        largest = largest_norm(base) if metric == "ip" else 0.0
        local = lid(euclidean(distances, base[rows], metric, largest)[:, 1:])
        known = local[np.isfinite(local)]
        if known.size:
            found["dimension"] = float(np.median(known))
    return found


def nearest_is_own(
    ids: NDArray[np.integer[Any]], distances: FloatArray, rows: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """Whether each vector is among its own nearest ones, ties counted: bool (m,)."""
    first = distances == distances[:, :1]
    return np.asarray(((ids == rows[:, np.newaxis]) & first).any(axis=1))


def _anti_hubs(dataset: Dataset, seed: int) -> float:
    """Share of a sample of the base that no other vector of it has among its nearest."""
    rows = sample_of(dataset.base, _AMONG, seed, dataset.metric)
    sample = np.ascontiguousarray(dataset.base[rows])
    k = min(_TOP, len(sample) - 1)
    if k < 1:
        return 0.0
    ids, _ = nearest(sample, sample, dataset.metric, k + 1, threads=_threads())
    own = ids == np.arange(len(sample))[:, np.newaxis]
    own[:, -1] |= ~own.any(axis=1)
    return float((np.bincount(ids[~own], minlength=len(sample)) == 0).mean())


def _concentration(dataset: Dataset, seed: int) -> float:
    """N times the chance that places of two queries show one item; 1 where all are alike.

    Pairs of places are counted, so that it does not depend on how many queries are asked.
    """
    rows = sample_of(dataset.queries, _ASKED, seed, dataset.metric)
    k = min(_TOP, dataset.n - dataset.zero_rows)
    ids, _ = nearest(dataset.queries[rows], dataset.base, dataset.metric, k, threads=_threads())
    counts = np.bincount(ids.ravel(), minlength=dataset.n).astype(np.float64)
    places = counts.sum()
    pairs = places**2 - places * k
    return float(dataset.n * (counts * (counts - 1.0)).sum() / pairs) if pairs else 1.0


def _far(dataset: Dataset, seed: int) -> float:
    """Share of the queries whose Mahalanobis distance to the base few of its vectors have."""
    base, queries, metric = dataset.base, dataset.queries, dataset.metric
    of_base = mahalanobis(base, base[sample_of(base, _ASKED, seed, metric)], metric, seed)
    of_queries = mahalanobis(base, queries[sample_of(queries, _ASKED, seed, metric)], metric, seed)
    return float((of_queries > np.quantile(of_base, _FAR)).mean())


def _spread(base: NDArray[Any]) -> float:
    lengths = np.sqrt(square_norms(base))
    return float(lengths.std() / lengths.mean()) if lengths.any() else 0.0
