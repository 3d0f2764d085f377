"""Where the parts of a dataset lie: in the catalog, a folder, a file, or with a plug-in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vbench.data import catalog
from vbench.data.card import Card, read_card
from vbench.data.dataset import Dataset, GroundTruth
from vbench.data.formats import SUFFIXES
from vbench.data.frames import is_frame
from vbench.data.layout import is_pattern, layout
from vbench.data.parts import Files, check_whole, in_order, label
from vbench.errors import DataError
from vbench.metric import Metric

Vectors = NDArray[Any]
Array = Vectors | Path | Files | str


class Tabular(Protocol):
    """A table of polars, pandas or Arrow."""

    @property
    def columns(self) -> Any:
        """Names, or the columns themselves."""


Data = str | Path | Vectors | Tabular
"""What a dataset, or a part of it, is made of: a name or a path, an array, a table."""

TABLES = {
    "segments": "queries.parquet",
    "items": "items.parquet",
    "relevance": "relevance.parquet",
    "interactions": "interactions.parquet",
}


@dataclass
class Parts:
    """What is known of a dataset so far, and where each part comes from.

    Attributes
    ----------
    segments, items
        By the layout of the dataset: rows in the order of the vectors.
    given_segments, given_items
        By the caller, to be joined.
    learn, given_learn
        Queries to learn from: by the layout, and by the caller, who may say how many to take out of
        those that are asked, or False for none.
    column : str or None
        The column of vectors that the caller named.
    base, queries
        Arrays, tables in memory, or where they lie.
    files : int or None
        Number of files of the base vectors, where there are several.
    """

    name: str
    base: Array
    queries: Array | None = None
    ground_truth: Array | GroundTruth | Literal[False] | None = None
    metric: Metric | None = None
    segments: Any = None
    items: Any = None
    relevance: Any = None
    interactions: Any = None
    added_segments: Any = None
    added_items: Any = None
    given_segments: Any = None
    given_items: Any = None
    learn: Array | None = None
    given_learn: Array | int | Literal[False] | None = None
    card: Card = field(default_factory=Card)
    column: Any = None
    files: Any = None


def as_file(source: Any) -> Path | Files | None:
    """The file, the files or the folder that a part lies in; None where it does in none."""
    if isinstance(source, Files):
        return source
    return Path(source).expanduser() if isinstance(source, str | Path) else None


def find(name_or_path: Data) -> Parts | Dataset:
    """The parts of a dataset by name, path or array, none of them opened; or a plug-in's own."""
    if not isinstance(name_or_path, str | Path):
        given = as_array(name_or_path)
        if not is_frame(given) and not given.ndim:
            raise DataError(
                f"{name_or_path!r:.60} is no dataset; give a name of `vbench data list`, a path, "
                "an array (n, d), or a table with a column of vectors"
            )
        return Parts("unnamed", given)
    path = Path(name_or_path).expanduser()
    if isinstance(name_or_path, str) and name_or_path in catalog.names():
        return _from_catalog(catalog.entry(name_or_path))
    if not path.exists():
        folder, _, variant = str(path).rpartition(":")
        if folder and (Path(folder) / "dataset.toml").is_file():
            card = read_card(Path(folder) / "dataset.toml").variant(variant)
            return _from_folder(Path(folder), path.name, card)
        if is_pattern(path):
            fixed = label(Path(re.split(r"[*?[]", path.name)[0] or "*"))
            return Parts(fixed.strip("*") or path.parent.resolve().name, path)
        if isinstance(name_or_path, Path) or path.suffix or path.name != name_or_path:
            raise DataError(f"{path}: no such file or folder")
        catalog.entry(name_or_path)  # says which names are near
    if path.is_dir():
        return _from_folder(path, path.resolve().name, None)
    if path.name == "dataset.toml":
        return _from_folder(path.parent, path.resolve().parent.name, None)
    if path.suffix == ".toml":
        return _from_catalog(catalog.find(path))
    return Parts(path.stem, path)


