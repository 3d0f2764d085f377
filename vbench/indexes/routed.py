"""Two indexes as one: a second one is asked for some of the queries, or for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from vbench._document import Params
from vbench.errors import UnknownNameError, VbenchError
from vbench.indexes.answers import check_batch
from vbench.indexes.library import check_installed
from vbench.indexes.parameters import check, is_taken
from vbench.indexes.protocol import Ids, Index, Vectors
from vbench.indexes.recipe import load_recipe, recipe_files
from vbench.indexes.registry import adapters, resolve
from vbench.indexes.router import Router, signs
from vbench.indexes.space import Space, check_dimension, plan_space
from vbench.metric import FloatArray, Metric
from vbench.neighbors.exact import nearest
from vbench.neighbors.space import neighbor_distances

_OWN = "routed"

# Code that nobody registered is not imported because a file names it.
KNOWN = tuple(sorted({*recipe_files(), *adapters()} - {_OWN}))
if TYPE_CHECKING:
    Part = str
else:
    Part = Annotated[Literal[KNOWN], Meta(description="an index that vbench index list names")]


class Routed(Index):
    """All queries ask one index, some then a second one too; the nearest of both are kept.

    Who is sent on has an answer that looks bad, by a score that is learned from queries that are
    not asked (``--learn``). With ``share=1`` all are, and nothing is learned.
    """

    sweep: ClassVar[Mapping[str, Sequence[Any]]] = {"width": [16, 32, 64, 128]}
    tune_parameter = "width"
    requires = ("hnswlib", "faiss-cpu")
    license = "Apache-2.0"

    def __init__(
        self,
        first: Part = "hnsw",
        second: Part = "ivf-flat",
        delta: Annotated[float, Meta(gt=0, le=1)] = 0.9,
    ) -> None:
        self.parts = (_Part.named(first), _Part.named(second))
        self.delta = delta
        self.share = 1.0
        self.widths: tuple[int | None, int | None] = (None, None)
        self._base: Vectors | None = None
        self._learn: Vectors | None = None
        self._metric: Metric = "l2"
        self._threads = 1
        self._compared: int | None = 0
        self._learned: dict[tuple[int | None, int], _Learned] = {}

    def fit(
        self,
        base: Vectors,
        metric: Metric,
        *,
        seed: int,
        threads: int,
        learn: Vectors | None = None,
    ) -> None:
        self._base, self._learn, self._metric, self._threads = base, learn, metric, threads
        self._learned.clear()
        first, second = self.parts
        self.parts = (
            first.fitted(base, metric, seed, threads, learn),
            second.fitted(base, metric, seed, threads, learn),
        )
        self._set_parts()

    def set(
        self,
        width: Annotated[int, Meta(ge=1)] | None = None,
        second_width: Annotated[int, Meta(ge=1)] | None = None,
        share: Annotated[float, Meta(ge=0, le=1)] = 1.0,
    ) -> None:
        """`width` is what the first one's tuned parameter is called elsewhere: `ef`, `nprobe`."""
        self.share, self.widths = share, (width, second_width)
        if self._base is not None:
            self._set_parts()

    def _set_parts(self) -> None:
        if 0 < self.share < 1 and self._learn is None:
            raise VbenchError(
                f"share={self.share:g} sends on whose answer looks bad, which is learned from "
                "queries that are not asked; give some with --learn N, or share=1"
            )
        for part, width in zip(self.parts, self.widths, strict=True):
            part.set_width(width)

    def search(self, queries: Vectors, k: int) -> Ids:
        first, second = self.parts
        found = self._ask(first, queries, k)
        if self.share == 0:
            return found
        distances = self._distances(queries, found)
        if self.share == 1:
            sent = np.arange(len(queries))
        else:
            known = self._learned.get((self.widths[0], k)) or self._learn_signs(k)
            sent = np.flatnonzero(known.are_bad(queries, distances, self.share))
        if len(sent):
            more = self._ask(second, queries[sent], k)
            both = np.concatenate([found[sent], more], axis=1)
            far = np.concatenate([distances[sent], self._distances(queries[sent], more)], axis=1)
            found[sent] = _nearest_of(both, far, k)
        return found

    def _learn_signs(self, k: int) -> _Learned:
        """Learn once for each width and k, which the first queries of a setting wait for."""
        assert self._learn is not None
        assert self._base is not None
        queries, compared = self._learn, self._compared
        depth = min(k, len(self._base))
        true, _ = nearest(queries, self._base, self._metric, depth, threads=self._threads)
        found = self._ask(self.parts[0], queries, k)
        right = (found[:, :, np.newaxis] == true[:, np.newaxis]).any(axis=2).sum(axis=1)
        table = signs(queries, np.sort(self._distances(queries, found), axis=1))
        learned = _Learned.of(table, right < self.delta * depth)
        self._learned[self.widths[0], k] = learned
        # What is learned once is no work of a query.
        self._compared = compared
        return learned

    def _ask(self, part: _Part, queries: Vectors, k: int) -> NDArray[np.int64]:
        """Search one, and count its work at once: libraries may count for all their indexes."""
        found, work = part.search(queries, k), part.made.work()
        self._count(work)
        return found

    def _count(self, work: int | None) -> None:
        before = self._compared
        self._compared = None if before is None or work is None else before + work

    def _distances(self, queries: Vectors, ids: Ids) -> FloatArray:
        assert self._base is not None
        self._count(ids.size)
        return neighbor_distances(queries, self._base, ids, self._metric)

    def work(self) -> int | None:
        """Distance computations of both, and those that merge their answers."""
        found, self._compared = self._compared, 0
        return found

    def size_bytes(self) -> int | None:
        """Bytes of both; the vectors by which answers are merged are the caller's."""
        found = [part.made.size_bytes() for part in self.parts]
        known = [each for each in found if each is not None]
        return sum(known) if len(known) == len(found) else None

    def version(self) -> dict[str, str]:
        names = {name for part in self.parts for name in part.kind.requires}
        return {name: version(name) for name in sorted(names - {*self.requires})}

    def close(self) -> None:
        for part in self.parts:
            part.made.close()
        self._base = None


