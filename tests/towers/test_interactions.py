"""Interactions are divided, numbered and described."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from vbench.errors import DataError
from vbench.towers.interactions import Interactions, Pairs, prepare
from vbench.towers.recipe import Recipe


def _set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.user.tolist(), pairs.item.tolist(), strict=True))


def _with(recipe: Recipe, **values: Any) -> Recipe:
    return msgspec.structs.replace(recipe, **values)


def test_no_interaction_is_in_two_parts(data: Interactions) -> None:
    """What is held out is not trained on."""
    train, validation, test = map(_set, (data.train, data.validation, data.test))
    assert train
    assert validation
    assert test
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_pairs_are_sorted_and_inside_the_catalog(data: Interactions) -> None:
    """Row numbers start at 1, and each user's pairs lie together."""
    for part in (data.train, data.validation, data.test):
        assert part.user.min() >= 1
        assert part.user.max() <= data.n_users
        assert part.item.min() >= 1
        assert part.item.max() <= data.n_items
        assert (np.diff(part.user) >= 0).all()
    starts = data.train.starts(data.n_users)
    for user in (1, 2, data.n_users):
        assert (data.train.user[starts[user] : starts[user + 1]] == user).all()


def test_items_come_by_popularity_of_the_training_part(data: Interactions) -> None:
    """Row 1 is the most popular item; held-out interactions do not count."""
    counts = data.popularity()
    assert counts[0] == 0
    assert counts.sum() == len(data.train)
    # A pair of the validation counts for the order, being known before the test.
    assert np.corrcoef(counts[1:], -np.arange(data.n_items))[0, 1] > 0.9


def test_a_user_split_holds_out_some_of_everybody(data: Interactions, recipe: Recipe) -> None:
    """Every user has a held-out interaction (unless its item left the catalog)."""
    held = np.bincount(data.test.user, minlength=data.n_users + 1)[1:]
    kept = np.bincount(data.train.user, minlength=data.n_users + 1)[1:]
    assert (held > 0).mean() > 0.9
    assert (held <= np.minimum(np.ceil(0.2 * (kept + held) + 1), recipe.held_at_most)).all()
    assert "by user" in data.split


def test_a_time_split_holds_out_the_last(shop: Any, recipe: Recipe) -> None:
    """Where there is time, nothing of the training is later than what is held out."""
    times_of = np.random.default_rng(0).permutation(len(shop[0])).astype(float)
    frame = shop[0].with_columns(timestamp=pl.Series(times_of))
    made = prepare(frame, None, None, recipe, seed=0)
    when = {(row["user"], row["item"]): row["timestamp"] for row in frame.iter_rows(named=True)}

    def times(part: Pairs) -> list[float]:
        users = made.users.gather(part.user - 1).to_list()
        items = made.items.gather(part.item - 1).to_list()
        return [when[pair] for pair in zip(users, items, strict=True)]

    assert max(times(made.train)) < min(times(made.validation))
    assert max(times(made.validation)) < min(times(made.test))
    assert "by time" in made.split


