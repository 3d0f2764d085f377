"""The two towers in jax: what they look up, and what they make of it.

Imports jax; everything else in the package imports this module late.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vbench.towers.interactions import Interactions
from vbench.towers.recipe import Recipe

Array = Any
Arrays = dict[str, Any]

HISTORY_SCALE = 3.0  # a mean of many rows is short beside one row; bring it to the same length


class Lookup(NamedTuple):
    """Which rows of which table one part of a tower's input is the mean of."""

    table: str
    tokens: Array


class Model(NamedTuple):
    """Everything that training changes, and the running vectors that CS3 shares.

    Attributes
    ----------
    tables
        Embedding tables by name; row 0 pads and stays zero.
    dense
        Weights of the towers, and of the ranker where the cascade is shared.
    shared
        Per-user and per-item vectors of the opposite tower and of the ranker; empty without CS3.
    """

    tables: Arrays
    dense: Arrays
    shared: Arrays


def category_fields(data: Interactions) -> tuple[str, ...]:
    """Name the item features that a user's history is pooled over, beside the items themselves."""
    return tuple(field.name for field in data.item_fields if field.kind == "category")


def tokens_of(data: Interactions) -> dict[str, Arrays]:
    """Put the tokens of all features on the device, by side and name."""
    return {
        "user": {field.name: jnp.asarray(field.tokens) for field in data.user_fields},
        "item": {field.name: jnp.asarray(field.tokens) for field in data.item_fields},
    }


def new_model(data: Interactions, recipe: Recipe, seed: int) -> Model:
    """Draw the weights of an untrained model."""
    rng = np.random.default_rng([seed, 2])
    sizes = {
        "user": (data.n_users + 1, recipe.id_dim),
        "item": (data.n_items + 1, recipe.id_dim),
        "history": (data.n_items + 1, recipe.id_dim),
    }
    for side, fields in (("user", data.user_fields), ("item", data.item_fields)):
        sizes |= {f"{side}.{field.name}": (field.size, recipe.field_dim) for field in fields}
    tables = {name: _table(rng, *size) for name, size in sizes.items()}

    shared: Arrays = {}
    extra = 0
    for name, width in shared_widths(recipe).items():
        shared |= {
            f"user.{name}": jnp.zeros((data.n_users + 1, width)),
            f"item.{name}": jnp.zeros((data.n_items + 1, width)),
        }
        extra += width
    history = recipe.id_dim + recipe.field_dim * len(category_fields(data))
    widths = {
        "user": recipe.id_dim + history + recipe.field_dim * len(data.user_fields) + 1 + extra,
        "item": recipe.id_dim + recipe.field_dim * len(data.item_fields) + extra,
    }
    dense: Arrays = {side: _tower(rng, width, recipe) for side, width in widths.items()}
    if recipe.cascade:
        dense["ranker"] = _perceptron(
            rng, [sum(widths.values()), recipe.hidden, recipe.cascade_dim, 1]
        )
    return Model(tables, dense, shared)


def shared_widths(recipe: Recipe) -> dict[str, int]:
    """Width of each kind of shared vector that the recipe asks for."""
    return {
        name: width
        for name, width, wanted in (
            ("sync", recipe.dim, recipe.sync),
            ("cascade", recipe.cascade_dim, recipe.cascade),
        )
        if wanted
    }


def input_width(model: Model, side: str) -> int:
    """Give the number of columns that the tower of a side sees."""
    return int(model.dense[side]["wide"][0]["w"].shape[0])


def _table(rng: np.random.Generator, rows: int, width: int) -> Array:
    table = rng.normal(0, 0.05, (rows, width)).astype(np.float32)
    table[0] = 0
    return jnp.asarray(table)


def _perceptron(rng: np.random.Generator, widths: list[int]) -> list[Arrays]:
    return [
        {
            "w": jnp.asarray(rng.normal(0, np.sqrt(2 / i), (i, o)).astype(np.float32)),
            "b": jnp.zeros(o),
        }
        for i, o in itertools.pairwise(widths)
    ]