class _Part(NamedTuple):
    """One of the two: its class, its parameters, and in which space it is searched."""

    kind: type[Index]
    build: Params
    transform: str
    tuned: str | None
    made: Index
    space: Space

    @classmethod
    def named(cls, name: str) -> _Part:
        if name not in KNOWN:
            raise UnknownNameError("index to route to", name, KNOWN)
        recipe = load_recipe(name)
        kind = resolve(recipe.adapter)
        if kind.service is not None:
            raise VbenchError(f"{name} is built in a server, which routed does not start")
        check_installed(kind)
        # Of several values the first.
        given = {
            key: each[0] if isinstance(each, list) else each for key, each in recipe.build.items()
        }
        build, _ = check(kind, given, {})
        tuned = recipe.tune_parameter.name if recipe.tune_parameter else None
        return cls(kind, build, recipe.transform, tuned, kind(**build), Space("none", "l2"))

    def fitted(
        self, base: Vectors, metric: Metric, seed: int, threads: int, learn: Vectors | None
    ) -> _Part:
        space = plan_space(self.transform, metric, self.kind.metrics)
        n, d = base.shape
        check_dimension(self.kind, space, d)
        vectors = base
        if space.name != "none" or self.kind.writes:
            vectors = np.zeros((n, space.width(d)), dtype=np.float32)
            vectors[:, :d] = base
            space.finish_base(vectors, d)
        more: Params = {}
        if learn is not None and is_taken(self.made.fit, "learn"):
            more = {"learn": space.queries(learn)}
        self.made.fit(vectors, space.metric, seed=seed, threads=threads, **more)
        return self._replace(space=space)

    def set_width(self, width: int | None) -> None:
        if width is None:
            return
        if self.tuned is None:
            raise VbenchError(f"{self.kind.__name__} has no width; leave it out")
        _, search = check(self.kind, self.build, {self.tuned: width})
        self.made.set(**search)

    def search(self, queries: Vectors, k: int) -> NDArray[np.int64]:
        found = self.made.search(self.space.queries(queries), k)
        return np.array(check_batch(found, len(queries), k))


class _Learned(NamedTuple):
    """A score, and what it gives the queries it is learned from, each from the other half."""

    router: Router
    scores: FloatArray

    @classmethod
    def of(cls, table: FloatArray, bad: NDArray[np.bool_]) -> _Learned:
        half = np.random.default_rng(0).permutation(len(bad)) < len(bad) // 2
        scores = np.empty(len(bad))
        for learned, judged in ((half, ~half), (~half, half)):
            scores[judged] = Router.learn(table[learned], bad[learned]).score(table[judged])
        return cls(Router.learn(table, bad), np.sort(scores))

    def are_bad(self, queries: Vectors, distances: FloatArray, share: float) -> NDArray[np.bool_]:
        """Whose score is among the worst `share`, as far as the learned queries tell."""
        limit = self.scores[min(int((1 - share) * len(self.scores)), len(self.scores) - 1)]
        table = signs(queries, np.sort(distances, axis=1))
        return np.asarray(self.router.score(table) >= limit)


def _nearest_of(ids: Ids, distances: FloatArray, k: int) -> Ids:
    """The k nearest of each row, each id once, −1 where there are fewer."""
    order = np.argsort(distances, axis=1, kind="stable")
    ids = np.take_along_axis(ids, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    # Equal ids are equally far: they may stand apart only where others are as far as they.
    again = (np.tril(ids[:, :, np.newaxis] == ids[:, np.newaxis], -1)).any(axis=2)
    order = np.argsort(again | ~np.isfinite(distances), axis=1, kind="stable")[:, :k]
    taken: Ids = np.take_along_axis(np.where(again, -1, ids), order, axis=1)
    return taken
