"""Trained towers as a dataset: items are the base, users and some held-out items the queries."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench.towers.evaluate import Quality, judge, popularity_scorer, vector_scorer
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import Recipe

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int32]

class Vectors(NamedTuple):
    """Stored vectors: `base` float16 (n, d), `queries` float16 (m, d)."""

    base: NDArray[np.float16]
    queries: NDArray[np.float16]


ACTIVITIES = ("heavy", "middle", "light")


@dataclass(frozen=True)
class Selection:
    """Which items and users become base vectors and queries.

    Attributes
    ----------
    base, held : int32
        Rows of items: the base in this order, and those that are queries instead.
    users : int32
        Rows of users, by rising row.
    """

    base: Rows
    held: Rows
    users: Rows


def select(data: Interactions, recipe: Recipe, seed: int) -> Selection:
    """Draw the held-out items, and up to `recipe.users` users of each activity class.

    Only users with a held-out interaction whose item is in the base are drawn.
    """
    rng = np.random.default_rng([seed, 5])
    items = np.arange(1, data.n_items + 1, dtype=np.int32)
    held = np.sort(rng.choice(items, min(recipe.held_items, data.n_items // 10), replace=False))
    judged = np.unique(data.test.user[~np.isin(data.test.item, held)])
    activity = activities(data, recipe)[judged]
    chosen = []
    for name in ACTIVITIES:
        people = judged[activity == name]
        count = min(recipe.users, len(people))
        chosen.append(rng.choice(people, count, replace=False))
    return Selection(np.setdiff1d(items, held), held, np.sort(np.concatenate(chosen)))


def activities(data: Interactions, recipe: Recipe) -> NDArray[np.str_]:
    """Class of each user by number of training interactions: (n_users + 1,)."""
    counts = history_lengths(data)
    return np.select([counts >= recipe.heavy, counts > recipe.light], ["heavy", "middle"], "light")


def history_lengths(data: Interactions) -> NDArray[np.int64]:
    """Count the training interactions of each user: int64 (n_users + 1,)."""
    return np.bincount(data.train.user, minlength=data.n_users + 1)


def query_table(data: Interactions, chosen: Selection, recipe: Recipe) -> pl.DataFrame:
    """One row for each query, users first: `kind`, `id`, `activity`, `cold`, `taste`, `interactions`.

    `taste` is `head` when at least half of a user's items are among the most popular ones that
    together draw half of all interactions, or when a held-out item is itself one of them.
    """
    import polars as pl

    popularity, lengths = data.popularity(), history_lengths(data)
    head = _head(popularity)
    in_head = np.bincount(data.train.user, head[data.train.item], minlength=data.n_users + 1)
    users = pl.DataFrame(
        {
            "kind": "user",
            "id": data.users.gather(chosen.users - 1).cast(pl.String),
            "activity": activities(data, recipe)[chosen.users],
            "cold": lengths[chosen.users] <= recipe.cold,
            "taste": _taste(in_head[chosen.users] * 2 >= lengths[chosen.users]),
            "interactions": lengths[chosen.users],
        }
    )
    items = pl.DataFrame(
        {
            "kind": "item",
            "id": data.items.gather(chosen.held - 1).cast(pl.String),
            "activity": "item",
            "cold": popularity[chosen.held] <= recipe.cold,
            "taste": _taste(head[chosen.held]),
            "interactions": popularity[chosen.held],
        }
    )
    return pl.concat([users, items], how="vertical_relaxed").with_columns(
        pl.col("interactions").cast(pl.Int32)
    )


def _head(popularity: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the items that together draw the first half of all interactions; rows are by popularity."""
    before = np.cumsum(popularity) - popularity
    return before * 2 < popularity.sum()


def _taste(head: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.where(head, "head", "tail")


def item_table(data: Interactions, chosen: Selection) -> pl.DataFrame:
    """One row for each base vector: `id`, `popularity`."""
    import polars as pl

    return pl.DataFrame(
        {
            "id": data.items.gather(chosen.base - 1).cast(pl.String),
            "popularity": data.popularity()[chosen.base].astype(np.int32),
        }
    )


def relevance_table(data: Interactions, chosen: Selection) -> pl.DataFrame:
    """Held-out interactions of the chosen users with base items: `query`, `item`, from 0."""
    import polars as pl

    mine = np.isin(data.test.user, chosen.users) & np.isin(data.test.item, chosen.base)
    return pl.DataFrame(
        {
            "query": np.searchsorted(chosen.users, data.test.user[mine]).astype(np.int32),
            "item": np.searchsorted(chosen.base, data.test.item[mine]).astype(np.int32),
        }
    )


class Judged(NamedTuple):
    """What exact search over a dataset finds, beside the most popular items.

    Attributes
    ----------
    towers, popular
        Items of a user's own training interactions are left out of both rankings.
    towers_all, popular_all
        They stay in both.
    """

    towers: Quality
    popular: Quality
    towers_all: Quality
    popular_all: Quality


def judge_dataset(data: Interactions, chosen: Selection, made: Vectors) -> Judged:
    """Judge the vectors as they are stored, over the user queries and the base items."""
    place = np.zeros(data.n_items + 1, dtype=np.int32)
    place[chosen.base] = np.arange(1, len(chosen.base) + 1)
    held, seen = (_in_dataset(part, chosen.users, place) for part in (data.test, data.train))
    users = np.unique(held.user)
    by_vectors = vector_scorer(made.queries, made.base)
    by_popularity = popularity_scorer(data.popularity()[chosen.base])
    return Judged(
        judge(users, held, seen, by_vectors),
        judge(users, held, seen, by_popularity),
        judge(users, held, None, by_vectors),
        judge(users, held, None, by_popularity),
    )


def _in_dataset(pairs: Pairs, users: Rows, place: Rows) -> Pairs:
    mine = np.isin(pairs.user, users) & (place[pairs.item] > 0)
    user, item = pairs.user[mine], pairs.item[mine]
    return Pairs((np.searchsorted(users, user) + 1).astype(np.int32), place[item])


def write(folder: Path, made: Vectors, tables: Mapping[str, pl.DataFrame], card: str) -> None:
    """Write a dataset folder; files appear one by one, each whole.

    Parameters
    ----------
    tables
        Frames by file stem, such as `queries`.
    card
        Text of `dataset.toml`; empty where a card in the catalog describes the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as scratch:
        fresh = Path(scratch)
        np.save(fresh / "base.npy", made.base)
        np.save(fresh / "queries.npy", made.queries)
        for name, table in tables.items():
            table.write_parquet(fresh / f"{name}.parquet", compression="zstd", compression_level=19)
        if card:
            (fresh / "dataset.toml").write_text(card, encoding="utf-8")
        for file in sorted(fresh.iterdir()):
            os.replace(file, folder / file.name)
