"""Recipes, and values that are changed on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench._paths import resource_dir
from vbench._toml import read_toml
from vbench.errors import UnknownNameError, VbenchError
from vbench.towers.recipe import Recipe, change_recipe


def test_values_are_read_by_the_type_of_their_key() -> None:
    """Numbers, switches and words come from text."""
    recipe = change_recipe(
        Recipe(), {"epochs": "7", "cycle": "true", "metric": "cosine", "noise": "0.5"}
    )
    assert (recipe.epochs, recipe.cycle, recipe.metric, recipe.noise) == (7, True, "cosine", 0.5)


def test_what_does_not_fit_is_refused() -> None:
    """An unknown key, and a value out of range, with the key in the message."""
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        change_recipe(Recipe(), {"epoch": "3"})
    for wrong in ({"epochs": "0"}, {"epochs": "many"}, {"held_out": "1.5"}, {"metric": "l2"}):
        with pytest.raises(VbenchError, match=next(iter(wrong))):
            change_recipe(Recipe(), wrong)


def test_the_recipe_of_books_is_read() -> None:
    """The catalog's own recipe names its files, with checksums, and a reader that exists."""
    recipe = read_toml(resource_dir("datasets") / "books" / "recipe.toml", Recipe)
    assert [file.filename[:2] for file in recipe.files] == ["BX"] * 3
    assert all(file.sha256 for file in recipe.files)


def test_every_key_is_documented() -> None:
    """docs/towers.md describes every key that a recipe may have."""
    page = Path(__file__).parents[2] / "docs" / "towers.md"
    text = page.read_text(encoding="utf-8")
    missing = [key for key in Recipe.__struct_fields__ if f"`{key}`" not in text]
    assert not missing