def test_equal_times_are_divided_at_random(shop: Any, recipe: Recipe) -> None:
    """Among interactions of one moment no user is held out before another."""
    same = shop[0].with_columns(timestamp=pl.lit(5.0))
    made = prepare(same, None, None, recipe, seed=0)
    assert "by user" in made.split
    assert "all timestamps are equal" in " ".join(made.notes)
    two = shop[0].with_columns(timestamp=pl.int_range(pl.len()) * 2 // pl.len() * 1.0)
    made = prepare(two.sample(fraction=1, shuffle=True, seed=1), None, None, recipe, seed=0)
    assert "by time" in made.split
    assert len(np.unique(made.test.user)) > 40


def test_a_repeat_counts_from_its_first_time(shop: Any, recipe: Recipe) -> None:
    """Which of two equal pairs stands first in the file does not matter, the earlier one counts."""
    times = np.random.default_rng(0).permutation(len(shop[0])).astype(float)
    once = shop[0].with_columns(timestamp=pl.Series(times))
    late = once.with_columns(pl.col("timestamp") + 1e6)
    made = prepare(pl.concat([late, once]), None, None, recipe, seed=0)
    assert _set(made.test) == _set(prepare(once, None, None, recipe, seed=0).test)


def test_features_of_others_are_refused(shop: Any, recipe: Recipe) -> None:
    """A table in which no item occurs is the wrong table or the wrong column."""
    strangers = shop[2].with_columns(pl.format("x{}", "item").alias("item"))
    with pytest.raises(DataError, match=r"feature table of items .*'xi0' against 'i"):
        prepare(shop[0], None, strangers, recipe, seed=0)


def test_the_seed_decides_the_split(shop: Any, data: Interactions, recipe: Recipe) -> None:
    """The same seed holds out the same, whatever the order of the file; another one does not."""
    frame, users, items = shop
    again = prepare(frame.sample(fraction=1, shuffle=True, seed=1), users, items, recipe, seed=0)
    assert _set(again.test) == _set(data.test)
    other = prepare(frame, users, items, recipe, seed=1)
    assert _set(other.test) != _set(data.test)


def test_repeats_and_missing_ids_are_left_out_and_said(shop: Any, recipe: Recipe) -> None:
    """A pair counts once, one without item not at all; notes say how many."""
    frame = pl.concat([shop[0], shop[0].head(7), pl.DataFrame({"user": ["u1"], "item": [None]})])
    made = prepare(frame, None, None, recipe, seed=0)
    notes = " ".join(made.notes)
    assert "7 repeated" in notes
    assert "1 interactions without user or item" in notes


def test_a_catalog_keeps_the_most_popular(shop: Any, recipe: Recipe) -> None:
    """`catalog` bounds the items, `min_item` their interactions."""
    assert prepare(*shop, _with(recipe, catalog=50), seed=0).n_items == 50
    made = prepare(*shop, _with(recipe, min_item=5), seed=0)
    assert 0 < made.n_items < prepare(*shop, recipe, seed=0).n_items


def test_items_without_features_are_known_by_id_and_said(shop: Any, recipe: Recipe) -> None:
    """A feature table that lacks an item costs a note that names one."""
    frame, users, items = shop
    made = prepare(frame, users.head(10), items.filter(pl.col("item") != "i3"), recipe, seed=0)
    notes = " ".join(made.notes)
    assert "1 of" in notes
    assert "'i3'" in notes
    assert "users have no row in the feature table" in notes
    row = made.items.index_of("i3")
    assert row is not None
    assert not made.item_fields[0].tokens[row + 1].any()


def test_users_without_a_training_interaction_are_said(shop: Any, recipe: Recipe) -> None:
    """A user whose interactions are all held out has no history, is left out, and is named."""
    late = pl.DataFrame({"user": ["late"] * 3, "item": ["i0", "i1", "i2"]})
    mixed = shop[0].sample(fraction=1, shuffle=True, seed=0)
    frame = pl.concat([mixed, late]).with_columns(timestamp=pl.int_range(pl.len()) * 1.0)
    made = prepare(frame, None, None, recipe, seed=0)
    assert "late" not in made.users.to_list()
    assert "no training interaction" in " ".join(made.notes)


def test_a_part_that_would_be_empty_is_said(recipe: Recipe) -> None:
    """Without validation nothing could stop the training; the message says what to set."""
    tiny = pl.DataFrame({"user": list("aabbcc"), "item": list("xyxyxy")})
    with pytest.raises(DataError, match="--set validation"):
        prepare(tiny, None, None, _with(recipe, validation=0.001), seed=0)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"user": ["a"] * 9, "item": list("abcdefghi")}), "1 user left"),
        (pl.DataFrame({"user": list("aabbcc"), "item": ["x", None] * 3}), "0 users left"),
        (
            pl.DataFrame({"user": list("abcdefgh") * 3, "item": list("abcdefgh") * 3}),
            "0 users left.*fewer than 2",
        ),
    ],
)
def test_too_little_to_learn_from_is_refused(
    recipe: Recipe, frame: pl.DataFrame, said: str
) -> None:
    """One user, one item, or nobody with enough interactions."""
    with pytest.raises(DataError, match=said):
        prepare(frame, None, None, recipe, seed=0)
