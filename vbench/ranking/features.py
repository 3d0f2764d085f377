"""What trained rankers know of a pair of query and item, as named groups of numbers.

Everything is computed from the training interactions of the towers. The pairs a ranker learns from
are of the validation part, which the towers did not learn from: on a pair that they did learn
from, the similarity is larger than it will be on any later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.metric import distance
from vbench.neighbors.euclidean import square_norms
from vbench.neighbors.space import neighbor_distances
from vbench.ranking.judgments import find_keys
from vbench.ranking.protocol import Rows

if TYPE_CHECKING:
    from vbench.towers.interactions import Interactions, Pairs

FEWEST_PAIRS = 50

IntRows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Past:
    """Interactions in row numbers of a dataset.

    Attributes
    ----------
    query, item : int64 (I,), what the users behind the queries had, ascending by query, item
    rating : float32 (I,), how they rated that; NaN where none is known
    next_query, next_item : int64 (V,), what they took next: pairs to learn from
    popularity : float64 (n,), interactions of each item, of all users
    tokens : int64 (n, width) by name of an item feature; 0 pads
    """

    query: IntRows
    item: IntRows
    rating: Floats
    next_query: IntRows
    next_item: IntRows
    popularity: NDArray[np.float64]
    tokens: dict[str, IntRows]

    @classmethod
    def of(cls, dataset: Dataset, interactions: Interactions) -> Past:
        """Match users and items by the ids of queries and items.

        Raises
        ------
        DataError
            The dataset has no such columns, or too few interactions are of its users and items.
        """
        users = _matched(dataset, "queries", dataset.segments, interactions.users)
        items = _matched(dataset, "items", dataset.items, interactions.items)
        held = _held_out(dataset)
        query, item, rating = _parts(interactions.train, users, items, dataset.n, held)
        later, taken, _ = _parts(interactions.validation, users, items, dataset.n, held)
        if len(later) < FEWEST_PAIRS:
            raise DataError(
                f"only {len(later)} interactions to learn from are of users and items of "
                f"{dataset.name}; a trained ranker needs {FEWEST_PAIRS} (were the vectors made "
                "from these interactions?)"
            )
        return cls(
            query,
            item,
            rating,
            later,
            taken,
            interactions.popularity()[items].astype(np.float64),
            {
                field.name: field.tokens[items].astype(np.int64)
                for field in interactions.item_fields
            },
        )

    def save(self, path: Path) -> None:
        """Keep it in one file, so that nothing is fetched and divided again."""
        arrays: dict[str, Any] = {
            name: value for name, value in vars(self).items() if name != "tokens"
        }
        arrays |= {f"tokens.{name}": value for name, value in self.tokens.items()}
        with whole_file(path) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> Past:
        """Read what `save` kept."""
        with np.load(path, allow_pickle=False) as kept:
            arrays = dict(kept)
        tokens = {
            name.removeprefix("tokens."): arrays.pop(name)
            for name in list(arrays)
            if name.startswith("tokens.")
        }
        return cls(**arrays, tokens=tokens)


def _matched(dataset: Dataset, what: str, frame: pl.DataFrame | None, known: pl.Series) -> IntRows:
    """Row of the interactions of each query or item, 0 where it is not among them."""
    name = dataset.query_id if what == "queries" else dataset.item_id
    # `id` may also name a user and an item alike, which tells the queries apart by `kind` alone.
    name = name or "id"
    if frame is None or name not in frame.columns:
        raise DataError(
            f"the {what} of {dataset.name} have no column 'id' or the like, so nobody can say "
            "whose interactions are whose; trained rankers need it"
        )
    ids = frame[name]
    rows = pl.DataFrame({"id": known.cast(pl.String)}).with_row_index("row", offset=1)
    own = pl.DataFrame({"id": ids.cast(pl.String)})
    found = own.join(rows, on="id", how="left", maintain_order="left")["row"].fill_null(0)
    matched: IntRows = found.to_numpy().astype(np.int64)
    if what == "queries" and "kind" in frame.columns:
        matched[(frame["kind"] != "user").fill_null(True).to_numpy()] = 0
    if not matched.any():
        raise DataError(
            f"no id of the {what} of {dataset.name} occurs in the interactions "
            f"(such as {ids[0]!r} against {known[0]!r})"
        )
    return matched


def _held_out(dataset: Dataset) -> IntRows:
    """Keys of the judged pairs: whatever divided the interactions, nobody learns from them."""
    if dataset.relevance is None:
        return np.empty(0, dtype=np.int64)
    query, item = (dataset.relevance[name].cast(pl.Int64).to_numpy() for name in ("query", "item"))
    return np.unique(query * dataset.n + item)


def _parts(
    pairs: Pairs, users: IntRows, items: IntRows, n: int, held: IntRows
) -> tuple[IntRows, IntRows, Floats]:
    """Queries and items of pairs by ascending key, without what is held out, and their ratings."""
    queries = np.full(int(max(users.max(), pairs.user.max(initial=0))) + 1, -1, dtype=np.int64)
    queries[users[users > 0]] = np.flatnonzero(users > 0)
    places = np.full(int(max(items.max(), pairs.item.max(initial=0))) + 1, -1, dtype=np.int64)
    places[items[items > 0]] = np.flatnonzero(items > 0)
    query, item = queries[pairs.user], places[pairs.item]
    kept = (query >= 0) & (item >= 0)
    rating = np.full(len(pairs), np.nan, dtype=np.float32) if pairs.rating is None else pairs.rating
    keys, first = np.unique(query[kept] * n + item[kept], return_index=True)
    free = ~np.isin(keys, held)
    query, item = np.divmod(keys[free], n)
    return query, item, rating[kept][first][free]


class Features:
    """Numbers of any pair, in groups: one group for each field.

    Attributes
    ----------
    groups : columns of each group, by name
    """

    def __init__(self, dataset: Dataset, past: Past, exposed: Rows) -> None:
        self._dataset = dataset
        self._n = dataset.n
        self._seen = past.query * dataset.n + past.item
        self._taken = np.bincount(past.query, minlength=dataset.m)
        self._popularity = np.log1p(past.popularity).astype(np.float32)
        self._norm = np.sqrt(square_norms(dataset.base)).astype(np.float32)
        self._tokens = past.tokens
        self._counts = {
            name: _Counts.of(past.query, tokens[past.item]) for name, tokens in past.tokens.items()
        }
        self._center, self._spread = _exposure(dataset, exposed)
        self._history = self._histories(past)
        self.groups = _groups(past.tokens)

    @property
    def d(self) -> int:
        """Dimensions of the towers' vectors."""
        return self._dataset.d

    def of(self, queries: Rows, items: Rows) -> Floats:
        """Numbers of each pair: float32 (P, width); `queries` and `items` are (P,)."""
        data = self._dataset
        base = np.asarray(data.base[items], dtype=np.float32)
        near = -distance(data.queries[queries], base, data.metric)
        pointing = base / np.maximum(self._norm[items], 1e-9)[:, np.newaxis]
        taken = self._taken[queries]
        columns = [
            (near - self._center[queries]) / self._spread[queries],
            near,
            self._popularity[items],
            self._norm[items],
            np.log1p(taken),
            find_keys(self._seen, queries * self._n + items)[1],
            np.einsum("pd,pd->p", self._history[queries], pointing),
        ]
        for name, counts in self._counts.items():
            columns += counts.columns(queries, self._tokens[name][items], taken)
        return np.stack(columns, axis=1).astype(np.float32)

    def vectors(self, queries: Rows, items: Rows) -> tuple[Floats, Floats]:
        """The towers' own vectors of both sides, each of unit length: float32 (P, d)."""
        data = self._dataset
        return unit(data.queries[queries]), unit(data.base[items])

    def _histories(self, past: Past) -> Floats:
        """Mean direction of the items of each query's past: float32 (m, d)."""
        total = np.zeros((self._dataset.m, self._dataset.d), dtype=np.float32)
        step = 1 << 16
        for start in range(0, len(past.query), step):
            part = slice(start, start + step)
            np.add.at(total, past.query[part], unit(self._dataset.base[past.item[part]]))
        return unit(total)


