"""What it costs to serve a new version of a tower on the items of an old one, beside the index.

The items of an index are embedded when it is built; the tower of the queries learns on. Exact lists
of new queries over old items are then others than before, and what a user gets is worse or not:
these are two questions, and both are answered, always.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Document, Interval
from vbench._invocation import spell_option
from vbench.data.check import check_k
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import VbenchError
from vbench.measures.hits import relevant, threshold
from vbench.metric import FloatArray
from vbench.runs.run import Run
from vbench.runs.settings import spell
from vbench.stats.intervals import wilson

Ids = NDArray[np.integer]
_RESAMPLES = 2000
_NDCG = 10


class SkewedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One later version, served on the old items.

    Attributes
    ----------
    age
        How much later, in any unit; None where nobody said.
    cosine, item_cosine
        Median cosine of a query, or an item, with its earlier self; the latter None where items are
        the same.
    agreement
        Mean share of the exact top K that both have.
    robustness
        Share of the queries for which that is at least δ.
    hit_rate, ndcg
        Of the new queries on the old items; None without relevance judgments.
    hit_rate_loss, ndcg_loss
        Of the old version's, or the new version's on items of its own, what is lost, with 95 %
        intervals over queries.
    """

    dataset: str
    age: float | None
    cosine: float
    item_cosine: float | None
    agreement: float
    robustness: Interval
    hit_rate: float | None
    hit_rate_loss: Interval
    ndcg: float | None
    ndcg_loss: Interval


class SkewedIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What an index loses on the old version, at one setting, as a mean over builds.

    Attributes
    ----------
    deadline
        Age at which the hit rate lost by skew exceeds that lost by the index, between two ages that
        were measured; None where it never does, or one of them is not known.
    agreement_deadline
        The same of the share of queries that do not reach δ.
    """

    name: str
    recall: float | None
    robustness: float | None
    hit_rate_loss: float | None
    deadline: float | None
    agreement_deadline: float | None


class Skew(Document, frozen=True, kw_only=True, tag="vbench.skew/1"):
    """Versions of towers against the first, and indexes on that.

    Attributes
    ----------
    k, delta
        Of agreement and Robustness.
    hits
        K of the hit rate.
    hit_rate, ndcg
        Of the old version on its own items.
    """

    dataset: str
    k: int
    delta: float
    hits: int
    queries: int
    judged: int
    hit_rate: float | None
    ndcg: float | None
    versions: tuple[SkewedVersion, ...]
    indexes: tuple[SkewedIndex, ...]


class _Judged(NamedTuple):
    """Of each query with judgments: how many items, how many of them were shown, and its nDCG."""

    items: FloatArray
    shown: FloatArray
    ndcg: FloatArray

    @property
    def hit_rate(self) -> float:
        return float(self.shown.sum() / self.items.sum())


def skew(
    old: Dataset,
    versions: Sequence[Dataset],
    *,
    ages: Sequence[float] | None = None,
    k: int = 10,
    delta: float = 0.9,
    hits: int = 100,
    run: Run | None = None,
) -> Skew:
    """Compare later versions of towers with the first, served on its items.

    Parameters
    ----------
    old
        Its base vectors are what the index holds.
    versions
        With the same queries, row by row; and the same items, where these are embedded anew.
    ages
        How much later each version is, ascending.
    k, delta
        Of the agreement of exact lists.
    hits
        K of the hit rate: the share of the relevant items among so many.
    run
        Of `old`: what its indexes lose beside it.

    Raises
    ------
    VbenchError
        The versions are not of the same queries and items; ages do not fit them.
    """
    if not versions:
        raise VbenchError("give an old version and one or several later ones")
    if ages is not None and (len(ages) != len(versions) or list(ages) != sorted(set(ages))):
        raise VbenchError(
            f"{len(ages)} ages for {len(versions)} versions: give each one, ascending: "
            f"{spell_option('ages')} 0.25,0.5"
        )
    if not 0.0 < delta <= 1.0:
        raise VbenchError(f"delta={delta:g}; give a recall above 0, up to 1")
    hits = min(hits, old.n)
    check_k(old, k)
    if run is not None and run.manifest.dataset.fingerprint != old.fingerprint:
        raise VbenchError(
            f"{run.path} is of {run.manifest.dataset.name}, and not of the old version {old.name}"
        )
    for version in versions:
        _check(old, version)
    depth = max(k, hits, _NDCG)
    lists = compute_ground_truth(old, depth).ids
    own = _judge(old, lists, hits)
    rows = [
        _version(old, version, None if ages is None else ages[at], lists, own, k, delta, hits)
        for at, version in enumerate(versions)
    ]
    return Skew(
        dataset=old.name,
        k=k,
        delta=delta,
        hits=hits,
        queries=old.m,
        judged=0 if own is None else len(own.items),
        hit_rate=None if own is None else own.hit_rate,
        ndcg=None if own is None else float(own.ndcg.mean()),
        versions=tuple(rows),
        indexes=() if run is None else tuple(_indexes(run, old, own, rows, k, delta, hits)),
    )


def _check(old: Dataset, version: Dataset) -> None:
    for name, here, there in (
        ("metric", old.metric, version.metric),
        ("dimensions", old.d, version.d),
        ("queries", old.m, version.m),
        ("items", old.n, version.n),
    ):
        if here != there:
            raise VbenchError(
                f"{version.name} has {name} {there}, and {old.name} {here}: versions of a tower "
                "have the same queries and items, row by row"
            )
    here_ids, there_ids = old.query_ids, version.query_ids
    if here_ids is None or there_ids is None:
        return
    if here_ids.to_list() != there_ids.to_list():
        raise VbenchError(f"the queries of {version.name} are not those of {old.name}, row by row")


def _version(
    old: Dataset,
    new: Dataset,
    age: float | None,
    old_lists: Ids,
    own: _Judged | None,
    k: int,
    delta: float,
    hits: int,
) -> SkewedVersion:
    depth = old_lists.shape[1]
    has_new_items = new.base_digest != old.base_digest
    mixed = Dataset(f"{new.name} on {old.name}", old.base, new.queries, old.metric)
    served = compute_ground_truth(mixed, depth).ids
    meant = compute_ground_truth(new, depth).ids if has_new_items else old_lists
    common = relevant(meant[:, :k], served[:, :k]).sum(axis=1)
    passing = int((common >= threshold(delta, k)).sum())
    now = _judge(old, served, hits)
    best = _judge(old, meant, hits) if has_new_items else own
    return SkewedVersion(
        dataset=new.name,
        age=age,
        cosine=_cosine(old.queries, new.queries),
        item_cosine=_cosine(old.base, new.base) if has_new_items else None,
        agreement=float(common.mean() / k),
        robustness=Interval(passing / old.m, *wilson(passing, old.m)),
        hit_rate=None if now is None else now.hit_rate,
        hit_rate_loss=_loss(best, now, "hits"),
        ndcg=None if now is None else float(now.ndcg.mean()),
        ndcg_loss=_loss(best, now, "ndcg"),
    )


def _cosine(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Median cosine of rows with rows."""
    a, b = (np.asarray(each, dtype=np.float64) for each in (one, other))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found = (a * b).sum(axis=1)[lengths > 0] / lengths[lengths > 0]
    return float(np.median(found)) if len(found) else 0.0


