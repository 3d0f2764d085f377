"""Where interactions come from: a catalogued dataset's own recipe, or anybody's files."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vbench import places
from vbench.data.card import Card
from vbench.data.catalog import Entry
from vbench.data.fetch import fetch
from vbench.errors import VbenchError
from vbench.toml import read_toml
from vbench.towers.reading import read_features, read_interactions
from vbench.towers.recipe import Recipe

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.download import Progress

    Frames = tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]


def find_recipe(name: str, given: Path | None) -> Recipe:
    """Read the recipe at `given`, else that of the catalog's dataset, else the defaults."""
    path = given or recipe_path(name)
    return read_toml(path, Recipe) if given or path.is_file() else Recipe()


def recipe_path(name: str) -> Path:
    """Path of the recipe that a catalogued dataset would have."""
    return places.room("datasets") / name / "recipe.toml"


def read_catalogued(
    name: str, recipe: Recipe, raw: Path | None, progress: Progress | None = None
) -> Frames:
    """Read the raw interactions that a recipe names: from `raw`, or fetched first.

    Parameters
    ----------
    raw
        Folder that holds the recipe's files already.
    """
    if not recipe.files or not recipe.reader:
        known = sorted(path.parent.name for path in places.room("datasets").glob("*/recipe.toml"))
        raise VbenchError(
            f"nothing says where the interactions of {name!r} are; give --interactions FILE "
            f"(with a recipe of their own: {', '.join(known)})"
        )
    folder = raw or fetch(Entry(f"{name}-raw", Card(files=recipe.files)), progress=progress)
    files = {file.filename: folder / file.filename for file in recipe.files}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise VbenchError(f"{folder}: holds no {', '.join(missing)}")
    module, _, attribute = recipe.reader.partition(":")
    try:
        read = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise VbenchError(f"reader = {recipe.reader!r} cannot be imported: {error}") from None
    frames: Frames = read(files)
    return frames


def read_files(
    interactions: Path,
    users: Path | None,
    items: Path | None,
    columns: Mapping[str, str],
    min_rating: float | None,
) -> Frames:
    """Read anybody's interactions and feature tables."""
    return (
        read_interactions(interactions, columns, min_rating),
        read_features(users, "user", columns.get("user")) if users else None,
        read_features(items, "item", columns.get("item")) if items else None,
    )
