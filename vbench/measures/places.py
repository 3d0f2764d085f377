"""Places of returned ids in the exact list, and which of them count where distances tie.

The place of an id is the first rank at an equal distance, 0 if it is farther than the k-th. Base
vectors of equal distance fill some ranks up to K together: as many of their ids count, whichever
they are, and each is worth the mean of what these ranks are worth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.measures.blocks import row_blocks
from vbench.measures.hits import DistancesOf, Ids, Rule, ranks_among
from vbench.metric import FloatArray, Metric, tie_limit

Places = NDArray[np.integer[Any]]
_BLOCK = 1 << 15
"""Distances at a time, which a cache holds."""


class Worth(NamedTuple):
    """What an answer is worth, entry by entry.

    Attributes
    ----------
    group : integer (m, k)
        Place of each returned id that counts, 0 of the others: each id once, and of equally
        distant ones as many as there are ranks for them.
    gain : float64 (m, k)
        Of those that count: K for the nearest … 1 for the K-th, the mean of its ranks in a tie.
    ideal : float64 (m, k)
        The gains of the exact list; 0 behind the end of one that is shorter than K.
    """

    group: Places
    gain: FloatArray
    ideal: FloatArray

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which returned ids are right, (m, k)."""
        return np.asarray(self.group > 0)


def list_places(distances: FloatArray, k: int, metric: Metric, rule: Rule) -> Places:
    """Places of the true neighbors themselves, (m, width).

    The width is k, or as far as neighbors go that tie with the k-th; 0 behind them.

    Parameters
    ----------
    distances : (m, depth), depth ≥ k, ascending
        Of a list that is shorter, nan behind its end: there the places are 0.
    """
    plain = np.arange(1, k + 1, dtype=np.int32)
    ended = np.isnan(distances[:, :k])
    if rule == "id":
        short = ended.any()
        return np.where(ended, 0, plain) if short else np.broadcast_to(plain, ended.shape)
    is_tied = np.empty(len(distances), dtype=bool)
    for some in row_blocks(distances, _BLOCK):
        is_tied[some] = _have_ties(distances[some], k, metric, rule)
    tied = np.flatnonzero(is_tied)
    if not len(tied) and not ended.any():
        # Recognized by its strides: where nothing ties, nothing is looked up in it.
        return np.broadcast_to(plain, (len(distances), k))
    limit = _widest(distances[tied, :k], metric, rule)
    reach = (distances[tied] <= limit[:, -1:]).sum(axis=1)
    width = max(k, int(reach.max(initial=0)))
    places = np.zeros((len(distances), width), dtype=np.int32)
    places[:, :k] = np.where(ended, 0, plain)
    places[tied] = _first_within(distances[tied, :width], limit)
    return places


def find_places(
    ids: Ids,
    truth_ids: Ids,
    truth_distances: FloatArray,
    k: int,
    metric: Metric,
    rule: Rule,
    distances_of: DistancesOf | None = None,
) -> Places:
    """Places of returned ids, (m, a); also those of ids that are repeated.

    Distances are looked up in the ground truth. Where a tie reaches its last entry, those of
    other ids are computed by `distances_of`, if it is given.

    Parameters
    ----------
    ids : integer (m, a), −1 pads
    truth_ids, truth_distances : (m, depth), depth ≥ k, nearest first
    """
    listed = list_places(truth_distances, k, metric, rule)
    width = listed.shape[1]
    ranks = ranks_among(ids, truth_ids[:, :width])
    places = ranks
    if listed.strides[0]:
        known = np.take_along_axis(listed, np.maximum(ranks, 1) - 1, axis=1)
        places = np.where(ranks > 0, known, 0)
    if distances_of is None or rule == "id" or width < truth_ids.shape[1]:
        return places
    unknown = (listed[:, -1:] > 0) & (ids >= 0) & (ranks == 0)
    if unknown.any():
        rows = np.flatnonzero(unknown.any(axis=1))
        at, columns = np.nonzero(unknown[rows])
        far = np.full((len(rows), ids.shape[1]), np.inf)
        far[at, columns] = distances_of(rows[at], ids[rows[at], columns])
        limit = _widest(truth_distances[rows, :k], metric, rule)
        places[rows] += _first_within(far, limit)
    return places


