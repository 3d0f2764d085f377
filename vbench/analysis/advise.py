"""What would help the queries that a graph fails: changes that are tried, at equal work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Interval, Params
from vbench._invocation import trusting
from vbench.analysis.internals import Advice
from vbench.analysis.rebuild import open_builds, read_graph
from vbench.bench.workers import Workers
from vbench.data.dataset import Dataset
from vbench.data.ground_truth import HARDNESS_DEPTH, compute_ground_truth
from vbench.errors import VbenchError
from vbench.indexes.registry import resolve
from vbench.indexes.space import plan_space
from vbench.measures.escape import SURROUNDINGS
from vbench.measures.hits import threshold
from vbench.measures.mend import join_neighbors, link_to, orphans_of, reinsert
from vbench.measures.walk import Walkable, walk
from vbench.neighbors.exact import nearest
from vbench.runs.schema import Build
from vbench.runs.settings import Setting
from vbench.stats.crossed import crossed_mean

Ids = NDArray[np.integer[Any]]

_JUDGED = 1_000
"""Queries that changes are judged by, at most; as many are held out of all that is chosen."""
_CHOSEN_BY = 300
"""Queries by which the width of a search is chosen."""
_CANDIDATES = 64
"""Nearest vectors that an item's new links are chosen from."""
_WIDEST = 4096
_AS_MUCH = 1.05
"""Up to this factor, work that is equal on some queries is equal on others."""

WORDS = {
    "reinsert": "items without in-links inserted again",
    "in-links": "items without in-links linked from their nearest",
    "escape edges": "true neighbors of past queries linked to each other",
    "other space": "inner product made Euclidean by one more dimension",
}
"""What each change is."""


class _Half(NamedTuple):
    """Queries in the space of a graph, with their true neighbors (m, S)."""

    queries: NDArray[np.float32]
    near: Ids


class _Judged(NamedTuple):
    """What a graph brings of the held-out queries: hits (m,), and mean work."""

    hits: NDArray[np.int64]
    work: float
    width: int


class Advisor:
    """Tries changes of the graphs of one setting; :func:`advise` says what comes out."""

    def __init__(self, dataset: Dataset, k: int) -> None:
        self.dataset, self.k = dataset, k
        self.given = np.delete(np.arange(dataset.n), dataset.zero_row_ids)
        depth = min(len(self.given), max(HARDNESS_DEPTH, 2 * k))
        truth = compute_ground_truth(dataset, depth)
        self.near = np.searchsorted(self.given, truth.ids[:, :SURROUNDINGS])
        order = np.random.default_rng(0).permutation(dataset.m)
        half = min(_JUDGED, dataset.m // 2)
        if half < 1:
            raise VbenchError(f"{dataset.m} queries: half are held out; give two at least")
        self.judged, self.past = order[:half], order[half:]

    def walkable(self, workers: Workers, build: Build) -> Walkable | None:
        """The graph of a build, in its space; None where it shows none."""
        graph = read_graph(workers, build, self.given)
        if graph is None:
            return None
        base, space = self._space(build, self.dataset.base[self.given])
        return Walkable.of(graph, base, space)

    def _space(
        self, build: Build, base: NDArray[Any]
    ) -> tuple[NDArray[np.float32], Literal["l2", "ip"]]:
        space = plan_space(build.transform, self.dataset.metric, resolve(build.adapter).metrics)
        d = base.shape[1]
        out = np.zeros((len(base), space.width(d)), dtype=np.float32)
        out[:, :d] = base
        space.finish_base(out, d)
        if space.metric == "cosine":
            out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-30)
        return out, "l2" if space.metric == "l2" else "ip"

    def half(self, build: Build, rows: NDArray[np.intp]) -> _Half:
        """Some of the queries in the space of a build."""
        space = plan_space(build.transform, self.dataset.metric, resolve(build.adapter).metrics)
        queries = space.queries(np.asarray(self.dataset.queries[rows], dtype=np.float32))
        return _Half(queries, self.near[rows])

    def judge(self, graph: Walkable, build: Build, width: int) -> _Judged:
        """What a walk of a width brings of the held-out queries."""
        held = self.half(build, self.judged)
        found = walk(graph, held.queries, width, self.k)
        true = held.near[:, : self.k]
        hits = (found.ids[:, :, np.newaxis] == true[:, np.newaxis]).any(axis=1).sum(axis=1)
        return _Judged(hits, float(found.work.mean()), width)

    def cost(self, graph: Walkable, build: Build, width: int) -> float:
        """Mean work of a width, on queries that do not judge."""
        past = self.half(build, self.past[:_CHOSEN_BY])
        return float(walk(graph, past.queries, width, self.k).work.mean())

    def judge_at(self, graph: Walkable, build: Build, work: float) -> _Judged:
        """The same at the widest search that costs no more, on queries that do not judge."""
        low, high = self.k, 2 * self.k
        while self.cost(graph, build, high) <= work and high < _WIDEST:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cost(graph, build, middle) <= work else (low, middle)
        return self.judge(graph, build, low)

    def changes(self, graph: Walkable, build: Build) -> Iterator[tuple[str, Walkable]]:
        """The changes that apply to a graph."""
        orphans = orphans_of(graph)
        if len(orphans):
            metric: Literal["l2", "ip"] = graph.order
            ids, _ = nearest(graph.base[orphans], graph.base, metric, _CANDIDATES + 1)
            near = _without(ids, orphans)
            yield "reinsert", reinsert(graph, orphans, near)
            yield "in-links", link_to(graph, orphans, near)
        past = self.half(build, self.past)
        yield "escape edges", join_neighbors(graph, past.near, min(self.k, past.near.shape[1]))


