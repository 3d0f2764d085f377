"""The interactions that a trained ranker learns from: those its dataset was made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vbench.data.dataset import Dataset
from vbench.errors import DataError

if TYPE_CHECKING:
    from vbench.towers.interactions import Interactions


def training_interactions(dataset: Dataset, given: Path | None, seed: int = 0) -> Interactions:
    """Read, or fetch, and divide the interactions as the towers of `dataset` did.

    Parameters
    ----------
    given
        A file of interactions; by default the files that the dataset's recipe names.
    seed
        That of the towers' training, which decides what was held out.

    Raises
    ------
    VbenchError
        Nothing says where the interactions are, they cannot be fetched, or they cannot be read.
    """
    from vbench.towers.interactions import prepare
    from vbench.towers.sources import find_recipe, read_catalogued, read_files

    own = Path(dataset.source.get("name_or_path", dataset.name)) / "recipe.toml"
    name = dataset.name.partition(":")[0]  # variants have the same interactions
    recipe = find_recipe(name, own if own.is_file() else None)
    if given is not None:
        frames = read_files(given, None, None, {}, recipe.min_rating)
    else:
        frames = read_catalogued(name, recipe, None)
    return prepare(*frames, recipe, seed)


def source_of(dataset: Dataset, given: Path | None) -> str:
    """Say which interactions those are: a file as it is now, or the recipe's."""
    if given is None:
        return dataset.name.partition(":")[0]
    if not given.is_file():
        raise DataError(f"{given}: no such file of interactions")
    facts = given.stat()
    return f"{given.resolve()} {facts.st_size} {facts.st_mtime_ns}"