def weigh(places: Places, listed: Places) -> Worth:
    """Say which entries of an answer count, and what they are worth.

    Parameters
    ----------
    places : (m, k)
        Of the returned ids, 0 for one that is repeated.
    listed : (m, k)
        Of the exact list itself, as :func:`list_places` has it.
    """
    k = listed.shape[1]
    gains = np.arange(k, 0, -1, dtype=np.float64)
    if _is_plain(places, listed):
        gain = np.where(places > 0, k + 1.0 - places, 0.0)
        return Worth(places, gain, np.broadcast_to(gains, places.shape))
    # Of a list that ends before K, the last is worth 1 too.
    gains = np.maximum(gains - (listed == 0).sum(axis=1, keepdims=True), 0.0)
    size = _total(listed, np.ones(k))
    # Where near ties form a chain, a place may be that of no rank: the id goes with its neighbor.
    behind = np.take_along_axis(listed, np.maximum(places, 1) - 1, axis=1)
    group = np.where(np.take_along_axis(size, places, axis=1) > 0, places, behind)
    group = np.where(places > 0, group, 0)
    group[_count_before(group) >= np.take_along_axis(size, group, axis=1)] = 0
    mean = _total(listed, gains) / np.maximum(size, 1.0)
    gain, ideal = (np.take_along_axis(mean, each, axis=1) for each in (group, listed))
    return Worth(group, gain, ideal)


def find_missed(worth: Worth, listed: Places, returned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the exact list were missed: not returned, nor anything as near in their place.

    Where fewer are as near than were not returned, the nearest of these are taken as replaced.

    Parameters
    ----------
    listed : (m, k)
    returned : bool (m, k)
        Which of the exact list stand in the answer.
    """
    away = ~returned
    if (away.sum(axis=1) == (worth.group == 0).sum(axis=1)).all():
        return away
    short = _total(listed, np.ones(listed.shape[1])) - _total(worth.group, worth.counted)
    later = _count_before(np.where(away, listed, 0)[:, ::-1])[:, ::-1]
    return np.asarray(away & (later < np.take_along_axis(short, listed, axis=1)))


def _have_ties(distances: FloatArray, k: int, metric: Metric, rule: Rule) -> NDArray[np.bool_]:
    """In which rows some neighbor up to the k-th has the distance of the one behind it: (m,)."""
    limit = _widest(distances[:, :k], metric, rule)
    behind = distances[:, 1 : k + 1]
    return np.asarray((behind <= limit[:, : behind.shape[1]]).any(axis=1))


def _widest(distances: FloatArray, metric: Metric, rule: Rule) -> FloatArray:
    """The largest distance that counts as equal to each."""
    return distances + 1e-3 if rule == "ann-benchmarks" else tie_limit(distances, metric)


def _first_within(distances: FloatArray, limit: FloatArray) -> NDArray[np.int32]:
    """The first of the ascending limits (r, k) that each distance (r, a) is within; else 0."""
    first = np.zeros(distances.shape, dtype=np.int32)
    for rank in range(limit.shape[1], 0, -1):
        np.copyto(first, rank, where=distances <= limit[:, rank - 1 : rank])
    return first


def _is_plain(places: Places, listed: Places) -> bool:
    """Whether nothing ties: each place is one rank, and one id's."""
    k = listed.shape[1]
    return not listed.strides[0] and bool(((places == k).sum(axis=1) <= 1).all())


def _total(places: Places, weights: NDArray[Any]) -> FloatArray:
    """Sums of weights, (m, k) or (k,), by place: float64 (m, k + 1)."""
    m, k = places.shape
    row = np.arange(m)[:, np.newaxis] * (k + 1)
    spread = np.broadcast_to(weights, places.shape)
    sums = np.bincount((row + places).ravel(), spread.ravel(), minlength=m * (k + 1))
    return sums.astype(np.float64, copy=False).reshape(m, k + 1)


def _count_before(group: Places) -> Places:
    """How many entries of the same group stand earlier in each row, (m, k)."""
    order = np.argsort(group, axis=1, kind="stable")
    ordered = np.take_along_axis(group, order, axis=1)
    position = np.broadcast_to(np.arange(group.shape[1]), group.shape)
    new = np.ones(group.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    started = np.maximum.accumulate(np.where(new, position, 0), axis=1)
    before = np.empty_like(started)
    np.put_along_axis(before, order, position - started, axis=1)
    return before
