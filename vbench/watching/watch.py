"""A promise, held against an index that is in use: the loop over its queries."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.analysis.segments import select_rows
from vbench.analysis.watching import Look, Watch
from vbench.bench.journal import now
from vbench.bench.reach import Ids, Target, reach
from vbench.data.check import check_k
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.ground_truth import compute_ground_truth
from vbench.errors import VbenchError
from vbench.indexes.answers import AnswerError
from vbench.indexes.protocol import Filter, can_filter
from vbench.indexes.recipe import Recipe
from vbench.measures.targets import Target as Promise
from vbench.watching.budget import Budget
from vbench.watching.judge import exact_of_dataset, exact_of_service, judge
from vbench.watching.queries import Query, is_log, of_dataset, of_log
from vbench.watching.record import Record
from vbench.workloads.allowed import Allowed
from vbench.workloads.filters import read_filter

Truth = Literal["service", "dataset"]
_PUBLISH_SECONDS = 5.0


class Asked(NamedTuple):
    """What is watched, and how; :func:`vbench.watch` has the meanings."""

    settings: Mapping[str, Sequence[Any]] | None = None
    queries: str | Path | None = None
    connect: Mapping[str, str] = {}
    place: str | None = None
    exact: Truth | None = None
    filter: str | None = None
    where: Sequence[str] = ()
    alpha: float = 0.01
    seed: int = 0


def watch(
    dataset: Dataset,
    index: str | Recipe,
    promise: Promise,
    budget: Budget,
    asked: Asked,
    *,
    on_look: Callable[[Look, float], None] = lambda look, value: None,
    publish: Callable[[Watch], None] = lambda found: None,
    tell: Callable[[str], None] = lambda text: None,
) -> Watch:
    """Ask a sample of the queries again, exactly, until the promise is broken or they end.

    Parameters
    ----------
    on_look
        Called after each shadow search, with what its query's measure was.
    publish
        Called with what is known so far: every few seconds, and at the end.

    Raises
    ------
    VbenchError
        The call is wrong, the index cannot be reached, or a query is none.
    """
    k = promise.measure.cutoff
    assert k is not None
    check_k(dataset, k)
    condition = None
    if asked.filter is not None:
        condition = read_filter(asked.filter).resolve(dataset, asked.seed)
    queries = _queries(dataset, asked, condition)
    with reach(
        dataset,
        index,
        k,
        settings=asked.settings,
        connect=asked.connect,
        place=asked.place,
        seed=asked.seed,
        tell=tell,
    ) as (name, target):
        loop = _Loop(dataset, name, target, promise, asked, condition)
        last = time.monotonic()
        try:
            for query in queries:
                if budget.is_spent:
                    break
                loop.queries += 1
                if not budget.takes():
                    continue
                value = loop.ask(query)
                if value is None:
                    continue
                seen = loop.record.add(value)
                on_look(seen.look, value)
                if seen.is_broken:
                    break
                if time.monotonic() - last > _PUBLISH_SECONDS:
                    publish(loop.document())
                    last = time.monotonic()
        finally:
            # Of a watch that is interrupted, too.
            with contextlib.suppress(VbenchError):
                publish(loop.document())
        return loop.document()


def _queries(dataset: Dataset, asked: Asked, condition: Allowed | None) -> Iterator[Query]:
    if asked.queries is None or not is_log(asked.queries):
        rows = np.arange(dataset.m)
        if asked.where:
            columns = dataset.segments
            if columns is None:
                raise VbenchError(
                    f"the queries of {dataset.name} have no segments; give some with "
                    f"{spell_option('segments', 'FILE')}"
                )
            found = select_rows(columns, asked.where)
            rows = rows if found is None else found
        return of_dataset(dataset, rows, asked.seed)
    if condition is not None and not condition.is_shared:
        raise VbenchError(
            f"filter {asked.filter!r} depends on the query, and queries of a log are not those of "
            f"{dataset.name}; watch its own queries, or another filter"
        )
    return of_log(asked.queries, dataset.d, asked.where)


class _Loop:
    """The index, the condition that it is under, and what was seen."""

    def __init__(
        self,
        dataset: Dataset,
        name: str,
        target: Target,
        promise: Promise,
        asked: Asked,
        condition: Allowed | None,
    ) -> None:
        self.dataset, self.name, self.target, self.asked = dataset, name, target, asked
        self.record = Record(promise, asked.alpha)
        self.queries = self.outdated = 0
        self._condition, self._started = condition, now()
        self._truth: Truth = asked.exact or ("service" if target.has_exact else "dataset")
        if self._truth == "service" and not target.has_exact:
            raise VbenchError(
                f"{name} has no exhaustive search of its own: its class has no exact(); give "
                f"{spell_option('exact', 'dataset')}"
            )
        self._known: GroundTruth | None = None
        if self._truth == "dataset" and condition is None and asked.queries is None:
            self._known = compute_ground_truth(dataset, self.target.k)
        if condition is not None:
            if not can_filter(type(target.index)):
                raise VbenchError(
                    f"no search of {name} can be put under a filter: its class has no allow()"
                )
            if condition.is_shared:
                self._allow(condition.of_code(None), condition.predicate_of(None), shared=True)

    def _allow(self, mask: NDArray[np.bool_], predicate: Any, *, shared: bool) -> None:
        original = self.target.original
        own = mask if original is None else mask[original]
        own.flags.writeable = False
        self.target.index.allow(Filter(own, is_shared=shared, predicate=predicate))

    def ask(self, query: Query) -> float | None:
        """The promised measure of one query; None where nothing may answer it."""
        allowed = None
        if self._condition is not None:
            allowed = self._condition.of_query(query.row or 0)
            if not allowed.any():
                return None
            if not self._condition.is_shared:
                self._allow(allowed.copy(), None, shared=False)
        try:
            ids = self._answer(query)
            truth, distances = self._exact(query, allowed)
        except AnswerError as error:
            raise VbenchError(f"{self.name}: {error}") from None
        answers = judge(self.dataset, query.vector, ids, truth, distances)
        value = float(self.record.promise.measure.per_query(answers)[0])
        return None if np.isnan(value) else value

    def _answer(self, query: Query) -> Ids:
        """What the service returned: as the log has it, else it is asked."""
        if query.ids is None:
            return self.target.search(query.vector)
        ids = np.full(self.target.k, -1, dtype=np.int64)
        ids[: len(query.ids)] = query.ids[: self.target.k]
        return ids

    def _exact(self, query: Query, allowed: NDArray[np.bool_] | None) -> tuple[Ids, Any]:
        if self._truth == "dataset" and self._known is not None and query.row is not None:
            known = slice(self.target.k)
            ids = self._known.ids[query.row, known].astype(np.int64)
            return ids, self._known.distances[query.row, known]
        if self._truth == "dataset":
            return exact_of_dataset(self.dataset, query.vector, self.target.k, allowed)
        found = exact_of_service(self.target, self.dataset, query.vector)
        self.outdated += found[1] is None
        return found

    def document(self) -> Watch:
        """What is known so far."""
        record, asked = self.record, self.asked
        return Watch(
            index=self.name,
            place=asked.place,
            dataset=self.dataset.name,
            promise=str(record.promise),
            filter=asked.filter,
            where=tuple(asked.where),
            status=record.status(),
            verdict=record.verdict(),
            alpha=record.alpha,
            value=record.value,
            promised=record.promise.value,
            evidence=record.evidence,
            since=record.since,
            queries=self.queries,
            shadow=record.n,
            searches=self.target.searches,
            exact_searches=self.target.exact_searches,
            truth=self._truth,
            outdated=self.outdated,
            started=self._started,
            ended=now(),
            regimes=record.regimes(),
            looks=record.looks(),
        )