def advise(
    setting: Setting,
    dataset: Dataset,
    delta: float,
    progress: Callable[[str, int, int], None],
    *,
    trust: bool = False,
) -> tuple[Advice, ...]:
    """Try what may help the queries that the graph of a setting fails.

    The graph of each build is searched by a walk of ours that counts distances, at the width of the
    setting; then with each change, at the width that costs as much on queries that are not judged.
    Half of the queries are held out of everything that is learned or chosen, and judge.

    Returns
    -------
    tuple of Advice
        All that was tried; nothing of an index that shows no graph.

    Raises
    ------
    VbenchError
        When a build fails that did not fail before, or the run names code of a stranger's.
    """
    advisor = Advisor(dataset, setting.k)
    builds = [setting.run.build_of(trial) for trial in setting.trials]
    need = threshold(delta, setting.k)
    tried: dict[str, list[tuple[_Judged, _Judged]]] = {}
    total = len(builds) * (len(WORDS) + 1)
    with trusting(trust), open_builds(setting, dataset) as workers:
        for number, build in enumerate(builds):
            done = number * (len(WORDS) + 1)
            progress(f"trying changes of {setting}, build {number + 1}", done, total)
            graph = advisor.walkable(workers, build)
            if graph is None:
                return ()
            width = _width_of(setting, build)
            before = advisor.judge(graph, build, width)
            work = advisor.cost(graph, build, width)
            for name, changed in advisor.changes(graph, build):
                tried.setdefault(name, []).append((before, advisor.judge_at(changed, build, work)))
            other = _other_space(build, dataset)
            if other is not None:
                lifted = advisor.walkable(workers, other)
                if lifted is not None:
                    tried.setdefault("other space", []).append(
                        (before, advisor.judge_at(lifted, other, work))
                    )
                workers.release(other)
            workers.release(build)
    return tuple(_advice(name, pairs, need, setting) for name, pairs in tried.items())


def _advice(
    name: str, pairs: Sequence[tuple[_Judged, _Judged]], need: int, setting: Setting
) -> Advice:
    before, after = (np.stack([pair[side].hits for pair in pairs]) for side in (0, 1))

    def gain(values: NDArray[np.floating[Any]]) -> Interval:
        found = crossed_mean(values, bounds=(-1.0, 1.0))
        return Interval(found.value, found.low, found.high)

    reached = gain((after >= need) * 1.0 - (before >= need))
    zero = gain((after == 0) * 1.0 - (before == 0))
    better = (reached.low or 0.0) > 0 or (zero.high or 0.0) < 0
    worse = (reached.high or 0.0) < 0 or (zero.low or 0.0) > 0
    works = [float(np.mean([pair[side].work for pair in pairs])) for side in (0, 1)]
    return Advice(
        change=name,
        what=WORDS[name],
        widths=tuple((pair[0].width, pair[1].width) for pair in pairs),
        work_before=works[0],
        work=works[1],
        queries=before.shape[1],
        recall=gain((after - before) / setting.k),
        reached=reached,
        zero=zero,
        # Even the narrowest search of a graph may cost more than all of another.
        gained=better and not worse and works[1] <= _AS_MUCH * works[0],
        advice=_REMEDIES[name],
    )


_REMEDIES = {
    "reinsert": "add the items that no other leads to again, under their ids, once all are in",
    "in-links": "let the nearest of these items lead to them, in lists that may be longer",
    "escape edges": "add links between the true neighbors of logged queries (NGFix)",
    "other space": 'vbench run --index hnsw-mips, or a recipe with transform = "mips-l2"',
}


def _width_of(setting: Setting, build: Build) -> int:
    """What a walk keeps: the value of the tuned parameter, where that is such a number."""
    value = setting.search.get(build.tune_parameter or "")
    return max(setting.k, value) if isinstance(value, int) else 5 * setting.k


def _other_space(build: Build, dataset: Dataset) -> Build | None:
    """The same index in the Euclidean space of its inner products, where it is not there."""
    kind = resolve(build.adapter)
    space = plan_space(build.transform, dataset.metric, kind.metrics)
    if dataset.metric != "ip" or space.name != "none" or "l2" not in kind.metrics:
        return None
    changes: Params = {"transform": "mips-l2", "space": "mips-l2", "kept": None}
    return msgspec.structs.replace(build, key=f"{build.key}-mips", **changes)


def _without(ids: Ids, own: Ids) -> Ids:
    """Each row without its own id: (a, c − 1)."""
    order = np.argsort(ids == own[:, np.newaxis], axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1)[:, :-1]