def _judge(data: Dataset, lists: Ids, hits: int) -> _Judged | None:
    """What lists (m, depth) show of the relevant items; None without judgments."""
    if data.relevance is None or not len(data.relevance):
        return None
    pairs = data.relevance.select("query", "item").unique().sort("query", "item").to_numpy()
    query, item = pairs[:, 0], pairs[:, 1]
    asked, place, items = np.unique(query, return_inverse=True, return_counts=True)
    found = lists[query] == item[:, np.newaxis]
    rank = np.where(found.any(axis=1), found.argmax(axis=1), lists.shape[1])
    shown = np.bincount(place, rank < hits, minlength=len(asked)).astype(float)
    gain = np.where(rank < _NDCG, 1.0 / np.log2(rank + 2.0), 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2.0, _NDCG + 2.0)))])
    ndcg = np.bincount(place, gain, minlength=len(asked)) / ideal[np.minimum(items, _NDCG)]
    return _Judged(items.astype(float), shown, ndcg)


def _loss(before: _Judged | None, after: _Judged | None, what: str) -> Interval:
    """What is lost, with its interval by a bootstrap over queries."""
    if before is None or after is None:
        return Interval(None)
    m = len(before.items)
    lost = before.shown - after.shown if what == "hits" else before.ndcg - after.ndcg
    size = before.items if what == "hits" else np.ones(m)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, m, m) for _ in range(_RESAMPLES)]
    ends = np.quantile([lost[rows].sum() / size[rows].sum() for rows in drawn], [0.025, 0.975])
    return Interval(float(lost.sum() / size.sum()), *ends.tolist())


def _indexes(
    run: Run,
    old: Dataset,
    own: _Judged | None,
    rows: Sequence[SkewedVersion],
    k: int,
    delta: float,
    hits: int,
) -> list[SkewedIndex]:
    """The settings of a run, by what they answer at both K."""
    found: dict[str, dict[str, float]] = {}
    for setting in run.settings():
        values = found.setdefault(f"{setting.title} {spell(setting.search)}".strip(), {})
        if setting.k == k:
            shares = [run.hits(trial) for trial in setting.trials]
            values["recall"] = float(np.mean([each.mean() / k for each in shares]))
            least = threshold(delta, k)
            values["robustness"] = float(np.mean([(each >= least).mean() for each in shares]))
        if setting.k == hits and own is not None:
            judged = [_judge(old, run.answers(trial).ids, hits) for trial in setting.trials]
            rates = [each.hit_rate for each in judged if each is not None]
            values["hit_rate_loss"] = own.hit_rate - float(np.mean(rates))
    return [
        SkewedIndex(
            name=name,
            recall=values.get("recall"),
            robustness=values.get("robustness"),
            hit_rate_loss=values.get("hit_rate_loss"),
            deadline=_deadline(
                [(each.age, each.hit_rate_loss.value) for each in rows],
                values.get("hit_rate_loss"),
            ),
            agreement_deadline=_deadline(
                [(each.age, 1.0 - (each.robustness.value or 0.0)) for each in rows],
                1.0 - values["robustness"] if "robustness" in values else None,
            ),
        )
        for name, values in found.items()
        if values
    ]


def _deadline(
    losses: Sequence[tuple[float | None, float | None]], limit: float | None
) -> float | None:
    """The age at which a loss that begins at 0 first exceeds a limit, between ages linearly."""
    if limit is None:
        return None
    age, loss = 0.0, 0.0
    for later, lost in losses:
        if later is None or lost is None:
            return None
        if lost > limit:
            share = (limit - loss) / (lost - loss) if lost > loss else 0.0
            return age + max(share, 0.0) * (later - age)
        age, loss = later, lost
    return None
