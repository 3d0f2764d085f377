"""Trained towers as a dataset: items are the base, users and some held-out items the queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vbench._locks import hold_lock
from vbench.data.card import write_card
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.towers.evaluate import Quality
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.recipe import KEPT, Recipe

if TYPE_CHECKING:
    import polars as pl

Rows = NDArray[np.int32]


class Vectors(NamedTuple):
    """What is stored: float16 (n, d) of the base, and float16 (m, d) three times.

    Attributes
    ----------
    queries : in step with the base
    skew : from a later checkpoint than the base
    noise : from disturbed inputs
    """

    base: NDArray[np.float16]
    queries: NDArray[np.float16]
    skew: NDArray[np.float16]
    noise: NDArray[np.float16]


FILES = {
    "base.npy",
    "queries.npy",
    "skew.npy",
    "noise.npy",
    "queries.parquet",
    "items.parquet",
    "relevance.parquet",
    "interactions.parquet",
    "dataset.toml",
    KEPT,
}
"""Names of all that :func:`write` writes."""

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


def select_users_and_items(data: Interactions, recipe: Recipe, seed: int) -> Selection:
    """Draw the held-out items, and up to `recipe.users` users of each activity class.

    Only users with a held-out interaction whose item is in the base are drawn.
    """
    rng = np.random.default_rng([seed, 5])
    items = np.arange(1, data.n_items + 1, dtype=np.int32)
    held = np.sort(rng.choice(items, min(recipe.held_items, data.n_items // 10), replace=False))
    judged = np.unique(data.test.user[~np.isin(data.test.item, held)])
    if not len(judged):
        raise DataError(
            "every held-out interaction is with an item that is kept out of the base; "
            "give more interactions, or --set held_items=0"
        )
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
    """One row for each query, users first; the columns are those that the card describes.

    `taste` is `head` when at least half of a user's items are among the most popular ones that
    together draw half of all interactions, or when a held-out item is itself one of them.
    """
    import polars as pl

    popularity, lengths = data.popularity(), history_lengths(data)
    people, held = chosen.users, chosen.held
    # Rows of items fall by popularity.
    head = (np.cumsum(popularity) - popularity) * 2 < popularity.sum()
    in_head = np.bincount(data.train.user, head[data.train.item], minlength=data.n_users + 1)
    likes_head = np.concatenate([in_head[people] * 2 >= lengths[people], head[held]])
    counts = np.concatenate([lengths[people], popularity[held]])
    names = (data.users.gather(people - 1), data.items.gather(held - 1))
    return pl.DataFrame(
        {
            "kind": np.repeat(["user", "item"], [len(people), len(held)]),
            "id": pl.concat([each.cast(pl.String) for each in names]),
            "activity": [*activities(data, recipe)[people], *["item"] * len(held)],
            "cold": counts <= recipe.cold,
            "taste": np.where(likes_head, "head", "tail"),
            "interactions": counts.astype(np.int32),
        }
    )


def item_table(data: Interactions, chosen: Selection) -> pl.DataFrame:
    """One row for each base vector: `id`, `popularity`."""
    import polars as pl

    return pl.DataFrame(
        {
            "id": data.items.gather(chosen.base - 1).cast(pl.String),
            "popularity": data.popularity()[chosen.base].astype(np.int32),
        }
    )


def pairs_table(chosen: Selection, *parts: Pairs) -> pl.DataFrame:
    """Interactions of the chosen users with base items: `query`, `item`, from 0, in their order.

    Of the held-out ones these are the relevance judgments; of the others, whether the towers
    learned from them or stopped by them, what the users had already.
    """
    import polars as pl

    users = np.concatenate([part.user for part in parts])
    items = np.concatenate([part.item for part in parts])
    mine = np.isin(users, chosen.users) & np.isin(items, chosen.base)
    return pl.DataFrame(
        {
            "query": np.searchsorted(chosen.users, users[mine]).astype(np.int32),
            "item": np.searchsorted(chosen.base, items[mine]).astype(np.int32),
        }
    ).sort("query", "item")


def write(
    folder: Path, made: Vectors, tables: Mapping[str, pl.DataFrame], texts: Mapping[str, bytes]
) -> None:
    """Write a dataset folder; each file appears whole, `base.npy` last.

    `tables` are frames by file stem, `queries` that of the segments; `texts` are other files.
    """
    with hold_lock(folder, f"writing {folder}"):
        (folder / "base.npy").unlink(missing_ok=True)
        for name, table in tables.items():
            with whole_file(folder / f"{name}.parquet") as file:
                table.write_parquet(file, compression="zstd", compression_level=19)
        for name, text in texts.items():
            with whole_file(folder / name) as file:
                file.write(text)
        for name in ("queries", "skew", "noise", "base"):
            with whole_file(folder / f"{name}.npy") as file:
                np.save(file, getattr(made, name))


def card_text(
    name: str, data: Interactions, recipe: Recipe, made: Vectors, quality: Mapping[str, Quality]
) -> str:
    """Write the card of a dataset that is not in the catalog, as TOML."""
    towers, popular = quality["towers"].hit_rate, quality["popularity"].hit_rate
    description = (
        f"A user tower and an item tower trained on {len(data.train):,} interactions of "
        f"{data.n_users:,} users with {data.n_items:,} items, split {data.split}. Exact search "
        f"finds {towers:.1%} of the held-out interactions in the top 100, where the 100 most "
        f"popular items find {popular:.1%}."
    )
    return write_card(
        {
            "title": f"{name}: two-tower vectors of users and items",
            "description": description,
            "metric": recipe.metric,
            "n": len(made.base),
            "m": len(made.queries),
            "d": recipe.dim,
            "made_by": f"vbench data train {name}",
            "segments": {
                "kind": "user: a user; item: a held-out item, the in-distribution control",
                "id": "as in the interactions",
                "activity": f"heavy: at least {recipe.heavy} training interactions; middle; "
                f"light: at most {recipe.light}; item: an item",
                "cold": f"true with at most {recipe.cold} training interactions",
                "taste": "head: at least half of the user's items are among the most popular ones "
                "that together draw half of all interactions; tail: the others",
                "interactions": "number of training interactions",
            },
            "items": {
                "id": "as in the interactions",
                "popularity": "number of training interactions",
            },
            "variants": {
                "skew": {
                    "title": "queries from a later checkpoint than the base",
                    "queries": "skew.npy",
                },
                "noise": {
                    "title": "queries from inputs with Gaussian noise",
                    "queries": "noise.npy",
                },
                "items": {
                    "title": "held-out items alone, the in-distribution control",
                    "where": {"kind": "item"},
                },
            },
        }
    )
