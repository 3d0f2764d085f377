"""What one trial answered: the arrays that every measure is computed from."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.measures.hits import Rule, relevant, relevant_in_order
from vbench.measures.places import (
    Places,
    Worth,
    find_missed,
    find_places,
    list_places,
    weigh,
)
from vbench.metric import FloatArray, Metric

T = TypeVar("T", bound=np.integer[Any])


@dataclass(frozen=True)
class Cost:
    """What a trial cost. None where it was not measured.

    Attributes
    ----------
    build_seconds : float
        Wall time of ``fit``, without loading where that is told apart.
    phases : float by name
        What ``fit`` told apart.
    index_bytes, peak_bytes : int
        Size of the index; the worker's high-water mark during ``fit`` less what it was with the
        data loaded.
    batch_seconds : float
        One call with all queries, or all queries in batches.
    wall_seconds : float
        From the first question to the last answer of all clients, all passes together; None where
        one query was asked after another.
    work : float
        Distance computations a query.
    cpu_seconds : float
        CPU time a query.
    filter_seconds : float
        In which the index took the filter that all queries share, or each query's own on average.
    """

    build_seconds: float | None = None
    index_bytes: int | None = None
    peak_bytes: int | None = None
    batch_seconds: float | None = None
    wall_seconds: float | None = None
    work: float | None = None
    cpu_seconds: float | None = None
    filter_seconds: float | None = None
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Answers:
    """One build × one setting × one K, scored.

    Attributes
    ----------
    k : int
    ids : integer (m, k), -1 pads
    hits : integer (m,)
        Against the exact top k, under `rule`.
    truth_ids : integer (m, depth); truth_distances : float64 (m, depth)
    ratio : float64 (m,)
        Sum of the true distances / sum of the returned distances, see :class:`Ratio`.
    latency_ns : integer (m, repeats)
        Time of every single call.
    disturbed
        Which of the repeats other processes disturbed; empty where none was.
    place : integer (m, k)
        First rank in the exact list at the distance of each id, 0 if farther than the k-th. None
        where it was not stored, because ids outside the exact list never tie with it: then it is
        looked up there.
    allowed : integer (m,)
        How many base vectors may answer each query; None where all of them may.
    may_repeat
        Whether an id may stand twice in a list.
    """

    k: int
    ids: NDArray[np.integer[Any]]
    hits: NDArray[np.integer[Any]]
    truth_ids: NDArray[np.integer[Any]]
    truth_distances: FloatArray
    metric: Metric
    rule: Rule
    ratio: FloatArray
    latency_ns: NDArray[np.int64]
    cost: Cost = field(default_factory=Cost)
    disturbed: tuple[bool, ...] = ()
    place: Places | None = None
    allowed: NDArray[np.integer[Any]] | None = None
    may_repeat: bool = True

    def possible(self, top: int | None = None) -> NDArray[np.integer[Any]]:
        """How many of the exact `top` (None: k) there are to find, of each query: (m,)."""
        wanted = self.k if top is None else top
        if self.allowed is None:
            return np.full(len(self.hits), wanted)
        return np.asarray(np.minimum(self.allowed, wanted))

    @functools.cached_property
    def is_even(self) -> bool:
        """Whether every query has k neighbors to find."""
        return self.allowed is None or bool((self.allowed >= self.k).all())

    @property
    def is_disturbed(self) -> bool:
        """Whether other processes disturbed all that was timed."""
        return bool(self.disturbed) and all(self.disturbed)

    @property
    def quiet_ns(self) -> NDArray[np.int64]:
        """Time of every call of the undisturbed repeats, or of all where none is undisturbed."""
        if not any(self.disturbed) or self.is_disturbed:
            return self.latency_ns
        return self.latency_ns[:, ~np.array(self.disturbed)]

    def of_queries(self, rows: NDArray[np.integer[Any]]) -> Answers:
        """The answers to some of the queries; times of several together are divided among all."""
        cost, share = self.cost, len(rows) / len(self.hits)
        for name in ("batch_seconds", "wall_seconds"):
            if (seconds := getattr(cost, name)) is not None:
                cost = dataclasses.replace(cost, **{name: seconds * share})
        return dataclasses.replace(
            self,
            ids=self.ids[rows],
            hits=self.hits[rows],
            truth_ids=self.truth_ids[rows],
            truth_distances=self.truth_distances[rows],
            ratio=self.ratio[rows],
            latency_ns=self.latency_ns[rows],
            cost=cost,
            place=None if self.place is None else self.place[rows],
            allowed=None if self.allowed is None else self.allowed[rows],
        )

    def hits_against(self, top: int | None) -> NDArray[np.integer[Any]]:
        """Hits of each query against the exact `top` nearest (None: against the top k)."""
        if top is None or top == self.k:
            return self.hits
        if top > self.k:
            raise VbenchError(
                f"truth={top} asks for more neighbors than the {self.k} retrieved; "
                f"give truth a value up to {self.k}"
            )
        return self.hits_against_each([top])[top]

    def hits_against_each(
        self, tops: Sequence[int], listed: Mapping[int, Places] | None = None
    ) -> dict[int, NDArray[np.integer[Any]]]:
        """The same for several, each up to k; the answers are looked through once for all.

        `listed` are :meth:`places_of_each`, where they are known already.
        """
        self.need_ids()
        if self.place is not None:
            places = self.without_repeats(self.places, 0)
            near = {top: (places > 0) & (places <= top) for top in tops}
        else:
            if listed is None:
                listed = self.places_of_each(tops)
            width = max((each.shape[1] for each in listed.values()), default=0)
            is_there = relevant(self.truth_ids[:, :width], self.ids)
            near = {top: is_there[:, : each.shape[1]] & (each > 0) for top, each in listed.items()}
        return {top: np.asarray(np.minimum(each.sum(axis=1), top)) for top, each in near.items()}

    def places_of_each(self, tops: Sequence[int]) -> dict[int, Places]:
        """Places of the exact list itself, (m, width), up to each of some depths."""
        return {top: list_places(self.truth_distances, top, self.metric, self.rule) for top in tops}

    def need_ids(self) -> None:
        """Refuse answers of which only the number of hits is known, as of some imported results."""
        if not self.ids.shape[1]:
            raise VbenchError(
                "the ids that were returned were not recorded, only how many were right: what "
                "depends on their order or on which they are cannot be told"
            )

    @functools.cached_property
    def listed(self) -> Places:
        """Places of the exact list itself, (m, k)."""
        return list_places(self.truth_distances, self.k, self.metric, self.rule)[:, : self.k]

    @functools.cached_property
    def places(self) -> Places:
        """Place of each returned id, 0 for one that is wrong: (m, k)."""
        if self.place is not None:
            return self.place
        self.need_ids()
        truth = (self.truth_ids, self.truth_distances)
        return find_places(self.ids, *truth, self.k, self.metric, self.rule)

    @functools.cached_property
    def worth(self) -> Worth:
        """Which returned ids count, each once, and what they are worth where distances tie."""
        return weigh(self.without_repeats(self.places, 0), self.listed)

    def without_repeats(self, values: NDArray[T], other: int) -> NDArray[T]:
        """Values of the returned ids (m, k), with another where the id stood there before."""
        return np.where(repeated(self.ids), other, values) if self.may_repeat else values

    def relevance(self) -> NDArray[np.bool_]:
        """Which returned ids are among the exact top k (ties included), each id once: (m, k)."""
        return self.worth.counted

    @functools.cached_property
    def missed(self) -> NDArray[np.bool_]:
        """Which of the exact top k were not returned, nor others as near in their place: (m, k)."""
        listed = self.truth_ids[:, : self.k]
        if self.place is None and not self.listed.strides[0]:
            # Nothing ties: none replaces another.
            self.need_ids()
            if self.ids.shape[1] < listed.shape[1]:
                return ~relevant(listed, self.ids)
            return ~relevant_in_order(listed, self.ids, self.hits)
        found = find_missed(self.worth, self.listed, relevant(listed, self.ids))
        return found if self.is_even else found & (listed >= 0)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which returned ids are farther than the k-th neighbor: (m, k)."""
        return np.asarray((self.places == 0) & (self.ids >= 0))


def repeated(ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which entries repeat an id that stands earlier in the same row; pads never do: (m, k)."""
    again = np.zeros(ids.shape, dtype=bool)
    ordered = np.sort(ids, axis=1)
    if not ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        return again
    order = np.argsort(ids, axis=1, kind="stable")
    ordered = np.take_along_axis(ids, order, axis=1)
    again[:, 1:] = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    result = np.empty_like(again)
    np.put_along_axis(result, order, again, axis=1)
    return result
