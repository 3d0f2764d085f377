"""Where the interactions are that trained rankers learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vbench.data.dataset import Dataset
from vbench.errors import DataError

if TYPE_CHECKING:
    from vbench.towers.recipe import Source


def source_of(dataset: Dataset, given: Path | None = None) -> Source:
    """Say what the towers of `dataset` were trained on, and how that was divided.

    Parameters
    ----------
    given
        A file of interactions to read instead.

    Raises
    ------
    DataError, VbenchError
        There is no such file, or what the dataset's folder keeps of its training is damaged.
    """
    from vbench.towers.recipe import Source, find_recipe, kept_source

    place = Path(dataset.source.get("name_or_path", dataset.name))
    # Variants, `NAME:VARIANT`, have the same interactions.
    folder = place.with_name(place.name.partition(":")[0])
    name = dataset.name.partition(":")[0]
    source = kept_source(folder)
    if source is None:
        own = folder / "recipe.toml"
        source = Source(name=name, recipe=find_recipe(name, own if own.is_file() else None))
    if given is None:
        return source
    if not given.is_file():
        raise DataError(f"{given}: no such file of interactions")
    return msgspec.structs.replace(source, interactions=str(given.resolve()))


def identity(source: Source) -> str:
    """Tell a source from every other, and its files from what they were before."""
    parts = [msgspec.json.encode(source).decode()]
    for path in (source.interactions, source.users, source.items):
        if path and Path(path).is_file():
            facts = Path(path).stat()
            parts.append(f"{facts.st_size} {facts.st_mtime_ns}")
    return " ".join(parts)
