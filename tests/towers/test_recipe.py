"""Recipes, and values that are changed on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from vbench._invocation import trusting
from vbench._paths import resource_dir
from vbench._toml import read_toml
from vbench.data.card import File
from vbench.errors import UnknownNameError, VbenchError
from vbench.towers.recipe import KEPT, Recipe, Source, change_recipe, kept_source


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


def _source(tmp_path: Path, **more: object) -> Source:
    (tmp_path / "log.csv").write_text("user,item\n")
    url = (tmp_path / "log.csv").as_uri()
    recipe = Recipe(reader="anybody:read", files=[File(urls=[url], role="raw", **more)])
    return Source(name="../mine", recipe=recipe)


def test_code_that_a_recipe_names_needs_trust(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that is not of vbench is run only if that is said; nothing is fetched before."""
    calls = []

    def read(files: dict[str, Path]) -> tuple[pl.DataFrame, None, None]:
        calls.append(sorted(files))
        raise VbenchError("was called")

    module = ModuleType("anybody")
    module.read = read
    monkeypatch.setitem(sys.modules, "anybody", module)
    with pytest.raises(VbenchError, match=r"'anybody:read' is code .*trust=True"):
        _source(tmp_path).read()
    assert not list(home.rglob("*"))
    with trusting(), pytest.raises(VbenchError, match="was called"):
        _source(tmp_path).read()
    assert calls == [["log.csv"]]
    assert (home / "datasets" / "mine-raw" / "log.csv").is_file()


def test_files_of_a_recipe_stay_in_their_folder(tmp_path: Path, home: Path) -> None:
    """A name that leads elsewhere is refused, as in a card."""
    with trusting(), pytest.raises(VbenchError, match=r"'\.\./x' is not a file name"):
        _source(tmp_path, name="../x").read()
    assert not list(home.rglob("*"))


@pytest.mark.parametrize("content", [b"", b"[" * 9000, b'{"name": 3}', b"\xff"])
def test_what_lies_there_damaged(tmp_path: Path, content: bytes) -> None:
    """It is named."""
    (tmp_path / KEPT).write_bytes(content)
    with pytest.raises(VbenchError, match="cannot be read"):
        kept_source(tmp_path)
