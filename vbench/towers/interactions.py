"""Who interacted with what, as row numbers, with the features of both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vbench.errors import DataError
from vbench.towers.features import Field, IntArray, Kind, encode

if TYPE_CHECKING:
    import polars as pl

    from vbench.towers.recipe import Recipe


@dataclass(frozen=True)
class Pairs:
    """Interactions as row numbers, from 1 on; sorted by user.

    Attributes
    ----------
    user, item : int32 (count,)
    rating : float32 (count,), NaN where none is known; None where none is at all
    """

    user: IntArray
    item: IntArray
    rating: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.user)

    def of(self, users: IntArray) -> Pairs:
        """Keep the pairs of some users."""
        mine = np.isin(self.user, users)
        return Pairs(self.user[mine], self.item[mine])

    def starts(self, n_users: int) -> NDArray[np.int64]:
        """Give where each user's interactions start: int64 (n_users + 2,), index 0 is nobody's."""
        return np.searchsorted(self.user, np.arange(n_users + 2)).astype(np.int64)


@dataclass(frozen=True)
class Interactions:
    """A catalog of users and items, and their interactions in three parts.

    Attributes
    ----------
    users, items : series of ids
        Row number r is `ids[r - 1]`; items by falling number of training interactions.
    train, validation, test : Pairs
        No pair is in two of them.
    user_fields, item_fields
        Features, encoded.
    split : how the parts were divided, in words
    notes : what was left out and why, in words, for the person who trains
    """

    users: pl.Series
    items: pl.Series
    train: Pairs
    validation: Pairs
    test: Pairs
    user_fields: tuple[Field, ...]
    item_fields: tuple[Field, ...]
    split: str
    notes: tuple[str, ...]

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)

    def popularity(self) -> NDArray[np.int64]:
        """Count the training interactions of each item: int64 (n_items + 1,), index 0 is 0."""
        return np.bincount(self.train.item, minlength=self.n_items + 1)


def prepare(
    frame: pl.DataFrame,
    users: pl.DataFrame | None,
    items: pl.DataFrame | None,
    recipe: Recipe,
    seed: int,
) -> Interactions:
    """Divide interactions into parts, choose the catalog, and encode the features.

    Parameters
    ----------
    frame
        Columns `user` and `item`, optionally `timestamp` and `rating`; a pair counts once.
    users, items
        Feature tables whose first columns are `user` and `item`, or None.

    Raises
    ------
    DataError
        There is nothing to learn from: one user or one item only, or no held-out interaction; or
        a feature table is of others.
    """
    import polars as pl

    notes: list[str] = []
    frame = _distinct(frame, notes)
    frame = _active(frame, recipe, notes)
    frame = _timed(frame, notes)
    frame, split = _parts(frame, recipe, seed)
    counts = (
        frame.filter(part="train")
        .group_by("item")
        .len()
        .filter(pl.col("len") >= recipe.min_item)
        .sort(["len", "item"], descending=[True, False])
        .head(recipe.catalog)
    )
    frame = frame.join(counts.select("item"), on="item", how="semi")
    people = frame.filter(part="train")["user"].unique().sort()
    idle = frame["user"].n_unique() - len(people)
    if idle:
        notes.append(f"{idle:,} users with no training interaction, and so no history, left out")
    _enough(len(people), len(counts), notes)
    frame = _numbered(frame, people, counts["item"])
    for part, use, key in (
        ("test", "to judge the towers by", "held_out"),
        ("validation", "to stop the training by", "validation"),
    ):
        if frame.filter(part=part).is_empty():
            raise DataError(
                f"of {len(frame):,} interactions none is left {use}; give more interactions, or "
                f"a larger share: --set {key}=0.2"
            )
    return Interactions(
        users=people,
        items=counts["item"],
        train=_pairs(frame, "train"),
        validation=_pairs(frame, "validation"),
        test=_pairs(frame, "test"),
        user_fields=_fields("user", users, people, recipe.features, notes),
        item_fields=_fields("item", items, counts["item"], recipe.features, notes),
        split=split,
        notes=tuple(notes),
    )


def _distinct(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Every pair once: the earliest where there is time."""
    known = frame.drop_nulls(["user", "item"])
    if len(known) < len(frame):
        notes.append(f"{len(frame) - len(known):,} interactions without user or item left out")
    if "timestamp" in known.columns:
        known = known.sort("timestamp", maintain_order=True)
    once = known.unique(["user", "item"], keep="first", maintain_order=True)
    if len(once) < len(known):
        notes.append(f"{len(known) - len(once):,} repeated interactions counted once")
    return once


