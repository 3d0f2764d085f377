"""A trained dataset in a folder: what is in it, and that it opens."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

import vbench
from vbench.towers.evaluate import Quality
from vbench.towers.export import (
    FILES,
    Vectors,
    activities,
    card_text,
    item_table,
    pairs_table,
    query_table,
    select_users_and_items,
    write,
)
from vbench.towers.interactions import Interactions
from vbench.towers.recipe import KEPT, Recipe, Source, kept_source


@pytest.fixture(scope="module")
def vectors(data: Interactions, recipe: Recipe) -> Vectors:
    chosen = select_users_and_items(data, recipe, seed=0)
    rng = np.random.default_rng(0)
    sizes = [len(chosen.base)] + [len(chosen.users) + len(chosen.held)] * 3
    return Vectors(*(rng.normal(size=(n, recipe.dim)).astype(np.float16) for n in sizes))


def test_held_items_are_queries_and_not_in_the_base(data: Interactions, recipe: Recipe) -> None:
    """Every item is one or the other."""
    chosen = select_users_and_items(data, recipe, seed=0)
    assert len(chosen.held) == recipe.held_items
    together = np.sort(np.concatenate([chosen.base, chosen.held]))
    assert together.tolist() == list(range(1, data.n_items + 1))


def test_every_user_query_has_a_judgment(data: Interactions, recipe: Recipe) -> None:
    """Users are drawn among those with a held-out interaction in the base."""
    chosen = select_users_and_items(data, recipe, seed=0)
    relevance = pairs_table(chosen, data.test)
    assert relevance["query"].unique().sort().to_list() == list(range(len(chosen.users)))
    test = set(zip(data.test.user.tolist(), data.test.item.tolist(), strict=True))
    for query, item in relevance.rows():
        assert (int(chosen.users[query]), int(chosen.base[item])) in test


def test_segments_follow_the_thresholds(data: Interactions, recipe: Recipe) -> None:
    """Activity and cold come from the number of training interactions."""
    table = query_table(data, select_users_and_items(data, recipe, seed=0), recipe)
    users = table.filter(kind="user")
    for row in users.iter_rows(named=True):
        count = row["interactions"]
        wanted = "heavy" if count >= 20 else "light" if count <= 8 else "middle"
        assert row["activity"] == wanted
        assert row["cold"] == (count <= recipe.cold)
    assert users["activity"].value_counts()["count"].max() <= recipe.users
    assert table.filter(kind="item")["activity"].unique().to_list() == ["item"]
    assert set(table["taste"]) == {"head", "tail"}
    assert set(activities(data, recipe)[1:]) == {"heavy", "middle", "light"}


def test_the_folder_opens_with_its_variants(
    tmp_path: Path, data: Interactions, recipe: Recipe, vectors: Vectors
) -> None:
    """Vectors, segments, items, relevance and the three variants are there."""
    chosen = select_users_and_items(data, recipe, seed=0)
    same = Quality(0.5, 0.4, 0.7, 0.3)
    text = card_text('my "shop"', data, recipe, vectors, {"towers": same, "popularity": same})
    tables = {
        "queries": query_table(data, chosen, recipe),
        "items": item_table(data, chosen),
        "relevance": pairs_table(chosen, data.test),
        "interactions": pairs_table(chosen, data.train, data.validation),
    }
    folder = tmp_path / "mine"
    source = Source(name="mine", recipe=recipe, seed=3, columns={"user": "who"})
    texts = {"dataset.toml": text.encode(), KEPT: msgspec.json.encode(source)}
    write(folder, vectors, tables, texts)
    assert {path.name for path in folder.iterdir()} == FILES
    assert kept_source(folder) == source

    dataset = vbench.load(folder)
    assert (dataset.metric, dataset.n, dataset.d) == ("ip", len(chosen.base), recipe.dim)
    assert dataset.items is not None
    assert dataset.items["popularity"].is_sorted(descending=True)
    held = set(dataset.relevance.rows())
    had = dataset.interactions.rows()
    assert had
    assert not held & set(had)
    first = [part.of(chosen.users[:1]).item for part in (data.train, data.validation)]
    kept = np.isin(np.concatenate(first), chosen.base)
    assert sum(query == 0 for query, _ in had) == kept.sum() > 0
    skewed = vbench.load(f"{folder}:skew")
    np.testing.assert_array_equal(skewed.queries, vectors.skew)
    assert skewed.relevance is not None
    np.testing.assert_array_equal(vbench.load(f"{folder}:noise").queries, vectors.noise)
    items = vbench.load(f"{folder}:items")
    np.testing.assert_array_equal(items.queries, vectors.queries[-len(chosen.held) :])
    assert items.relevance is None


def test_popularity_is_that_of_training(data: Interactions, recipe: Recipe) -> None:
    """The column counts training interactions of each base item."""
    chosen = select_users_and_items(data, recipe, seed=0)
    table = item_table(data, chosen)
    assert table["popularity"].to_list() == data.popularity()[chosen.base].tolist()
    assert isinstance(table, pl.DataFrame)