def _groups(tokens: dict[str, IntRows]) -> dict[str, list[int]]:
    groups = {"similarity": [0, 1], "item": [2, 3], "user": [4], "history": [5, 6]}
    for place, name in enumerate(tokens):
        groups[f"item.{name}"] = [7 + 3 * place, 8 + 3 * place, 9 + 3 * place]
    return groups


@dataclass(frozen=True)
class _Counts:
    """How often each token occurs in the past of each query."""

    width: int
    key: IntRows
    count: IntRows

    @classmethod
    def of(cls, query: IntRows, tokens: IntRows) -> _Counts:
        width = int(tokens.max(initial=0)) + 1
        keys = (query[:, np.newaxis] * width + tokens)[tokens > 0]
        return cls(width, *np.unique(keys, return_counts=True))

    def columns(self, queries: Rows, tokens: IntRows, taken: IntRows) -> list[NDArray[Any]]:
        """How often the tokens of an item occur, their share of the past, and whether it has any.

        `tokens` is (P, width), `taken` the size of the past, (P,).
        """
        known = (tokens > 0).sum(axis=1)
        counts = self._looked_up(queries, tokens)
        total = counts.sum(axis=1) / np.maximum(known, 1)
        often = np.log1p(counts).sum(axis=1) / np.maximum(known, 1)
        return [often, total / np.maximum(taken, 1), known == 0]

    def _looked_up(self, queries: Rows, tokens: IntRows) -> NDArray[np.float64]:
        if not len(self.key):
            return np.zeros(tokens.shape)
        at, is_known = find_keys(self.key, queries[:, np.newaxis] * self.width + tokens)
        return np.where(is_known & (tokens > 0), self.count[at], 0.0)


def _exposure(dataset: Dataset, exposed: Rows) -> tuple[Floats, Floats]:
    """Mean and spread of the similarity among the exact candidates of each query: (m,) each."""
    near = -neighbor_distances(dataset.queries, dataset.base, exposed, dataset.metric)
    center, spread = near.mean(axis=1), near.std(axis=1)
    return center.astype(np.float32), np.maximum(spread, 1e-6).astype(np.float32)


def unit(vectors: NDArray[Any]) -> Floats:
    """Rows of length 1; a row of zeros stays one."""
    rows = np.asarray(vectors, dtype=np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
