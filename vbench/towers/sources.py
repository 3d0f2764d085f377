"""Where interactions come from: a cataloged dataset's own recipe, or anybody's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vbench import _paths, _plugins
from vbench._toml import read_toml, rename_keys
from vbench._trust import REMEDY, is_trusted
from vbench.data.card import Card, check_names
from vbench.data.catalog import Entry
from vbench.data.fetch import fetch
from vbench.errors import VbenchError
from vbench.towers.interactions import Interactions, prepare
from vbench.towers.reading import read_features, read_interactions
from vbench.towers.recipe import Recipe

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.download import Progress

    Frames = tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]

_OLD_KEYS = {"catalogue": "catalog"}
KEPT = "training.json"
"""Name of the file in a dataset's folder that keeps its source."""


def find_recipe(name: str, given: Path | None) -> Recipe:
    """Read the recipe at `given`, else that of the catalog's dataset, else the defaults."""
    path = given or recipe_path(name)
    if not given and not path.is_file():
        return Recipe()
    return read_toml(path, Recipe, prepare=lambda values: rename_keys(values, _OLD_KEYS))


def recipe_path(name: str) -> Path:
    """Path of the recipe that a cataloged dataset would have."""
    return _paths.resource_dir("datasets") / name / "recipe.toml"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What towers are trained on, and how: kept beside the vectors that come of it.

    Attributes
    ----------
    name : of the dataset
    interactions, users, items
        Paths of somebody's files; without interactions they are those that the recipe names.
    raw
        Folder that holds the recipe's files already.
    columns
        Names of columns in those files, where they are not usual ones.
    """

    name: str
    recipe: Recipe
    seed: int = 0
    interactions: str | None = None
    users: str | None = None
    items: str | None = None
    raw: str | None = None
    columns: dict[str, str] = {}

    def read(self, progress: Progress | None = None) -> Interactions:
        """Read the interactions, or fetch them first, and divide them.

        The same source is divided in the same way: nothing that was held out is learned later.

        Raises
        ------
        VbenchError
            Nothing says where the interactions are, or they cannot be fetched, read or divided.
        """
        if not self.interactions:
            return prepare(*self._fetched(progress), self.recipe, self.seed)
        columns, least = self.columns, self.recipe.min_rating
        frame = read_interactions(Path(self.interactions), columns, least)
        users = read_features(Path(self.users), "user", columns.get("user")) if self.users else None
        items = read_features(Path(self.items), "item", columns.get("item")) if self.items else None
        return prepare(frame, users, items, self.recipe, self.seed)

    def _fetched(self, progress: Progress | None) -> Frames:
        recipe = self.recipe
        if not recipe.files or not recipe.reader:
            room = _paths.resource_dir("datasets")
            known = sorted(path.parent.name for path in room.glob("*/recipe.toml"))
            raise VbenchError(
                f"nothing says where the interactions of {self.name!r} are; give --interactions "
                f"FILE (with a recipe of their own: {', '.join(known)})"
            )
        if not recipe.reader.startswith("vbench.") and not is_trusted():
            raise VbenchError(f"reader = {recipe.reader!r} is code that would be run; {REMEDY}")
        check_names(recipe.files, f"recipe of {self.name}")
        files = Entry(f"{Path(self.name).name}-raw", Card(files=recipe.files))
        folder = Path(self.raw) if self.raw else fetch(files, progress=progress)
        paths = {file.filename: folder / file.filename for file in recipe.files}
        missing = [path.name for path in paths.values() if not path.is_file()]
        if missing:
            raise VbenchError(f"{folder}: holds no {', '.join(missing)}")
        try:
            read = _plugins.load(recipe.reader, "function")
        except VbenchError as error:
            raise VbenchError(f"reader = {recipe.reader!r} cannot be imported: {error}") from None
        frames: Frames = read(paths)
        return frames


def kept_source(folder: Path) -> Source | None:
    """Read the source that lies beside the vectors in a folder, where one does.

    Raises
    ------
    VbenchError
        It is damaged, or a newer vbench wrote it.
    """
    path = folder / KEPT
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Source)
    except (OSError, ValueError, RecursionError) as error:
        raise VbenchError(f"{path} cannot be read ({error}); train {folder} again") from None