def as_array(given: Any) -> Vectors:
    """Take what the caller gave as an array; a map stays a map, and a table a table."""
    return given if isinstance(given, np.memmap) or is_frame(given) else np.asarray(given)


def _from_catalog(entry: catalog.Entry) -> Parts | Dataset:
    if entry.make is not None:
        entry = catalog.card_of(entry)
        if entry.make is not None:
            made: Dataset = entry.make()
            return made
    card = entry.card
    if card.folder or card.prepare or not card.files:
        if not entry.folder.is_dir() or not entry.is_here:
            raise _not_fetched(entry)
        return _with_additions(_from_folder(entry.folder, entry.name, card), entry.additions)
    if not entry.is_here:
        raise _not_fetched(entry)
    by_role: dict[str, list[Path]] = {}
    for file in card.files:
        by_role.setdefault(file.role, []).append(entry.folder / file.filename)
    files = {role: _table_of(entry, role, paths) for role, paths in by_role.items()}
    base = files.get("all") or files.get("base")
    if base is None:
        raise DataError(f"{entry.path}: no file has the role all or base")
    tables: Mapping[str, Any] = {role: files[role] for role in TABLES if role in files}
    learn = files.get("learn")
    return Parts(
        *(entry.name, base, files.get("queries"), files.get("truth"), card.metric),
        card=card,
        learn=learn,
        **tables,
    )


def _with_additions(parts: Parts, folder: Path | None) -> Parts:
    """Add the tables that were fetched for an embedded dataset, where they are here."""
    if folder is None:
        return parts
    found: dict[str, Any] = {
        role: folder / name for role, name in TABLES.items() if (folder / name).is_file()
    }
    joined = {"segments": "added_segments", "items": "added_items"}
    found = {joined.get(role, role): path for role, path in found.items()}
    return replace(parts, **found)


def _table_of(entry: catalog.Entry, role: str, paths: list[Path]) -> Path | Files:
    """The file of a role, or all files of it that make up one table."""
    if len(paths) == 1:
        return paths[0]
    if role in TABLES:
        raise DataError(f"{entry.path}: {len(paths)} files have the role {role}; one can be read")
    table = Files(entry.folder, in_order(paths), chosen=True)
    check_whole(table)
    return table


def _not_fetched(entry: catalog.Entry) -> DataError:
    if not entry.card.files:
        return DataError(f"dataset {entry.name!r}: there is no folder {entry.folder}")
    size = sum(file.bytes or 0 for file in entry.card.files)
    cost = f" ({size / 1e6:,.0f} MB)" if size else ""
    trusted = " --trust" if entry.is_stranger and entry.card.prepare else ""
    return DataError(
        f"dataset {entry.name!r} is not here yet: vbench data fetch "
        f"{shlex.quote(entry.reference)}{trusted}{cost}"
    )


def _from_folder(folder: Path, name: str, card: Card | None) -> Parts:
    """Read vbench's layout, or one that names its tables: VectorDBBench's `train` and `test`."""
    if card is None:
        own = folder / "dataset.toml"
        card = read_card(own) if own.is_file() else Card()
    base = folder / "base.npy"
    if not base.is_file():
        found = layout(folder, SUFFIXES)
        if found is None:
            raise DataError(
                f"{folder}: holds no base.npy, nor other files of vectors; a folder needs "
                "base.npy, queries.npy and dataset.toml, or tables named base and queries, or "
                "train and test"
            )
        return Parts(name, *found, metric=card.metric, card=card)
    tables = {role: folder / file for role, file in TABLES.items() if (folder / file).is_file()}
    queries, truth = folder / (card.queries or "queries.npy"), folder / "truth.npz"
    learn = folder / "learn.npy"
    return Parts(
        name,
        base,
        queries if queries.is_file() or card.queries else None,
        truth if truth.is_file() and not (card.queries or card.where) else None,
        card.metric,
        card=card,
        learn=learn if learn.is_file() else None,
        **tables,
    )