def _tower(rng: np.random.Generator, width: int, recipe: Recipe) -> Arrays:
    tower: Arrays = {
        "deep": _perceptron(rng, [width, recipe.hidden, recipe.dim]),
        "wide": _perceptron(rng, [width, recipe.dim]),
    }
    if recipe.cycle:
        # Zero weights make the gate 2·sigmoid(0) = 1: the cycle starts as no cycle.
        tower["gate"] = {"w": jnp.zeros((recipe.dim, width)), "b": jnp.zeros(width)}
    return tower


def user_lookups(
    tokens: dict[str, Arrays], pooled: tuple[str, ...], users: Array, history: Array
) -> dict[str, Lookup]:
    """List what the user tower looks up.

    Parameters
    ----------
    pooled
        Item features that are pooled over the history.
    users : int32 (count,)
    history : int32 (count, length)
        Items of each user, 0 pads.
    """
    found = {"id": Lookup("user", users[:, None]), "history": Lookup("history", history)}
    for name in pooled:
        found[f"history.{name}"] = Lookup(f"item.{name}", tokens["item"][name][history, 0])
    for name, table in tokens["user"].items():
        found[f"feature.{name}"] = Lookup(f"user.{name}", table[users])
    return found


def item_lookups(tokens: dict[str, Arrays], items: Array) -> dict[str, Lookup]:
    """List what the item tower looks up; `items` is int32 (count,)."""
    found = {"id": Lookup("item", items[:, None])}
    for name, table in tokens["item"].items():
        found[f"feature.{name}"] = Lookup(f"item.{name}", table[items])
    return found


def gather(tables: Arrays, lookups: dict[str, Lookup]) -> Arrays:
    """Fetch the rows: float32 (count, width, dim) for each lookup."""
    return {key: tables[found.table][found.tokens] for key, found in lookups.items()}


def shared_columns(shared: Arrays, side: str, rows: Array) -> list[Array]:
    """Fetch the shared vectors of some users or items, as further columns of a tower's input."""
    return [vectors[rows] for name, vectors in shared.items() if name.startswith(side)]


def tower_input(rows: Arrays, lookups: dict[str, Lookup], kept: Array, extra: list[Array]) -> Array:
    """Concatenate what a tower sees: float32 (count, width).

    Parameters
    ----------
    kept : float32 (count,)
        0 where the id is dropped, so that the tower learns to do without it.
    extra
        Further columns, (count, any).
    """
    parts = []
    for key, found in lookups.items():
        part = _mean(rows[key], found.tokens)
        if key == "id":
            part = part * kept[:, None]
        elif key.startswith("history"):
            part = part * HISTORY_SCALE
        parts.append(part)
    return jnp.concatenate(parts + extra, axis=-1)


def _mean(rows: Array, tokens: Array) -> Array:
    known = (tokens > 0).astype(rows.dtype)[..., None]
    return (rows * known).sum(-2) / jnp.maximum(known.sum(-2), 1.0)


def perceptron(layers: list[Arrays], x: Array) -> tuple[Array, Array]:
    """Run a multi-layer perceptron; give its output and its last hidden layer."""
    for layer in layers[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ layers[-1]["w"] + layers[-1]["b"], x


def tower(weights: Arrays, x: Array, metric: str) -> Array:
    """Turn a tower's input into vectors: float32 (count, dim).

    With the cycle-adaptive structure of CS3 the first pass decides, through
    x̃ = x ⊙ 2·sigmoid(W·FC(x)), which inputs count, and the second pass sees x̃.
    """
    out = _pass(weights, x)
    if "gate" in weights:
        gate = weights["gate"]
        out = _pass(weights, x * 2 * jax.nn.sigmoid(out @ gate["w"] + gate["b"]))
    if metric == "cosine":
        out = out / jnp.maximum(jnp.linalg.norm(out, axis=-1, keepdims=True), 1e-9)
    return out


def _pass(weights: Arrays, x: Array) -> Array:
    return perceptron(weights["deep"], x)[0] + perceptron(weights["wide"], x)[0]
