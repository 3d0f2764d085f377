"""What a training can be told: one struct, read from TOML, and where the interactions come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_type_hints

import msgspec

from vbench import _paths, _plugins
from vbench._invocation import advise_trust, is_trusted
from vbench._toml import read_toml, rename_keys
from vbench.data.card import Card, File, check_names
from vbench.data.catalog import Entry
from vbench.data.fetch import fetch
from vbench.errors import UnknownNameError, VbenchError
from vbench.towers.features import Kind
from vbench.towers.interactions import Interactions, prepare
from vbench.towers.reading import read_features, read_interactions

if TYPE_CHECKING:
    import polars as pl

    from vbench.data.download import Progress

    Frames = tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame | None]

Positive = Annotated[int, msgspec.Meta(ge=1)]
Whole = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Rate = Annotated[float, msgspec.Meta(gt=0)]
_OLD_KEYS = {"catalog": "catalog"}
KEPT = "training.json"
"""Name of the file in a dataset's folder that keeps its source."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How interactions become vectors.

    Attributes
    ----------
    files
        What to fetch of a cataloged dataset's raw interactions, as in a card.
    reader
        `package.module:function` that takes the fetched files (paths by name) and gives three
        frames: interactions, users, items.
    metric
        `ip`: item norms are free; `cosine`: both towers end on the unit sphere.
    features
        Kind of a feature column (`category`, `words`, `number`) where the guess is not wanted.
    min_rating
        Interactions with a lower rating are left out.
    min_user, min_item
        Users and items with fewer interactions are left out.
    catalog
        At most so many items are kept: those with the most training interactions.
    held_items
        So many of them, drawn at random, become queries instead of base vectors; at most a tenth.
    users
        At most so many user queries of each activity class.
    heavy, light, cold
        A user with at least `heavy` training interactions is heavy, with at most `light` light,
        with at most `cold` cold.
    held_out, held_at_most
        Share of the interactions kept for the relevance judgments: of each user's, and then at
        most so many; or, where there is time, of all, the last.
    validation
        Share of the other interactions kept for early stopping.
    dim, id_dim, field_dim, hidden
        Widths: of the vectors, of the rows of ids, of the rows of features, of the hidden layer.
    history
        How many items of a user's history a training step sees.
    user_dropout
        How often the user's id is dropped, so that the tower learns to read the history.
    temperature
        Divides the similarity; for `cosine` alone.
    batch, negatives
        Positives of a step, and items drawn uniformly beside them.
    epochs, patience
        At most so many epochs; stop after so many without a better hit rate on the validation.
    table_rate, dense_rate
        Learning rates: of Adagrad on the embedding tables, of Adam on the rest.
    cycle, sync, cascade
        The parts of CS3.
    decay, cascade_dim
        Decay of CS3's shared vectors; width of the ranker's last hidden layer.
    skew
        Share of an epoch that the model of the `skew` queries learns after the items were fixed.
    noise
        Standard deviation of the noise on the inputs of the `noise` queries.
    """

    files: list[File] = []
    reader: str = ""

    metric: Literal["ip", "cosine"] = "ip"
    features: dict[str, Kind] = {}
    min_rating: float | None = None
    min_user: Positive = 3
    min_item: Positive = 1
    catalog: Positive = 51_000
    held_items: Whole = 1_000
    users: Positive = 2_000
    heavy: Positive = 50
    light: Positive = 9
    cold: Positive = 3
    held_out: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1
    held_at_most: Positive = 20
    validation: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.02

    dim: Positive = 64
    id_dim: Positive = 64
    field_dim: Positive = 32
    hidden: Positive = 128
    history: Positive = 20
    user_dropout: Share = 0.5
    temperature: Rate = 0.07

    batch: Positive = 1_024
    negatives: Whole = 512
    epochs: Positive = 3
    patience: Positive = 1
    table_rate: Rate = 0.03
    dense_rate: Rate = 1e-3

    cycle: bool = False
    sync: bool = False
    cascade: bool = False
    decay: Share = 0.8
    cascade_dim: Positive = 32

    skew: Rate = 0.25
    noise: Rate = 0.1


def change_recipe(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    """Give the recipe with some values changed, as `--set name=value` gives them.

    Raises
    ------
    UnknownNameError, VbenchError
        There is no such key, or the value does not fit it.
    """
    settable = {
        name: kind
        for name, kind in get_type_hints(Recipe, include_extras=True).items()
        if name not in {"files", "reader", "features"}
    }
    fresh = {}
    for name, text in values.items():
        if name not in settable:
            raise UnknownNameError("recipe key", name, settable)
        try:
            fresh[name] = msgspec.convert(text, settable[name], strict=False)
        except msgspec.ValidationError as error:
            raise VbenchError(f"{name}={text}: {str(error).lower()}") from None
    return msgspec.structs.replace(recipe, **fresh)


def find_recipe(name: str, given: Path | None) -> Recipe:
    """Read the recipe at `given`, else that of the catalog's dataset, else the defaults."""
    path = given or _paths.resource_dir("datasets") / name / "recipe.toml"
    if not given and not path.is_file():
        return Recipe()
    return read_toml(path, Recipe, prepare=lambda values: rename_keys(values, _OLD_KEYS))


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
            raise VbenchError(
                f"reader = {recipe.reader!r} is code that would be run; {advise_trust()}"
            )
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