def _active(frame: pl.DataFrame, recipe: Recipe, notes: list[str]) -> pl.DataFrame:
    import polars as pl

    kept = frame.filter(pl.len().over("user") >= recipe.min_user)
    if len(kept) < len(frame):
        gone = frame["user"].n_unique() - kept["user"].n_unique()
        notes.append(f"{gone:,} users with fewer than {recipe.min_user} interactions left out")
    return kept


def _timed(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Drop a time that tells nothing apart."""
    if "timestamp" in frame.columns and len(frame) and frame["timestamp"].n_unique() == 1:
        notes.append("all timestamps are equal and say nothing of what came last")
        return frame.drop("timestamp")
    return frame


def _parts(frame: pl.DataFrame, recipe: Recipe, seed: int) -> tuple[pl.DataFrame, str]:
    """Divide by time where there is time: the last interactions are the test."""
    import polars as pl

    rng = np.random.default_rng([seed, 1])
    shuffled = frame.sort("user", "item").with_columns(
        draw=pl.Series(rng.random(len(frame))), chosen=pl.Series(rng.random(len(frame)))
    )
    if "timestamp" in frame.columns:
        # Interactions of one day, say, come in random order: by user, the test would be a few.
        shuffled = shuffled.sort("timestamp", "draw").with_row_index("rank")
        last = len(shuffled) * (1 - recipe.held_out)
        is_test = pl.col("rank") >= last
        is_validation = pl.col("rank") >= last * (1 - recipe.validation)
        split = f"by time: the last {recipe.held_out:.0%} held out"
    else:
        most = (pl.len().over("user") * recipe.held_out).ceil()
        held = most.clip(upper_bound=recipe.held_at_most)
        is_test = pl.col("draw").rank("ordinal").over("user") <= held
        is_validation = pl.col("chosen") < recipe.validation
        split = (
            f"by user: {recipe.held_out:.0%} of each user's interactions held out at random, "
            f"1 to {recipe.held_at_most}"
        )
    rest = pl.when(is_validation).then(pl.lit("validation")).otherwise(pl.lit("train"))
    return shuffled.with_columns(part=pl.when(is_test).then(pl.lit("test")).otherwise(rest)), split


def _enough(n_users: int, n_items: int, notes: list[str]) -> None:
    said = f" ({'; '.join(notes)})" if notes else ""
    for count, side in ((n_users, "user"), (n_items, "item")):
        if count < 2:
            left = f"{count} {side}{'' if count == 1 else 's'} left{said}"
            raise DataError(f"{left}; two towers need at least two {side}s")


def _numbered(frame: pl.DataFrame, users: pl.Series, items: pl.Series) -> pl.DataFrame:
    import polars as pl

    rows = [
        pl.DataFrame({name: ids}).with_row_index(f"{name}_row", offset=1)
        for name, ids in (("user", users), ("item", items))
    ]
    return frame.join(rows[0], on="user").join(rows[1], on="item").sort("user_row", "item_row")


def _pairs(frame: pl.DataFrame, part: str) -> Pairs:
    chosen = frame.filter(part=part)
    return Pairs(
        chosen["user_row"].to_numpy().astype(np.int32),
        chosen["item_row"].to_numpy().astype(np.int32),
        chosen["rating"].cast(float).fill_null(float("nan")).to_numpy().astype(np.float32)
        if "rating" in chosen.columns
        else None,
    )


def _fields(
    key: str,
    table: pl.DataFrame | None,
    ids: pl.Series,
    kinds: Mapping[str, Kind],
    notes: list[str],
) -> tuple[Field, ...]:
    import polars as pl

    if table is None:
        return ()
    table = table.unique(key, keep="first", maintain_order=True)
    missing = ids.filter(~ids.is_in(table[key].implode()))
    if len(missing) == len(ids):
        raise DataError(
            f"no id of the feature table of {key}s occurs in the interactions (such as "
            f"{table[key][0]!r} against {ids[0]!r}); check its column of ids"
        )
    if len(missing):
        notes.append(
            f"{len(missing):,} of {len(ids):,} {key}s have no row in the feature table "
            f"(the first: {missing[0]!r}); they are known by their id alone"
        )
    aligned = pl.DataFrame({key: ids}).join(table, on=key, how="left", maintain_order="left")
    return tuple(encode(aligned[name], kinds.get(name)) for name in table.columns if name != key)
