"""Made-up shops: users of two tastes, and items that say which taste they are for."""

from __future__ import annotations

import importlib.util

import numpy as np
import polars as pl
import pytest

from vbench.towers.interactions import Interactions, prepare
from vbench.towers.pipeline import start_jax
from vbench.towers.recipe import Recipe

_SMALL = Recipe(
    min_user=2,
    held_items=10,
    users=60,
    heavy=20,
    light=8,
    dim=8,
    id_dim=8,
    field_dim=4,
    hidden=16,
    batch=64,
    negatives=32,
    epochs=3,
    patience=3,
    history=5,
    table_rate=0.1,
    dense_rate=0.01,
    validation=0.1,
)

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def _make_shop(seed: int = 0, n_users: int = 150, n_items: int = 400) -> Frames:
    """Interactions, users and items; a user buys from one half of the items only."""
    rng = np.random.default_rng(seed)
    bought = []
    for user in range(n_users):
        count = int(rng.integers(3, 30))
        mine = np.arange(user % 2, n_items, 2)
        bought += [(f"u{user}", f"i{item}") for item in rng.choice(mine, count, replace=False)]
    interactions = pl.DataFrame(bought, schema=["user", "item"], orient="row")
    users = pl.DataFrame(
        {
            "user": [f"u{user}" for user in range(n_users)],
            "age": [20 + user % 50 for user in range(n_users)],
        }
    )
    items = pl.DataFrame(
        {
            "item": [f"i{item}" for item in range(n_items)],
            "maker": ["even" if item % 2 == 0 else "odd" for item in range(n_items)],
            "title": [f"a thing called number {item}" for item in range(n_items)],
        }
    )
    return interactions, users, items


@pytest.fixture(scope="session")
def shop() -> Frames:
    """Interactions, users and items of one shop."""
    return _make_shop()


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """A training of a second or two."""
    return _SMALL


@pytest.fixture(scope="session")
def data(shop: Frames, recipe: Recipe) -> Interactions:
    """The shop, prepared."""
    return prepare(*shop, recipe, seed=0)


@pytest.fixture(scope="session")
def jax() -> None:
    """Skip what needs the optional packages where they are not installed."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax")):
        pytest.skip("the towers extra is not installed")
    with pytest.MonkeyPatch.context() as patch:
        # What is compiled here runs for a second only: not worth three seconds of optimizing it.
        patch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")
        start_jax()
